//! The published facilitator and resource server as a process.

use crate::packages;
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
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
    /// Starts Node.js with the packages of `tests/interop/package-lock.json`, which are
    /// installed first. `None` on a machine without Node.js, with a line about it.
    ///
    /// # Panics
    /// In continuous integration (`CI` is set), where nothing may be missing.
    pub fn start() -> Option<Self> {
        match packages::install() {
            Ok(()) => Some(Self::spawn()),
            Err(missing) => {
                assert!(std::env::var_os("CI").is_none(), "{missing}");
                eprintln!("skipped: {missing}");
                None
            }
        }
    }

    fn spawn() -> Self {
        let folder = packages::folder();
        let manifest = folder.join("node_modules/@x402/svm/package.json");
        let manifest = std::fs::read_to_string(manifest).expect("it is installed");
        let manifest: Value = serde_json::from_str(&manifest).expect("a package");
        assert_eq!(manifest["version"], VERSION);
        let mut process = Command::new("node")
            .arg(folder.join("facilitator/stock.mjs"))
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

impl Drop for Stock {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
