//! The service benchmark's processes: the servers that are measured and what they
//! need around them (`serve`), and the generator of load (`load`).
//!
//! Each runs in a process of its own, started and stopped by `cargo xtask bench`: a
//! server prints one line of JSON with its address and ends when its standard input
//! does; a load prints one line of JSON with what it measured.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a benchmark that cannot go on has to stop at once"
)]

mod load;
mod serve;
mod stage;

use clap::Parser;

#[derive(Parser)]
enum Command {
    /// Run a server until standard input ends.
    Serve(serve::Arguments),
    /// Send requests and print what they took.
    Load(load::Arguments),
}

// One thread for each process: a server and its load have a core each.
#[tokio::main(flavor = "current_thread")]
async fn main() {
    match Command::parse() {
        Command::Serve(arguments) => serve::run(arguments).await,
        Command::Load(arguments) => load::run(arguments).await,
    }
}
