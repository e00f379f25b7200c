//! What must be paid.

use super::{ExactError, SCHEME};
use crate::x402::{Requirements, X402Error};
use tollgate_client::{Amount, Pubkey};

/// Who pays the transaction's fee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeePayer {
    /// A key of this service, whose signature is still missing. It must be one of
    /// [`super::Policy::managed_fee_payers`].
    Managed(Pubkey),
    /// The payer, who has signed everything (MPP without a sponsor).
    Payer,
}

/// What a transaction must pay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// The token's mint.
    pub mint: Pubkey,
    /// Owner of the associated token account that is paid into. May be an address
    /// that nobody holds a key for.
    pub pay_to: Pubkey,
    /// The exact amount, in the mint's smallest unit.
    pub amount: Amount,
    /// Who pays the fee.
    pub fee_payer: FeePayer,
    /// The one memo that the transaction must hold, byte for byte; `None`: any number
    /// of memos, of any content.
    pub memo: Option<String>,
    /// The mint's token program; `None`: Token or Token-2022, as the transaction says
    /// (then a cluster must be asked whether the mint agrees).
    pub token_program: Option<Pubkey>,
}

impl Requirement {
    /// What requirements of the scheme `exact` ask for. `extra.tokenProgram` is a hint
    /// to clients and not read, as in the stock facilitator.
    ///
    /// # Errors
    /// [`X402Error::UnsupportedScheme`] for another scheme;
    /// [`ExactError::MissingFeePayer`] and [`ExactError::FeePayerNotManaged`];
    /// [`X402Error::InvalidPaymentRequirements`] for fields that are not addresses or
    /// amounts.
    pub fn from_x402(requirements: &Requirements) -> Result<Self, X402Error> {
        if requirements.scheme() != SCHEME {
            return Err(X402Error::UnsupportedScheme);
        }
        let extra = |name: &str| {
            let extra = requirements.extra()?;
            extra.get(name).filter(|value| !value.is_null())
        };
        let fee_payer = extra("feePayer")
            .and_then(|value| value.as_str())
            .filter(|text| !text.is_empty())
            .ok_or(ExactError::MissingFeePayer)?;
        // What is not a key is not one of ours.
        let fee_payer: Pubkey = fee_payer
            .parse()
            .map_err(|_| ExactError::FeePayerNotManaged)?;
        let invalid = || X402Error::InvalidPaymentRequirements;
        let memo = match extra("memo") {
            Some(value) => Some(value.as_str().ok_or_else(invalid)?),
            None => None,
        };
        Ok(Self {
            mint: requirements.asset().parse().map_err(|_| invalid())?,
            pay_to: requirements.pay_to().parse().map_err(|_| invalid())?,
            amount: parse_amount(requirements.amount()).ok_or_else(invalid)?,
            fee_payer: FeePayer::Managed(fee_payer),
            memo: memo.filter(|memo| !memo.is_empty()).map(str::to_owned),
            token_program: None,
        })
    }
}

/// Decimal digits alone: a sign or a space is another spelling.
fn parse_amount(text: &str) -> Option<Amount> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok().map(Amount))
        .flatten()
}
