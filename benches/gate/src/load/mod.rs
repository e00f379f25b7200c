//! The generator of load: a fixed number of connections, each of which sends its next
//! request when it has the answer to the last.

mod client;
mod cost;
mod measure;
mod plan;

pub(crate) use self::client::Client;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// What to send where.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The server.
    #[arg(long)]
    pub(crate) address: SocketAddr,
    /// As whom.
    #[arg(long, value_enum)]
    pub(crate) caller: Caller,
    /// The recording, for callers with a key.
    #[arg(long)]
    pub(crate) stage: Option<PathBuf>,
    /// The verifier's secret (a file with hexadecimal digits), to make sessions with.
    #[arg(long)]
    pub(crate) secret: Option<PathBuf>,
    /// How many different callers or sign-ins to prepare.
    #[arg(long, default_value_t = 10_000)]
    pub(crate) distinct: u64,
    /// The first of the made-up callers.
    #[arg(long, default_value_t = 0)]
    pub(crate) first: u64,
    /// How far one made-up caller's number is from the next one's.
    #[arg(long, default_value_t = 1)]
    pub(crate) stride: u64,
    /// Whether callers and sign-ins may be used again when all were.
    #[arg(long)]
    pub(crate) again: bool,
    /// Connections.
    #[arg(long, default_value_t = 16)]
    pub(crate) connections: usize,
    /// How long to send without measuring, in milliseconds.
    #[arg(long, default_value_t = 500)]
    pub(crate) warmup_ms: u64,
    /// How long to measure, in milliseconds.
    #[arg(long, default_value_t = 3_000)]
    pub(crate) measure_ms: u64,
    /// The server's process, whose processor time is measured.
    #[arg(long)]
    pub(crate) server: u32,
    /// The scripted RPC server behind it, whose readings are counted.
    #[arg(long)]
    pub(crate) chain: Option<SocketAddr>,
    /// The status that every answer must have.
    #[arg(long, default_value_t = 200)]
    pub(crate) expect: u16,
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Caller {
    /// Nobody.
    Stranger,
    /// The wallet that paid, with one session token.
    Session,
    /// The wallet that paid, with a fresh signature for each request.
    SignIn,
    /// Another made-up caller for each request, with a session token.
    Distinct,
    /// An x402 client with a payment for each request.
    X402,
}

/// Prepares the requests, sends them, prints what they took.
pub(crate) async fn run(arguments: Arguments) {
    let plan = plan::prepare(&arguments).await;
    let window = measure::Window {
        warmup: Duration::from_millis(arguments.warmup_ms),
        measured: Duration::from_millis(arguments.measure_ms),
    };
    let cost = cost::Meter {
        server: arguments.server,
        chain: arguments.chain,
    };
    let figures = measure::measure(&arguments, cost, plan, window).await;
    println!("{}", serde_json::json!(figures));
}
