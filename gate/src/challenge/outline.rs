//! A text with gaps, which is filled by copying.
//!
//! The text is a JSON document whose gaps lie inside of its strings. What goes into
//! them is copied as it is: [`needs_no_escape`] says whether that is right.

use crate::encoding::{base64_append, base64_encode};

/// Whether JSON writes `text` into a string as it is.
pub(super) fn needs_no_escape(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\')
}

/// A text with gaps. `G` names what goes into a gap.
#[derive(Clone, Debug)]
pub(super) struct Outline<G> {
    /// What stands before each gap.
    pieces: Vec<(Fixed, G)>,
    /// What stands behind the last.
    rest: Fixed,
    /// Bytes of everything fixed.
    length: usize,
}

/// A piece that is the same each time.
#[derive(Clone, Debug)]
struct Fixed {
    text: String,
    /// Base64 of the whole groups of three bytes in `text` without its first 0, 1 and 2
    /// bytes; empty where none was asked for. Those first bytes complete a group that
    /// begins in the gap before, whose length is known only when it is filled.
    encoded: [String; 3],
}

impl Fixed {
    fn new(text: &str, encode: bool) -> Self {
        let encoded = |skip| {
            let whole = text.as_bytes().get(skip..).unwrap_or_default();
            let whole = whole.as_chunks::<3>().0.as_flattened();
            if encode {
                base64_encode(whole)
            } else {
                String::new()
            }
        };
        Self {
            text: text.to_owned(),
            encoded: [encoded(0), encoded(1), encoded(2)],
        }
    }
}

impl<G: Copy> Outline<G> {
    /// Cuts `text` at every marker. A marker that occurs in another place than meant
    /// makes a gap there: whoever makes an outline fills it once and compares.
    /// `encode`: whether it will be filled by [`Outline::fill_base64`].
    pub(super) fn new(text: &str, markers: &[(G, String)], encode: bool) -> Self {
        let mut pieces = Vec::new();
        let mut length = 0;
        let mut rest = text;
        while let Some((at, marker, gap)) = first(rest, markers) {
            let (before, behind) = rest.split_at(at);
            pieces.push((Fixed::new(before, encode), gap));
            length += before.len();
            rest = behind.strip_prefix(marker).unwrap_or_default();
        }
        Self {
            pieces,
            length: length + rest.len(),
            rest: Fixed::new(rest, encode),
        }
    }

    /// The text with `fill` in its gaps.
    pub(super) fn fill<'a>(&self, fill: impl Fn(G) -> &'a str) -> String {
        let mut filled = String::with_capacity(self.filled_length(&fill));
        for (before, gap) in &self.pieces {
            filled.push_str(&before.text);
            filled.push_str(fill(*gap));
        }
        filled.push_str(&self.rest.text);
        filled
    }

    /// Base64 of the text with `fill` in its gaps.
    pub(super) fn fill_base64<'a>(&self, fill: impl Fn(G) -> &'a str) -> String {
        let length = self.filled_length(&fill).div_ceil(3) * 4;
        let mut writer = Base64Writer {
            written: String::with_capacity(length),
            pending: Vec::with_capacity(self.longest_gap(&fill)),
        };
        for (before, gap) in &self.pieces {
            writer.fixed(before);
            writer.pending.extend_from_slice(fill(*gap).as_bytes());
        }
        writer.fixed(&self.rest);
        writer.finish()
    }

    fn filled_length<'a>(&self, fill: &impl Fn(G) -> &'a str) -> usize {
        let gaps = self.pieces.iter().map(|(_, gap)| fill(*gap).len());
        self.length + gaps.sum::<usize>()
    }

    /// Room for what is encoded at once around a gap.
    fn longest_gap<'a>(&self, fill: &impl Fn(G) -> &'a str) -> usize {
        let gaps = self.pieces.iter().map(|(_, gap)| fill(*gap).len());
        gaps.max().unwrap_or_default() + 4
    }
}

/// The first marker in `text`: where, which, and for what.
fn first<'a, G: Copy>(text: &str, markers: &'a [(G, String)]) -> Option<(usize, &'a str, G)> {
    markers
        .iter()
        .filter_map(|(gap, marker)| Some((text.find(marker)?, marker.as_str(), *gap)))
        .min_by_key(|(at, ..)| *at)
}

/// Base64, some of which is encoded already.
struct Base64Writer {
    written: String,
    /// What is not encoded yet.
    pending: Vec<u8>,
}

impl Base64Writer {
    fn fixed(&mut self, piece: &Fixed) {
        let text = piece.text.as_bytes();
        let missing = (3 - self.pending.len() % 3) % 3;
        let (Some((first, behind)), Some(encoded)) =
            (text.split_at_checked(missing), piece.encoded.get(missing))
        else {
            self.pending.extend_from_slice(text);
            return;
        };
        self.pending.extend_from_slice(first);
        base64_append(&self.pending, &mut self.written);
        self.written.push_str(encoded);
        self.pending.clear();
        self.pending.extend_from_slice(behind.as_chunks::<3>().1);
    }

    fn finish(mut self) -> String {
        base64_append(&self.pending, &mut self.written);
        self.written
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every length modulo three of what is fixed and of what fills the gaps.
    #[test]
    fn base64_of_pieces_is_base64_of_the_whole() {
        let letters = "abcdefghijkl";
        for before in 0..5 {
            for between in 0..5 {
                for behind in 0..5 {
                    let text = format!(
                        "{}<1>{}<2>{}",
                        &letters[..before],
                        &letters[..between],
                        &letters[..behind]
                    );
                    let markers = [(1, "<1>".to_owned()), (2, "<2>".to_owned())];
                    let outline = Outline::new(&text, &markers, true);
                    for one in 0..5 {
                        for two in 0..5 {
                            let fill = |gap| {
                                if gap == 1 {
                                    &letters[..one]
                                } else {
                                    &letters[..two]
                                }
                            };
                            let whole = text.replace("<1>", fill(1)).replace("<2>", fill(2));
                            assert_eq!(outline.fill(fill), whole);
                            assert_eq!(outline.fill_base64(fill), base64_encode(&whole));
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn what_json_escapes_is_known() {
        for character in (0..=0x2ff).filter_map(char::from_u32) {
            let text = character.to_string();
            let same = serde_json::to_string(&text).ok() == Some(format!("\"{text}\""));
            assert_eq!(needs_no_escape(&text), same, "{character:?}");
        }
    }
}
