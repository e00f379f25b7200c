//! The merchant of the demonstration, created on chain like any other.

use crate::commands::send::send;
use crate::error::CliError;
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use tollgate_client::instructions::NewProduct;
use tollgate_client::{Amount, Chain, Credits, DurationSeconds, Slug};

/// Slug of the product that opens everything for a day.
pub const DAY_PASS: &str = "day-pass";
/// Slug of the metered product.
pub const CALLS: &str = "hundred-calls";

/// A merchant and its keys.
pub struct LocalMerchant {
    /// The merchant account.
    pub address: Pubkey,
    /// Owner and authority.
    pub owner: Keypair,
    /// Hot key.
    pub operator: Keypair,
    /// What its products are paid with.
    pub mint: Pubkey,
    /// The product [`DAY_PASS`].
    pub day_pass: Pubkey,
}

/// Creates the merchant of `owner` with its vault and two products: a day pass for
/// 0.01 of the mint, and a hundred calls for 0.05. `owner` pays the rent.
///
/// # Errors
/// [`CliError`].
pub async fn publish(
    chain: &Chain,
    owner: Keypair,
    operator: Keypair,
    mint: Pubkey,
) -> Result<LocalMerchant, CliError> {
    let addresses = chain.addresses();
    let key = owner.pubkey();
    let address = addresses.merchant(&key);
    let slug = |name| Slug::new(name).map_err(|error| CliError::Argument(error.to_string()));
    let product = |name, price, access, credits| -> Result<_, CliError> {
        let new = NewProduct {
            slug: slug(name)?,
            mint,
            price: Amount(price),
            access: DurationSeconds(access),
            credits: Credits(credits),
            refund_window: DurationSeconds(3_600),
        };
        Ok(addresses.create_product(key, key, address, &new))
    };
    let merchant = [
        addresses.create_merchant(key, key, operator.pubkey()),
        addresses.create_vault(key, address, mint),
    ];
    send(chain, &merchant, &owner).await?;
    let products = [
        product(DAY_PASS, 10_000, 86_400, 0)?,
        product(CALLS, 50_000, 0, 100)?,
    ];
    send(chain, &products, &owner).await?;
    let day_pass = addresses.product(&address, &slug(DAY_PASS)?);
    Ok(LocalMerchant {
        address,
        owner,
        operator,
        mint,
        day_pass,
    })
}
