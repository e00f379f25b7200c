//! The recipe file: which packages, which linker, which flags.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::error::Error;
use crate::provenance::hash;
use crate::workspace::Workspace;

/// Where the recipe is in the workspace.
pub const PATH: &str = "programs/tollgate/sbf/recipe.toml";

/// How the program becomes an ELF.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// The Debian tree.
    pub tree: Tree,
    /// The linker.
    pub linker: Linker,
    /// The compiler's invocation.
    pub compiler: Compiler,
}

/// The Debian tree in which everything runs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tree {
    /// Debian's name for the release.
    pub suite: String,
    /// Packages beyond a minimal system.
    pub packages: Vec<String>,
    /// Where LLVM is in the tree.
    pub llvm_prefix: String,
}

/// The sBPF linker, from crates.io.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Linker {
    /// The crate's name.
    #[serde(rename = "crate")]
    pub name: String,
    /// Its exact version.
    pub version: String,
    /// Further arguments of `cargo install`.
    pub arguments: Vec<String>,
}

/// The compiler's invocation.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compiler {
    /// The target file, relative to the workspace.
    pub target: String,
    /// Arguments of cargo.
    pub arguments: Vec<String>,
    /// Flags of rustc.
    pub flags: Vec<String>,
    /// Environment variables.
    pub environment: BTreeMap<String, String>,
}

impl Recipe {
    /// Reads the recipe of the workspace.
    ///
    /// # Errors
    /// [`Error::File`] or [`Error::Malformed`].
    pub fn read(workspace: &Workspace) -> Result<Self, Error> {
        toml::from_str(&workspace.read(PATH)?).map_err(|error| Error::malformed(PATH, error))
    }

    /// Identifies a prepared tree: equal recipes for tree and linker, equal text.
    pub fn tree_fingerprint(&self) -> String {
        hash::sha256_hex(format!("{:?}\n{:?}\n", self.tree, self.linker).as_bytes())
    }
}
