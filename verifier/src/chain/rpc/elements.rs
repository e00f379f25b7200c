//! Reading a long answer piece by piece.
//!
//! A snapshot of all entitlements may have hundreds of megabytes. The answer is cut
//! into the elements of its array while it arrives; only one element at a time is
//! held.

use serde_json::Value;

use super::failure::RpcFailure;

/// The most bytes before the array, and of one element.
const MAX_PIECE: usize = 64 * 1024;

/// Cuts `{"jsonrpc":..,"result":{"context":{"slot":S,..},"value":[E,E,..]},..}` into its
/// elements. The slot has to come before the array, as servers send it.
pub(crate) struct Elements {
    piece: Vec<u8>,
    /// Open brackets and braces, inside the present piece.
    depth: usize,
    in_string: bool,
    escaped: bool,
    place: Place,
    slot: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Before,
    Inside,
    After,
}

impl Elements {
    pub(crate) fn new() -> Self {
        Self {
            piece: Vec::new(),
            depth: 0,
            in_string: false,
            escaped: false,
            place: Place::Before,
            slot: 0,
        }
    }

    /// Takes in the next bytes and hands out every element that they complete, with
    /// the slot of the answer. `take` returns false to end the reading early.
    ///
    /// Returns whether to go on.
    pub(crate) fn feed(
        &mut self,
        bytes: &[u8],
        take: &mut impl FnMut(u64, &[u8]) -> Result<bool, RpcFailure>,
    ) -> Result<bool, RpcFailure> {
        for &byte in bytes {
            if self.place == Place::After {
                return Ok(true);
            }
            if self.place == Place::Inside && self.depth == 0 && !self.in_string {
                match byte {
                    b']' => {
                        self.place = Place::After;
                        continue;
                    }
                    b',' | b' ' | b'\n' | b'\r' | b'\t' => continue,
                    _ => {}
                }
            }
            if self.piece.len() >= MAX_PIECE {
                return Err(RpcFailure::TooLarge(MAX_PIECE));
            }
            self.piece.push(byte);
            self.step(byte);
            if self.place == Place::Before {
                let opens = byte == b'[' && !self.in_string && self.piece.len() > 1;
                if opens && self.depth == 3 {
                    self.slot = self.slot_before()?;
                    self.place = Place::Inside;
                    self.depth = 0;
                    self.piece.clear();
                }
            } else if self.depth == 0 && !self.in_string {
                if byte != b'}' {
                    return Err(RpcFailure::Malformed("not an array of accounts"));
                }
                let go_on = take(self.slot, &self.piece)?;
                self.piece.clear();
                if !go_on {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Whether the array has ended; if not, what came may be the server's refusal.
    pub(crate) fn finish(&self) -> Result<(), RpcFailure> {
        match self.place {
            Place::After => Ok(()),
            Place::Inside => Err(RpcFailure::Unreachable("connection broken")),
            Place::Before => match super::transport::read_envelope::<Value>(&self.piece) {
                Err(failure) => Err(failure),
                Ok(_) => Err(RpcFailure::Malformed("no array of accounts")),
            },
        }
    }

    fn step(&mut self, byte: u8) {
        if self.in_string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            return;
        }
        match byte {
            b'"' => self.in_string = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
    }

    /// The slot in what came before the array.
    fn slot_before(&self) -> Result<u64, RpcFailure> {
        let mut head = self.piece.clone();
        head.extend_from_slice(b"]}}");
        let head: Value =
            serde_json::from_slice(&head).map_err(|_| RpcFailure::Malformed("no JSON"))?;
        head.pointer("/result/context/slot")
            .and_then(Value::as_u64)
            .ok_or(RpcFailure::Malformed("the array comes without a slot"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    const ANSWER: &str = r#"{"jsonrpc":"2.0","result":{"context":{"apiVersion":"4.2.2","slot":77},
        "value":[{"pubkey":"a}]\"","account":{"data":["x","base64"]}}, {"pubkey":"b"}]},"id":1}"#;

    fn cut(answer: &str, size: usize) -> Result<Vec<(u64, String)>, RpcFailure> {
        let (mut elements, mut found) = (Elements::new(), Vec::new());
        for piece in answer.as_bytes().chunks(size) {
            elements.feed(piece, &mut |slot, bytes| {
                found.push((slot, String::from_utf8(bytes.to_vec()).unwrap()));
                Ok(true)
            })?;
        }
        elements.finish()?;
        Ok(found)
    }

    #[test]
    fn elements_come_out_whole_however_the_answer_is_cut() {
        let whole = cut(ANSWER, ANSWER.len()).unwrap();
        assert_eq!(whole.len(), 2);
        assert!(whole.iter().all(|(slot, _)| *slot == 77));
        for (_, text) in &whole {
            serde_json::from_str::<Value>(text).unwrap();
        }
        for size in 1..40 {
            assert_eq!(cut(ANSWER, size).unwrap(), whole, "pieces of {size}");
        }
        let none = r#"{"result":{"context":{"slot":1},"value":[]}}"#;
        assert_eq!(cut(none, 3).unwrap(), []);
    }

    #[test]
    fn what_is_no_snapshot_is_refused() {
        let refused = r#"{"jsonrpc":"2.0","error":{"code":-32010,"message":"[excluded]"},"id":1}"#;
        assert_eq!(cut(refused, 5), Err(RpcFailure::Refused(-32010)));
        for broken in [
            &ANSWER[..ANSWER.len() - 20],
            r#"{"result":{"value":[{}],"context":{"slot":1}}}"#,
            r#"{"result":{"context":{"slot":1},"value":[1,2]}}"#,
            r#"{"result":{"context":{"slot":1},"value":["a"]}}"#,
            "<html>",
            "",
        ] {
            assert!(cut(broken, 7).is_err(), "{broken}");
        }
        let endless = format!(
            r#"{{"result":{{"context":{{"slot":1}},"value":[{{"a":"{}"#,
            "x".repeat(MAX_PIECE)
        );
        assert_eq!(cut(&endless, 1000), Err(RpcFailure::TooLarge(MAX_PIECE)));
    }
}
