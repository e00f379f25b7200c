//! The files from which the program is compiled.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::error::Error;
use crate::provenance::hash;
use crate::workspace::Workspace;

/// Files and folders that go into the program, relative to the workspace.
const SOURCES: [&str; 3] = [
    "programs/tollgate/Cargo.toml",
    "programs/tollgate/sbf",
    "programs/tollgate/src",
];

/// Path and content hash of every source file.
///
/// # Errors
/// [`Error::File`] when a file cannot be read.
pub fn hashes(workspace: &Workspace) -> Result<BTreeMap<String, String>, Error> {
    let mut files = BTreeMap::new();
    for source in SOURCES {
        add(workspace.root(), source, &mut files)?;
    }
    Ok(files)
}

fn add(root: &Path, relative: &str, files: &mut BTreeMap<String, String>) -> Result<(), Error> {
    let path = root.join(relative);
    if !path.is_dir() {
        let content = fs::read(&path).map_err(Error::file("read", &path))?;
        files.insert(relative.to_owned(), hash::sha256_hex(&content));
        return Ok(());
    }
    for entry in fs::read_dir(&path).map_err(Error::file("list", &path))? {
        let name = entry.map_err(Error::file("list", &path))?.file_name();
        let name = name
            .to_str()
            .ok_or_else(|| Error::malformed(path.display(), "a file name is not UTF-8"))?;
        add(root, &format!("{relative}/{name}"), files)?;
    }
    Ok(())
}
