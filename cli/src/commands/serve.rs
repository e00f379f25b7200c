//! `tollgate serve`: the verifier from its configuration file.

use crate::error::CliError;
use clap::Args;
use std::path::PathBuf;
use tollgate_verifier::{Config, Verifier};

/// Arguments of `serve`.
#[derive(Args, Debug)]
pub struct ServeArgs {
    /// The configuration file
    #[arg(long, default_value = "tollgate.toml")]
    pub config: PathBuf,
    /// Read the configuration, report every mistake, and stop
    #[arg(long)]
    pub check: bool,
}

/// Serves until it is told to stop.
///
/// # Errors
/// [`CliError::Config`], [`CliError::Verifier`].
pub async fn run(args: ServeArgs) -> Result<(), CliError> {
    let config = Config::load(&args.config)?;
    if args.check {
        println!("the configuration is complete");
        return Ok(());
    }
    let verifier = Verifier::start(config).await?;
    tracing::info!(address = %verifier.local_addr(), "serving");
    until_stopped().await;
    verifier.shutdown().await;
    Ok(())
}

/// Waits for SIGINT or SIGTERM.
pub(super) async fn until_stopped() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => {
                tokio::select! {
                    _ = interrupt => {}
                    _ = terminate.recv() => {}
                }
            }
            Err(_) => drop(interrupt.await),
        }
    }
    #[cfg(not(unix))]
    drop(interrupt.await);
}
