//! What is shipped beside the program fits it.

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

/// The arguments after a program's name in a line of the unit.
fn arguments(unit: &str, key: &str) -> Vec<String> {
    let line = unit
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{key}=/usr/bin/tollgate ")))
        .unwrap_or_else(|| panic!("no {key}"));
    line.split(' ').map(str::to_owned).collect()
}

fn tollgate(arguments: &[String]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_tollgate"))
        .args(arguments)
        .output()
        .unwrap();
    (
        output.status.success(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

/// The example configuration, with a secret beside it, passes its own check.
#[test]
fn the_example_configuration_passes_the_check() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tollgate.toml");
    std::fs::write(&file, read("verifier/examples/tollgate.toml")).unwrap();
    std::fs::write(folder.path().join("secret.key"), "0".repeat(64)).unwrap();
    let file = file.to_str().unwrap().to_owned();
    let arguments = ["check-config".to_owned(), file, "--offline".to_owned()];
    let (passed, said) = tollgate(&arguments);
    assert!(passed, "{said}");
}

/// The commands of the unit are commands of this program: they fail because the
/// file is not there, not because nobody understands them.
#[test]
fn the_commands_of_the_unit_exist() {
    let unit = read("packaging/tollgate.service");
    for key in ["ExecStartPre", "ExecStart"] {
        let mut words = arguments(&unit, key);
        for word in &mut words {
            if word.starts_with("/etc/") {
                *word = "/nonexistent/tollgate.toml".to_owned();
            }
        }
        let (passed, said) = tollgate(&words);
        assert!(
            !passed && said.contains("config_unreadable"),
            "{key}: {said}"
        );
    }
}

/// systemd understands the unit, where there is systemd.
#[test]
fn systemd_understands_the_unit() {
    let Ok(version) = Command::new("systemd-analyze").arg("--version").output() else {
        println!("skipped: there is no systemd-analyze here");
        return;
    };
    assert!(version.status.success());
    // `verify` looks for the programs; here they are elsewhere.
    let mut unit = read("packaging/tollgate.service")
        .replace("/usr/bin/tollgate", env!("CARGO_BIN_EXE_tollgate"));
    // "systemd 257 (257.8-1~deb13u2)", and more lines.
    let version = String::from_utf8(version.stdout).unwrap();
    let number: u32 = version.split(' ').nth(1).unwrap().parse().unwrap();
    if number < 253 {
        // As the unit itself says.
        unit = unit.replace("Type=notify-reload", "Type=notify");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tollgate.service");
    std::fs::write(&path, unit).unwrap();
    let output = Command::new("systemd-analyze")
        .args(["verify", "--man=no", "--recursive-errors=no"])
        .arg(&path)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let about_us = said.lines().find(|line| line.contains("tollgate.service"));
    assert_eq!(about_us, None);
}
