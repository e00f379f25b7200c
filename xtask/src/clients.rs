//! Clients that others wrote, for tests/interop: installed as the lock files say, and
//! the TypeScript package built from its sources.
//!
//! After each complete installation a copy of its lock file is kept below the target
//! folder. It says what is installed, here and to the tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::error::Error;
use crate::host::Tool;
use crate::process;
use crate::workspace::{Workspace, write_whole};

/// For the clients. The version of Node is the lowest that `@solana/kit` takes.
pub const TOOLS: &[Tool] = &[
    Tool {
        probe: "node -e 'const [major, minor] = process.versions.node.split(\".\").map(Number); \
                process.exit(major > 20 || major === 20 && minor >= 18 ? 0 : 1)'",
        package: "nodejs",
    },
    Tool {
        probe: "npm --version",
        package: "npm",
    },
    Tool {
        probe: "python3 -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))'",
        package: "python3-venv",
    },
];

const PACKAGE: &str = "packages/tollgate";
const CLIENTS: &str = "tests/interop";
const REQUIREMENTS: &str = "tests/interop/requirements.txt";

/// Installs what is not installed yet, and builds the package.
///
/// # Errors
/// [`Error::Command`] when an installation or the build fails, [`Error::File`].
pub fn install(workspace: &Workspace) -> Result<(), Error> {
    let started = Instant::now();
    let package = workspace.path(PACKAGE);
    let clients = workspace.path(CLIENTS);
    let lock = |folder: &Path| folder.join("package-lock.json");
    once(workspace, "package", &lock(&package), || {
        process::run(npm(&package).arg("ci"))
    })?;
    process::run(npm(&package).args(["run", "build", "--silent"]))?;
    once(workspace, "clients", &lock(&clients), || {
        process::run(npm(&clients).arg("ci"))
    })?;
    once(workspace, "python", &workspace.path(REQUIREMENTS), || {
        python(workspace)
    })?;
    println!("clients are installed ({:.1?})", started.elapsed());
    Ok(())
}

/// Does `work` unless it was done with this very lock file.
fn once(
    workspace: &Workspace,
    name: &str,
    lock: &Path,
    work: impl FnOnce() -> Result<(), Error>,
) -> Result<(), Error> {
    let wanted = fs::read(lock).map_err(Error::file("read", lock))?;
    let note = folder(workspace).join(name);
    if fs::read(&note).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    println!("installing from {}", lock.display());
    // Half an installation is none.
    match fs::remove_file(&note) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(Error::file("remove", &note)(error));
        }
        _ => {}
    }
    work()?;
    write_whole(&note, &wanted)
}

/// Where the notes and the Python environment are.
fn folder(workspace: &Workspace) -> PathBuf {
    workspace.target("interop")
}

fn npm(folder: &Path) -> Command {
    let mut command = Command::new("npm");
    command.current_dir(folder).args(["--loglevel", "error"]);
    command
}

/// A new environment with exactly the locked wheels; nothing is compiled.
fn python(workspace: &Workspace) -> Result<(), Error> {
    let environment = folder(workspace).join("venv");
    let mut create = Command::new("python3");
    process::run(create.args(["-m", "venv", "--clear"]).arg(&environment))?;
    let mut install = Command::new(environment.join("bin/pip"));
    install
        .args(["install", "--quiet", "--disable-pip-version-check"])
        .args(["--require-hashes", "--no-deps", "--only-binary", ":all:"])
        .arg("--requirement")
        .arg(workspace.path(REQUIREMENTS));
    process::run(&mut install)
}
