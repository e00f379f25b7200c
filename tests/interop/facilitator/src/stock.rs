//! The published facilitator and resource server as a process.

use serde_json::Value;
use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

/// How long it may be silent: it needs a second to start, and milliseconds for a
/// question.
const SILENCE: Duration = Duration::from_secs(120);
/// The version whose rules are ours.
const VERSION: &str = "2.27.0";

/// A running process; dropping it ends it.
pub struct Stock {
    process: Child,
    answers: Receiver<String>,
}

impl Stock {
    /// Starts Node.js with the packages that `tests/interop/package-lock.json` pins.
    /// `None` where they are not installed, with a line about it.
    ///
    /// # Panics
    /// Where changes are judged (`CI` is set), and nothing may be missing.
    pub fn start() -> Option<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        match require_installed(folder) {
            Ok(()) => Some(Self::spawn(&folder.join("stock.mjs"))),
            Err(missing) => {
                let judged = env::var_os("CI").is_some_and(|ci| !ci.is_empty() && ci != "false");
                assert!(!judged, "{missing}");
                eprintln!("skipped: {missing}");
                None
            }
        }
    }

    fn spawn(script: &Path) -> Self {
        let mut process = Command::new("node")
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it has a version, so that it starts");
        let output = process.stdout.take().expect("it is piped");
        let (sender, answers) = channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { process, answers }
    }

    /// Its answers to all questions, in order.
    ///
    /// # Panics
    /// When it dies or stays silent.
    pub fn answers(mut self, questions: Vec<Value>) -> Vec<Value> {
        let mut input = self.process.stdin.take().expect("it is piped");
        let count = questions.len();
        let writer = thread::spawn(move || {
            for question in questions {
                writeln!(input, "{question}").expect("it reads");
            }
        });
        let answers = (0..count).map(|place| {
            let answer = self.answers.recv_timeout(SILENCE);
            let answer = answer.unwrap_or_else(|error| panic!("answer {place}: {error}"));
            serde_json::from_str(&answer).expect("JSON")
        });
        let answers = answers.collect();
        writer.join().expect("everything was written");
        answers
    }
}

/// Whether Node.js and the packages beside `folder` are there, in the version whose
/// rules are ours.
fn require_installed(folder: &Path) -> Result<(), String> {
    let node = Command::new("node")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    if !node.is_ok_and(|status| status.success()) {
        return Err("node is not installed".to_owned());
    }
    let manifest = folder.with_file_name("node_modules/@x402/svm/package.json");
    let version = fs::read(manifest)
        .ok()
        .and_then(|manifest| serde_json::from_slice::<Value>(&manifest).ok())
        .and_then(|manifest| manifest["version"].as_str().map(str::to_owned));
    match version {
        Some(version) if version == VERSION => Ok(()),
        found => Err(format!(
            "@x402/svm {VERSION} is not installed in tests/interop (found {found:?}): \
             run `cargo xtask clients`"
        )),
    }
}

impl Drop for Stock {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
