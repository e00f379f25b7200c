//! Every test with one command, and a count that nobody has to trust blindly:
//! a package whose tests did not run is a failure.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use crate::error::Error;
use crate::test_report::Report;
use crate::workspace::Workspace;
use crate::{clients, compute_units, envoy, host, idl, process, provenance};

/// The manifest of the suites that need a real validator.
const VALIDATOR: &str = "tests/validator/Cargo.toml";

/// A workspace beside this one.
struct Beside {
    manifest: &'static str,
    lock: &'static str,
    remedy: &'static str,
}

const BESIDE: [Beside; 2] = [
    Beside {
        manifest: VALIDATOR,
        lock: "tests/validator/Cargo.lock",
        remedy: "run `cargo update --workspace --manifest-path tests/validator/Cargo.toml`",
    },
    Beside {
        manifest: "benches/gate/Cargo.toml",
        lock: "benches/gate/Cargo.lock",
        remedy: "run `cargo update --workspace --manifest-path benches/gate/Cargo.toml`",
    },
];

/// Installs what the tests need and this machine lacks.
///
/// # Errors
/// As [`host::ensure`] and [`envoy::ensure`]; where changes are judged, as
/// [`clients::install`].
pub fn prepare(workspace: &Workspace) -> Result<(), Error> {
    host::ensure(host::FOR_TESTS)?;
    envoy::ensure(workspace)?;
    clients_or_skip(workspace)
}

/// Cargo features that no test of the whole workspace compiles. What they change is
/// tested here; the rest of their packages is only compiled.
const FEATURES: &[&[&str]] = &[
    &[
        "--package=tollgate-cli",
        "--features=otel",
        "--test=serve",
        "otel::",
    ],
    &[
        "--workspace",
        "--features=tollgate-verifier/yellowstone,tollgate-e2e-tests/yellowstone",
        "--test=cache",
        "--test=service",
        "--test=yellowstone",
        "yellowstone",
    ],
];

/// Runs every test of the workspace and every check of its artifacts.
///
/// # Errors
/// [`Error::Tests`] when a test or a check fails or a package's tests did not run;
/// others when the tests cannot be run at all.
pub fn run_all(workspace: &Workspace) -> Result<(), Error> {
    prepare(workspace)?;
    compute_units::forget(workspace)?;
    let suite = Suite {
        folder: workspace.root(),
        selection: &["--workspace"],
    };
    let run = suite.run(&[(compute_units::FILE_VARIABLE, compute_units::file(workspace))])?;

    println!("\nchecks");
    let checks = [
        (
            "the ELF belongs to its sources",
            provenance::report(workspace),
        ),
        ("the IDL belongs to the program", idl::check(workspace)),
        (
            "compute units and ELF size",
            compute_units::judge(workspace),
        ),
        ("the other lock files are current", other_locks(workspace)),
        ("optional features", optional_features(workspace)),
    ];
    conclude("cargo xtask test", &run, &checks)
}

/// The clients of tests/interop need Node, Python and a package registry, which a
/// developer need not have: their tests are skipped then. Where changes are judged,
/// they have to run.
fn clients_or_skip(workspace: &Workspace) -> Result<(), Error> {
    let installed = host::ensure(clients::TOOLS).and_then(|()| clients::install(workspace));
    match installed {
        Err(error) if !host::is_judged() => {
            println!("the clients of tests/interop are skipped: {error}");
            Ok(())
        }
        outcome => outcome,
    }
}

/// Runs the suites that need a real Agave validator.
///
/// # Errors
/// As [`run_all`].
pub fn run_validator(workspace: &Workspace) -> Result<(), Error> {
    host::ensure(host::FOR_VALIDATOR)?;
    let suite = Suite {
        folder: workspace.root(),
        selection: &["--manifest-path", VALIDATOR],
    };
    conclude("cargo xtask test-validator", &suite.run(&[])?, &[])
}

/// Tests what is compiled with a feature only.
fn optional_features(workspace: &Workspace) -> Result<(), Error> {
    for arguments in FEATURES {
        let mut test = Command::new("cargo");
        test.current_dir(workspace.root())
            .args(["test", "--locked", "--quiet"])
            .args(*arguments);
        let said = process::capture(&mut test)?;
        if said.contains("test result: ok. 0 passed") {
            return Err(Error::Tests {
                detail: format!("no test ran of {}", arguments.join(" ")),
            });
        }
    }
    Ok(())
}

/// The workspaces beside this one depend on its crates but have lock files of their
/// own, which nothing else would notice to be out of date.
fn other_locks(workspace: &Workspace) -> Result<(), Error> {
    for beside in &BESIDE {
        let mut update = Command::new("cargo");
        update
            .current_dir(workspace.root())
            .args(["update", "--workspace", "--locked", "--quiet"])
            .args(["--manifest-path", beside.manifest]);
        process::run(&mut update).map_err(|error| Error::Stale {
            artifact: beside.lock,
            detail: error.to_string(),
            remedy: beside.remedy,
        })?;
    }
    Ok(())
}

/// Prints the numbers and says whether everything is well.
fn conclude(name: &str, run: &Run, checks: &[(&str, Result<(), Error>)]) -> Result<(), Error> {
    println!("\ntests by package");
    for (package, counts) in run.report.packages() {
        println!("  {package}: {counts}");
    }
    let mut problems = Vec::new();
    for (check, outcome) in checks {
        match outcome {
            Ok(()) => println!("  {check}: ok"),
            Err(error) => {
                println!("  {check}: FAILED: {error}");
                problems.push(format!("{check}: {}", error.code()));
            }
        }
    }
    let silent = run.report.silent();
    if !silent.is_empty() {
        problems.push(format!("no test ran in {}", silent.join(", ")));
    }
    if !run.succeeded {
        problems.push("cargo test failed".into());
    }
    let total = run.report.total();
    if total.failed > 0 {
        problems.push(format!("{} tests failed", total.failed));
    }
    let checks_failed = checks
        .iter()
        .filter(|(_, outcome)| outcome.is_err())
        .count();
    println!(
        "\n{name}: {total}; checks: {} passed, {checks_failed} failed",
        checks.len() - checks_failed
    );
    if problems.is_empty() {
        return Ok(());
    }
    Err(Error::Tests {
        detail: problems.join("; "),
    })
}

/// A selection of packages to test.
struct Suite<'a> {
    folder: &'a Path,
    selection: &'a [&'a str],
}

/// A finished run of tests.
struct Run {
    report: Report,
    succeeded: bool,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
}

/// What cargo says of each unit that it compiled.
#[derive(Deserialize)]
struct Message {
    package_id: Option<String>,
    target: Option<Target>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

impl Suite<'_> {
    /// Compiles and runs the tests, showing what cargo prints.
    fn run(&self, environment: &[(&str, PathBuf)]) -> Result<Run, Error> {
        let packages = self.packages()?;
        let programs = self.programs(&packages)?;
        let mut report = Report::new(programs, packages.into_values().collect());

        // One pipe for both streams keeps cargo's announcements and the results
        // in order.
        let pipe = |error| Error::Start {
            program: "cargo".into(),
            source: error,
        };
        let (reader, writer) = io::pipe().map_err(pipe)?;
        let mut command = self.cargo("test");
        command
            .arg("--no-fail-fast")
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdout(writer.try_clone().map_err(pipe)?)
            .stderr(writer);
        let mut child = command
            .spawn()
            .map_err(|source| process::start_error(&command, source))?;
        // The command holds the pipe's other end: reading would never come to an end.
        drop(command);
        let mut output = io::stdout().lock();
        let mut reader = BufReader::new(reader);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).map_err(pipe)? > 0 {
            output.write_all(&line).map_err(pipe)?;
            report.read(&String::from_utf8_lossy(&line));
            line.clear();
        }
        let status = child.wait().map_err(pipe)?;
        Ok(Run {
            report,
            succeeded: status.success(),
        })
    }

    /// Package identifier → name.
    fn packages(&self) -> Result<BTreeMap<String, String>, Error> {
        let mut command = Command::new("cargo");
        command
            .current_dir(self.folder)
            .args(["metadata", "--locked", "--no-deps"]);
        command.args(["--format-version", "1"]);
        command.args(self.selection.iter().filter(|word| **word != "--workspace"));
        let metadata: Metadata = serde_json::from_str(&process::capture(&mut command)?)
            .map_err(|error| Error::malformed("cargo's metadata", error))?;
        Ok(metadata
            .packages
            .into_iter()
            .map(|package| (package.id, package.name))
            .collect())
    }

    /// Compiles the tests. Gives the file name of each test program, and the name
    /// of each library, with its package.
    fn programs(
        &self,
        packages: &BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, String>, Error> {
        let mut command = self.cargo("test");
        command.args(["--no-run", "--message-format", "json-render-diagnostics"]);
        let mut programs = BTreeMap::new();
        for line in process::capture(&mut command)?.lines() {
            let message: Message = serde_json::from_str(line)
                .map_err(|error| Error::malformed("cargo's message", error))?;
            let Some(package) = message.package_id.and_then(|id| packages.get(&id)) else {
                continue;
            };
            if let Some(name) = message.executable.as_deref().and_then(Path::file_name) {
                programs.insert(name.to_string_lossy().into_owned(), package.clone());
            }
            if let Some(target) = message
                .target
                .filter(|target| target.kind.iter().any(|kind| kind == "lib"))
            {
                programs.insert(target.name, package.clone());
            }
        }
        Ok(programs)
    }

    fn cargo(&self, subcommand: &str) -> Command {
        let mut command = Command::new("cargo");
        command
            .current_dir(self.folder)
            .args([subcommand, "--locked"])
            .args(self.selection);
        // Colours would hide the results from the report.
        command.env("CARGO_TERM_COLOR", "never");
        command
    }
}
