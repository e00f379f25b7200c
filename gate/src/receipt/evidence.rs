//! Whether what a receipt states was true, by the chain alone.
//!
//! The chain shows the account as it is now, a receipt as it was. So a reading can
//! confirm a receipt, be compatible with it, contradict it, or be unable to tell.

use super::{EntitlementFacts, ReceiptError, ReceiptFacts};
use crate::network::Network;
use tollgate_client::{Addresses, DurationSeconds, Entitlement, EntitlementStatus, UnixSeconds};

/// How far the stated chain time may run ahead of the stated slot: a remembered
/// reading is judged by its own time plus its age.
const MAX_READING_AGE: DurationSeconds = DurationSeconds(60);

/// A reading of the account that a receipt names.
#[derive(Clone, Copy, Debug)]
pub struct Observation<'a> {
    /// The slot of the reading.
    pub slot: u64,
    /// The account; `None` when there is none.
    pub entitlement: Option<&'a Entitlement>,
}

/// What a reading says of a receipt that it does not contradict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// The account stands exactly as stated.
    Confirmed,
    /// It is the same account, and it has moved on since: paid again, used, refunded
    /// or revoked. What cannot change agrees.
    MovedOn,
    /// There is no account of that life any more. It was closed, or never was; the
    /// chain's history of the intent can tell.
    Gone,
}

impl Evidence {
    /// A stable word.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::MovedOn => "moved_on",
            Self::Gone => "gone",
        }
    }
}

/// Checks everything that needs no reading: cluster, program, the derived address,
/// and that what is stated would have opened the resource at the stated time.
///
/// # Errors
/// [`ReceiptError::Network`], [`ReceiptError::Program`], [`ReceiptError::Address`],
/// [`ReceiptError::NotUsable`].
pub fn check_statement(
    facts: &ReceiptFacts,
    addresses: &Addresses,
    network: &Network,
) -> Result<(), ReceiptError> {
    let grounds = &facts.grounds;
    if facts.network != network.caip2() {
        return Err(ReceiptError::Network);
    }
    if grounds.program != addresses.program_id {
        return Err(ReceiptError::Program);
    }
    if addresses.entitlement(&grounds.product, &grounds.beneficiary) != grounds.entitlement {
        return Err(ReceiptError::Address);
    }
    let has_credit = grounds.credits.is_none_or(|(granted, used)| used < granted);
    if grounds.chain_time < grounds.expires_at
        && grounds.created_at <= grounds.chain_time
        && has_credit
    {
        Ok(())
    } else {
        Err(ReceiptError::NotUsable)
    }
}

/// Compares a receipt with a reading of the account at the stated address, whose
/// owner and layout were checked when it was read.
///
/// The rules are those of the program: within one life (`created_at`) the generation
/// only grows; within one generation the kind of metering stays; merchant, product
/// and beneficiary never change.
///
/// # Errors
/// [`ReceiptError::ReadingTooOld`], [`ReceiptError::Contradicted`].
pub fn compare(
    facts: &ReceiptFacts,
    observation: &Observation<'_>,
) -> Result<Evidence, ReceiptError> {
    let stated = &facts.grounds;
    if observation.slot < stated.slot {
        return Err(ReceiptError::ReadingTooOld);
    }
    let Some(entitlement) = observation.entitlement else {
        return Ok(Evidence::Gone);
    };
    let found = EntitlementFacts::of(
        stated.program,
        stated.entitlement,
        entitlement,
        observation.slot,
        UnixSeconds(0),
    );
    if (found.merchant, found.product, found.beneficiary)
        != (stated.merchant, stated.product, stated.beneficiary)
        || found.created_at < stated.created_at
    {
        return Err(ReceiptError::Contradicted);
    }
    if found.created_at > stated.created_at {
        // Another life at the same address. It cannot have begun before the reading
        // that the receipt states.
        return if found
            .created_at
            .0
            .saturating_add_unsigned(MAX_READING_AGE.0)
            >= stated.chain_time.0
        {
            Ok(Evidence::Gone)
        } else {
            Err(ReceiptError::Contradicted)
        };
    }
    // Used credits are booked on chain in batches: a receipt may be ahead of them.
    let booked = EntitlementFacts {
        credits: match (stated.credits, found.credits) {
            (Some((granted, counted)), Some((_, booked))) => Some((granted, counted.min(booked))),
            (credits, _) => credits,
        },
        ..stated.clone()
    };
    if entitlement.status == EntitlementStatus::Active && found.is_same_state(&booked) {
        return Ok(Evidence::Confirmed);
    }
    let same_generation = found.generation == stated.generation;
    let other_kind = stated.credits.is_some() != found.credits.is_some();
    if found.generation < stated.generation || (same_generation && other_kind) {
        return Err(ReceiptError::Contradicted);
    }
    Ok(Evidence::MovedOn)
}
