//! What is sold.

use super::layout::{fixed_layout_account, FixedLayout};
use super::require_known_version;
use crate::constants::{MAX_ACCESS, MAX_REFUND_WINDOW};
use crate::error::{ensure, TollgateError};
use crate::identifiers::Slug;
use crate::units::{Amount, Credits, DurationSeconds, UnixSeconds};
use anchor_lang::prelude::*;
use bytemuck::{CheckedBitPattern, NoUninit};

/// Seeds: `["product", merchant, slug[32]]`. A change of its terms never touches
/// an existing intent: intents carry their own copy.
#[derive(
    AnchorSerialize,
    AnchorDeserialize,
    CheckedBitPattern,
    NoUninit,
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
)]
#[repr(C)]
pub struct Product {
    /// Layout version.
    pub version: u8,
    /// Canonical bump of the address.
    pub bump: u8,
    /// Whether new intents may be created.
    pub active: bool,
    /// Decimals of the mint.
    pub decimals: u8,
    /// Zero; puts the numbers behind it where the processor wants them.
    pub reserved: [u8; 4],
    /// Whose product it is.
    pub merchant: Pubkey,
    /// What is paid with. Never changes.
    pub mint: Pubkey,
    /// The merchant's associated token account for the mint. Never changes.
    pub vault: Pubkey,
    /// Who paid the rent and gets it back.
    pub rent_payer: Pubkey,
    /// The product's name within its merchant.
    pub slug: Slug,
    /// What one payment costs at list price.
    pub price: Amount,
    /// Access that one payment grants; 0: without limit in time.
    pub access: DurationSeconds,
    /// Calls that one payment grants; 0: calls are not counted.
    pub credits: Credits,
    /// How long after a payment it may be refunded.
    pub refund_window: DurationSeconds,
    /// When the product was published.
    pub created_at: UnixSeconds,
}

fixed_layout_account!(Product, [0x66, 0x4c, 0x37, 0xfb, 0x26, 0x49, 0xe0, 0xe5]);

impl Product {
    /// Bytes of the account.
    pub const SPACE: usize = Self::ACCOUNT_SIZE;

    /// Whether calls are counted; the same for the product's whole life, so that
    /// an entitlement can never change from counted to uncounted.
    pub fn is_metered(&self) -> bool {
        !self.credits.is_zero()
    }

    /// Refuses terms outside the bounds. Holds after every instruction.
    pub fn invariant(&self) -> Result<()> {
        require_known_version(self.version)?;
        self.slug.validate()?;
        ensure(!self.price.is_zero(), TollgateError::PriceZero)?;
        ensure(self.access <= MAX_ACCESS, TollgateError::AccessTooLong)?;
        ensure(
            self.refund_window <= MAX_REFUND_WINDOW,
            TollgateError::RefundWindowTooLong,
        )?;
        Ok(())
    }

    /// Passes a product of this merchant that is for sale.
    pub fn require_for_sale(&self, merchant: &Pubkey) -> Result<()> {
        require_known_version(self.version)?;
        ensure(self.merchant == *merchant, TollgateError::MerchantMismatch)?;
        ensure(self.active, TollgateError::ProductInactive)?;
        Ok(())
    }

    /// Replaces what is given; whether credits are counted stays.
    pub fn update(&mut self, changes: &ProductChanges) -> Result<()> {
        let was_metered = self.is_metered();
        self.price = changes.price.unwrap_or(self.price);
        self.access = changes.access.unwrap_or(self.access);
        self.credits = changes.credits.unwrap_or(self.credits);
        self.refund_window = changes.refund_window.unwrap_or(self.refund_window);
        self.active = changes.active.unwrap_or(self.active);
        ensure(
            self.is_metered() == was_metered,
            TollgateError::MeteringFixed,
        )?;
        self.invariant()
    }
}

/// What an update replaces; `None` leaves a term as it is.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug, Default, PartialEq, Eq)]
pub struct ProductChanges {
    /// New list price.
    pub price: Option<Amount>,
    /// New access per payment.
    pub access: Option<DurationSeconds>,
    /// New credits per payment.
    pub credits: Option<Credits>,
    /// New refund window.
    pub refund_window: Option<DurationSeconds>,
    /// Whether it is for sale.
    pub active: Option<bool>,
}
