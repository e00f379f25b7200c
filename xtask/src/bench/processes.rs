//! The processes of a run: servers that end with their owner, and loads.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::figures::Users;
use crate::error::Error;
use crate::process;
use crate::workspace::Workspace;

/// How long a server may take to end when it is told to.
const ENDING: Duration = Duration::from_secs(5);
/// The programs.
pub struct Tools {
    /// `benches/gate`.
    pub bench: PathBuf,
    /// The recorder of the chain.
    pub paid_chain: PathBuf,
}

impl Tools {
    /// Where cargo puts them.
    pub fn of(workspace: &Workspace) -> Self {
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(
            || workspace.path("benches/gate/target"),
            |folder| workspace.root().join(folder),
        );
        Self {
            bench: target.join("release/tollgate-gate-bench"),
            paid_chain: workspace.target("debug/paid_chain"),
        }
    }

    /// Measures how long users wait on a chain with slots of a cluster's length.
    ///
    /// # Errors
    /// When the program fails or prints something else.
    pub fn users(&self, users: u32) -> Result<Users, Error> {
        eprintln!("{users} users");
        let mut command = Command::new(&self.paid_chain);
        command.args(["latency", &users.to_string()]);
        last_line(&process::capture(&mut command)?)
    }
}

/// A running server.
pub struct Server {
    child: Child,
    started: Started,
}

/// What a server says when it has started.
#[derive(Clone, Copy, Debug, Deserialize)]
struct Started {
    address: SocketAddr,
    feed: Option<SocketAddr>,
    admin: Option<SocketAddr>,
}

impl Server {
    /// Starts one and waits until it can be asked.
    ///
    /// # Errors
    /// When it cannot be started or says something else than where it is.
    pub fn start(tools: &Tools, arguments: &[&str]) -> Result<Self, Error> {
        let mut command = Command::new(&tools.bench);
        command
            .arg("serve")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command
            .spawn()
            .map_err(|source| process::start_error(&command, source))?;
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            // What it may print later is nobody's business; the pipe closes with this.
            let _ = BufReader::new(output).read_line(&mut line);
        }
        match last_line::<Started>(&line) {
            Ok(started) => Ok(Self { child, started }),
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(error)
            }
        }
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Where it is asked.
    pub fn address(&self) -> SocketAddr {
        self.started.address
    }

    /// Where a scripted chain reports its slots.
    ///
    /// # Errors
    /// When it is no such server.
    pub fn feed(&self) -> Result<SocketAddr, Error> {
        let feed = self.started.feed;
        feed.ok_or_else(|| Error::malformed("a server's first line", "no feed"))
    }

    /// Where a verifier tells its metrics.
    ///
    /// # Errors
    /// When it does not.
    pub fn admin(&self) -> Result<SocketAddr, Error> {
        let admin = self.started.admin;
        admin.ok_or_else(|| Error::malformed("a server's first line", "no admin listener"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It ends with its standard input; whoever does not is killed.
        drop(self.child.stdin.take());
        let deadline = Instant::now() + ENDING;
        while Instant::now() < deadline {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The last line of an output as JSON.
///
/// # Errors
/// When it is not.
pub fn last_line<T: for<'de> Deserialize<'de>>(output: &str) -> Result<T, Error> {
    let line = output.lines().last().unwrap_or_default();
    serde_json::from_str(line).map_err(|error| Error::malformed("a process's output", error))
}
