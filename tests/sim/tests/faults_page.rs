//! docs/faults.md promises a test for each class of faults. Each name in it must be
//! that of a test that runs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The rows of the table, cut into columns.
fn rows(page: &str) -> Vec<Vec<&str>> {
    page.lines()
        .filter(|line| line.starts_with("| F"))
        .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
        .collect()
}

/// Every `path/to/file.rs::name` in backticks.
fn named_tests(text: &str) -> impl Iterator<Item = (String, &str)> {
    text.split('`')
        .skip(1)
        .step_by(2)
        .filter_map(|code| code.split_once(".rs::"))
        .map(|(path, name)| (format!("{path}.rs"), name))
}

#[test]
fn every_fault_has_a_promise_and_tests_that_run() {
    let page = read(&root().join("docs/faults.md"));
    let rows = rows(&page);
    assert!(rows.len() > 20, "{} rows", rows.len());
    for (index, row) in rows.iter().enumerate() {
        let [number, fault, promise, mechanism, proof] = row.as_slice() else {
            panic!("row {} has {} columns", index + 1, row.len());
        };
        assert_eq!(*number, format!("F{}", index + 1));
        for text in [fault, promise, mechanism] {
            assert!(!text.is_empty(), "{number}");
        }
        let mut count = 0;
        for (path, name) in named_tests(proof) {
            let source = read(&root().join(&path));
            let position = source
                .find(&format!("fn {name}("))
                .unwrap_or_else(|| panic!("{number}: {path} has no {name}"));
            let before = source[..position].trim_end();
            let attributes = before.rsplit("\n\n").next().unwrap_or_default();
            let runs = attributes.contains("#[test]")
                || attributes.contains("#[tokio::test")
                || source.contains("proptest!");
            assert!(runs, "{number}: {path}::{name} is no test that runs");
            count += 1;
        }
        assert!(count > 0, "{number} ({fault}) has no test");
    }
}
