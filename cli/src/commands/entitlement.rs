//! `tollgate entitlement show`.

use super::ClusterArgs;
use crate::error::CliError;
use crate::output::{Format, Report};
use clap::{Args, Subcommand};
use solana_pubkey::Pubkey;
use tollgate_client::{EntitlementReading, UnixSeconds};

/// What to do with entitlements.
#[derive(Subcommand, Debug)]
pub enum EntitlementCommand {
    /// Show what a wallet may use of a product
    Show(ShowArgs),
}

/// Arguments of `entitlement show`.
#[derive(Args, Debug)]
pub struct ShowArgs {
    /// The product account
    #[arg(long)]
    pub product: Pubkey,
    /// The beneficiary's key
    #[arg(long)]
    pub wallet: Pubkey,
    /// Cluster
    #[command(flatten)]
    pub cluster: ClusterArgs,
}

/// Runs the command.
///
/// # Errors
/// [`CliError::NotFound`] without an entitlement, [`CliError::Chain`].
pub async fn run(command: EntitlementCommand, format: Format) -> Result<(), CliError> {
    let EntitlementCommand::Show(args) = command;
    let chain = args.cluster.chain();
    let address = chain.addresses().entitlement(&args.product, &args.wallet);
    let reading = chain.entitlement(&args.product, &args.wallet).await?;
    report(&address, &reading)
        .ok_or_else(|| {
            CliError::NotFound(format!(
                "{} holds no entitlement to {}",
                args.wallet, args.product
            ))
        })?
        .print(format);
    Ok(())
}

/// The entitlement in words; `None` when there is none.
pub fn report(address: &Pubkey, reading: &EntitlementReading) -> Option<Report> {
    let entitlement = reading.entitlement.as_ref()?;
    let report = Report::default()
        .with_text("entitlement", address)
        .with("usable", entitlement.is_usable(reading.chain_time))
        .with("status", format!("{:?}", entitlement.status).to_lowercase())
        .with_text("product", &entitlement.product)
        .with_text("beneficiary", &entitlement.beneficiary);
    let report = if entitlement.expires_at == UnixSeconds::NEVER {
        report.with("expires_at", "never")
    } else {
        report.with("expires_at", entitlement.expires_at.0)
    };
    let report = match entitlement.credits_remaining() {
        Some(credits) => report.with("credits_remaining", credits.0),
        None => report,
    };
    Some(
        report
            .with("payments", entitlement.payments)
            .with_text("last_intent", &entitlement.last_intent)
            .with("chain_time", reading.chain_time.0)
            .with("slot", reading.slot),
    )
}
