//! An entitlement as it is remembered: 200 bytes.
//!
//! A million of them have to fit into memory, so nothing is kept that follows from
//! something else: the account's address from its fields, its layout version from
//! having been decoded, product and merchant from a number.

use tollgate_client::{Credits, Entitlement, EntitlementStatus, Pubkey, UnixSeconds};

use crate::chain::question::Moment;

/// Bits of [`Entry::flags`].
pub(super) mod flag {
    /// The merchant ended it.
    pub(in super::super) const REVOKED: u8 = 1;
    /// Its credits are counted.
    pub(in super::super) const METERED: u8 = 1 << 1;
    /// Contradictory news came in: nothing is answered before it was read again.
    pub(in super::super) const DISPUTED: u8 = 1 << 2;
    /// Asked for since the sweep for room last passed.
    pub(in super::super) const TOUCHED: u8 = 1 << 3;
    /// Its state is finalized.
    pub(in super::super) const FINAL: u8 = 1 << 4;
    /// Its finality is being watched.
    pub(in super::super) const WATCHED: u8 = 1 << 5;
    /// The place holds an entry.
    pub(in super::super) const OCCUPIED: u8 = 1 << 6;
    /// Two providers said so.
    pub(in super::super) const SECONDED: u8 = 1 << 7;
}

/// One remembered entitlement.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) beneficiary: Pubkey,
    rent_payer: Pubkey,
    last_intent: Pubkey,
    expires_at: UnixSeconds,
    credits_granted: Credits,
    credits_used: Credits,
    payments: u64,
    created_at: UnixSeconds,
    timed_until: UnixSeconds,
    unlimited_payments: u64,
    generation: u64,
    refundable_until: UnixSeconds,
    /// As of which slot this is its state.
    pub(super) slot: u64,
    /// When the read began that last said so.
    pub(super) checked: Moment,
    /// The feed that reports its changes; 0: none does.
    pub(super) epoch: u32,
    /// Number of its product in the ledger's list.
    pub(super) product: u16,
    bump: u8,
    pub(super) flags: u8,
}

/// Where an entry stands in time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    pub(super) slot: u64,
    pub(super) checked: Moment,
    pub(super) epoch: u32,
}

impl Entry {
    pub(super) fn new(entitlement: &Entitlement, product: u16, standing: Standing) -> Self {
        let mut flags = flag::OCCUPIED;
        if entitlement.status == EntitlementStatus::Revoked {
            flags |= flag::REVOKED;
        }
        if entitlement.metered {
            flags |= flag::METERED;
        }
        Self {
            beneficiary: entitlement.beneficiary,
            rent_payer: entitlement.rent_payer,
            last_intent: entitlement.last_intent,
            expires_at: entitlement.expires_at,
            credits_granted: entitlement.credits_granted,
            credits_used: entitlement.credits_used,
            payments: entitlement.payments,
            created_at: entitlement.created_at,
            timed_until: entitlement.timed_until,
            unlimited_payments: entitlement.unlimited_payments,
            generation: entitlement.generation,
            refundable_until: entitlement.refundable_until,
            slot: standing.slot,
            checked: standing.checked,
            epoch: standing.epoch,
            product,
            bump: entitlement.bump,
            flags,
        }
    }

    /// The entitlement again.
    pub(super) fn entitlement(&self, product: &Pubkey, merchant: &Pubkey) -> Entitlement {
        let mut entitlement = Entitlement::empty(
            *merchant,
            *product,
            self.beneficiary,
            self.rent_payer,
            self.bump,
            self.created_at,
        );
        if self.has(flag::REVOKED) {
            entitlement.status = EntitlementStatus::Revoked;
        }
        entitlement.metered = self.has(flag::METERED);
        entitlement.last_intent = self.last_intent;
        entitlement.expires_at = self.expires_at;
        entitlement.credits_granted = self.credits_granted;
        entitlement.credits_used = self.credits_used;
        entitlement.payments = self.payments;
        entitlement.timed_until = self.timed_until;
        entitlement.unlimited_payments = self.unlimited_payments;
        entitlement.generation = self.generation;
        entitlement.refundable_until = self.refundable_until;
        entitlement
    }

    /// Whether this is a memory of exactly `entitlement` (whose product is known to
    /// be the same).
    pub(super) fn is(&self, entitlement: &Entitlement) -> bool {
        self.entitlement(&entitlement.product, &entitlement.merchant) == *entitlement
    }

    /// Whether `entitlement` opens nothing that this does not open: the same life of the
    /// account, no longer and with no more credits.
    pub(super) fn covers(&self, entitlement: &Entitlement) -> bool {
        self.has(flag::METERED) == entitlement.metered
            && !self.has(flag::REVOKED)
            && self.created_at == entitlement.created_at
            && self.generation == entitlement.generation
            && self.expires_at >= entitlement.expires_at
            && self.credits_granted >= entitlement.credits_granted
            && self.credits_used <= entitlement.credits_used
    }

    pub(super) fn has(&self, bit: u8) -> bool {
        self.flags & bit != 0
    }

    pub(super) fn set(&mut self, bit: u8) {
        self.flags |= bit;
    }

    pub(super) fn clear(&mut self, bit: u8) {
        self.flags &= !bit;
    }
}

// A million entries have to stay within 300 MB with everything around them.
const _: () = assert!(size_of::<Entry>() <= 200);
