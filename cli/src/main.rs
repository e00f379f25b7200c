//! The `tollgate` command.

use clap::{Parser, Subcommand};
use std::process::ExitCode;
use tollgate_cli::commands::{
    audit, check_config, credits, demo, deploy, dev, entitlement, keys, merchant, pay, product, qr,
    receipt, serve,
};
use tollgate_cli::error::CliError;
use tollgate_cli::output::{self, Format};

/// HTTP 402 with its ledger on Solana.
///
/// Exit codes: 0 done; 1 failed; 2 wrong command line; 3 refused by the spending
/// policy, nothing was paid; 4 the fate of a transaction is not known yet, or a
/// configuration could not be held against the chain; 5 not found; 6 evidence that does
/// not hold (a receipt, an audit log).
#[derive(Parser, Debug)]
#[command(name = "tollgate", version, arg_required_else_help = true)]
struct Arguments {
    /// How results and errors are printed
    #[arg(long, global = true, value_enum, default_value_t)]
    output: Format,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Play the whole story on a local chain: 402, payment, 200, withdrawal
    Demo(demo::DemoArgs),
    /// Run a local chain, a merchant, an API and the verifier, until interrupted
    Dev(dev::DevArgs),
    /// Run the verifier in front of an API
    Serve(serve::ServeArgs),
    /// Say what is wrong with a verifier's configuration, with file, line and key
    CheckConfig(check_config::CheckConfigArgs),
    /// Fetch a URL and pay for it if it answers 402
    Pay(pay::PayArgs),
    /// Show what a 402 asks for as a code for a wallet's camera
    Qr(qr::QrArgs),
    /// Look up who may use what
    #[command(subcommand)]
    Entitlement(entitlement::EntitlementCommand),
    /// Create and run a merchant
    #[command(subcommand)]
    Merchant(merchant::MerchantCommand),
    /// Publish and change products
    #[command(subcommand)]
    Product(product::ProductCommand),
    /// Show and book used credits of metered products
    #[command(subcommand)]
    Credits(credits::CreditsCommand),
    /// Put the program, a merchant and its products on a cluster
    #[command(subcommand)]
    Deploy(deploy::DeployCommand),
    /// Read and verify the log of what a verifier decided
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Verify receipts
    #[command(subcommand)]
    Receipt(receipt::ReceiptCommand),
    /// Make the secrets of a verifier
    #[command(subcommand)]
    Keys(keys::KeysCommand),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let format = arguments.output;
    // A service tells what it does (and `serve` how, by its configuration); a
    // command only what goes wrong.
    match arguments.command {
        Command::Serve(_) => {}
        Command::Dev(_) => drop(tollgate_verifier::logging::init("info")),
        _ => drop(tollgate_verifier::logging::init("error")),
    }
    let done = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(CliError::Listen)
        .and_then(|runtime| runtime.block_on(run(arguments.command, format)));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::print_error(&error, format);
            ExitCode::from(error.exit_code())
        }
    }
}

async fn run(command: Command, format: Format) -> Result<(), CliError> {
    match command {
        Command::Demo(args) => demo::run(args).await,
        Command::Dev(args) => dev::run(args).await,
        Command::Serve(args) => serve::run(args).await,
        Command::CheckConfig(args) => check_config::run(args, format).await,
        Command::Pay(args) => pay::run(args, format).await,
        Command::Qr(args) => qr::run(args).await,
        Command::Entitlement(command) => entitlement::run(command, format).await,
        Command::Merchant(command) => merchant::run(command, format).await,
        Command::Product(command) => product::run(command, format).await,
        Command::Credits(command) => credits::run(command, format).await,
        Command::Deploy(command) => deploy::run(command, format).await,
        Command::Audit(command) => audit::run(command, format).await,
        Command::Receipt(command) => receipt::run(command, format).await,
        Command::Keys(command) => keys::run(command, format),
    }
}
