//! Hexadecimal, as everything here writes and reads it: in lower case.

/// The digits of some bytes, two for each.
pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    let bytes = bytes.as_ref();
    // At once in its full length: what is secret is not left behind in shorter ones.
    let mut text = String::with_capacity(bytes.len().saturating_mul(2));
    let halves = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    text.extend(halves.filter_map(|half| char::from_digit(half.into(), 16)));
    text
}

/// `N` bytes of hexadecimal; upper case is another spelling and refused.
pub fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn it_is_lower_case_and_of_exact_length() {
        assert_eq!(decode::<3>("00ff1e").unwrap(), [0, 255, 0x1e]);
        assert_eq!(encode([0, 255, 0x1e]), "00ff1e");
        for wrong in ["00FF", "00f", "00ff0", "00ff00", "0g00", ""] {
            assert_eq!(decode::<2>(wrong), None, "{wrong:?}");
        }
    }
}
