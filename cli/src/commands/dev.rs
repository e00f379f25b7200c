//! `tollgate dev`: everything in one process, until it is interrupted.

use super::signals::Signals;
use crate::error::CliError;
use crate::keyfile;
use crate::stack::{Stack, StackOptions};
use clap::Args;
use solana_keypair::Keypair;
use solana_signer::Signer;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Arguments of `dev`.
#[derive(Args, Debug)]
pub struct DevArgs {
    /// Port of the JSON-RPC server; WebSocket is on the next one as well
    #[arg(long, default_value_t = 8899)]
    pub rpc_port: u16,
    /// Port of the verifier
    #[arg(long, default_value_t = 4020)]
    pub port: u16,
    /// Milliseconds of a slot
    #[arg(long, default_value_t = 400, value_parser = clap::value_parser!(u64).range(10..=10_000))]
    pub slot: u64,
    /// Where to write the key files of the agent and the merchant
    #[arg(long, default_value = ".tollgate-dev")]
    pub keys: PathBuf,
}

/// Runs the local stack and prints the commands to try.
///
/// # Errors
/// [`CliError`].
pub async fn run(args: DevArgs) -> Result<(), CliError> {
    let stack = Stack::start(StackOptions {
        rpc_port: args.rpc_port,
        port: args.port,
        slot: Duration::from_millis(args.slot),
    })
    .await?;
    let agent = stack.new_wallet(5_000_000)?;
    let agent_file = write_key(&args.keys, "agent.json", &agent)?;
    let owner_file = write_key(&args.keys, "merchant.json", &stack.merchant.owner)?;
    let (url, rpc) = (&stack.url, stack.localnet.rpc_url());
    println!("Tollgate runs on this machine only; its money is worth nothing.");
    println!();
    println!("  verifier   {url}");
    println!("  JSON-RPC   {rpc}");
    println!("  WebSocket  {}", stack.localnet.websocket_url());
    println!("  program    {}", tollgate_client::PROGRAM_ID);
    println!("  merchant   {}", stack.merchant.address);
    println!("  product    {}  (day-pass)", stack.merchant.day_pass);
    println!(
        "  agent      {}  (5 USDC, {})",
        agent.pubkey(),
        agent_file.display()
    );
    println!();
    // As it was called: most people run it from the build folder.
    let tollgate = std::env::args()
        .next()
        .unwrap_or_else(|| "tollgate".to_owned());
    println!("Try:");
    println!("  curl -i {url}/v1/report");
    println!(
        "  {tollgate} pay {url}/v1/report --rpc-url {rpc} --keypair {}",
        agent_file.display()
    );
    println!("  {tollgate} qr {url}/v1/report");
    println!(
        "  {tollgate} entitlement show --rpc-url {rpc} --product {} --wallet {}",
        stack.merchant.day_pass,
        agent.pubkey()
    );
    println!(
        "  {tollgate} merchant withdraw --rpc-url {rpc} --keypair {} --all",
        owner_file.display()
    );
    println!();
    println!("Stop with Ctrl-C.");
    let _ = std::io::stdout().flush();
    Signals::listen().map_err(CliError::Listen)?.stop().await;
    stack.shutdown().await;
    Ok(())
}

/// Writes a key file that only its user can read.
fn write_key(folder: &Path, name: &str, key: &Keypair) -> Result<PathBuf, CliError> {
    let path = folder.join(name);
    keyfile::write(&path, key, true).map_err(|error| {
        CliError::Argument(format!("{} cannot be written: {error}", path.display()))
    })?;
    Ok(path)
}
