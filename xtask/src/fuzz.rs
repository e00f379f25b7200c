//! Random input for the program, the client's decoders and the service's readers, for
//! longer than the tests take.

use std::process::Command;

use crate::error::Error;
use crate::process;
use crate::workspace::Workspace;

/// What to run.
pub struct Fuzz {
    /// How long each of the searches goes on.
    pub seconds: u64,
    /// The first seed; `None`: a random one, which is printed.
    pub seed: Option<u64>,
}

/// Runs the searches one after the other and shows their seeds and what they reached.
///
/// # Errors
/// [`Error::Command`] when something happened that must never happen; the input is
/// printed with its seed.
pub fn run(workspace: &Workspace, fuzz: &Fuzz) -> Result<(), Error> {
    let mut command = Command::new("cargo");
    command
        .args(["test", "--locked", "--package", "tollgate-fuzz"])
        .args(["--test", "fuzz", "--", "--nocapture", "--test-threads", "1"])
        .current_dir(workspace.root())
        .env("TOLLGATE_FUZZ_SECONDS", fuzz.seconds.to_string());
    match fuzz.seed {
        Some(seed) => command.env("TOLLGATE_FUZZ_SEED", seed.to_string()),
        None => command.env_remove("TOLLGATE_FUZZ_SEED"),
    };
    process::run(&mut command)
}
