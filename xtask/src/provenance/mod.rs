//! From what the ELF kept in the project was built, and whether that is what
//! the working tree holds. A program that was changed without being rebuilt
//! cannot land: a test of this package fails.

pub mod hash;
pub mod lock;
pub mod manifest;
mod sources;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::provenance::lock::Lock;
use crate::workspace::{Workspace, read_text, write_whole};

/// The program's package.
pub const PROGRAM: &str = "tollgate";
/// The ELF's file name in the folder of artifacts.
pub const ELF: &str = "tollgate.so";
const RECORD: &str = "provenance.json";
const REMEDY: &str = "run `cargo xtask build-program`";

/// What is recorded beside the ELF.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// The ELF itself.
    pub elf: Elf,
    /// From what it was built.
    pub inputs: Inputs,
    /// With what it was built.
    pub tools: Tools,
}

/// The ELF's identity.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Elf {
    /// Its length in bytes.
    pub bytes: usize,
    /// SHA-256 of its content.
    pub sha256: String,
}

impl Elf {
    /// The identity of this content.
    pub fn of(content: &[u8]) -> Self {
        Self {
            bytes: content.len(),
            sha256: hash::sha256_hex(content),
        }
    }
}

/// Everything in the working tree that decides what the ELF is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inputs {
    /// The hash of the list in `files`.
    pub sources_sha256: String,
    /// The hash of what the program inherits from the workspace's manifest.
    pub manifest_sha256: String,
    /// The hash of the lock entries of `packages`.
    pub lock_sha256: String,
    /// The program's sources, its manifest and its recipe: path → SHA-256.
    pub files: BTreeMap<String, String>,
    /// The crates that were compiled for the program: "name version".
    pub packages: BTreeSet<String>,
}

/// The versions of the tools.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tools {
    /// The compiler, and the standard library with it.
    pub rustc: String,
    /// The compiler's own LLVM.
    pub rustc_llvm: String,
    /// The linker.
    pub linker: String,
    /// The linker's LLVM.
    pub linker_llvm: String,
}

impl Inputs {
    /// Reads the working tree. `packages` are the crates whose lock entries count.
    ///
    /// # Errors
    /// [`Error::File`] or [`Error::Malformed`].
    pub fn read(workspace: &Workspace, packages: BTreeSet<String>) -> Result<Self, Error> {
        let files = sources::hashes(workspace)?;
        let program = workspace.read("programs/tollgate/Cargo.toml")?;
        Ok(Self {
            sources_sha256: hash::of_list(&files),
            manifest_sha256: manifest::hash(&workspace.read("Cargo.toml")?, &program)?,
            lock_sha256: Lock::parse(&workspace.read("Cargo.lock")?)?.hash(&packages)?,
            files,
            packages,
        })
    }

    /// What differs between two readings, for a person; nothing when they agree.
    pub fn difference(&self, other: &Self) -> Option<String> {
        let names: BTreeSet<_> = self.files.keys().chain(other.files.keys()).collect();
        let mut parts: Vec<&str> = names
            .into_iter()
            .filter(|name| self.files.get(*name) != other.files.get(*name))
            .map(String::as_str)
            .collect();
        if self.sources_sha256 != other.sources_sha256 && parts.is_empty() {
            parts.push("the recorded hash of the sources");
        }
        if self.manifest_sha256 != other.manifest_sha256 {
            parts.push("what it inherits from the workspace's Cargo.toml");
        }
        if self.lock_sha256 != other.lock_sha256 || self.packages != other.packages {
            parts.push("its entries in Cargo.lock");
        }
        (!parts.is_empty()).then(|| format!("changed since it was built: {}", parts.join(", ")))
    }
}

impl Provenance {
    /// Reads the record kept in the project.
    ///
    /// # Errors
    /// [`Error::File`] or [`Error::Malformed`].
    pub fn read(workspace: &Workspace) -> Result<Self, Error> {
        let path = workspace.artifact(RECORD);
        serde_json::from_str(&read_text(&path)?)
            .map_err(|error| Error::malformed(path.display(), error))
    }

    /// Keeps this record, and the ELF it belongs to, in the project.
    ///
    /// # Errors
    /// [`Error::File`] when they cannot be written.
    pub fn keep(&self, workspace: &Workspace, elf: &[u8]) -> Result<(), Error> {
        let mut text =
            serde_json::to_string_pretty(self).map_err(|error| Error::malformed(RECORD, error))?;
        text.push('\n');
        write_whole(&workspace.artifact(ELF), elf)?;
        write_whole(&workspace.artifact(RECORD), text.as_bytes())
    }

    /// Holds the record against the ELF and the working tree.
    ///
    /// # Errors
    /// [`Error::Stale`] when they no longer belong together.
    pub fn verify(&self, workspace: &Workspace) -> Result<(), Error> {
        let stale = |detail| Error::Stale {
            artifact: ELF,
            detail,
            remedy: REMEDY,
        };
        let path = workspace.artifact(ELF);
        let elf = Elf::of(&fs::read(&path).map_err(Error::file("read", &path))?);
        if elf != self.elf {
            let detail = format!(
                "it has hash {}, recorded is {}",
                elf.sha256, self.elf.sha256
            );
            return Err(stale(detail));
        }
        let inputs = match Inputs::read(workspace, self.inputs.packages.clone()) {
            Ok(inputs) => inputs,
            // A crate that was compiled in is no longer in the lock file.
            Err(error @ Error::Malformed { .. }) => return Err(stale(error.to_string())),
            Err(error) => return Err(error),
        };
        inputs
            .difference(&self.inputs)
            .map_or(Ok(()), |detail| Err(stale(detail)))
    }
}

/// Says whether the ELF kept in the project belongs to the working tree.
///
/// # Errors
/// [`Error::Stale`] when it does not.
pub fn report(workspace: &Workspace) -> Result<(), Error> {
    let provenance = Provenance::read(workspace)?;
    provenance.verify(workspace)?;
    println!(
        "{ELF}: {} bytes, sha256 {}, built from these sources with {} and {}",
        provenance.elf.bytes,
        provenance.elf.sha256,
        provenance.tools.rustc,
        provenance.tools.linker
    );
    Ok(())
}

#[cfg(test)]
#[expect(clippy::panic, reason = "a test fails by it")]
mod tests {
    use super::*;

    /// Fails when the program, its recipe or one of its crates was changed and
    /// the ELF was not rebuilt, or when the ELF is not the recorded one.
    #[test]
    fn the_kept_elf_belongs_to_the_working_tree() {
        if let Err(error) = Workspace::locate().and_then(|workspace| report(&workspace)) {
            panic!("{error}");
        }
    }
}
