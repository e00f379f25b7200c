//! Compute units: measured by a test of the program, held against limits here.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::build_program::{MOST_BYTES, within_limit};
use crate::error::Error;
use crate::process;
use crate::provenance::{ELF, Elf};
use crate::workspace::{Workspace, read_text};

/// Tells the measuring test where to write its results.
pub const FILE_VARIABLE: &str = "TOLLGATE_CU_JSON";
/// The package that measures.
const PACKAGE: &str = "tollgate-program-tests";
/// Its test that measures.
const TEST: &str = "compute_units";

/// The most units that an instruction (or the one-shot purchase) may take.
const LIMITS: [(&str, u64); 2] = [("pay", 15_000), ("purchase", 30_000)];

/// Where the measuring test writes: instruction → units.
pub fn file(workspace: &Workspace) -> PathBuf {
    workspace.target("cu.json")
}

/// Forgets an earlier measurement, so that it is never taken for a new one.
///
/// # Errors
/// [`Error::File`].
pub fn forget(workspace: &Workspace) -> Result<(), Error> {
    let file = file(workspace);
    if file.exists() {
        fs::remove_file(&file).map_err(Error::file("remove", &file))?;
    }
    Ok(())
}

/// Measures, prints and judges.
///
/// # Errors
/// [`Error::Command`] when the measurement fails, and as [`judge`].
pub fn measure(workspace: &Workspace) -> Result<(), Error> {
    forget(workspace)?;
    process::run(
        Command::new("cargo")
            .args([
                "test",
                "--locked",
                "--package",
                PACKAGE,
                "--test",
                TEST,
                "--",
                "--nocapture",
            ])
            .current_dir(workspace.root())
            .env(FILE_VARIABLE, file(workspace)),
    )?;
    judge(workspace)
}

/// Prints the last measurement and holds it against the limits.
///
/// # Errors
/// [`Error::OverLimit`] for units or the ELF's size; [`Error::File`] when
/// nothing was measured; [`Error::Malformed`] when a limited value is missing.
pub fn judge(workspace: &Workspace) -> Result<(), Error> {
    let file = file(workspace);
    let units: BTreeMap<String, u64> = serde_json::from_str(&read_text(&file)?)
        .map_err(|error| Error::malformed(file.display(), error))?;
    let path = workspace.artifact(ELF);
    let elf = Elf::of(&fs::read(&path).map_err(Error::file("read", &path))?);

    print!("{}", table(&units));
    println!("{ELF}: {} bytes (limit {MOST_BYTES})", elf.bytes);
    within_limits(&units)?;
    within_limit(&elf)
}

fn table(units: &BTreeMap<String, u64>) -> String {
    let width = units
        .keys()
        .map(String::len)
        .max()
        .unwrap_or(0)
        .max("instruction".len());
    let mut text = format!("{:width$}  {:>9}  {:>9}\n", "instruction", "units", "limit");
    for (name, units) in units {
        let limit = LIMITS.iter().find(|(limited, _)| limited == name);
        let limit = limit.map_or_else(|| "-".into(), |(_, most)| most.to_string());
        text += &format!("{name:width$}  {units:>9}  {limit:>9}\n");
    }
    text
}

fn within_limits(units: &BTreeMap<String, u64>) -> Result<(), Error> {
    let mut over = Vec::new();
    for (name, most) in LIMITS {
        match units.get(name) {
            None => return Err(Error::malformed("the measurement", format!("no `{name}`"))),
            Some(units) if *units > most => {
                over.push(format!("{name} takes {units} units, the most is {most}"));
            }
            Some(_) => {}
        }
    }
    if over.is_empty() {
        Ok(())
    } else {
        Err(Error::OverLimit {
            detail: over.join("; "),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(pay: u64, purchase: u64) -> BTreeMap<String, u64> {
        BTreeMap::from([("pay".into(), pay), ("purchase".into(), purchase)])
    }

    fn code(units: &BTreeMap<String, u64>) -> Option<&'static str> {
        within_limits(units).err().map(|error| error.code())
    }

    #[test]
    fn limits_are_inclusive() {
        assert_eq!(code(&measured(15_000, 30_000)), None);
        assert_eq!(code(&measured(15_001, 30_000)), Some("over_limit"));
        assert_eq!(code(&measured(15_000, 30_001)), Some("over_limit"));
    }

    #[test]
    fn a_missing_measurement_is_an_error() {
        assert_eq!(
            code(&BTreeMap::from([("pay".into(), 1)])),
            Some("malformed")
        );
    }

    #[test]
    fn the_table_names_units_and_limits() {
        let text = table(&measured(9_000, 21_000));
        assert!(text.contains("pay               9000      15000"), "{text}");
    }
}
