//! Processes that tests start, listen to, and stop.
//!
//! For tests only: whatever goes wrong is a panic that says what the process said.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How long what has to happen may take: machines are shared.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// How often it is looked whether it has happened.
const PAUSE: Duration = Duration::from_millis(20);

/// Runs a command to its end, with `input` on its standard input. Other tasks go on
/// meanwhile.
///
/// # Panics
/// When it cannot be started.
pub async fn run(mut command: Command, input: &str) -> Output {
    let input = input.to_owned();
    tokio::task::spawn_blocking(move || {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let mut stdin = child.stdin.take().unwrap();
        // A command that refuses its arguments reads nothing.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        child.wait_with_output().unwrap()
    })
    .await
    .unwrap()
}

/// On which of its outputs a process says what a test waits for. The other is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voice {
    /// Standard output.
    Output,
    /// Standard error.
    Error,
}

/// A running process; killed, by its id, when it is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    said: Arc<Mutex<Vec<String>>>,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Process {
    /// Starts a process and listens to it from its first line on.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(command: &mut Command, voice: Voice) -> Self {
        let (output, error) = match voice {
            Voice::Output => (Stdio::piped(), Stdio::null()),
            Voice::Error => (Stdio::null(), Stdio::piped()),
        };
        let mut child = command
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(error)
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let pipe: Box<dyn Read + Send> = match voice {
            Voice::Output => Box::new(child.stdout.take().unwrap()),
            Voice::Error => Box::new(child.stderr.take().unwrap()),
        };
        let said = Arc::new(Mutex::new(Vec::new()));
        let lines = Arc::clone(&said);
        // Ends with the process, which holds the pipe's other end.
        std::thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                lines.lock().unwrap().push(line);
            }
        });
        Self { child, said }
    }

    /// Every line so far.
    ///
    /// # Panics
    /// Never: nobody panics while holding the lock.
    #[must_use]
    pub fn said(&self) -> Vec<String> {
        self.said.lock().unwrap().clone()
    }

    /// The first `count` things that are found in its lines; waits for them.
    ///
    /// # Panics
    /// When there are fewer within [`PATIENCE`].
    pub async fn hear<T>(&self, count: usize, find: impl Fn(&str) -> Option<T>) -> Vec<T> {
        let waiting = async {
            loop {
                let said = self.said();
                let found: Vec<T> = said
                    .iter()
                    .filter_map(|line| find(line))
                    .take(count)
                    .collect();
                if found.len() == count {
                    return found;
                }
                tokio::time::sleep(PAUSE).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting)
            .await
            .unwrap_or_else(|_| panic!("not {count} times in\n{}", self.said().join("\n")))
    }

    /// Sends a signal, such as `"TERM"`, to this process and to no other.
    ///
    /// # Panics
    /// When it has ended.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args(["-s", name, &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    /// Kills it (SIGKILL) and waits until it is gone.
    ///
    /// # Panics
    /// When it has ended by itself.
    pub fn kill(mut self) {
        assert_eq!(self.child.try_wait().unwrap(), None, "it ended by itself");
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it does not end within [`PATIENCE`].
    pub async fn ended(&mut self) -> ExitStatus {
        let waiting = async {
            loop {
                if let Some(status) = self.child.try_wait().unwrap() {
                    return status;
                }
                tokio::time::sleep(PAUSE).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting)
            .await
            .unwrap_or_else(|_| panic!("it did not end:\n{}", self.said().join("\n")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[tokio::test]
    async fn a_process_is_heard_and_ends_with_its_owner() {
        for (voice, redirect) in [(Voice::Output, ""), (Voice::Error, " >&2")] {
            let script = format!("echo pid $${redirect}; echo port 7{redirect}; exec sleep 600");
            let process = Process::start(&mut shell(&script), voice);
            let port = process.hear(1, |line| Some(line.strip_prefix("port ")?.to_owned()));
            assert_eq!(port.await, ["7"]);
            let number = process.said().remove(0).replace("pid ", "");
            let here = std::path::Path::new("/proc").join(number);
            assert!(here.exists());
            drop(process);
            assert!(!here.exists());
        }
    }

    #[tokio::test]
    async fn a_process_is_told_to_end_and_waited_for() {
        let mut process = Process::start(
            &mut shell("trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done"),
            Voice::Output,
        );
        process
            .hear(1, |line| (line == "ready").then_some(()))
            .await;
        process.signal("TERM");
        assert_eq!(process.ended().await.code(), Some(7));
    }

    #[tokio::test]
    async fn a_command_runs_to_its_end() {
        let output = run(shell("cat; exit 3"), "what it reads").await;
        assert_eq!(output.status.code(), Some(3));
        assert_eq!(output.stdout, b"what it reads");
    }
}
