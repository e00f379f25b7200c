//! `tollgate product create|show|update`.

use super::merchant::DEVNET_USDC;
use super::send::send;
use super::{ClusterArgs, KeyArgs, parse_slug};
use crate::error::CliError;
use crate::output::{Format, Report};
use clap::{Args, Subcommand};
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use tollgate_client::amounts;
use tollgate_client::instructions::NewProduct;
use tollgate_client::{Credits, DurationSeconds, Product, ProductChanges, Slug};

/// What to do with a product.
#[derive(Subcommand, Debug)]
pub enum ProductCommand {
    /// Publish a product of the signing key's merchant
    Create(CreateArgs),
    /// Show a product
    Show(ShowArgs),
    /// Change what a product costs and grants from now on
    Update(UpdateArgs),
}

/// Arguments of `product create`.
#[derive(Args, Debug)]
pub struct CreateArgs {
    /// The product's name: 1 to 32 characters of a-z, 0-9, '-', '_' and '.'
    #[arg(value_parser = parse_slug)]
    pub slug: Slug,
    /// Price of one payment, in the token's units
    #[arg(long)]
    pub price: String,
    /// Seconds of access that one payment grants; 0: without limit in time
    #[arg(long, default_value_t = 0)]
    pub access: u64,
    /// Calls that one payment grants; 0: calls are not counted
    #[arg(long, default_value_t = 0)]
    pub credits: u64,
    /// Seconds after a payment within which it may be refunded
    #[arg(long, default_value_t = 0)]
    pub refund_window: u64,
    /// What it is paid with
    #[arg(long, default_value_t = DEVNET_USDC)]
    pub mint: Pubkey,
    /// Decimals of the mint
    #[arg(long, default_value_t = 6)]
    pub decimals: u8,
    /// Cluster
    #[command(flatten)]
    pub cluster: ClusterArgs,
    /// Authority and owner
    #[command(flatten)]
    pub key: KeyArgs,
}

/// Arguments of `product show`.
#[derive(Args, Debug)]
pub struct ShowArgs {
    /// The product's name
    #[arg(value_parser = parse_slug)]
    pub slug: Slug,
    /// The key of the merchant's owner
    #[arg(long)]
    pub owner: Pubkey,
    /// Cluster
    #[command(flatten)]
    pub cluster: ClusterArgs,
}

/// Arguments of `product update`.
#[derive(Args, Debug)]
pub struct UpdateArgs {
    /// The product's name
    #[arg(value_parser = parse_slug)]
    pub slug: Slug,
    /// New price, in the token's units
    #[arg(long)]
    pub price: Option<String>,
    /// New seconds of access
    #[arg(long)]
    pub access: Option<u64>,
    /// New credits
    #[arg(long)]
    pub credits: Option<u64>,
    /// New refund window in seconds
    #[arg(long)]
    pub refund_window: Option<u64>,
    /// Whether it is for sale
    #[arg(long)]
    pub active: Option<bool>,
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
pub async fn run(command: ProductCommand, format: Format) -> Result<(), CliError> {
    match command {
        ProductCommand::Create(args) => create(args).await,
        ProductCommand::Show(args) => show(args).await,
        ProductCommand::Update(args) => update(args).await,
    }
    .map(|report| report.print(format))
}

async fn create(args: CreateArgs) -> Result<Report, CliError> {
    let (chain, owner) = (args.cluster.chain(), args.key.read()?);
    let addresses = chain.addresses();
    let key = owner.pubkey();
    let merchant = addresses.merchant(&key);
    let new = NewProduct {
        slug: args.slug,
        mint: args.mint,
        price: amounts::parse(&args.price, args.decimals)
            .map_err(|error| CliError::Argument(error.to_string()))?,
        access: DurationSeconds(args.access),
        credits: Credits(args.credits),
        refund_window: DurationSeconds(args.refund_window),
    };
    let instructions = [
        addresses.create_vault(key, merchant, args.mint),
        addresses.create_product(key, key, merchant, &new),
    ];
    let signature = send(&chain, &instructions, &owner).await?;
    Ok(Report::default()
        .with_text("product", &addresses.product(&merchant, &args.slug))
        .with_text("merchant", &merchant)
        .with_text("signature", &signature))
}

async fn show(args: ShowArgs) -> Result<Report, CliError> {
    let chain = args.cluster.chain();
    let merchant = chain.addresses().merchant(&args.owner);
    let address = chain.addresses().product(&merchant, &args.slug);
    let product = chain.product(&address).await?.ok_or_else(|| {
        CliError::NotFound(format!("{} sells no product {}", args.owner, args.slug))
    })?;
    Ok(report(&address, &product))
}

async fn update(args: UpdateArgs) -> Result<Report, CliError> {
    let (chain, authority) = (args.cluster.chain(), args.key.read()?);
    let addresses = chain.addresses();
    let merchant = addresses.merchant(&args.owner.unwrap_or(authority.pubkey()));
    let address = addresses.product(&merchant, &args.slug);
    let product = chain.product(&address).await?.ok_or_else(|| {
        CliError::NotFound(format!("there is no product {} to change", args.slug))
    })?;
    let price = args
        .price
        .map(|text| amounts::parse(&text, product.decimals))
        .transpose()
        .map_err(|error| CliError::Argument(error.to_string()))?;
    let changes = ProductChanges {
        price,
        access: args.access.map(DurationSeconds),
        credits: args.credits.map(Credits),
        refund_window: args.refund_window.map(DurationSeconds),
        active: args.active,
    };
    if changes == ProductChanges::default() {
        return Err(CliError::Argument(
            "nothing to change: see --help".to_owned(),
        ));
    }
    let update = addresses.update_product(authority.pubkey(), merchant, address, changes);
    let signature = send(&chain, &[update], &authority).await?;
    Ok(Report::default()
        .with_text("product", &address)
        .with_text("signature", &signature))
}

fn report(address: &Pubkey, product: &Product) -> Report {
    Report::default()
        .with_text("product", address)
        .with_text("slug", &product.slug)
        .with_text("merchant", &product.merchant)
        .with("active", product.active)
        .with("price", amounts::format(product.price, product.decimals))
        .with_text("mint", &product.mint)
        .with("access_seconds", product.access.0)
        .with("credits", product.credits.0)
        .with("refund_window_seconds", product.refund_window.0)
        .with_text("vault", &product.vault)
}
