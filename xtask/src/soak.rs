//! The model-based test of the program, for longer than the tests take.

use std::process::Command;

use crate::error::Error;
use crate::process;
use crate::workspace::Workspace;

/// What to run.
pub struct Soak {
    /// Steps in all.
    pub steps: u64,
    /// The first seed; `None`: a random one, which is printed.
    pub seed: Option<u64>,
    /// Whether to compile with optimisation: a long compilation, and faster steps.
    pub release: bool,
}

/// Runs the test and shows its seeds and what it did.
///
/// # Errors
/// [`Error::Command`] when chain and model disagree; the failure is printed with
/// its seed.
pub fn run(workspace: &Workspace, soak: &Soak) -> Result<(), Error> {
    let mut command = Command::new("cargo");
    command.args(["test", "--locked", "--package", "tollgate-program-tests"]);
    if soak.release {
        command.arg("--release");
    }
    command
        .args(["--test", "model", "--", "--nocapture"])
        .current_dir(workspace.root())
        .env("TOLLGATE_MODEL_STEPS", soak.steps.to_string());
    match soak.seed {
        Some(seed) => command.env("TOLLGATE_MODEL_SEED", seed.to_string()),
        None => command.env_remove("TOLLGATE_MODEL_SEED"),
    };
    process::run(&mut command)
}
