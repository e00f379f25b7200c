//! The part of the workspace's manifest that the program inherits. Pure.

use std::collections::BTreeMap;

use toml::{Table, Value};

use crate::error::Error;
use crate::provenance::hash;

/// The hash of what the program's manifest takes from the workspace's: package
/// fields, the dependencies that it names, patches and the release profile.
///
/// # Errors
/// [`Error::Malformed`] when one of the texts is not a manifest.
pub fn hash(workspace: &str, program: &str) -> Result<String, Error> {
    let workspace = parse("Cargo.toml", workspace)?;
    let program = parse("programs/tollgate/Cargo.toml", program)?;
    let shared = workspace.get("workspace");

    let mut inherited = Table::new();
    let mut keep = |name: String, value: Option<&Value>| {
        if let Some(value) = value {
            inherited.insert(name, value.clone());
        }
    };
    keep(
        "resolver".into(),
        shared.and_then(|table| table.get("resolver")),
    );
    keep(
        "profile.release".into(),
        get(&workspace, &["profile", "release"]),
    );
    keep("patch".into(), workspace.get("patch"));
    if let Some(package) = program.get("package").and_then(Value::as_table) {
        for (field, _) in package.iter().filter(|(_, value)| is_inherited(value)) {
            let value = shared.and_then(|table| table.get("package")?.get(field));
            keep(format!("package.{field}"), value);
        }
    }
    for name in inherited_dependencies(&program) {
        let value = shared.and_then(|table| table.get("dependencies")?.get(&name));
        keep(format!("dependencies.{name}"), value);
    }
    Ok(hash::sha256_hex(
        canonical(&Value::Table(inherited)).as_bytes(),
    ))
}

/// The value as text in which tables are sorted by key, so that neither
/// formatting nor the order in the file matters.
fn canonical(value: &Value) -> String {
    match value {
        Value::Table(table) => {
            let sorted: BTreeMap<_, _> = table
                .iter()
                .map(|(key, value)| (key, canonical(value)))
                .collect();
            format!("{sorted:?}")
        }
        Value::Array(array) => format!("{:?}", array.iter().map(canonical).collect::<Vec<_>>()),
        other => other.to_string(),
    }
}

/// Names of the dependencies that the program takes from the workspace, of
/// every kind but those for tests.
fn inherited_dependencies(program: &Table) -> Vec<String> {
    let kinds = ["dependencies", "build-dependencies"];
    let mut tables: Vec<&Value> = kinds.iter().filter_map(|kind| program.get(*kind)).collect();
    if let Some(targets) = program.get("target").and_then(Value::as_table) {
        for (_, target) in targets {
            tables.extend(kinds.iter().filter_map(|kind| target.get(*kind)));
        }
    }
    tables
        .into_iter()
        .filter_map(Value::as_table)
        .flat_map(|table| table.iter())
        .filter(|(_, value)| is_inherited(value))
        .map(|(name, _)| name.clone())
        .collect()
}

fn is_inherited(value: &Value) -> bool {
    value
        .get("workspace")
        .and_then(Value::as_bool)
        .unwrap_or(false)
}

fn get<'a>(table: &'a Table, path: &[&str]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    rest.iter()
        .try_fold(table.get(*first)?, |value, key| value.get(*key))
}

fn parse(name: &str, text: &str) -> Result<Table, Error> {
    text.parse().map_err(|error| Error::malformed(name, error))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;

    const WORKSPACE: &str = r#"
        [workspace]
        resolver = "3"
        [workspace.package]
        version = "0.1.0"
        license = "Apache-2.0"
        [workspace.dependencies]
        framework = "=1.2.2"
        server = "1"
        builtins = { version = "0.3", features = ["weak"] }
        [profile.release]
        overflow-checks = true
    "#;
    const PROGRAM: &str = r#"
        [package]
        name = "program"
        version.workspace = true
        [dependencies]
        framework.workspace = true
        [target.'cfg(target_arch = "bpf")'.dependencies]
        builtins.workspace = true
    "#;

    #[test]
    fn what_the_program_does_not_inherit_does_not_matter() {
        let before = hash(WORKSPACE, PROGRAM).unwrap();
        for (old, new) in [("server = \"1\"", "server = \"2\""), ("Apache-2.0", "MIT")] {
            assert_eq!(
                before,
                hash(&WORKSPACE.replace(old, new), PROGRAM).unwrap(),
                "{old}"
            );
        }
        assert_eq!(
            before,
            hash(&format!("# a comment\n{WORKSPACE}"), PROGRAM).unwrap()
        );
        let reordered = (
            "version = \"0.3\", features = [\"weak\"]",
            "features = [\"weak\"], version = \"0.3\"",
        );
        assert_eq!(
            before,
            hash(&WORKSPACE.replace(reordered.0, reordered.1), PROGRAM).unwrap()
        );
    }

    #[test]
    fn what_the_program_inherits_matters() {
        let before = hash(WORKSPACE, PROGRAM).unwrap();
        let changes = [
            ("=1.2.2", "=1.2.3"),
            ("weak", "strong"),
            ("0.1.0", "0.2.0"),
            ("overflow-checks = true", "overflow-checks = false"),
            ("resolver = \"3\"", "resolver = \"2\""),
        ];
        for (old, new) in changes {
            assert_ne!(
                before,
                hash(&WORKSPACE.replace(old, new), PROGRAM).unwrap(),
                "{old}"
            );
        }
    }
}
