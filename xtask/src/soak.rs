//! The model-based test of the program, for longer than the tests take.

use std::process::Command;

use crate::error::Error;
use crate::process;
use crate::workspace::Workspace;

/// On which runtime.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum Runtime {
    /// LiteSVM: fast
    Litesvm,
    /// The bank of an Agave validator, in solana-program-test
    Bank,
}

impl Runtime {
    /// The package and the test target that has the model.
    const fn test(self) -> (&'static str, &'static str) {
        match self {
            Self::Litesvm => ("tollgate-program-tests", "model"),
            Self::Bank => ("tollgate-program-test-tests", "properties"),
        }
    }
}

/// What to run.
pub struct Soak {
    /// On which runtime.
    pub runtime: Runtime,
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
    let (package, target) = soak.runtime.test();
    command.args(["test", "--locked", "--package", package]);
    if soak.release {
        command.arg("--release");
    }
    command
        .args([
            "--test",
            target,
            "--",
            "--nocapture",
            "_does_what_the_model_says",
        ])
        .current_dir(workspace.root())
        .env("TOLLGATE_MODEL_STEPS", soak.steps.to_string());
    match soak.seed {
        Some(seed) => command.env("TOLLGATE_MODEL_SEED", seed.to_string()),
        None => command.env_remove("TOLLGATE_MODEL_SEED"),
    };
    process::run(&mut command)
}
