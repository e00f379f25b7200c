//! `tollgate merchant create|show|update|withdraw`.

use super::send::send;
use super::{ClusterArgs, KeyArgs};
use crate::error;
use crate::error::CliError;
use crate::output::{Format, Report};
use clap::{Args, Subcommand};
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use tollgate_client::amounts;
use tollgate_client::instructions::create_token_account;
use tollgate_client::{Addresses, Amount, Chain, Merchant};

/// Circle's USDC on devnet, the local chain's mint too.
pub(super) const DEVNET_USDC: Pubkey = tollgate_localnet::USDC_MINT;

/// What to do with a merchant.
#[derive(Subcommand, Debug)]
pub enum MerchantCommand {
    /// Create the merchant of the signing key, with its vault
    Create(CreateArgs),
    /// Show a merchant
    Show(ShowArgs),
    /// Change the operator, or pause and resume payments
    Update(UpdateArgs),
    /// Move money from the vault to the authority's token account
    Withdraw(WithdrawArgs),
}

/// Arguments of `merchant create`.
#[derive(Args, Debug)]
pub struct CreateArgs {
    /// The hot key of the merchant's server; default: the signing key
    #[arg(long)]
    pub operator: Option<Pubkey>,
    /// The mint of the first vault
    #[arg(long, default_value_t = DEVNET_USDC)]
    pub mint: Pubkey,
    /// Cluster
    #[command(flatten)]
    pub cluster: ClusterArgs,
    /// Owner
    #[command(flatten)]
    pub key: KeyArgs,
}

/// Arguments of `merchant show`.
#[derive(Args, Debug)]
pub struct ShowArgs {
    /// The owner's key
    pub owner: Pubkey,
    /// Cluster
    #[command(flatten)]
    pub cluster: ClusterArgs,
}

/// Arguments of `merchant update`.
#[derive(Args, Debug)]
pub struct UpdateArgs {
    /// The new hot key
    #[arg(long)]
    pub operator: Option<Pubkey>,
    /// Refuse new intents and payments
    #[arg(long, conflicts_with = "resume")]
    pub pause: bool,
    /// Accept them again
    #[arg(long)]
    pub resume: bool,
    /// The owner, where the signing key is the authority but not the owner
    #[arg(long)]
    pub owner: Option<Pubkey>,
    /// Cluster
    #[command(flatten)]
    pub cluster: ClusterArgs,
    /// Authority
    #[command(flatten)]
    pub key: KeyArgs,
}

/// Arguments of `merchant withdraw`.
#[derive(Args, Debug)]
pub struct WithdrawArgs {
    /// How much, in the token's units
    #[arg(long, required_unless_present = "all", conflicts_with = "all")]
    pub amount: Option<String>,
    /// All that the vault holds
    #[arg(long)]
    pub all: bool,
    /// The token account that receives it; default: the authority's own
    #[arg(long)]
    pub to: Option<Pubkey>,
    /// The vault's mint
    #[arg(long, default_value_t = DEVNET_USDC)]
    pub mint: Pubkey,
    /// Decimals of the mint
    #[arg(long, default_value_t = 6)]
    pub decimals: u8,
    /// The owner, where the signing key is the authority but not the owner
    #[arg(long)]
    pub owner: Option<Pubkey>,
    /// Cluster
    #[command(flatten)]
    pub cluster: ClusterArgs,
    /// Authority
    #[command(flatten)]
    pub key: KeyArgs,
}

/// Runs the command.
///
/// # Errors
/// [`CliError`].
pub async fn run(command: MerchantCommand, format: Format) -> Result<(), CliError> {
    match command {
        MerchantCommand::Create(args) => create(args).await,
        MerchantCommand::Show(args) => show(args).await,
        MerchantCommand::Update(args) => update(args).await,
        MerchantCommand::Withdraw(args) => withdraw(args).await,
    }
    .map(|report| report.print(format))
}

async fn create(args: CreateArgs) -> Result<Report, CliError> {
    let (chain, owner) = (args.cluster.chain(), args.key.read()?);
    let addresses = chain.addresses();
    let key = owner.pubkey();
    let merchant = addresses.merchant(&key);
    let instructions = [
        addresses.create_merchant(key, key, args.operator.unwrap_or(key)),
        addresses.create_vault(key, merchant, args.mint),
    ];
    let signature = send(&chain, &instructions, &owner).await?;
    Ok(Report::default()
        .with_text("merchant", &merchant)
        .with_text("vault", &addresses.vault(&merchant, &args.mint))
        .with_text("signature", &signature))
}

async fn show(args: ShowArgs) -> Result<Report, CliError> {
    let chain = args.cluster.chain();
    let (address, merchant) = existing(&chain, &args.owner).await?;
    Ok(Report::default()
        .with_text("merchant", &address)
        .with_text("owner", &merchant.owner)
        .with_text("authority", &merchant.authority)
        .with_text("operator", &merchant.operator)
        .with("paused", merchant.paused)
        .with("created_at", merchant.created_at.0))
}

async fn update(args: UpdateArgs) -> Result<Report, CliError> {
    let paused = match (args.pause, args.resume) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => None,
    };
    if paused.is_none() && args.operator.is_none() {
        return Err(CliError::Argument(
            "nothing to change: give --operator, --pause or --resume".to_owned(),
        ));
    }
    let (chain, authority) = (args.cluster.chain(), args.key.read()?);
    let merchant = chain
        .addresses()
        .merchant(&args.owner.unwrap_or(authority.pubkey()));
    let update =
        chain
            .addresses()
            .update_merchant(authority.pubkey(), merchant, args.operator, paused);
    let signature = send(&chain, &[update], &authority).await?;
    Ok(Report::default()
        .with_text("merchant", &merchant)
        .with_text("signature", &signature))
}

async fn withdraw(args: WithdrawArgs) -> Result<Report, CliError> {
    let (chain, authority) = (args.cluster.chain(), args.key.read()?);
    let addresses = chain.addresses();
    let key = authority.pubkey();
    let merchant = addresses.merchant(&args.owner.unwrap_or(key));
    let vault = addresses.vault(&merchant, &args.mint);
    let held = chain
        .token_balance(&vault)
        .await?
        .ok_or_else(|| error::CliError::NotFound(format!("there is no vault at {vault}")))?;
    let amount = match &args.amount {
        Some(text) => amounts::parse(text, args.decimals)
            .map_err(|error| CliError::Argument(error.to_string()))?,
        None => held,
    };
    if amount == Amount(0) {
        return Err(CliError::Argument(
            "there is nothing to withdraw".to_owned(),
        ));
    }
    let destination = args
        .to
        .unwrap_or_else(|| Addresses::token_account(&key, &args.mint));
    let mut instructions = Vec::new();
    if args.to.is_none() {
        instructions.push(create_token_account(key, key, args.mint));
    }
    instructions.push(addresses.withdraw(key, merchant, args.mint, destination, amount));
    let signature = send(&chain, &instructions, &authority).await?;
    Ok(Report::default()
        .with("withdrawn", amounts::format(amount, args.decimals))
        .with_text("destination", &destination)
        .with_text("signature", &signature))
}

/// The merchant of `owner`.
pub(super) async fn existing(
    chain: &Chain,
    owner: &Pubkey,
) -> Result<(Pubkey, Merchant), CliError> {
    let address = chain.addresses().merchant(owner);
    match chain.merchant(&address).await? {
        Some(merchant) => Ok((address, merchant)),
        None => Err(CliError::NotFound(format!(
            "{owner} has no merchant on this cluster"
        ))),
    }
}
