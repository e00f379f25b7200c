//! The generated pages of `docs/`. The tests that compare them with the code also
//! write them, when this variable asks for it: so there is one generator.

use std::process::Command;

use crate::error::Error;
use crate::process;
use crate::workspace::Workspace;

/// Set to anything, it makes the tests named `generated_page_*` write.
const WRITE: &str = "TOLLGATE_WRITE_DOCS";

/// Writes the pages.
///
/// # Errors
/// [`Error::Command`] when the code that makes them does not compile.
pub fn write(workspace: &Workspace) -> Result<(), Error> {
    let mut tests = Command::new("cargo");
    tests
        .current_dir(workspace.root())
        .args(["test", "--locked", "-p", "tollgate-verifier"])
        .args(["--test", "service", "generated_page"])
        .env(WRITE, "1");
    process::run(&mut tests)
}
