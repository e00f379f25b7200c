//! Seeds and bounds. A seed or a bound here is part of the program's interface.

use crate::units::DurationSeconds;

/// Seeds of a merchant: `[MERCHANT_SEED, owner]`.
pub const MERCHANT_SEED: &[u8] = b"merchant";
/// Seeds of a product: `[PRODUCT_SEED, merchant, slug[32]]`.
pub const PRODUCT_SEED: &[u8] = b"product";
/// Seeds of a payment intent: `[INTENT_SEED, merchant, author, payment_id[32]]`.
pub const INTENT_SEED: &[u8] = b"intent";
/// Seeds of an entitlement: `[ENTITLEMENT_SEED, product, beneficiary]`.
pub const ENTITLEMENT_SEED: &[u8] = b"entitlement";

/// Layout version that this program writes and accepts.
pub const ACCOUNT_VERSION: u8 = 1;
/// Zeroed bytes behind each account's fields, so that later versions can append
/// fields without moving an account.
pub const ROOM_TO_GROW: usize = 64;

const DAY: u64 = 24 * 60 * 60;
/// Longest time that an intent may stay payable: terms that nobody may change
/// must not stay open for ever.
pub const MAX_INTENT_LIFETIME: DurationSeconds = DurationSeconds(30 * DAY);
/// Longest access that one payment may grant (100 years); 0 seconds in a product
/// means no time limit, so nothing needs more.
pub const MAX_ACCESS: DurationSeconds = DurationSeconds(36_525 * DAY);
/// Longest refund window (one year): rent stays locked as long.
pub const MAX_REFUND_WINDOW: DurationSeconds = DurationSeconds(366 * DAY);
