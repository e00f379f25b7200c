//! Why an action must fail, and how the chain says so.

use crate::Failure;
use solana_instruction::error::InstructionError;
use solana_transaction_error::TransactionError;
use std::fmt::{Display, Formatter};
use tollgate_client::TollgateError;

/// Why an action must fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// With this error of the program.
    Program(TollgateError),
    /// Because an account of the program or of tokens does not exist.
    Absent,
    /// By another program, whose numbers are not ours to promise.
    Elsewhere,
    /// Because an account would be left with lamports below the rent.
    Rent,
}

/// Nothing, or a refusal.
pub type Outcome = Result<(), Refusal>;

/// Which action of a transaction fails and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failed {
    /// Position in the transaction; the number of actions when it fails as a whole.
    pub action: usize,
    /// Why.
    pub refusal: Refusal,
}

impl From<TollgateError> for Refusal {
    fn from(error: TollgateError) -> Self {
        Self::Program(error)
    }
}

impl Display for Refusal {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Program(error) => write!(formatter, "{error:?}"),
            Self::Absent => write!(formatter, "absent"),
            Self::Elsewhere => write!(formatter, "elsewhere"),
            Self::Rent => write!(formatter, "rent"),
        }
    }
}

/// Refuses with `error` unless `holds`.
///
/// # Errors
/// The refusal.
pub fn ensure(holds: bool, error: impl Into<Refusal>) -> Outcome {
    if holds { Ok(()) } else { Err(error.into()) }
}

impl Refusal {
    /// Whether the chain refused for this reason.
    pub fn agrees(self, failure: &Failure) -> bool {
        let TransactionError::InstructionError(_, error) = &failure.error else {
            let poor = matches!(
                failure.error,
                TransactionError::InsufficientFundsForRent { .. }
            );
            return poor && self == Self::Rent;
        };
        // No action may need more compute units than a transaction has, nor crash.
        let crashed = matches!(
            error,
            InstructionError::ComputationalBudgetExceeded
                | InstructionError::ProgramFailedToComplete
        );
        match self {
            Self::Program(error) => failure.program() == Some(error),
            // Anchor's AccountNotInitialized and AccountOwnedByWrongProgram.
            Self::Absent => matches!(failure.custom(), Some(3012 | 3007)),
            Self::Elsewhere => !crashed && failure.program().is_none(),
            Self::Rent => false,
        }
    }
}
