//! What stands around the subjects, and one load of one of them.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use serde::Deserialize;

use super::Bench;
use super::figures::Figures;
use super::processes::{Server, Tools, last_line};
use super::rows::{DELAY_MS, Row, Subject};
use crate::error::Error;
use crate::process;
use crate::workspace::{Workspace, write_whole};

/// How many callers are made up for misses: more than a round asks for.
const MADE_UP: u64 = 60_000;
/// How many callers ask in one round of misses, and how many sign-ins one has.
const DISTINCT: u64 = 10_000;

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

/// Who sends what, as `load` understands it.
pub struct Load {
    /// `--caller`.
    pub caller: &'static str,
    /// The status of every answer.
    pub expect: u16,
    /// How many callers, from which number on, how far apart.
    pub distinct: u64,
    /// See `distinct`.
    pub first: u64,
    /// See `distinct`.
    pub stride: u64,
    /// Whether each may ask again.
    pub again: bool,
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
        let upstream = self.bare.address().to_string();
        let (server, chain) = match row.subject {
            Subject::Bare => (Server::start(self.tools, &["bare"])?, None),
            Subject::Fixed402 => {
                let layer = self.gate(&["layer"], &self.chain, "")?;
                let of = layer.address().to_string();
                (Server::start(self.tools, &["fixed402", "--of", &of])?, None)
            }
            Subject::PlainProxy => (
                Server::start(self.tools, &["plain-proxy", "--upstream", &upstream])?,
                None,
            ),
            Subject::Peer => {
                let facilitator = self.facilitator.address().to_string();
                let arguments = ["peer", "--facilitator", &facilitator];
                (Server::start(self.tools, &arguments)?, None)
            }
            Subject::Gate => (self.gate(&["gate"], &self.chain, "")?, Some(&self.chain)),
            Subject::GateOnSlowChain => (
                self.gate(&["gate"], &self.slow_chain, "")?,
                Some(&self.slow_chain),
            ),
            Subject::Layer => (self.gate(&["layer"], &self.chain, "")?, Some(&self.chain)),
            Subject::LayerOnOwnLoop => (
                self.gate(&["layer", "--own-loop"], &self.chain, "")?,
                Some(&self.chain),
            ),
        };
        // Every round has callers of its own: whoever was seen is no miss.
        let first = u64::from(round.saturating_sub(1)) * DISTINCT % (MADE_UP - DISTINCT);
        let load = Load {
            caller: row.caller,
            expect: row.expect,
            distinct: DISTINCT,
            first,
            stride: 1,
            again: false,
        };
        self.load(&server, chain, &load, bench)
    }

    /// Sends requests to a server and measures.
    ///
    /// # Errors
    /// When the process fails or prints something else.
    pub fn load(
        &self,
        server: &Server,
        chain: Option<&Server>,
        load: &Load,
        bench: &Bench,
    ) -> Result<Figures, Error> {
        let mut command = Command::new(&self.tools.bench);
        command
            .arg("load")
            .args(["--address", &server.address().to_string()])
            .args(["--server", &server.id().to_string()])
            .args(["--caller", load.caller])
            .args(["--expect", &load.expect.to_string()])
            .args(["--distinct", &load.distinct.to_string()])
            .args(["--first", &load.first.to_string()])
            .args(["--stride", &load.stride.to_string()])
            .args(["--connections", &bench.connections.to_string()])
            .args(["--measure-ms", &bench.milliseconds.to_string()])
            .arg("--stage")
            .arg(&self.stage)
            .arg("--secret")
            .arg(&self.secret);
        if load.again {
            command.arg("--again");
        }
        if let Some(chain) = chain {
            command.args(["--chain", &chain.address().to_string()]);
        }
        last_line(&process::capture(&mut command)?)
    }

    /// A scripted chain with so many made-up callers.
    ///
    /// # Errors
    /// When the process fails.
    pub fn chain_of(&self, made_up: u64) -> Result<Server, Error> {
        let (stage, made_up) = (self.stage.to_string_lossy(), made_up.to_string());
        let arguments = ["scripted-rpc", "--stage", &stage, "--made-up", &made_up];
        Server::start(self.tools, &arguments)
    }

    /// A verifier that learns from `feed` whatever there is on `chain`, up to `capacity`
    /// entitlements, and tells operators about it.
    ///
    /// # Errors
    /// When a process or a file fails.
    pub fn warming(
        &self,
        chain: &Server,
        feed: SocketAddr,
        capacity: u64,
    ) -> Result<Server, Error> {
        let settings = format!(
            "websocket_url = \"ws://{feed}\"\n\
             cache_capacity = {capacity}\n\
             \n\
             [admin]\n\
             listen = \"127.0.0.1:0\"\n"
        );
        self.gate(&["gate"], chain, &settings)
    }

    /// A verifier or a layer that reads this chain, with more settings behind those of
    /// `[chain]`, or without a feed.
    fn gate(&self, subject: &[&str], chain: &Server, settings: &str) -> Result<Server, Error> {
        let file = self.folder.join("gate.toml");
        write_whole(&file, self.configuration(chain, settings).as_bytes())?;
        let file = file.to_string_lossy();
        Server::start(self.tools, &[subject, &["--config", &file]].concat())
    }

    /// Readings stay valid for longer than a row is measured, so that a reading of the
    /// chain in a row of hits is one too many.
    fn configuration(&self, chain: &Server, settings: &str) -> String {
        let Self {
            merchant,
            genesis_hash,
            ..
        } = self;
        let push = !settings.is_empty();
        format!(
            "[server]\n\
             listen = \"127.0.0.1:0\"\n\
             public_url = \"http://127.0.0.1:0\"\n\
             \n\
             [chain]\n\
             rpc_url = \"http://{}\"\n\
             push = {push}\n\
             program_id = \"46CVxfJUXZPzBpiEffE9ZtDe5dWgbJK3aKRV85pj9SHr\"\n\
             genesis_hash = \"{genesis_hash}\"\n\
             max_staleness_ms = 60000\n\
             refresh_interval_ms = 600000\n\
             ready_within_ms = 1200000\n\
             max_in_flight = 1024\n\
             {settings}\n\
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
            chain.address(),
            self.bare.address()
        )
    }
}
