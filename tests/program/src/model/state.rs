//! What the model remembers: maps and integers, amounts in the mint's smallest
//! unit, times in unix seconds, lamports as they are.

use crate::MinimumBalanceRule;
use solana_pubkey::Pubkey;
use std::collections::BTreeMap;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merchant {
    pub authority: Pubkey,
    pub pending: Option<Pubkey>,
    pub operator: Pubkey,
    pub paused: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    pub merchant: Pubkey,
    pub mint: Pubkey,
    pub rent_payer: Pubkey,
    pub price: u64,
    pub access: u64,
    pub credits: u64,
    pub window: u64,
    pub active: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Open,
    Paid,
    Cancelled,
    Refunded,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rail {
    Unpaid,
    Pay,
    Deposit,
    Attested(u16),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    pub merchant: Pubkey,
    pub product: Pubkey,
    pub mint: Pubkey,
    pub author: Pubkey,
    /// `None`: anyone.
    pub payer: Option<Pubkey>,
    /// `None`: whom the payer names.
    pub beneficiary: Option<Pubkey>,
    pub rent_payer: Pubkey,
    pub amount: u64,
    pub refunded: u64,
    pub access: u64,
    pub credits: u64,
    pub metered: bool,
    pub window: u64,
    pub created_at: i64,
    pub expires_at: i64,
    pub status: Status,
    pub rail: Rail,
    pub paid_at: i64,
    pub refund_until: i64,
    pub era: Era,
}

/// Which beginning of which account at an entitlement's address. The chain knows the
/// generation only; the model also knows which life it was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Era {
    pub life: u64,
    pub generation: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entitlement {
    /// Every creation at this address is a new life.
    pub era: Era,
    pub merchant: Pubkey,
    pub product: Pubkey,
    pub beneficiary: Pubkey,
    pub rent_payer: Pubkey,
    pub last_intent: Pubkey,
    pub revoked: bool,
    pub metered: bool,
    pub expires_at: i64,
    pub credits_granted: u64,
    pub credits_used: u64,
    pub payments: u64,
    pub created_at: i64,
    pub timed_until: i64,
    pub unlimited: u64,
    pub refundable_until: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokens {
    pub mint: Pubkey,
    pub owner: Pubkey,
    pub amount: u64,
    pub frozen: bool,
    /// Who may move how much besides the owner.
    pub delegate: Option<(Pubkey, u64)>,
    /// Who may close it instead of the owner.
    pub closer: Option<Pubkey>,
}

impl Tokens {
    /// An empty account.
    pub fn empty(mint: Pubkey, owner: Pubkey) -> Self {
        Self {
            mint,
            owner,
            amount: 0,
            frozen: false,
            delegate: None,
            closer: None,
        }
    }
}

/// Everything that went through a vault.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flows {
    pub settled: u64,
    pub refunded: u64,
    pub withdrawn: u64,
    /// Plain transfers, another vault's withdrawals, and deposits that belong to the merchant.
    pub given: u64,
}

/// A payment that counts: not refunded in full, and its entitlement has neither
/// closed nor begun anew since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// `None` once the intent is closed: another may come to its address.
    pub intent: Option<Pubkey>,
    pub entitlement: Pubkey,
    pub era: Era,
    pub access: u64,
    pub credits: u64,
}

/// Lamports that make each kind of account rent-exempt, and what holds below that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rents {
    pub empty: u64,
    pub merchant: u64,
    pub product: u64,
    pub intent: u64,
    pub entitlement: u64,
    pub tokens: u64,
    pub minimum_balance_rule: MinimumBalanceRule,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    pub now: i64,
    pub rents: Rents,
    pub merchants: BTreeMap<Pubkey, Merchant>,
    pub products: BTreeMap<Pubkey, Product>,
    pub intents: BTreeMap<Pubkey, Intent>,
    pub entitlements: BTreeMap<Pubkey, Entitlement>,
    pub tokens: BTreeMap<Pubkey, Tokens>,
    /// Of everybody who signs, and of every other address that has some. The fee
    /// payer is not in it.
    pub lamports: BTreeMap<Pubkey, u64>,
    /// By vault.
    pub flows: BTreeMap<Pubkey, Flows>,
    /// What was paid for, independent of what the entitlements say.
    pub standing: Vec<Standing>,
    /// How many entitlements ever were.
    pub lives: u64,
}
