//! The published facilitator as a process.

use crate::case::{Case, Verdict};
use crate::packages;
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

/// How long the facilitator may be silent: it needs a second to start, and
/// milliseconds for a case.
const SILENCE: Duration = Duration::from_secs(120);

/// A running facilitator; dropping it ends it.
pub struct Facilitator {
    process: Child,
    answers: Receiver<String>,
}

impl Facilitator {
    /// Starts Node.js with the packages of `tests/interop/package-lock.json`, or says
    /// what is missing.
    ///
    /// # Errors
    /// What has to be installed first.
    pub fn start() -> Result<Self, String> {
        let packages = packages::folder();
        let installed = packages.join("node_modules/@x402/svm/package.json");
        let version = std::fs::read_to_string(&installed)
            .map_err(|_| "npm ci in tests/interop has not been run".to_owned())?;
        let version: Value = serde_json::from_str(&version).expect("a package");
        assert_eq!(
            version["version"], "2.27.0",
            "the rules are those of 2.27.0"
        );
        let mut process = Command::new("node")
            .arg(packages.join("facilitator/verify.mjs"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("node does not start: {error}"))?;
        let output = process.stdout.take().expect("it is piped");
        let (sender, answers) = channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Self { process, answers })
    }

    /// Its verdicts on every case, in order.
    pub fn verdicts(mut self, cases: &[Case]) -> Vec<Verdict> {
        let mut input = self.process.stdin.take().expect("it is piped");
        let lines: Vec<String> = cases.iter().map(line).collect();
        let writer = thread::spawn(move || {
            for line in lines {
                // It reads on after the last line: dropping the pipe ends it.
                writeln!(input, "{line}").expect("the facilitator reads");
            }
        });
        let verdicts = cases.iter().map(|case| self.next(case)).collect();
        writer.join().expect("everything was written");
        verdicts
    }

    fn next(&self, case: &Case) -> Verdict {
        let answer = match self.answers.recv_timeout(SILENCE) {
            Ok(answer) => answer,
            Err(RecvTimeoutError::Timeout) => panic!("no verdict on {}", case.name),
            Err(RecvTimeoutError::Disconnected) => panic!("it died over {}", case.name),
        };
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        if answer["isValid"] == true {
            return Verdict::Valid(answer["payer"].as_str().expect("a payer").to_owned());
        }
        let reason = answer["invalidReason"].as_str().expect("a reason");
        // Some reasons are followed by a sentence.
        let code = reason.split(':').next().unwrap_or_default();
        if code == "threw" {
            return Verdict::Refused(format!("threw: {}", answer["invalidMessage"]));
        }
        Verdict::Refused(code.to_owned())
    }
}

impl Drop for Facilitator {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A case as the facilitator reads it.
fn line(case: &Case) -> String {
    let mut request = case.request();
    let managed: Vec<String> = case.managed.iter().map(ToString::to_string).collect();
    request["managed"] = managed.into();
    request.to_string()
}
