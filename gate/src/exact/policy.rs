//! The forms that a transaction may have. The dialects differ in these values only,
//! never in the code that verifies.

use tollgate_client::Pubkey;

/// Highest price of a compute unit that facilitators accept, in millionths of a
/// lamport (`MAX_COMPUTE_UNIT_PRICE_MICROLAMPORTS` of `@x402/svm`).
pub const MAX_COMPUTE_UNIT_PRICE: u64 = 5_000_000;
/// Highest compute unit limit of MPP's `charge` (draft-solana-charge).
pub const MAX_MPP_COMPUTE_UNITS: u32 = 200_000;
/// Most instructions of an x402 v2 payment.
pub const MAX_INSTRUCTIONS_V2: usize = 7;
/// Most instructions of an x402 v1 payment.
pub const MAX_INSTRUCTIONS_V1: usize = 6;

/// In which order the first two instructions set the compute budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ComputeBudgetOrder {
    /// The limit, then the price: what x402 demands.
    LimitThenPrice,
    /// Either first: MPP's clients send the price first.
    Either,
}

/// What a verifier accepts besides the payment itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The keys that this service pays fees with: none of them may be the transfer's
    /// authority, and only they may be named as a managed fee payer.
    pub managed_fee_payers: Vec<Pubkey>,
    /// Order of the compute budget instructions.
    pub compute_budget_order: ComputeBudgetOrder,
    /// Highest compute unit limit; `None`: whatever a cluster allows.
    pub max_compute_units: Option<u32>,
    /// Highest price of a compute unit, in millionths of a lamport.
    pub max_compute_unit_price: u64,
    /// Most instructions, at least three.
    pub max_instructions: usize,
    /// Most signatures that the message may ask for, the fee payer's among them; each
    /// costs the fee payer 5,000 lamports. `None`: as many as fit.
    pub max_signatures: Option<u8>,
}

impl Policy {
    /// What the stock facilitator accepts of an x402 v2 payment.
    pub fn x402_v2(managed_fee_payers: Vec<Pubkey>) -> Self {
        Self {
            managed_fee_payers,
            compute_budget_order: ComputeBudgetOrder::LimitThenPrice,
            max_compute_units: None,
            max_compute_unit_price: MAX_COMPUTE_UNIT_PRICE,
            max_instructions: MAX_INSTRUCTIONS_V2,
            max_signatures: None,
        }
    }

    /// What the stock facilitator accepts of an x402 v1 payment.
    pub fn x402_v1(managed_fee_payers: Vec<Pubkey>) -> Self {
        Self {
            max_instructions: MAX_INSTRUCTIONS_V1,
            ..Self::x402_v2(managed_fee_payers)
        }
    }

    /// What MPP's `charge` allows: either order, and its own limit of compute units.
    pub fn mpp(managed_fee_payers: Vec<Pubkey>) -> Self {
        Self {
            compute_budget_order: ComputeBudgetOrder::Either,
            max_compute_units: Some(MAX_MPP_COMPUTE_UNITS),
            ..Self::x402_v2(managed_fee_payers)
        }
    }

    /// The same with bounds on what the fee payer is asked to spend: the highest
    /// compute unit limit and the most signatures.
    #[must_use]
    pub fn bounded(self, max_compute_units: u32, max_signatures: u8) -> Self {
        Self {
            max_compute_units: Some(max_compute_units),
            max_signatures: Some(max_signatures),
            ..self
        }
    }
}
