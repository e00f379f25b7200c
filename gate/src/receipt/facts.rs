//! What a receipt states.

use crate::decision::Entitled;
use crate::gate::Gate;
use tollgate_client::{Credits, Entitlement, Pubkey, UnixSeconds};

/// The grounds of a grant: one entitlement account as it was read.
///
/// What was paid is not among them: the account does not hold it, and the product's
/// present price need not be the one that was paid. It stands in the intent that
/// [`EntitlementFacts::last_intent`] names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntitlementFacts {
    /// The deployed program.
    pub program: Pubkey,
    /// The merchant account.
    pub merchant: Pubkey,
    /// The product account.
    pub product: Pubkey,
    /// The key whose holder was let through.
    pub beneficiary: Pubkey,
    /// The entitlement account.
    pub entitlement: Pubkey,
    /// When the account came into being; names its life, because an address can be
    /// used again after a close.
    pub created_at: UnixSeconds,
    /// How often it began anew within that life.
    pub generation: u64,
    /// Usable before this time; [`UnixSeconds::NEVER`]: without end.
    pub expires_at: UnixSeconds,
    /// The payment intent that was paid last.
    pub last_intent: Pubkey,
    /// Payments that counted.
    pub payments: u64,
    /// Calls granted and counted as used; `None` when calls are not counted. The
    /// count may be ahead of what is booked on chain.
    pub credits: Option<(Credits, Credits)>,
    /// The slot of the reading.
    pub slot: u64,
    /// The chain time that it was judged by.
    pub chain_time: UnixSeconds,
}

impl EntitlementFacts {
    /// The facts of an account at `address`.
    pub fn of(
        program: Pubkey,
        address: Pubkey,
        entitlement: &Entitlement,
        slot: u64,
        chain_time: UnixSeconds,
    ) -> Self {
        Self {
            program,
            merchant: entitlement.merchant,
            product: entitlement.product,
            beneficiary: entitlement.beneficiary,
            entitlement: address,
            created_at: entitlement.created_at,
            generation: entitlement.generation,
            expires_at: entitlement.expires_at,
            last_intent: entitlement.last_intent,
            payments: entitlement.payments,
            credits: entitlement
                .metered
                .then_some((entitlement.credits_granted, entitlement.credits_used)),
            slot,
            chain_time,
        }
    }

    /// Whether this is the same account in the same state, whenever it was read.
    pub fn is_same_state(&self, other: &Self) -> bool {
        let timeless = |facts: &Self| Self {
            slot: 0,
            chain_time: UnixSeconds(0),
            ..facts.clone()
        };
        timeless(self) == timeless(other)
    }
}

/// Everything that both receipts of a grant state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptFacts {
    /// Who states it: the service's origin, or its `did:web` where the origin is
    /// not `https` (PEAC allows no other).
    pub issuer: String,
    /// When, by the issuer's clock.
    pub issued_at: UnixSeconds,
    /// CAIP-2 id of the cluster.
    pub network: String,
    /// The resource that was opened.
    pub resource_url: String,
    /// What was done with it: the request's method.
    pub action: String,
    /// The grounds.
    pub grounds: EntitlementFacts,
}

impl ReceiptFacts {
    /// What `gate` states about a request that it let through.
    pub fn of(
        gate: &Gate,
        entitled: &Entitled,
        resource_url: String,
        action: &str,
        now: UnixSeconds,
    ) -> Self {
        Self {
            issuer: gate.origin().issuer(),
            issued_at: now,
            network: gate.network().caip2().to_owned(),
            resource_url,
            action: action.to_owned(),
            grounds: EntitlementFacts::of(
                gate.addresses().program_id,
                *entitled.address(),
                entitled.entitlement(),
                entitled.slot(),
                entitled.chain_time(),
            ),
        }
    }
}
