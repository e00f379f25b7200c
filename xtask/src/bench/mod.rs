//! The service benchmark: what a request through the gate costs next to one that
//! meets no gate, and next to peers.
//!
//! Servers and generators of load are processes of `benches/gate`; what they read of
//! the chain was recorded from a local chain on which somebody paid. All subjects are
//! measured in the same run, round by round, so that whatever else this machine does
//! hits all of them alike. A figure is the median of its rounds.

mod figures;
mod goals;
mod population;
mod processes;
mod report;
mod rows;
mod setting;

use std::process::Command;

use crate::error::Error;
use crate::process;
use crate::workspace::{Workspace, write_whole};

use figures::Results;
use processes::Tools;
use setting::Setting;

/// The benchmark's own workspace.
const MANIFEST: &str = "benches/gate/Cargo.toml";
/// Where the figures go.
const RESULTS: &str = "bench.json";

/// How much to measure.
#[derive(Clone, Copy, Debug)]
pub struct Bench {
    /// Rounds over all rows.
    pub rounds: u32,
    /// How long each row is measured in a round, in milliseconds.
    pub milliseconds: u64,
    /// Connections of the load.
    pub connections: u32,
    /// Users whose waiting is measured on a chain with slots of 400 ms.
    pub users: u32,
}

/// Compiles, measures, writes `target/bench.json`, prints a table, and judges.
///
/// # Errors
/// [`Error::OverLimit`] when a goal is missed; others when nothing can be measured.
pub fn run(workspace: &Workspace, bench: &Bench) -> Result<(), Error> {
    compile(workspace)?;
    let tools = Tools::of(workspace);
    let setting = Setting::prepare(workspace, &tools)?;
    let mut results = Results::default();
    for round in 1..=bench.rounds {
        for row in rows::ROWS {
            eprintln!("round {round} of {}: {}", bench.rounds, row.name);
            results.add(row.name, setting.measure(row, round, bench)?);
        }
    }
    for size in population::SIZES {
        let population = population::measure(&setting, size, bench)?;
        results.populations.push(population);
    }
    results.users = tools.users(bench.users)?;
    let goals = goals::judge(&results);
    let text = serde_json::to_string_pretty(&report::json(bench, &results, &goals))
        .map_err(|error| Error::malformed(RESULTS, error))?;
    let file = workspace.target(RESULTS);
    write_whole(&file, (text + "\n").as_bytes())?;
    print!("{}", report::table(&results, &goals));
    println!("\nfigures: {}", file.display());
    goals::require(&goals)
}

/// Compiles the benchmark's workspace with optimisation, and the recorder of the chain
/// as the tests use it: what it takes is not measured.
fn compile(workspace: &Workspace) -> Result<(), Error> {
    let cargo = |arguments: &[&str]| {
        let mut command = Command::new("cargo");
        command.args(["build", "--locked"]).args(arguments);
        // What cargo tells this command about itself would make build scripts run again
        // that were run without it, and with them minutes of compilation.
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
                command.env_remove(name.as_ref());
            }
        }
        process::run(command.current_dir(workspace.root()))
    };
    cargo(&["--release", "--manifest-path", MANIFEST])?;
    cargo(&["--package", "tollgate-sim", "--bin", "paid_chain"])
}
