//! `tollgate serve`: the verifier from its configuration file.

use super::signals::{Order, Signals};
use crate::error::CliError;
use clap::Args;
use std::path::PathBuf;
use tollgate_verifier::{Config, RunningVerifier, Verifier, logging};

/// Arguments of `serve`.
#[derive(Args, Debug)]
pub struct ServeArgs {
    /// The configuration file; SIGHUP has it read again
    #[arg(long, default_value = "tollgate.toml")]
    pub config: PathBuf,
    /// Read the configuration, report every mistake, and stop (see `check-config`)
    #[arg(long)]
    pub check: bool,
}

/// Serves until it is told to stop.
///
/// # Errors
/// [`CliError::Config`], [`CliError::Verifier`].
pub async fn run(args: ServeArgs) -> Result<(), CliError> {
    let mut signals = Signals::listen().map_err(CliError::Listen)?;
    let config = Config::load(&args.config)?;
    if args.check {
        println!("the configuration is complete");
        return Ok(());
    }
    let log = logging::start(&config.log).map_err(CliError::Argument)?;
    let verifier = Verifier::start(config).await?;
    follow_orders(&mut signals, &verifier, &args.config).await;
    tokio::select! {
        _ = verifier.shutdown() => {}
        // Whoever asks twice does not want to wait.
        () = signals.stop() => tracing::warn!("stopping at once"),
    }
    let _ = tokio::task::spawn_blocking(move || log.flush()).await;
    Ok(())
}

/// Returns when it is time to stop.
async fn follow_orders(
    signals: &mut Signals,
    verifier: &RunningVerifier,
    config: &std::path::Path,
) {
    while signals.next().await == Order::Reload {
        tokio::select! {
            // A refusal is in the log; the old configuration serves on.
            _ = verifier.reload_file(config) => {}
            () = signals.stop() => return,
        }
    }
}
