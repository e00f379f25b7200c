//! The example configuration names every key that the readers know.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;
use std::path::Path;

use super::document::{Document, Section};
use super::parse;

const EXAMPLE: &str = include_str!("../../examples/tollgate.toml");

/// The keys asked for while reading `text`.
fn asked(text: &str) -> BTreeSet<String> {
    let document = Document::new("tollgate.toml", text);
    let table = document.parse().unwrap();
    let root = Section::root(&document, &table);
    let _ = parse::read(&root, Path::new("."), &|_| None);
    document.asked()
}

/// All keys: sections that the example leaves out are added, empty, until no new
/// key turns up.
fn every_key() -> BTreeSet<String> {
    let mut text = EXAMPLE.to_owned();
    let mut known = asked(&text);
    loop {
        for key in known.clone() {
            let with = format!("{text}\n[{key}]\n");
            let is_section = Document::new("", &with).parse().is_some()
                && asked(&with)
                    .iter()
                    .any(|path| path.starts_with(&format!("{key}.")));
            if is_section {
                text = with;
            }
        }
        let more = asked(&text);
        if more == known {
            return known;
        }
        known = more;
    }
}

/// Whether a line of the example, commented out or not, has this key or section, or a
/// comment names it.
fn is_in_example(path: &str) -> bool {
    let last = path.rsplit('.').next().unwrap_or(path);
    EXAMPLE.lines().any(|line| {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if line.starts_with('#') && line.split(|c| !is_word(c)).any(|word| word == last) {
            return true;
        }
        let line = line.trim_start_matches(['#', ' ']);
        let key = line.split_once(" =").map(|(key, _)| key);
        key == Some(last) || line == format!("[{path}]") || line == format!("[[{path}]]")
    })
}

#[test]
fn every_key_is_in_the_example() {
    let keys = every_key();
    for expected in [
        "server.tls.certificate",
        "admin.listen",
        "limits.payer_burst",
    ] {
        assert!(keys.contains(expected), "{expected} was not read: {keys:?}");
    }
    for key in keys {
        assert!(is_in_example(&key), "the example does not name {key}");
    }
}
