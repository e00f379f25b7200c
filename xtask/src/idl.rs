//! The program's Anchor IDL, as anchor's own builder makes it.

use std::env;
use std::process::Command;

use anchor_lang_idl::build::IdlBuilder;

use crate::error::Error;
use crate::process;
use crate::workspace::{ARTIFACTS, Workspace, read_text, write_whole};

const FILE: &str = "tollgate.json";

/// Writes the IDL into the folder of artifacts.
///
/// # Errors
/// [`Error::Idl`] or [`Error::Command`] when it cannot be built, [`Error::File`].
pub fn write(workspace: &Workspace) -> Result<(), Error> {
    write_whole(&workspace.artifact(FILE), built(workspace)?.as_bytes())?;
    println!("{ARTIFACTS}/{FILE} is up to date");
    Ok(())
}

/// Compares the kept IDL with the program.
///
/// # Errors
/// As [`write()`]; [`Error::Stale`] when they differ.
pub fn check(workspace: &Workspace) -> Result<(), Error> {
    let built = built(workspace)?;
    let kept = read_text(&workspace.artifact(FILE))?;
    if built == kept {
        println!("{ARTIFACTS}/{FILE} is up to date");
        return Ok(());
    }
    let line = built
        .lines()
        .zip(kept.lines())
        .position(|(built, kept)| built != kept);
    let line = line.unwrap_or_else(|| built.lines().count().min(kept.lines().count())) + 1;
    Err(Error::Stale {
        artifact: "the IDL",
        detail: format!("{FILE} differs from the program's at line {line}"),
        remedy: "run `cargo xtask idl`",
    })
}

/// Prints the IDL. Runs in the process that [`built`] starts.
///
/// # Errors
/// [`Error::Idl`].
pub fn print(workspace: &Workspace) -> Result<(), Error> {
    let failed = |detail: String| Error::Idl { detail };
    let idl = IdlBuilder::new()
        .program_path(workspace.path("programs/tollgate"))
        .resolution(true)
        .cargo_args(["--locked", "--lib"].map(str::to_owned).to_vec())
        .build()
        .map_err(|error| failed(error.to_string()))?;
    let text = serde_json::to_string_pretty(&idl).map_err(|error| failed(error.to_string()))?;
    println!("{text}");
    Ok(())
}

/// The IDL of the program in the working tree, built in an environment of its own:
/// the builder mistakes `RUSTUP_TOOLCHAIN` for a toolchain's literal name, and it
/// sets `RUSTFLAGS`, which would make cargo rebuild everything in the shared
/// target folder.
fn built(workspace: &Workspace) -> Result<String, Error> {
    let program = env::current_exe().map_err(Error::file("find", "this program"))?;
    let mut command = Command::new(program);
    command
        .arg("idl-print")
        .env_remove("RUSTUP_TOOLCHAIN")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env("CARGO_TARGET_DIR", workspace.target("idl"))
        .env("CARGO_TERM_COLOR", "never");
    process::capture(&mut command)
}
