//! The servers.

mod bare;
mod facilitator;
mod fixed_402;
mod gate;
mod layer;
mod peer;
pub(crate) use peer::payment;
mod plain_proxy;
mod script;
mod scripted_feed;
mod scripted_rpc;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

/// The path of the paid resource, everywhere.
pub(crate) const PATH: &str = "/v1/report";

/// Its answer, everywhere.
pub(crate) const BODY: &str =
    r#"{"report":"Sales of lemonade rose by 12 % this summer.","currency":"USDC"}"#;

/// Which server to run.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    subject: Subject,
}

#[derive(clap::Subcommand)]
enum Subject {
    /// axum, answering the fixed body: what everything is compared with.
    Bare,
    /// axum, answering with one 402 of the layer: what sending that many bytes costs.
    Fixed402 {
        /// The layer, which is asked once.
        #[arg(long)]
        of: SocketAddr,
    },
    /// A reverse proxy of hyper and nothing else.
    PlainProxy {
        /// The server behind it.
        #[arg(long)]
        upstream: SocketAddr,
    },
    /// The verifier as a reverse proxy.
    Gate {
        /// Its configuration.
        #[arg(long)]
        config: PathBuf,
    },
    /// axum with the gate as a layer.
    Layer {
        /// Its configuration; the public URL is replaced.
        #[arg(long)]
        config: PathBuf,
        /// Accept connections as the verifier does, not as axum does.
        #[arg(long)]
        own_loop: bool,
    },
    /// axum with the middleware of x402-axum.
    Peer {
        /// Its facilitator.
        #[arg(long)]
        facilitator: SocketAddr,
    },
    /// An x402 facilitator that says yes to everything at once.
    Facilitator,
    /// A JSON-RPC server with recorded accounts, and its WebSocket.
    ScriptedRpc {
        /// The recording.
        #[arg(long)]
        stage: PathBuf,
        /// How long each answer takes, in milliseconds.
        #[arg(long, default_value_t = 0)]
        delay_ms: u64,
        /// How many callers to make up, each with an entitlement.
        #[arg(long, default_value_t = 0)]
        made_up: u64,
    },
}

/// Runs the server until standard input ends.
pub(crate) async fn run(arguments: Arguments) {
    let listen = || async { TcpListener::bind("127.0.0.1:0").await.expect("a port") };
    let listener = listen().await;
    let mut address = listener.local_addr().expect("an address");
    let (mut feed, mut admin) = (None, None);
    match arguments.subject {
        Subject::Bare => bare::start(listener),
        Subject::Fixed402 { of } => fixed_402::start(listener, of).await,
        Subject::PlainProxy { upstream } => plain_proxy::start(listener, upstream),
        Subject::Peer { facilitator } => peer::start(listener, facilitator),
        Subject::Facilitator => facilitator::start(listener),
        Subject::ScriptedRpc {
            stage,
            delay_ms,
            made_up,
        } => {
            let script = Arc::new(script::Script::new(&stage, made_up));
            scripted_rpc::start(listener, script, delay_ms);
            let listener = listen().await;
            feed = listener.local_addr().ok();
            scripted_feed::start(listener);
        }
        Subject::Layer { config, own_loop } => layer::start(listener, &config, own_loop).await,
        Subject::Gate { config } => {
            drop(listener);
            (address, admin) = gate::start(&config).await;
        }
    }
    let started = serde_json::json!({ "address": address, "feed": feed, "admin": admin });
    println!("{started}");
    let mut nothing = Vec::new();
    let _ = tokio::io::stdin().read_to_end(&mut nothing).await;
}
