//! The container file, where no image can be built: what it copies is there, what it
//! builds is what it ships, and what it runs is understood by this program.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The instructions of the container file: name and rest, continued lines joined.
struct Containerfile(Vec<(String, String)>);

impl Containerfile {
    fn read() -> Self {
        let text = std::fs::read_to_string(root().join("packaging/Containerfile")).unwrap();
        let joined: String = text
            .lines()
            .filter(|line| !line.starts_with('#'))
            .collect::<Vec<_>>()
            .join("\n")
            .replace("\\\n", " ");
        let instructions = joined.lines().filter_map(|line| line.split_once(' '));
        Self(
            instructions
                .map(|(name, rest)| (name.to_owned(), rest.trim().to_owned()))
                .collect(),
        )
    }

    fn all(&self, name: &str) -> Vec<&str> {
        let named = self.0.iter().filter(|(found, _)| found == name);
        named.map(|(_, rest)| rest.as_str()).collect()
    }

    fn only(&self, name: &str) -> &str {
        let found = self.all(name);
        assert_eq!(found.len(), 1, "{name}: {found:?}");
        found[0]
    }
}

/// What the image is built from: the folder of the workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

/// The word after `flag`.
fn after<'a>(words: &[&'a str], flag: &str) -> &'a str {
    let at = words.iter().position(|word| *word == flag);
    words[at.unwrap_or_else(|| panic!("no {flag} in {words:?}")) + 1]
}

#[test]
fn what_is_built_is_what_is_shipped_and_run() {
    let file = Containerfile::read();
    let build = file.all("RUN");
    let build = build.iter().find(|run| run.contains("cargo build"));
    let build = words(build.expect("no cargo build"));
    for flag in ["--locked", "--release"] {
        assert!(build.contains(&flag), "{flag} is missing in {build:?}");
    }
    assert_eq!(after(&build, "-p"), env!("CARGO_PKG_NAME"));
    let binary = after(&build, "--bin");
    let this = Path::new(env!("CARGO_BIN_EXE_tollgate"));
    assert_eq!(this.file_stem().unwrap(), binary);
    let work = file.only("WORKDIR");
    let mut shipped = Vec::new();
    for copy in file.all("COPY") {
        let copy = words(copy);
        if copy[0] == "--from=build" {
            assert_eq!(copy[1], format!("{work}/target/release/{binary}"));
            shipped.push(copy[2]);
        } else {
            let source = root().join(copy[0]);
            assert!(source.exists(), "{copy:?}: there is no {source:?}");
        }
    }
    let entry: Vec<String> = serde_json::from_str(file.only("ENTRYPOINT")).unwrap();
    assert_eq!(entry, shipped, "the image runs what was copied into it");
}

/// The image's command is one of this program: it fails because the file is not there.
#[test]
fn the_command_of_the_image_exists() {
    let file = Containerfile::read();
    let command: Vec<String> = serde_json::from_str(file.only("CMD")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("tollgate.toml");
    let command = command.iter().map(|word| {
        if word == "/etc/tollgate/tollgate.toml" {
            nowhere.to_str().unwrap()
        } else {
            word
        }
    });
    let output = Command::new(env!("CARGO_BIN_EXE_tollgate"))
        .args(command)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(said.contains("config_unreadable"), "{said}");
    assert!(said.contains(nowhere.to_str().unwrap()), "{said}");
}

/// Its process is not root, gets its signals itself, and comes from images that need
/// no registry's name; the compiler is the one that the workspace states.
#[test]
fn the_image_is_not_run_by_root() {
    let file = Containerfile::read();
    assert_eq!(file.only("USER"), "65532:65532");
    assert_eq!(file.only("STOPSIGNAL"), "SIGTERM");
    let images = file.all("FROM");
    assert_eq!(images.len(), 2);
    for image in &images {
        assert!(!image.contains('/'), "{image} names a registry host");
    }
    let compiler = format!("rust:{}-", env!("CARGO_PKG_RUST_VERSION"));
    assert!(images[0].starts_with(&compiler), "{images:?}");
}

/// `COPY . .` takes neither what was built here nor what must not get into an image.
#[test]
fn the_context_of_the_image_is_the_sources() {
    let ignored = std::fs::read_to_string(root().join(".dockerignore")).unwrap();
    for folder in [
        "**/target",
        ".git",
        "**/node_modules",
        "**/*.key",
        "**/.env",
    ] {
        assert!(ignored.lines().any(|line| line == folder), "{folder}");
    }
}
