//! Whether the clients are installed as the lock files say.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Where this crate is.
pub const HOME: &str = env!("CARGO_MANIFEST_DIR");
/// The TypeScript package, from the workspace's root.
const PACKAGE: &str = "packages/tollgate";
/// What to do about it.
const REMEDY: &str = "run `cargo xtask clients`";

/// Which clients a test needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Node and the locked npm packages, the TypeScript package among them.
    Node,
    /// Python and the locked wheels.
    Python,
}

/// Why tests cannot run here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// A lock file says something else than what is installed.
    #[error("{what} is not installed as its lock file says: {REMEDY}")]
    Locked {
        /// The lock file.
        what: String,
    },
    /// The package was not built from these sources.
    #[error("{PACKAGE} is not built from its sources as they are: {REMEDY}")]
    Stale,
}

impl Needs {
    /// The program that runs the scripts.
    ///
    /// # Errors
    /// [`Missing`], when something is not as the lock files say.
    pub fn program(self) -> Result<PathBuf, Missing> {
        match self {
            Self::Node => {
                let own = root().join(PACKAGE);
                require_locked(&own.join("package-lock.json"), "package")?;
                require_locked(&Path::new(HOME).join("package-lock.json"), "clients")?;
                require_built(&own)?;
                Ok(PathBuf::from("node"))
            }
            Self::Python => {
                require_locked(&Path::new(HOME).join("requirements.txt"), "python")?;
                Ok(installed().join("venv/bin/python"))
            }
        }
    }
}

/// Whether a missing client is a failure, as it is where changes are judged.
pub fn is_judged() -> bool {
    env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false")
}

/// Where `cargo xtask clients` notes what it installed.
fn installed() -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
    root().join(target).join("interop")
}

fn root() -> PathBuf {
    Path::new(HOME).join("../..")
}

/// After a complete installation a copy of the lock file says what it was made from.
fn require_locked(lock: &Path, name: &str) -> Result<(), Missing> {
    let same = match (fs::read(lock), fs::read(installed().join(name))) {
        (Ok(wanted), Ok(found)) => wanted == found,
        _ => false,
    };
    same.then_some(()).ok_or_else(|| Missing::Locked {
        what: lock.display().to_string(),
    })
}

fn require_built(package: &Path) -> Result<(), Missing> {
    let built = modified(&package.join("dist/index.js")).ok_or(Missing::Stale)?;
    let idl = root().join("programs/tollgate/artifacts/tollgate.json");
    let sources = fs::read_dir(package.join("src")).map_err(|_| Missing::Stale)?;
    let sources = sources.filter_map(|entry| Some(entry.ok()?.path()));
    let newest = sources
        .filter(|path| path.extension().is_some_and(|extension| extension == "ts"))
        .chain([idl, package.join("scripts/generate.mjs")])
        .filter_map(|path| modified(&path))
        .max();
    (newest <= Some(built)).then_some(()).ok_or(Missing::Stale)
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).ok()?.modified().ok()
}
