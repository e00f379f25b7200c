//! What a beneficiary may use.

use super::layout::{fixed_layout_account, FixedLayout};
use super::require_known_version;
use crate::constants::ACCOUNT_VERSION;
use crate::error::{ensure, TollgateError};
use crate::units::{Credits, DurationSeconds, UnixSeconds};
use anchor_lang::prelude::*;
use bytemuck::{CheckedBitPattern, NoUninit};

/// Whether an entitlement can be used at all.
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
#[repr(u8)]
pub enum EntitlementStatus {
    /// Until it expires or its credits are used.
    Active,
    /// Ended by the merchant; a later payment begins anew.
    Revoked,
}

/// What one payment adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Added time; 0: without limit in time.
    pub access: DurationSeconds,
    /// Added credits.
    pub credits: Credits,
    /// Whether credits are counted.
    pub metered: bool,
    /// Until when the payment may be refunded.
    pub refund_until: UnixSeconds,
}

/// Seeds: `["entitlement", product, beneficiary]`: one account is all that a
/// server reads. It stands only because somebody paid.
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
pub struct Entitlement {
    /// Layout version.
    pub version: u8,
    /// Canonical bump of the address.
    pub bump: u8,
    /// Whether it can be used at all.
    pub status: EntitlementStatus,
    /// Whether credits are counted; if not, both numbers of credits stay zero.
    pub metered: bool,
    /// Zero; puts the numbers behind it where the processor wants them.
    pub reserved: [u8; 4],
    /// Whose product it is.
    pub merchant: Pubkey,
    /// What may be used.
    pub product: Pubkey,
    /// The ed25519 key whose holder may use it.
    pub beneficiary: Pubkey,
    /// Who paid the rent and gets it back.
    pub rent_payer: Pubkey,
    /// The intent that was paid last.
    pub last_intent: Pubkey,
    /// Usable while now is before it; `i64::MAX`: never expires.
    pub expires_at: UnixSeconds,
    /// Credits granted so far.
    pub credits_granted: Credits,
    /// Credits booked as used.
    pub credits_used: Credits,
    /// Payments that count.
    pub payments: u64,
    /// When it came into being.
    pub created_at: UnixSeconds,
    /// What the payments with a limit in time add up to; equal to `expires_at`
    /// unless a payment without limit stands, and what remains should that one
    /// be refunded.
    pub timed_until: UnixSeconds,
    /// Payments without limit in time that stand.
    pub unlimited_payments: u64,
    /// Counts how often it began anew: after a revocation, or after it had lapsed.
    /// A payment of an earlier generation has nothing left to take back.
    pub generation: u64,
    /// The latest refund deadline of its payments; it cannot close before.
    pub refundable_until: UnixSeconds,
}

fixed_layout_account!(
    Entitlement,
    [0xdc, 0xfa, 0x1b, 0xf4, 0x37, 0x31, 0x4a, 0x9a]
);

impl Entitlement {
    /// Bytes of the account.
    pub const SPACE: usize = Self::ACCOUNT_SIZE;

    /// An entitlement to nothing yet; the first grant follows in the same instruction.
    pub fn empty(
        merchant: Pubkey,
        product: Pubkey,
        beneficiary: Pubkey,
        rent_payer: Pubkey,
        bump: u8,
        now: UnixSeconds,
    ) -> Self {
        Self {
            version: ACCOUNT_VERSION,
            bump,
            status: EntitlementStatus::Active,
            metered: false,
            reserved: [0; 4],
            merchant,
            product,
            beneficiary,
            rent_payer,
            last_intent: Pubkey::default(),
            expires_at: now,
            credits_granted: Credits(0),
            credits_used: Credits(0),
            payments: 0,
            created_at: now,
            timed_until: now,
            unlimited_payments: 0,
            generation: 0,
            refundable_until: UnixSeconds(0),
        }
    }

    /// Refuses a layout that this program does not know.
    pub fn require_known_version(&self) -> Result<()> {
        require_known_version(self.version)
    }

    /// Refuses the account of another product or beneficiary. The program creates
    /// entitlements at their canonical address only, so that equal fields mean
    /// the right account without deriving the address again.
    pub fn require_of(&self, product: &Pubkey, beneficiary: &Pubkey) -> Result<()> {
        require_known_version(self.version)?;
        ensure(
            self.product == *product && self.beneficiary == *beneficiary,
            TollgateError::EntitlementMismatch,
        )?;
        Ok(())
    }

    /// Adds what a payment grants, from the later of now and the present expiry.
    ///
    /// What was revoked or has lapsed does not come back: its unused credits are
    /// gone, and the entitlement begins anew.
    pub fn grant(&mut self, grant: &Grant, intent: Pubkey, now: UnixSeconds) -> Result<()> {
        if self.status == EntitlementStatus::Revoked || now >= self.expires_at {
            self.begin_anew(grant.metered, now)?;
        }
        ensure(self.metered == grant.metered, TollgateError::MeteringFixed)?;
        if grant.access.is_zero() {
            self.unlimited_payments = self
                .unlimited_payments
                .checked_add(1)
                .ok_or(TollgateError::ArithmeticOverflow)?;
        } else {
            self.timed_until = self.timed_until.max(now).checked_add(grant.access)?;
        }
        self.credits_granted = self.credits_granted.checked_add(grant.credits)?;
        self.payments = self
            .payments
            .checked_add(1)
            .ok_or(TollgateError::ArithmeticOverflow)?;
        self.last_intent = intent;
        self.refundable_until = self.refundable_until.max(grant.refund_until);
        self.update_expiry();
        Ok(())
    }

    /// Takes back what a payment granted: all of its seconds, and of its credits
    /// those that are not used. Nothing, if the entitlement has begun anew since.
    pub fn take_back(&mut self, grant: &Grant, generation: u64) -> Result<()> {
        if self.generation != generation || self.status == EntitlementStatus::Revoked {
            return Ok(());
        }
        if grant.access.is_zero() {
            self.unlimited_payments = self
                .unlimited_payments
                .checked_sub(1)
                .ok_or(TollgateError::ArithmeticOverflow)?;
        } else {
            self.timed_until = self.timed_until.checked_sub(grant.access)?;
        }
        let unused = self.credits_granted.remaining_after(self.credits_used);
        self.credits_granted = self
            .credits_granted
            .remaining_after(unused.min(grant.credits));
        self.payments = self
            .payments
            .checked_sub(1)
            .ok_or(TollgateError::ArithmeticOverflow)?;
        self.update_expiry();
        Ok(())
    }

    /// Ends it now, for good; only a later payment begins anew.
    pub fn revoke(&mut self, now: UnixSeconds) {
        self.status = EntitlementStatus::Revoked;
        self.expires_at = self.expires_at.min(now);
    }

    /// Books the total of used credits. A total instead of a difference: booking
    /// the same again changes nothing, so that a lost answer cannot cost anybody
    /// credits. `created_at` names the account's life, because an address can be
    /// used again after a close.
    pub fn book(&mut self, used: Credits, created_at: UnixSeconds) -> Result<()> {
        ensure(
            self.created_at == created_at,
            TollgateError::EntitlementReplaced,
        )?;
        ensure(self.metered, TollgateError::NotMetered)?;
        ensure(
            self.credits_used <= used && used <= self.credits_granted,
            TollgateError::CreditsOutOfRange,
        )?;
        self.credits_used = used;
        Ok(())
    }

    /// Whether it can be closed: of no use to anybody, past every refund deadline,
    /// and older than this second, so that `created_at` never names two lives.
    pub fn require_closable(&self, now: UnixSeconds) -> Result<()> {
        let over = !self.is_usable(now) && now >= self.refundable_until && now > self.created_at;
        ensure(over, TollgateError::NotFinal)?;
        Ok(())
    }

    fn begin_anew(&mut self, metered: bool, now: UnixSeconds) -> Result<()> {
        self.status = EntitlementStatus::Active;
        self.metered = metered;
        self.timed_until = now;
        self.unlimited_payments = 0;
        self.credits_granted = self.credits_used;
        self.generation = self
            .generation
            .checked_add(1)
            .ok_or(TollgateError::ArithmeticOverflow)?;
        Ok(())
    }

    fn update_expiry(&mut self) {
        self.expires_at = if self.unlimited_payments > 0 {
            UnixSeconds::NEVER
        } else {
            self.timed_until
        };
    }

    /// Credits that can still be used; `None` when none are counted.
    pub fn credits_remaining(&self) -> Option<Credits> {
        self.metered
            .then(|| self.credits_granted.remaining_after(self.credits_used))
    }

    /// Whether it can be used at chain time `now`: active, not expired, and with
    /// a credit left where they are counted.
    pub fn is_usable(&self, now: UnixSeconds) -> bool {
        self.status == EntitlementStatus::Active
            && now < self.expires_at
            && self
                .credits_remaining()
                .is_none_or(|credits| !credits.is_zero())
    }
}
