//! SECURITY.md promises a test for each risk. Each name in it must be that of a test
//! that runs.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Rows of the checklist.
const ROWS: usize = 37;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every `path::to::file.rs::name` in backticks.
fn named_tests(text: &str) -> BTreeSet<(String, String)> {
    text.split('`')
        .skip(1)
        .step_by(2)
        .filter_map(|code| code.split_once(".rs::"))
        .map(|(path, name)| (format!("{path}.rs"), name.to_owned()))
        .collect()
}

#[test]
fn every_named_test_exists_and_runs() {
    let page = read(&root().join("SECURITY.md"));
    let tests = named_tests(&page);
    assert!(tests.len() > ROWS, "the page names {} tests", tests.len());
    let listed = read(&root().join("tests/program/src/lib.rs"));
    for (path, name) in &tests {
        let source = read(&root().join(path));
        let definition = format!("fn {name}(");
        let position = source
            .find(&definition)
            .unwrap_or_else(|| panic!("{path} has no {name}"));
        let before = source[..position].trim_end();
        let attribute = before.rsplit("\n\n").next().unwrap_or_default();
        let is_test = ["#[test]", "#[tokio::test"]
            .iter()
            .any(|test| attribute.contains(test));
        let is_scenario = path.starts_with("tests/program/src/scenarios/")
            && listed.contains(&format!("::{name},"));
        let in_proptest = source.contains("proptest!");
        assert!(
            is_test || is_scenario || in_proptest,
            "{path}::{name} is no test that runs"
        );
    }
}

#[test]
fn every_row_of_the_checklist_has_a_test_or_a_reason() {
    let page = read(&root().join("SECURITY.md"));
    for number in 1..=ROWS {
        let start = format!("| A{number} |");
        let rows: Vec<&str> = page
            .lines()
            .filter(|line| line.starts_with(&start))
            .collect();
        let [row] = rows.as_slice() else {
            panic!("A{number} stands in {} rows", rows.len());
        };
        let columns: Vec<&str> = row.split('|').map(str::trim).collect();
        let [_, _, risk, rule, proof, _] = columns.as_slice() else {
            panic!("A{number} has {} columns", columns.len());
        };
        assert!(!risk.is_empty() && !rule.is_empty(), "A{number}");
        let reasoned = proof.contains("No test:") || proof.contains("Checked by");
        assert!(
            !named_tests(proof).is_empty() || reasoned,
            "A{number} has neither a test nor a reason"
        );
    }
}

/// The fields that explorers show, as `solana-security-txt` lays them out: names and
/// values in turn, each ended by a zero byte.
#[test]
fn the_elf_says_where_to_report() {
    const BEGIN: &[u8] = b"=======BEGIN SECURITY.TXT V1=======\0";
    const END: &[u8] = b"=======END SECURITY.TXT V1=======\0";
    let position = |haystack: &[u8], needle: &[u8]| {
        let mut windows = haystack.windows(needle.len());
        windows.position(|window| window == needle)
    };
    let start = position(tollgate::ELF, BEGIN).expect("the ELF has a security.txt");
    let text = &tollgate::ELF[start + BEGIN.len()..];
    let text = &text[..position(text, END).expect("it has an end")];
    let parts: Vec<&[u8]> = text.split(|byte| *byte == 0).collect();
    for name in ["name", "project_url", "contacts", "policy"] {
        let mut pairs = parts.chunks_exact(2);
        let field = pairs.find(|pair| pair[0] == name.as_bytes());
        let value = field.unwrap_or_else(|| panic!("no {name}"))[1];
        assert!(!value.is_empty(), "{name} is empty");
    }
}
