//! Seeded runs of the whole service, for longer than the tests take.

use std::process::Command;

use crate::error::Error;
use crate::process;
use crate::workspace::Workspace;

/// What to run.
pub struct Sim {
    /// How long to go on, one seed after another.
    pub seconds: u64,
    /// The one seed to replay; `None`: random ones, which are printed.
    pub seed: Option<u64>,
    /// How many things each caller does in a run; `None`: as in the tests.
    pub steps: Option<u64>,
}

/// Runs them and shows the seeds and what the histories held.
///
/// # Errors
/// [`Error::Command`] when a history breaks an invariant; it is printed with its seed.
pub fn run(workspace: &Workspace, sim: &Sim) -> Result<(), Error> {
    let mut command = Command::new("cargo");
    command
        .args(["test", "--locked", "--package", "tollgate-sim"])
        .args(["--test", "histories", "--", "--nocapture"])
        .current_dir(workspace.root())
        .env("TOLLGATE_SIM_SECONDS", sim.seconds.to_string());
    for (name, value) in [
        ("TOLLGATE_SIM_SEED", sim.seed),
        ("TOLLGATE_SIM_STEPS", sim.steps),
    ] {
        match value {
            Some(value) => command.env(name, value.to_string()),
            None => command.env_remove(name),
        };
    }
    process::run(&mut command)
}
