//! Where things are in the workspace.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::Error;

/// The folder of the built ELF, its provenance and the IDL.
pub const ARTIFACTS: &str = "programs/tollgate/artifacts";

/// The workspace that this command works on.
pub struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// Finds the workspace that cargo started this command in.
    ///
    /// # Errors
    /// [`Error::NotThroughCargo`] outside of cargo. The compiled-in path is not
    /// used: two checkouts that share a target folder would mix each other up.
    pub fn locate() -> Result<Self, Error> {
        let manifest = env::var_os("CARGO_MANIFEST_DIR").ok_or(Error::NotThroughCargo)?;
        let root = Path::new(&manifest)
            .parent()
            .ok_or(Error::NotThroughCargo)?;
        Ok(Self {
            root: root.to_path_buf(),
        })
    }

    /// The root folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A path below the root.
    pub fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// A path below cargo's target folder.
    pub fn target(&self, relative: &str) -> PathBuf {
        let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
        self.root.join(target).join(relative)
    }

    /// A path below the folder of built artifacts.
    pub fn artifact(&self, name: &str) -> PathBuf {
        self.root.join(ARTIFACTS).join(name)
    }

    /// Reads a text file below the root.
    ///
    /// # Errors
    /// [`Error::File`] when it cannot be read or is not UTF-8.
    pub fn read(&self, relative: &str) -> Result<String, Error> {
        read_text(&self.path(relative))
    }
}

/// Reads a text file.
///
/// # Errors
/// [`Error::File`] when it cannot be read or is not UTF-8.
pub fn read_text(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(Error::file("read", path))
}

/// Writes a file so that a reader sees the old content or the new, never half.
///
/// # Errors
/// [`Error::File`] when a folder or the file cannot be written.
pub fn write_whole(path: &Path, content: &[u8]) -> Result<(), Error> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(Error::file("create", folder))?;
    }
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    fs::write(&partial, content).map_err(Error::file("write", &partial))?;
    fs::rename(&partial, path).map_err(Error::file("write", path))
}
