//! Hashes of bytes and of lists of files. Pure.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// SHA-256 in lower-case hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The hash of a list (path → hash of the content): that of the lines which
/// `sha256sum` prints for these files, sorted by path.
pub fn of_list(files: &BTreeMap<String, String>) -> String {
    let lines: String = files
        .iter()
        .map(|(path, hash)| format!("{hash}  {path}\n"))
        .collect();
    sha256_hex(lines.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_vector() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256_hex(b"abc"), abc);
    }

    #[test]
    fn a_list_depends_on_paths_and_contents() {
        let list = |path: &str, content: &[u8]| {
            of_list(&BTreeMap::from([(path.to_owned(), sha256_hex(content))]))
        };
        let lines = format!("{}  a.rs\n", sha256_hex(b"1"));
        assert_eq!(list("a.rs", b"1"), sha256_hex(lines.as_bytes()));
        assert_ne!(list("a.rs", b"1"), list("b.rs", b"1"));
        assert_ne!(list("a.rs", b"1"), list("a.rs", b"2"));
    }
}
