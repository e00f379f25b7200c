//! The decision (the blueprint's "The gate", steps 1 to 3 and 5).
//!
//! It is taken in two halves around the one thing that this crate cannot do, reading
//! the chain: [`crate::Gate::open`] either decides at once or asks a [`Question`],
//! and [`Question::answer`] turns a [`Reading`] into a [`Decision`].
//!
//! | what stands on chain | answer |
//! | --- | --- |
//! | usable at chain time | [`Decision::Serve`] |
//! | nothing, expired, fewer credits than the request costs | [`Decision::Challenge`] (if for sale) |
//! | revoked by the merchant | 403 `entitlement_revoked` |
//! | not known | [`Decision::Unavailable`], never a 402 |

use crate::error::GateError;
use crate::offer::ProductOffer;
use crate::payment_id::Progress;
use crate::session::Session;
use crate::siwx::SignedIn;
use crate::transfer::SettledPayer;
use std::sync::Arc;
use tollgate_client::{
    Credits, DurationSeconds, Entitlement, EntitlementStatus, Pubkey, UnixSeconds,
};

/// What a reader of the chain found at the entitlement's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// The account stands.
    Known {
        /// Its content; boxed because it is large. Where credits are counted,
        /// `credits_used` includes those that are used but not booked on chain yet.
        entitlement: Box<Entitlement>,
        /// The Clock sysvar of the same answer.
        chain_time: UnixSeconds,
        /// The slot of the answer.
        slot: u64,
    },
    /// The cluster answered that there is no account.
    Absent {
        /// The Clock sysvar of the same answer.
        chain_time: UnixSeconds,
        /// The slot of the answer.
        slot: u64,
    },
    /// The cluster gave no usable answer. Whether somebody paid is not known.
    Unknown {
        /// When to try again.
        retry_after: DurationSeconds,
    },
}

/// Who asks. Session and sign-in can only come from their verification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// Nobody said.
    Nobody,
    /// Somebody with a session token.
    Session(Session),
    /// Somebody who signed in with this request.
    SignedIn(SignedIn),
    /// Somebody whose payment came with this request and is settled.
    Payer(SettledPayer),
}

/// The outcome for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The route is free.
    Pass(FreePass),
    /// The caller holds a usable entitlement.
    Serve(Entitled),
    /// The caller has nothing usable: 402.
    Challenge(PaymentDue),
    /// Refused for good.
    Refuse(GateError),
    /// Not known now: [`GateError::ChainUnavailable`] with `Retry-After`.
    Unavailable {
        /// When to try again.
        retry_after: DurationSeconds,
    },
}

/// What is to be done next.
#[derive(Clone, Debug)]
pub enum Next {
    /// Nothing on chain matters.
    Done(Decision),
    /// Read the chain.
    Read(Question),
}

/// Leave to forward a request of a free route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FreePass(pub(crate) ());

/// Leave to forward a paid request, with the reading that it rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entitled {
    offer: Arc<ProductOffer>,
    address: Pubkey,
    entitlement: Box<Entitlement>,
    chain_time: UnixSeconds,
    slot: u64,
    fresh: Option<SignedIn>,
}

impl Entitled {
    /// What was bought.
    pub fn offer(&self) -> &Arc<ProductOffer> {
        &self.offer
    }

    /// Where the entitlement lives.
    pub fn address(&self) -> &Pubkey {
        &self.address
    }

    /// The entitlement as the reading has it. For metered products it has the
    /// credits that the request costs; taking them is not the gate's part.
    pub fn entitlement(&self) -> &Entitlement {
        &self.entitlement
    }

    /// The chain's time at the reading.
    pub fn chain_time(&self) -> UnixSeconds {
        self.chain_time
    }

    /// The slot of the reading.
    pub fn slot(&self) -> u64 {
        self.slot
    }

    /// The sign-in of this very request; `None` for a session.
    pub fn fresh_sign_in(&self) -> Option<&SignedIn> {
        self.fresh.as_ref()
    }
}

/// Why payment is demanded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PaymentReason {
    /// Nobody proved a key, or the key holds nothing.
    PaymentRequired,
    /// What was paid for is over.
    EntitlementExpired,
    /// Fewer credits are left than the request costs.
    CreditsExhausted,
}

impl PaymentReason {
    /// Every reason.
    pub const ALL: [Self; 3] = [
        Self::PaymentRequired,
        Self::EntitlementExpired,
        Self::CreditsExhausted,
    ];

    /// Stable code; the `error` of a 402.
    pub const fn code(self) -> &'static str {
        match self {
            Self::PaymentRequired => "payment_required",
            Self::EntitlementExpired => "entitlement_expired",
            Self::CreditsExhausted => "credits_exhausted",
        }
    }

    /// One sentence for people.
    pub const fn detail(self) -> &'static str {
        match self {
            Self::PaymentRequired => {
                "this resource is paid for; whoever has paid signs in with the key that did"
            }
            Self::EntitlementExpired => "the access that was paid for has ended",
            Self::CreditsExhausted => "the calls that were paid for are used up",
        }
    }
}

/// Proof that payment may be demanded: nobody proved a key, or the chain was read
/// and holds nothing usable. There is no other way to a 402.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentDue {
    offer: Arc<ProductOffer>,
    reason: PaymentReason,
    caller: Option<Caller>,
    refused: Option<RefusedPayment>,
}

/// Why a payment that came with the request was not taken; nothing of it has moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedPayment {
    /// A stable code; the `error` of the 402.
    pub code: &'static str,
    /// One sentence for people.
    pub detail: String,
}

/// A caller who proved a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) beneficiary: Pubkey,
    pub(crate) entitlement: Pubkey,
    pub(crate) progress: Progress,
}

impl PaymentDue {
    /// What is offered.
    pub fn offer(&self) -> &Arc<ProductOffer> {
        &self.offer
    }

    /// Why.
    pub fn reason(&self) -> PaymentReason {
        self.reason
    }

    /// The key that was proved, if any.
    pub fn beneficiary(&self) -> Option<&Pubkey> {
        self.caller.as_ref().map(|caller| &caller.beneficiary)
    }

    pub(crate) fn caller(&self) -> Option<&Caller> {
        self.caller.as_ref()
    }

    /// The same, because a payment was not taken.
    #[must_use]
    pub fn refusing(self, refused: RefusedPayment) -> Self {
        Self {
            refused: Some(refused),
            ..self
        }
    }

    /// Why the payment that came with the request was not taken, if one did.
    pub fn refused(&self) -> Option<&RefusedPayment> {
        self.refused.as_ref()
    }

    /// The decision where nothing usable was found: a 402 only for what can be paid.
    fn decide(offer: Arc<ProductOffer>, reason: PaymentReason, caller: Option<Caller>) -> Decision {
        if offer.for_sale {
            Decision::Challenge(Self {
                offer,
                reason,
                caller,
                refused: None,
            })
        } else {
            Decision::Refuse(GateError::ProductNotForSale)
        }
    }

    /// A caller who proved nothing.
    pub(crate) fn of_nobody(offer: Arc<ProductOffer>) -> Decision {
        Self::decide(offer, PaymentReason::PaymentRequired, None)
    }
}

/// What must be read before a request can be decided: one account.
#[derive(Clone, Debug)]
pub struct Question {
    offer: Arc<ProductOffer>,
    beneficiary: Pubkey,
    address: Pubkey,
    fresh: Option<SignedIn>,
    cost: Credits,
}

impl Question {
    pub(crate) fn new(
        offer: Arc<ProductOffer>,
        beneficiary: Pubkey,
        address: Pubkey,
        fresh: Option<SignedIn>,
    ) -> Self {
        Self {
            offer,
            beneficiary,
            address,
            fresh,
            cost: Credits(1),
        }
    }

    /// The same question by a request that costs this many credits, where credits
    /// are counted; a question costs one unless it says otherwise.
    pub fn costing(self, cost: Credits) -> Self {
        Self { cost, ..self }
    }

    /// What the request costs where credits are counted.
    pub fn cost(&self) -> Credits {
        self.cost
    }

    /// The product that is asked for.
    pub fn offer(&self) -> &Arc<ProductOffer> {
        &self.offer
    }

    /// The key that asks.
    pub fn beneficiary(&self) -> &Pubkey {
        &self.beneficiary
    }

    /// The entitlement account to read.
    pub fn entitlement_address(&self) -> &Pubkey {
        &self.address
    }

    /// The sign-in of this very request; `None` for a session. Its nonce may be
    /// checked against those used before.
    pub fn fresh_sign_in(&self) -> Option<&SignedIn> {
        self.fresh.as_ref()
    }

    /// Decides by what stands on chain, at chain time.
    pub fn answer(self, reading: Reading) -> Decision {
        match reading {
            Reading::Unknown { retry_after } => Decision::Unavailable { retry_after },
            Reading::Absent { .. } => {
                let caller = self.caller(Progress::none());
                PaymentDue::decide(self.offer, PaymentReason::PaymentRequired, Some(caller))
            }
            Reading::Known {
                entitlement,
                chain_time,
                slot,
            } => self.judge(entitlement, chain_time, slot),
        }
    }

    fn judge(self, entitlement: Box<Entitlement>, chain_time: UnixSeconds, slot: u64) -> Decision {
        let expected = (self.offer.merchant, self.offer.product, self.beneficiary);
        if (
            entitlement.merchant,
            entitlement.product,
            entitlement.beneficiary,
        ) != expected
        {
            return Decision::Refuse(GateError::ReadingMismatch);
        }
        if entitlement.status == EntitlementStatus::Revoked {
            return Decision::Refuse(GateError::EntitlementRevoked);
        }
        let affordable = entitlement
            .credits_remaining()
            .is_none_or(|remaining| remaining >= self.cost);
        if entitlement.is_usable(chain_time) && affordable {
            return Decision::Serve(Entitled {
                offer: self.offer,
                address: self.address,
                entitlement,
                chain_time,
                slot,
                fresh: self.fresh,
            });
        }
        let reason = if chain_time >= entitlement.expires_at {
            PaymentReason::EntitlementExpired
        } else {
            PaymentReason::CreditsExhausted
        };
        let caller = self.caller(Progress::of(&entitlement));
        PaymentDue::decide(self.offer, reason, Some(caller))
    }

    fn caller(&self, progress: Progress) -> Caller {
        Caller {
            beneficiary: self.beneficiary,
            entitlement: self.address,
            progress,
        }
    }
}
