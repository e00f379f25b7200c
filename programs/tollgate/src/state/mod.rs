//! The accounts and the transitions that they guard. Handlers move tokens and
//! lamports; what an account may become is decided here.
//!
//! Every account starts with its discriminator, a version byte and its bump;
//! behind its fields lie [`crate::constants::ROOM_TO_GROW`] zeroed bytes.

mod entitlement;
mod layout;
mod merchant;
mod payment_intent;
mod product;

pub use entitlement::{Entitlement, EntitlementStatus, Grant};
pub use merchant::Merchant;
pub use payment_intent::{
    IntentOrigin, IntentStatus, IntentTerms, Offer, PaymentIntent, Quote, Rail,
};
pub use product::{Product, ProductChanges};

use crate::constants::ACCOUNT_VERSION;
use crate::error::{ensure, TollgateError};
use anchor_lang::prelude::*;

/// Refuses a layout that this program does not know.
pub(crate) fn require_known_version(version: u8) -> Result<()> {
    ensure(version == ACCOUNT_VERSION, TollgateError::VersionUnknown)?;
    Ok(())
}
