//! The part of `Cargo.lock` that the program is compiled from. Pure.
//!
//! The lock file holds every crate of the workspace. A service that takes a
//! newer HTTP library must not make the program's ELF stale, so only the
//! crates that were compiled into (or for) the program count, each with its
//! version, checksum, and its edges to other such crates.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::error::Error;
use crate::provenance::hash;

const FILE: &str = "Cargo.lock";

/// A lock file.
#[derive(Debug, Deserialize)]
pub struct Lock {
    package: Vec<Package>,
}

#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    version: String,
    source: Option<String>,
    checksum: Option<String>,
    #[serde(default)]
    dependencies: Vec<String>,
}

impl Package {
    fn id(&self) -> String {
        format!("{} {}", self.name, self.version)
    }
}

impl Lock {
    /// Reads a lock file's text.
    ///
    /// # Errors
    /// [`Error::Malformed`] when it is not a lock file.
    pub fn parse(text: &str) -> Result<Self, Error> {
        toml::from_str(text).map_err(|error| Error::malformed(FILE, error))
    }

    /// Everything that `root` may depend on in any way, as "name version".
    ///
    /// # Errors
    /// [`Error::Malformed`] when a package or an edge is missing or ambiguous.
    pub fn closure(&self, root: &str) -> Result<BTreeSet<String>, Error> {
        let mut found = BTreeSet::new();
        let mut open = vec![self.resolve(root)?];
        while let Some(package) = open.pop() {
            if found.insert(package.id()) {
                for edge in &package.dependencies {
                    open.push(self.resolve(edge)?);
                }
            }
        }
        Ok(found)
    }

    /// The hash of these packages' entries.
    ///
    /// # Errors
    /// [`Error::Malformed`] when one of them is not in the lock file.
    pub fn hash(&self, packages: &BTreeSet<String>) -> Result<String, Error> {
        let mut entries = BTreeMap::new();
        for id in packages {
            let package = self.resolve(id)?;
            let mut edges = BTreeSet::new();
            for edge in &package.dependencies {
                let target = self.resolve(edge)?.id();
                if packages.contains(&target) {
                    edges.insert(target);
                }
            }
            // A path package has no source; its files are hashed by themselves.
            let origin = (package.source.as_deref(), package.checksum.as_deref());
            entries.insert(id, (origin, edges));
        }
        let text =
            serde_json::to_string(&entries).map_err(|error| Error::malformed(FILE, error))?;
        Ok(hash::sha256_hex(text.as_bytes()))
    }

    /// Finds a package by an edge's text: "name", or "name version" where the
    /// lock file holds several versions.
    fn resolve(&self, edge: &str) -> Result<&Package, Error> {
        let mut words = edge.split(' ');
        let (name, version) = (words.next().unwrap_or_default(), words.next());
        let mut matching = self.package.iter().filter(|package| {
            package.name == name && version.is_none_or(|version| version == package.version)
        });
        match (matching.next(), matching.next()) {
            (Some(package), None) => Ok(package),
            (None, _) => Err(Error::malformed(FILE, format!("it does not hold `{edge}`"))),
            (Some(_), Some(_)) => Err(Error::malformed(FILE, format!("`{edge}` is ambiguous"))),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;

    const LOCK: &str = r#"
        version = 4
        [[package]]
        name = "program"
        version = "0.1.0"
        dependencies = ["framework", "maths 2.0.0"]
        [[package]]
        name = "framework"
        version = "1.2.2"
        source = "registry"
        checksum = "aa"
        dependencies = ["maths 1.0.0"]
        [[package]]
        name = "maths"
        version = "1.0.0"
        source = "registry"
        checksum = "bb"
        [[package]]
        name = "maths"
        version = "2.0.0"
        source = "registry"
        checksum = "cc"
        [[package]]
        name = "server"
        version = "0.1.0"
        source = "registry"
        checksum = "dd"
        dependencies = ["maths 2.0.0"]
    "#;

    fn hash_of(text: &str) -> Result<String, Error> {
        let packages = Lock::parse(LOCK).unwrap().closure("program").unwrap();
        Lock::parse(text).unwrap().hash(&packages)
    }

    #[test]
    fn the_closure_holds_what_the_root_reaches() {
        let closure = Lock::parse(LOCK).unwrap().closure("program").unwrap();
        let expected = [
            "framework 1.2.2",
            "maths 1.0.0",
            "maths 2.0.0",
            "program 0.1.0",
        ];
        assert_eq!(
            closure.iter().map(String::as_str).collect::<Vec<_>>(),
            expected
        );
    }

    #[test]
    fn a_crate_outside_of_the_closure_does_not_matter() {
        let other = LOCK.replace("\"dd\"", "\"ee\"");
        assert_eq!(hash_of(LOCK).unwrap(), hash_of(&other).unwrap());
    }

    #[test]
    fn checksums_versions_and_edges_matter() {
        let before = hash_of(LOCK).unwrap();
        assert_ne!(before, hash_of(&LOCK.replace("\"bb\"", "\"ee\"")).unwrap());
        let moved = LOCK.replace("[\"maths 1.0.0\"]", "[\"maths 2.0.0\"]");
        assert_ne!(before, hash_of(&moved).unwrap());
        let updated = LOCK.replace("1.2.2", "1.2.3");
        assert_eq!(hash_of(&updated).unwrap_err().code(), "malformed");
    }
}
