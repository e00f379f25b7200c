//! A local chain with a merchant, an upstream that can be slow, and `tollgate serve`
//! as a process of its own between them.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use serde_json::Value;
use tempfile::TempDir;
use tollgate_cli::stack::{Stack, StackOptions};
use tollgate_test_process::{PATIENCE, Process, Voice};

/// A word that stands in the RPC URL and must not be seen anywhere.
pub const RPC_KEY: &str = "rpc-key-8d41f0";

/// The secret of the service under test; worth nothing elsewhere.
pub const SECRET: &str = "a test secret that is long enough for its purpose";

/// Everything around the process.
pub struct Site {
    pub stack: Stack,
    pub folder: TempDir,
    /// Requests that the slow upstream has begun.
    pub begun: Arc<AtomicUsize>,
    upstream: SocketAddr,
}

impl Site {
    pub async fn new() -> Self {
        let options = StackOptions {
            slot: Duration::from_millis(50),
            ..StackOptions::default()
        };
        let begun = Arc::new(AtomicUsize::new(0));
        Self {
            stack: Stack::start(options).await.unwrap(),
            folder: tempfile::tempdir().unwrap(),
            upstream: upstream(Arc::clone(&begun)).await,
            begun,
        }
    }

    /// Writes the configuration with more of `[server]`, other sections, and routes.
    pub fn write_config(&self, server: &str, sections: &str) -> PathBuf {
        let merchant = self.stack.merchant.address;
        let (program, genesis) = (
            tollgate_client::PROGRAM_ID,
            tollgate_localnet::DEVNET_GENESIS_HASH,
        );
        let upstream = self.upstream;
        let text = format!(
            r#"
[server]
listen = "127.0.0.1:0"
public_url = "http://127.0.0.1:0"
{server}

[chain]
rpc_url_env = "TOLLGATE_TEST_RPC"
program_id = "{program}"
genesis_hash = "{genesis}"

[merchant]
address = "{merchant}"

[secrets]
key_env = "TOLLGATE_TEST_SECRET"

[upstream]
url = "http://{upstream}"

[log]
format = "json"

{sections}

[[routes]]
path = "/slow"
free = true

[[routes]]
path = "/v1/report"
product = "day-pass"
"#
        );
        let path = self.folder.path().join("tollgate.toml");
        std::fs::write(&path, text).unwrap();
        path
    }

    /// A command with the environment of this site.
    pub fn tollgate(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
        let rpc = format!("{}/?api-key={RPC_KEY}", self.stack.localnet.rpc_url());
        command
            .args(arguments)
            .env_remove("RUST_LOG")
            .env("TOLLGATE_TEST_RPC", rpc)
            .env("TOLLGATE_TEST_SECRET", SECRET);
        command
    }

    /// Starts `tollgate serve` and waits until it listens.
    pub async fn serve(&self, config: &Path, filter: &str) -> Service {
        self.serve_with(config, &[("RUST_LOG", filter)]).await
    }

    /// The same with more of an environment.
    pub async fn serve_with(&self, config: &Path, environment: &[(&str, &str)]) -> Service {
        let mut command = self.tollgate(&["serve", "--config", config.to_str().unwrap()]);
        Service::start(command.envs(environment.iter().copied())).await
    }
}

/// An API that takes 300 ms for an answer and says so.
async fn upstream(begun: Arc<AtomicUsize>) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let slow = move || async move {
        begun.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(300)).await;
        "slow but whole"
    };
    let router = Router::new()
        .route("/slow", get(slow))
        .route("/v1/report", get(async || "the report"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// A running `tollgate serve`; killed with its owner.
pub struct Service {
    process: Process,
    pub address: SocketAddr,
}

impl Service {
    async fn start(command: &mut Command) -> Self {
        let mut service = Self {
            process: Process::start(command, Voice::Error),
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
        };
        let event = service.event("the verifier listens").await;
        service.address = event["address"].as_str().unwrap().parse().unwrap();
        service
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Everything that was logged so far.
    pub fn log(&self) -> Vec<String> {
        self.process.said()
    }

    /// The first event with this message; waits for it.
    pub async fn event(&self, message: &str) -> Value {
        self.events(message, 1).await.remove(0)
    }

    /// The first `count` events with this message; waits for them.
    pub async fn events(&self, message: &str, count: usize) -> Vec<Value> {
        let event = |line: &str| {
            let event: Value = serde_json::from_str(line).ok()?;
            (event["message"] == message).then_some(event)
        };
        self.process.hear(count, event).await
    }

    /// Sends a signal to this process and to no other.
    pub fn signal(&self, name: &str) {
        self.process.signal(name);
    }

    /// Waits for the end.
    pub async fn ended(&mut self) -> ExitStatus {
        self.process.ended().await
    }
}

/// Waits until `holds`.
pub async fn eventually(mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting)
        .await
        .expect("it never came to hold");
}
