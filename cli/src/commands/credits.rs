//! `tollgate credits`: used credits of metered products that are not on chain yet.

use crate::error::CliError;
use crate::keyfile;
use crate::output::{Format, Report};
use clap::{Args, Subcommand};
use std::path::PathBuf;
use tollgate_verifier::config::OperatorKey;
use tollgate_verifier::{Config, CreditBooks};

/// What to do with used credits. A file of used credits must not be in use by a
/// verifier; a shared store may be.
#[derive(Subcommand, Debug)]
pub enum CreditsCommand {
    /// Show what is used and not booked on chain
    Show(StoreArgs),
    /// Book it now
    Book(BookArgs),
}

/// Which store.
#[derive(Args, Debug)]
pub struct StoreArgs {
    /// The verifier's configuration file
    #[arg(long, default_value = "tollgate.toml")]
    pub config: PathBuf,
}

/// Arguments of `credits book`.
#[derive(Args, Debug)]
pub struct BookArgs {
    /// Which store
    #[command(flatten)]
    pub store: StoreArgs,
    /// Key file of the merchant's operator, instead of the configured key
    #[arg(long)]
    pub operator: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// [`CliError::Config`], [`CliError::Keyfile`], [`CliError::Credits`].
pub async fn run(command: CreditsCommand, format: Format) -> Result<(), CliError> {
    let report = match command {
        CreditsCommand::Show(args) => show(args).await?,
        CreditsCommand::Book(args) => book(args).await?,
    };
    report.print(format);
    Ok(())
}

async fn show(args: StoreArgs) -> Result<Report, CliError> {
    let books = CreditBooks::open(&Config::load(&args.config)?, None).await?;
    let unbooked = books.unbooked().await?;
    let credits: u64 = unbooked
        .iter()
        .map(|one| one.used.remaining_after(one.booked).0)
        .sum();
    let lines: Vec<String> = unbooked
        .iter()
        .map(|one| {
            format!(
                "{} used {} of {}, booked {}",
                one.entitlement, one.used, one.granted, one.booked
            )
        })
        .collect();
    Ok(Report::default()
        .with("entitlements", unbooked.len())
        .with("credits", credits)
        .with("unbooked", lines))
}

async fn book(args: BookArgs) -> Result<Report, CliError> {
    let config = Config::load(&args.store.config)?;
    let operator = args
        .operator
        .map(|path| keyfile::read(&path).map(OperatorKey::new))
        .transpose()?;
    let books = CreditBooks::open(&config, operator).await?;
    let booked = books.book().await?;
    Ok(Report::default()
        .with("entitlements", booked.entitlements)
        .with("credits", booked.credits)
        .with("refused", booked.refused))
}
