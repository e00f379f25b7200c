//! Compute units: measured by a test of the program, held here against the limits
//! and against the record of `benches/`.
//!
//! The units are exact: the same ELF gives the same figures everywhere. A change that
//! costs more than [`TOLERANCE_PERCENT`] over the record fails until somebody writes
//! the record anew on purpose.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::build_program::{MOST_BYTES, within_limit};
use crate::error::Error;
use crate::process;
use crate::provenance::{ELF, Elf};
use crate::workspace::{Workspace, read_text, write_whole};

/// Tells the measuring test where to write its results.
pub const FILE_VARIABLE: &str = "TOLLGATE_CU_JSON";
/// The package that measures.
const PACKAGE: &str = "tollgate-program-tests";
/// Its test that measures.
const TEST: &str = "compute_units";

/// What is recorded, and how each figure came to be.
const RECORD: &str = "benches/compute_units.json";
/// The ELF's size in the record, beside the units.
const ELF_BYTES: &str = "elf_bytes";
/// How far a figure may rise over the record.
const TOLERANCE_PERCENT: u64 = 3;

/// The most units that an instruction (or the one-shot purchase) may take.
const LIMITS: [(&str, u64); 2] = [("pay", 15_000), ("purchase", 30_000)];

/// Figures by name: `NAME` is the median over the sample of keys, `NAME_least` and
/// `NAME_worst` its ends.
type Figures = BTreeMap<String, u64>;

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

/// Measures, prints and judges; with `record`, writes the record anew instead of
/// comparing with it.
///
/// # Errors
/// [`Error::Command`] when the measurement fails, and as [`judge`].
pub fn measure(workspace: &Workspace, record: bool) -> Result<(), Error> {
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
    if record {
        let text = serde_json::to_string_pretty(&figures(workspace)?)
            .map_err(|error| Error::malformed(RECORD, error))?;
        write_whole(&workspace.path(RECORD), (text + "\n").as_bytes())?;
        println!("recorded in {RECORD}");
    }
    judge(workspace)
}

/// Prints the last measurement and holds it against the limits and the record.
///
/// # Errors
/// [`Error::OverLimit`] for units or the ELF's size; [`Error::File`] when
/// nothing was measured; [`Error::Malformed`] when a limited value is missing or
/// the record names other instructions than the measurement.
pub fn judge(workspace: &Workspace) -> Result<(), Error> {
    let measured = figures(workspace)?;
    let record: Figures = serde_json::from_str(&workspace.read(RECORD)?)
        .map_err(|error| Error::malformed(RECORD, error))?;
    print!("{}", table(&measured, &record));
    within_limits(&measured)?;
    within_record(&measured, &record)
}

/// The last measurement, with the size of the kept ELF.
fn figures(workspace: &Workspace) -> Result<Figures, Error> {
    let file = file(workspace);
    let mut figures: Figures = serde_json::from_str(&read_text(&file)?)
        .map_err(|error| Error::malformed(file.display(), error))?;
    let path = workspace.artifact(ELF);
    let elf = Elf::of(&fs::read(&path).map_err(Error::file("read", &path))?);
    within_limit(&elf)?;
    figures.insert(ELF_BYTES.into(), elf.bytes as u64);
    Ok(figures)
}

fn table(measured: &Figures, record: &Figures) -> String {
    let names = measured.keys().map(String::len);
    let width = names.max().unwrap_or(0).max("instruction".len());
    let or_dash = |figure: Option<&u64>| figure.map_or_else(|| "-".into(), u64::to_string);
    let mut text = format!(
        "{:width$}  {:>9}  {:>9}  {:>9}\n",
        "instruction", "units", "record", "limit"
    );
    for (name, units) in measured {
        let limit = limits().find(|(limited, _)| limited == name);
        let limit = or_dash(limit.map(|(_, most)| most).as_ref());
        let recorded = or_dash(record.get(name));
        text += &format!("{name:width$}  {units:>9}  {recorded:>9}  {limit:>9}\n");
    }
    text
}

fn limits() -> impl Iterator<Item = (&'static str, u64)> {
    LIMITS.into_iter().chain([(ELF_BYTES, MOST_BYTES as u64)])
}

fn within_limits(measured: &Figures) -> Result<(), Error> {
    let mut over = Vec::new();
    for (name, most) in LIMITS {
        match measured.get(name) {
            None => return Err(Error::malformed("the measurement", format!("no `{name}`"))),
            Some(units) if *units > most => {
                over.push(format!("{name} takes {units} units, the most is {most}"));
            }
            Some(_) => {}
        }
    }
    none_over(&over)
}

fn within_record(measured: &Figures, record: &Figures) -> Result<(), Error> {
    if !measured.keys().eq(record.keys()) {
        let differ = |name: &&String| !(measured.contains_key(*name) && record.contains_key(*name));
        let names: Vec<_> = measured
            .keys()
            .chain(record.keys())
            .filter(differ)
            .collect();
        let detail = format!("{names:?} stand in one of record and measurement only; {AS_RECORD}");
        return Err(Error::malformed(RECORD, detail));
    }
    let mut over = Vec::new();
    for (name, units) in measured {
        let recorded = record.get(name).copied().unwrap_or(0);
        if units.saturating_mul(100) > recorded.saturating_mul(100 + TOLERANCE_PERCENT) {
            over.push(format!(
                "{name} rose from {recorded} to {units}; {AS_RECORD}"
            ));
        }
    }
    none_over(&over)
}

/// How a change of a figure is accepted.
const AS_RECORD: &str = "`cargo xtask cu --record` records it, if it is meant";

fn none_over(over: &[String]) -> Result<(), Error> {
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

    fn measured(pay: u64, purchase: u64) -> Figures {
        Figures::from([("pay".into(), pay), ("purchase".into(), purchase)])
    }

    fn code(judgement: Result<(), Error>) -> Option<&'static str> {
        judgement.err().map(|error| error.code())
    }

    #[test]
    fn limits_are_inclusive() {
        assert_eq!(code(within_limits(&measured(15_000, 30_000))), None);
        let over = [measured(15_001, 30_000), measured(15_000, 30_001)];
        for over in over {
            assert_eq!(code(within_limits(&over)), Some("over_limit"));
        }
    }

    #[test]
    fn a_missing_measurement_is_an_error() {
        let pay_only = Figures::from([("pay".into(), 1)]);
        assert_eq!(code(within_limits(&pay_only)), Some("malformed"));
    }

    #[test]
    fn a_figure_may_rise_by_three_hundredths_of_the_record() {
        let record = measured(1_000, 2_000);
        assert_eq!(code(within_record(&measured(1_030, 1), &record)), None);
        for over in [measured(1_031, 2_000), measured(1_000, 2_061)] {
            assert_eq!(code(within_record(&over, &record)), Some("over_limit"));
        }
    }

    #[test]
    fn what_is_not_recorded_or_no_longer_measured_is_an_error() {
        let (both, one) = (measured(1, 1), Figures::from([("pay".into(), 1)]));
        assert_eq!(code(within_record(&both, &one)), Some("malformed"));
        assert_eq!(code(within_record(&one, &both)), Some("malformed"));
    }

    #[test]
    fn the_table_names_units_record_and_limits() {
        let text = table(&measured(9_000, 21_000), &measured(9_100, 21_000));
        assert!(
            text.contains("pay               9000       9100      15000"),
            "{text}"
        );
    }
}
