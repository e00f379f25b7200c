//! The processes of a run: servers that end with their owner, and loads.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::Bench;
use super::figures::{Figures, Users};
use super::rows::{DELAY_MS, Row, Subject};
use crate::error::Error;
use crate::process;
use crate::workspace::{Workspace, write_whole};

/// How many callers are made up for misses: more than a round asks for.
const MADE_UP: u64 = 60_000;
/// How many callers ask in one round of misses, and how many sign-ins one has.
const DISTINCT: u64 = 10_000;
/// How long a server may take to end when it is told to.
const ENDING: Duration = Duration::from_secs(5);
/// The programs.
pub struct Tools {
    bench: PathBuf,
    paid_chain: PathBuf,
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
struct Server {
    child: Child,
    address: SocketAddr,
}

#[derive(Deserialize)]
struct Started {
    address: SocketAddr,
}

impl Server {
    fn start(tools: &Tools, arguments: &[&str]) -> Result<Self, Error> {
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
            Ok(Started { address }) => Ok(Self { child, address }),
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(error)
            }
        }
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
fn last_line<T: for<'de> Deserialize<'de>>(output: &str) -> Result<T, Error> {
    let line = output.lines().last().unwrap_or_default();
    serde_json::from_str(line).map_err(|error| Error::malformed("a process's output", error))
}

/// What all rounds share.
pub struct Setting<'a> {
    tools: &'a Tools,
    folder: PathBuf,
    stage: PathBuf,
    secret: PathBuf,
    merchant: String,
    genesis_hash: String,
    bare: Server,
    facilitator: Server,
    chain: Server,
    slow_chain: Server,
}

#[derive(Deserialize)]
struct Recording {
    merchant: String,
    genesis_hash: String,
}

impl<'a> Setting<'a> {
    /// Records the chain and starts what stands behind the subjects.
    ///
    /// # Errors
    /// When a process or a file fails.
    pub fn prepare(workspace: &Workspace, tools: &'a Tools) -> Result<Self, Error> {
        let folder = workspace.target("bench");
        let stage = folder.join("stage.json");
        fs::create_dir_all(&folder).map_err(Error::file("create", &folder))?;
        process::run(Command::new(&tools.paid_chain).arg("record").arg(&stage))?;
        let text = fs::read_to_string(&stage).map_err(Error::file("read", &stage))?;
        let recording: Recording = serde_json::from_str(&text)
            .map_err(|error| Error::malformed("the recording", error))?;
        // Known to everybody: it protects nothing but this run.
        let secret = folder.join("secret.key");
        write_whole(&secret, "5e".repeat(32).as_bytes())?;
        let stage_text = stage.to_string_lossy().into_owned();
        let chain = ["scripted-rpc", "--stage", &stage_text];
        let (made_up, delay) = (MADE_UP.to_string(), DELAY_MS.to_string());
        let slow_chain = [&chain[..], &["--made-up", &made_up, "--delay-ms", &delay]].concat();
        Ok(Self {
            tools,
            secret,
            merchant: recording.merchant,
            genesis_hash: recording.genesis_hash,
            bare: Server::start(tools, &["bare"])?,
            facilitator: Server::start(tools, &["facilitator"])?,
            chain: Server::start(tools, &chain)?,
            slow_chain: Server::start(tools, &slow_chain)?,
            folder,
            stage,
        })
    }

    /// Measures a row once, with a server of its own.
    ///
    /// # Errors
    /// When a process fails.
    pub fn measure(&self, row: &Row, round: u32, bench: &Bench) -> Result<Figures, Error> {
        let upstream = self.bare.address.to_string();
        let (server, chain) = match row.subject {
            Subject::Bare => (Server::start(self.tools, &["bare"])?, None),
            Subject::PlainProxy => (
                Server::start(self.tools, &["plain-proxy", "--upstream", &upstream])?,
                None,
            ),
            Subject::Peer => {
                let facilitator = self.facilitator.address.to_string();
                let arguments = ["peer", "--facilitator", &facilitator];
                (Server::start(self.tools, &arguments)?, None)
            }
            Subject::Gate => (self.gate(&["gate"], &self.chain)?, Some(&self.chain)),
            Subject::GateOnSlowChain => (
                self.gate(&["gate"], &self.slow_chain)?,
                Some(&self.slow_chain),
            ),
            Subject::Layer => (self.gate(&["layer"], &self.chain)?, Some(&self.chain)),
            Subject::LayerOnOwnLoop => (
                self.gate(&["layer", "--own-loop"], &self.chain)?,
                Some(&self.chain),
            ),
        };
        // Every round has callers of its own: whoever was seen is no miss.
        let first = u64::from(round.saturating_sub(1)) * DISTINCT % (MADE_UP - DISTINCT);
        let mut load = Command::new(&self.tools.bench);
        load.arg("load")
            .args(["--address", &server.address.to_string()])
            .args(["--server", &server.child.id().to_string()])
            .args(["--caller", row.caller])
            .args(["--expect", &row.expect.to_string()])
            .args(["--distinct", &DISTINCT.to_string()])
            .args(["--first", &first.to_string()])
            .args(["--connections", &bench.connections.to_string()])
            .args(["--measure-ms", &bench.milliseconds.to_string()])
            .arg("--stage")
            .arg(&self.stage)
            .arg("--secret")
            .arg(&self.secret);
        if let Some(chain) = chain {
            load.args(["--chain", &chain.address.to_string()]);
        }
        last_line(&process::capture(&mut load)?)
    }

    /// A verifier or a layer that reads this chain.
    fn gate(&self, subject: &[&str], chain: &Server) -> Result<Server, Error> {
        let file = self.folder.join("gate.toml");
        write_whole(&file, self.configuration(chain).as_bytes())?;
        let file = file.to_string_lossy();
        Server::start(self.tools, &[subject, &["--config", &file]].concat())
    }

    /// Readings stay valid for longer than a row is measured, so that a reading of the
    /// chain in a row of hits is one too many.
    fn configuration(&self, chain: &Server) -> String {
        let Self {
            merchant,
            genesis_hash,
            ..
        } = self;
        format!(
            "[server]\n\
             listen = \"127.0.0.1:0\"\n\
             public_url = \"http://127.0.0.1:0\"\n\
             \n\
             [chain]\n\
             rpc_url = \"http://{}\"\n\
             push = false\n\
             program_id = \"46CVxfJUXZPzBpiEffE9ZtDe5dWgbJK3aKRV85pj9SHr\"\n\
             genesis_hash = \"{genesis_hash}\"\n\
             max_staleness_ms = 60000\n\
             refresh_interval_ms = 600000\n\
             ready_within_ms = 1200000\n\
             max_in_flight = 1024\n\
             \n\
             [merchant]\n\
             address = \"{merchant}\"\n\
             name = \"Benchmark\"\n\
             \n\
             [secrets]\n\
             key_file = \"secret.key\"\n\
             \n\
             [upstream]\n\
             url = \"http://{}\"\n\
             \n\
             [[routes]]\n\
             path = \"/v1/report\"\n\
             product = \"day-pass\"\n\
             title = \"Market report\"\n",
            chain.address, self.bare.address
        )
    }
}
