//! The sBPF toolchain: a Debian tree with the compiler, its standard library's
//! source, LLVM and the linker. It is made once a machine and kept outside the
//! project.

pub mod chroot;
pub mod network;
pub mod recipe;

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::Error;
use crate::host;
use crate::process;
use crate::toolchain::chroot::{Chroot, LINKER_ROOT};
use crate::toolchain::network::CARGO_HOME;
use crate::toolchain::recipe::Recipe;
use crate::workspace::{read_text, write_whole};

/// Names the folder in which the toolchain is kept.
const FOLDER_VARIABLE: &str = "TOLLGATE_SBF_TOOLCHAIN";
/// Names a ready linker that runs inside the tree.
const LINKER_VARIABLE: &str = "TOLLGATE_SBPF_LINKER";

/// A toolchain that is ready to use. Its lock is held until it is dropped.
pub struct Toolchain {
    chroot: Chroot,
    llvm_prefix: String,
    _lock: File,
}

impl Toolchain {
    /// Prepares the toolchain, or finds it ready.
    ///
    /// # Errors
    /// [`Error::NeedsRoot`] and [`Error::NeedsDebian`] where the recipe cannot
    /// run; [`Error::Command`] when one of its steps fails.
    pub fn prepare(recipe: &Recipe) -> Result<Self, Error> {
        if !host::is_root() {
            return Err(Error::NeedsRoot {
                step: "building in a Debian tree".into(),
                otherwise: "run as root, or use `anchor build` (see `cargo xtask build-program \
                            --help`)"
                    .into(),
            });
        }
        let folder = folder()?;
        fs::create_dir_all(&folder).map_err(Error::file("create", &folder))?;
        let lock = folder.join("lock");
        let lock_file = File::create(&lock).map_err(Error::file("create", &lock))?;
        lock_file.lock().map_err(Error::file("lock", &lock))?;

        let linker = env::var_os(LINKER_VARIABLE).map(PathBuf::from);
        let chroot = Chroot {
            tree: folder.join("tree"),
            linker,
        };
        let toolchain = Self {
            chroot,
            llvm_prefix: recipe.tree.llvm_prefix.clone(),
            _lock: lock_file,
        };

        let ready = folder.join("ready");
        let fingerprint = recipe.tree_fingerprint();
        if !read_text(&ready).is_ok_and(|text| text.trim() == fingerprint) {
            toolchain.make_tree(recipe, &folder)?;
            network::carry_over(&toolchain.chroot)?;
            toolchain.install_packages(recipe)?;
            network::carry_over(&toolchain.chroot)?;
            // A tree without its own linker is not ready for a build without the variable.
            if toolchain.chroot.linker.is_none() {
                toolchain.install_linker(recipe)?;
                write_whole(&ready, fingerprint.as_bytes())?;
            }
        }
        network::carry_over(&toolchain.chroot)?;
        Ok(toolchain)
    }

    /// A command in the tree; see [`Chroot::command`].
    ///
    /// # Errors
    /// [`Error::File`] when a mount point cannot be created.
    pub fn command(
        &self,
        mounts: Option<(&Path, &Path)>,
        further: impl IntoIterator<Item = (String, String)>,
        program: &str,
    ) -> Result<Command, Error> {
        let llvm = &self.llvm_prefix;
        let path = format!("{LINKER_ROOT}/bin:{llvm}/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        let mut environment = network::variables();
        environment.push(("PATH".into(), path));
        environment.extend(further);
        self.chroot.command(mounts, &environment, program)
    }

    /// The folders into which cargo unpacked crates, as seen in the tree. Their
    /// names depend on how the machine reaches the registry.
    ///
    /// # Errors
    /// [`Error::File`] when they cannot be listed.
    pub fn registry_folders(&self) -> Result<Vec<String>, Error> {
        let inside = format!("{CARGO_HOME}/registry/src");
        let folder = self.chroot.host_path(&inside);
        if !folder.is_dir() {
            return Ok(Vec::new());
        }
        let mut names = Vec::new();
        for entry in fs::read_dir(&folder).map_err(Error::file("list", &folder))? {
            let entry = entry.map_err(Error::file("list", &folder))?;
            names.push(format!("{inside}/{}", entry.file_name().to_string_lossy()));
        }
        names.sort();
        Ok(names)
    }

    fn make_tree(&self, recipe: &Recipe, folder: &Path) -> Result<(), Error> {
        let tree = &self.chroot.tree;
        if tree.is_dir() {
            return Ok(());
        }
        let mirror = network::debian_mirror()?;
        host::ensure(host::FOR_TREE)?;
        // Made under another name, so that a half-made tree is never taken for one.
        let partial = folder.join("tree.partial");
        if partial.is_dir() {
            fs::remove_dir_all(&partial).map_err(Error::file("remove", &partial))?;
        }
        println!(
            "making a Debian {} tree in {}",
            recipe.tree.suite,
            tree.display()
        );
        process::run(
            Command::new("debootstrap")
                .args(["--variant=minbase", &recipe.tree.suite])
                .arg(&partial)
                .arg(&mirror)
                .envs(network::proxy_variables()),
        )?;
        fs::rename(&partial, tree).map_err(Error::file("rename", &partial))
    }

    fn install_packages(&self, recipe: &Recipe) -> Result<(), Error> {
        println!("installing the compiler and LLVM in the tree");
        let mut update = self.command(None, [], "apt-get")?;
        process::run(update.args(["update", "--quiet=2"]))?;
        let mut install = self.command(None, [], "apt-get")?;
        install.args(["install", "--yes", "--quiet=2", "--no-install-recommends"]);
        process::run(install.args(&recipe.tree.packages))
    }

    fn install_linker(&self, recipe: &Recipe) -> Result<(), Error> {
        let linker = &recipe.linker;
        println!("installing {} {} in the tree", linker.name, linker.version);
        let prefix = ("LLVM_PREFIX".to_owned(), self.llvm_prefix.clone());
        let mut install = self.command(None, [prefix], "cargo")?;
        install.args([
            "install",
            "--locked",
            "--root",
            LINKER_ROOT,
            "--version",
            &linker.version,
        ]);
        process::run(install.args(&linker.arguments).arg(&linker.name))
    }
}

/// The folder in which the toolchain is kept.
fn folder() -> Result<PathBuf, Error> {
    if let Some(folder) = env::var_os(FOLDER_VARIABLE) {
        let folder = PathBuf::from(folder);
        return std::path::absolute(&folder).map_err(Error::file("resolve", &folder));
    }
    let cache = env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(Path::new(&env::var_os("HOME")?).join(".cache")))
        .ok_or_else(|| Error::malformed("the environment", "neither XDG_CACHE_HOME nor HOME"))?;
    Ok(cache.join("tollgate").join("sbf-toolchain"))
}
