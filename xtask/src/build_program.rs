//! Compiling the program to the ELF that is kept in the project.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::error::Error;
use crate::process;
use crate::provenance::lock::Lock;
use crate::provenance::{ELF, Elf, Inputs, PROGRAM, Provenance, Tools};
use crate::toolchain::Toolchain;
use crate::toolchain::chroot::{OUTPUT, SOURCE};
use crate::toolchain::network::CARGO_HOME;
use crate::toolchain::recipe::Recipe;
use crate::workspace::{ARTIFACTS, Workspace};

/// The largest ELF that may be kept. Every byte of a deployed program is rent.
pub const MOST_BYTES: usize = 260_000;

/// What `--help` says.
pub const HELP: &str = "\
Compile the program to an sBPF v3 ELF and record its provenance

Solana's own compiler comes from a release page, not from a package registry. This command needs \
only Debian's archive and crates.io: it makes a Debian tree (once a machine, about ten minutes), \
installs the compiler, the standard library's source, LLVM and sbpf-linker in it, and compiles \
with the flags of programs/tollgate/sbf/recipe.toml. It needs root on a Debian machine, and finds \
the archive in the machine's own apt settings.

The ELF and provenance.json (hashes of the ELF, of the sources, of the lock entries of the \
program's crates; versions of the tools) go to programs/tollgate/artifacts. Paths of the machine \
do not reach the ELF: every checkout gives the same bytes with the same tools.

With --check the program is built from nothing beside the kept ELF, and the command fails unless \
both are the same.

  TOLLGATE_SBF_TOOLCHAIN  folder of the toolchain (default: tollgate/sbf-toolchain in the cache \
folder of the user)
  TOLLGATE_SBPF_LINKER    a ready sbpf-linker that runs inside the tree

On a machine with Solana's platform-tools, either of these builds the same program; their compiler \
differs, so the bytes and the compute units do, too:

  anchor build --no-idl
  cargo build-sbf --manifest-path programs/tollgate/Cargo.toml -- --locked

Both write target/deploy/tollgate.so. Only an ELF built by this command belongs in \
programs/tollgate/artifacts.";

/// Builds the ELF and keeps it with its provenance.
///
/// # Errors
/// As [`Toolchain::prepare`]; [`Error::Command`] when the program does not
/// compile; [`Error::OverLimit`] when the ELF is too large to keep.
pub fn build(workspace: &Workspace) -> Result<(), Error> {
    let built = Build::run(workspace, &workspace.target("sbf"))?;
    within_limit(&built.provenance.elf)?;
    built.provenance.keep(workspace, &built.content)?;
    print("built", &built.provenance);
    println!("kept in {ARTIFACTS}");
    Ok(())
}

/// Builds the ELF from nothing and compares it with the one that is kept.
///
/// # Errors
/// As [`build`]; [`Error::Stale`] when they differ.
pub fn check(workspace: &Workspace) -> Result<(), Error> {
    let kept = Provenance::read(workspace)?;
    kept.verify(workspace)?;
    let folder = workspace.target("sbf-check");
    if folder.is_dir() {
        fs::remove_dir_all(&folder).map_err(Error::file("remove", &folder))?;
    }
    let built = Build::run(workspace, &folder)?.provenance;
    print("rebuilt", &built);
    if built.elf == kept.elf {
        println!("the ELF kept in the project is the same");
        return Ok(());
    }
    let mut detail = format!(
        "it has hash {}, a new build has {}",
        kept.elf.sha256, built.elf.sha256
    );
    if built.tools != kept.tools {
        detail += &format!(
            "; it was built with other tools: {:?}, now {:?}",
            kept.tools, built.tools
        );
    }
    Err(Error::Stale {
        artifact: ELF,
        detail,
        remedy: "run `cargo xtask build-program`",
    })
}

/// Fails when an ELF is too large to keep.
///
/// # Errors
/// [`Error::OverLimit`].
pub fn within_limit(elf: &Elf) -> Result<(), Error> {
    if elf.bytes < MOST_BYTES {
        return Ok(());
    }
    let detail = format!(
        "{ELF} has {} bytes, it must have less than {MOST_BYTES}",
        elf.bytes
    );
    Err(Error::OverLimit { detail })
}

fn print(verb: &str, Provenance { elf, tools, .. }: &Provenance) {
    println!("{verb} {ELF}: {} bytes, sha256 {}", elf.bytes, elf.sha256);
    println!(
        "with {} (LLVM {}) and {} (LLVM {})",
        tools.rustc, tools.rustc_llvm, tools.linker, tools.linker_llvm
    );
}

/// A finished build.
struct Build {
    content: Vec<u8>,
    provenance: Provenance,
}

/// What cargo says of each unit that it compiled.
#[derive(Deserialize)]
struct Message {
    reason: String,
    package_id: Option<String>,
    target: Option<Target>,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    crate_types: Vec<String>,
}

impl Build {
    fn run(workspace: &Workspace, output: &Path) -> Result<Self, Error> {
        let recipe = Recipe::read(workspace)?;
        let toolchain = Toolchain::prepare(&recipe)?;
        fs::create_dir_all(output).map_err(Error::file("create", output))?;
        let tools = versions(&toolchain)?;
        let before = Inputs::read(workspace, BTreeSet::new())?;

        // Cargo may unpack crates into a folder that was not there before, and
        // then its path has to be remapped as well: build once more.
        let mut folders = toolchain.registry_folders()?;
        let messages = loop {
            let messages = compile(workspace, output, &recipe, &toolchain, &folders)?;
            let now = toolchain.registry_folders()?;
            if now == folders {
                break messages;
            }
            folders = now;
        };

        let lock = Lock::parse(&workspace.read("Cargo.lock")?)?;
        let reachable = lock.closure(PROGRAM)?;
        let packages = messages
            .iter()
            .filter_map(|message| package_of(message.package_id.as_deref()?));
        let inputs = Inputs::read(
            workspace,
            packages.filter(|id| reachable.contains(id)).collect(),
        )?;
        if before.files != inputs.files || before.manifest_sha256 != inputs.manifest_sha256 {
            let detail = "a file changed while it was compiled".into();
            return Err(Error::Stale {
                artifact: ELF,
                detail,
                remedy: "build again",
            });
        }

        let path = elf_of(&messages, output)?;
        let content = fs::read(&path).map_err(Error::file("read", &path))?;
        let provenance = Provenance {
            elf: Elf::of(&content),
            inputs,
            tools,
        };
        Ok(Self {
            content,
            provenance,
        })
    }
}

/// Compiles the program in the tree; gives cargo's messages.
fn compile(
    workspace: &Workspace,
    output: &Path,
    recipe: &Recipe,
    toolchain: &Toolchain,
    registry_folders: &[String],
) -> Result<Vec<Message>, Error> {
    let compiler = &recipe.compiler;
    let mut flags = compiler.flags.clone();
    let mut remap = |from: &str, to: &str| flags.push(format!("--remap-path-prefix={from}={to}"));
    remap(SOURCE, "");
    remap(CARGO_HOME, "/cargo");
    for folder in registry_folders {
        remap(folder, "/crates");
    }
    let mut environment: Vec<(String, String)> = compiler.environment.clone().into_iter().collect();
    environment.push(("CARGO_ENCODED_RUSTFLAGS".into(), flags.join("\u{1f}")));
    environment.push(("CARGO_TARGET_DIR".into(), OUTPUT.into()));

    let mut cargo = toolchain.command(Some((workspace.root(), output)), environment, "cargo")?;
    cargo
        .args([
            "rustc",
            "--release",
            "--lib",
            "--crate-type",
            "cdylib",
            "--locked",
        ])
        .args([
            "--package",
            PROGRAM,
            "--message-format",
            "json-render-diagnostics",
        ])
        .arg("--target")
        .arg(format!("{SOURCE}/{}", compiler.target))
        .args(&compiler.arguments);
    process::capture(&mut cargo)?
        .lines()
        .map(|line| {
            serde_json::from_str(line).map_err(|error| Error::malformed("cargo's message", error))
        })
        .collect()
}

/// Where the linker wrote the ELF, on the machine.
fn elf_of(messages: &[Message], output: &Path) -> Result<PathBuf, Error> {
    let is_program = |message: &&Message| {
        message.reason == "compiler-artifact"
            && message
                .target
                .as_ref()
                .is_some_and(|target| target.crate_types == ["cdylib"])
    };
    messages
        .iter()
        .filter(is_program)
        .flat_map(|message| &message.filenames)
        .find_map(|file| file.strip_prefix(OUTPUT).ok())
        .map(|file| output.join(file))
        .ok_or_else(|| Error::malformed("cargo's output", "it names no ELF"))
}

/// "name version" of a package identifier such as
/// `registry+…#anchor-lang@1.2.2` or `path+file:///…/tollgate#0.1.0`.
fn package_of(id: &str) -> Option<String> {
    let (place, fragment) = id.split_once('#')?;
    Some(match fragment.split_once('@') {
        Some((name, version)) => format!("{name} {version}"),
        None => format!("{} {fragment}", place.rsplit('/').next()?),
    })
}

/// The versions of the tools in the tree.
fn versions(toolchain: &Toolchain) -> Result<Tools, Error> {
    let rustc = process::capture(toolchain.command(None, [], "rustc")?.arg("-vV"))?;
    let linker = process::capture(toolchain.command(None, [], "sbpf-linker")?.arg("--version"))?;
    let field = |text: &str, name: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(name))
            .map(|value| value.trim().to_owned())
            .ok_or_else(|| Error::malformed("a version", format!("no `{name}` in {text:?}")))
    };
    Ok(Tools {
        rustc: format!("rustc {}", field(&rustc, "release:")?),
        rustc_llvm: field(&rustc, "LLVM version:")?,
        linker: format!("sbpf-linker {}", field(&linker, "sbpf-linker")?),
        linker_llvm: field(&linker, "LLVM")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn package_identifiers() {
        let cases = [
            (
                "registry+https://index/#anchor-lang@1.2.2",
                Some("anchor-lang 1.2.2"),
            ),
            (
                "path+file:///source/programs/tollgate#0.1.0",
                Some("tollgate 0.1.0"),
            ),
            (
                "path+file:///source/cli#tollgate-cli@0.1.0",
                Some("tollgate-cli 0.1.0"),
            ),
            ("nonsense", None),
        ];
        for (id, expected) in cases {
            assert_eq!(package_of(id).as_deref(), expected, "{id}");
        }
    }

    #[test]
    fn an_elf_at_the_limit_is_too_large() {
        let elf = |bytes| Elf {
            bytes,
            sha256: String::new(),
        };
        assert!(within_limit(&elf(MOST_BYTES - 1)).is_ok());
        assert_eq!(
            within_limit(&elf(MOST_BYTES)).map_err(|error| error.code()),
            Err("over_limit")
        );
    }
}
