//! `tollgate serve`: the verifier from its configuration file.

use super::service_manager::ServiceManager;
use super::signals::{Order, Signals};
use crate::error::CliError;
use clap::Args;
use std::path::{Path, PathBuf};
use tollgate_verifier::config::ConfigWatch;
use tollgate_verifier::{Config, ReloadError, RunningVerifier, Verifier, logging};

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
    let mut watch = ConfigWatch::new(&args.config, config.source);
    let verifier = Verifier::start(config).await?;
    let manager = ServiceManager;
    manager.started(&verifier);
    tokio::select! {
        () = follow_orders(&mut signals, &mut watch, &verifier, &args.config) => {}
        () = manager.show_life(&verifier) => {}
    }
    manager.stopping();
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
    watch: &mut ConfigWatch,
    verifier: &RunningVerifier,
    config: &Path,
) {
    loop {
        let order = tokio::select! {
            order = signals.next() => order,
            () = changed(watch, verifier) => Order::Reload,
        };
        if order == Order::Stop {
            return;
        }
        tokio::select! {
            () = reload(watch, verifier, config) => {}
            () = signals.stop() => return,
        }
    }
}

/// Waits until the files of the configuration have changed, if they are watched.
async fn changed(watch: &mut ConfigWatch, verifier: &RunningVerifier) {
    let Some(interval) = verifier.watch_interval().await else {
        return std::future::pending().await;
    };
    loop {
        tokio::time::sleep(interval).await;
        if watch.look().await {
            return;
        }
    }
}

/// Reads the configuration again. A refusal is in the log; the old one serves on.
async fn reload(watch: &mut ConfigWatch, verifier: &RunningVerifier, config: &Path) {
    let manager = ServiceManager;
    manager.reloading();
    watch.before_judgement().await;
    let outcome = verifier.reload_file(config).await;
    // What could not be judged for want of a chain may be right: it is tried again.
    if !matches!(outcome, Err(ReloadError::ChainUnavailable)) {
        watch.judged();
    }
    manager.reloaded(&outcome);
}
