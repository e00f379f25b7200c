//! The packages of `tests/interop/package-lock.json`, installed by `npm ci`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// `tests/interop`, where the packages are installed.
pub fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    folder.expect("a folder in tests/interop").to_owned()
}

/// Installs what the lock file pins, unless that has been done. Processes that ask at
/// the same time wait for the first.
///
/// # Errors
/// What has to be installed first.
pub fn install() -> Result<(), String> {
    for tool in ["node", "npm"] {
        let found = Command::new(tool)
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        if !found {
            return Err(format!("{tool} is not installed (Debian: nodejs npm)"));
        }
    }
    let folder = folder();
    let lock = fs::read(folder.join("package-lock.json")).expect("a lock file");
    let modules = folder.join("node_modules");
    // npm ci removes the folder first, so that the mark of an old installation goes.
    let mark = modules.join(".installed-lock");
    let guard = File::create(std::env::temp_dir().join("tollgate-interop-npm.lock"))
        .expect("a file for the lock");
    guard.lock().expect("a lock");
    if fs::read(&mark).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    let installed = Command::new("npm")
        .arg("ci")
        .current_dir(&folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !installed {
        return Err("npm ci in tests/interop failed".to_owned());
    }
    fs::write(&mark, &lock).expect("a folder that was just made");
    Ok(())
}
