//! The x402 scheme `exact` on Solana: is this transaction, signed by a stranger,
//! the payment that was asked for, and may a fee payer put its name to it?
//!
//! [`verify`] decides by the bytes alone, as the published facilitators do
//! (reference/protocols.md 1.6); whether the transaction would succeed is asked of a
//! cluster afterwards. An [`ExactPayment`] is made only there, so that whoever holds
//! one holds the proof: its payer signed exactly this transfer.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`requirement`] | what must be paid, and who pays the fee |
//! | [`policy`] | the forms that a transaction may have |
//! | [`payment`] | the facts of a verified payment |
//! | [`error`] | every refusal, by its published name |
//!
//! # Where this is stricter than the stock TypeScript facilitator
//!
//! `tests/interop` compares both on a generated corpus. Everything that is accepted
//! here is accepted there; these are the exceptions in the other direction, each
//! checked there to still be one:
//!
//! | what | answer here | why |
//! | --- | --- | --- |
//! | bytes behind the transaction, other spellings of its lengths or its base64 | could not be decoded | what is verified must be what is sent |
//! | more bytes than a packet, a message version that clusters do not execute yet, keys listed twice, indices out of range | could not be decoded | no cluster executes it |
//! | the fee payer among an instruction's accounts | [`ExactError::FeePayerInInstruction`] | with its signature an instruction could spend its money; published by other facilitators |
//! | an authority that is not a signer | [`ExactError::SignatureInvalid`] | the signature is what names the payer |
//! | a transfer from an account to itself | [`ExactError::RecipientMismatch`] | it moves nothing |
//! | keys of small order, signatures that are not canonical | [`ExactError::SignatureInvalid`] | a cluster refuses them too |
//! | a memo that is equal only after a lenient decoding | [`ExactError::MemoMismatch`] | the rule says: byte for byte |
//! | an amount in the requirements that is not plain decimal digits | [`X402Error::InvalidPaymentRequirements`](crate::x402::X402Error::InvalidPaymentRequirements) | one spelling for each amount |

pub mod error;
mod instruction;
mod message;
pub mod payment;
pub mod policy;
pub mod requirement;
mod verify;

pub use error::ExactError;
pub use payment::ExactPayment;
pub use policy::{ComputeBudgetOrder, Policy};
pub use requirement::{FeePayer, Requirement};
pub use verify::verify;

use tollgate_client::Pubkey;

/// The scheme's name.
pub const SCHEME: &str = "exact";

/// SPL Token.
pub const TOKEN_PROGRAM: Pubkey = spl_token_interface::ID;
/// Token-2022.
pub const TOKEN_2022_PROGRAM: Pubkey =
    Pubkey::from_str_const("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb");
/// SPL Memo, the version whose memos are signed by whoever signs the transaction.
pub const MEMO_PROGRAM: Pubkey =
    Pubkey::from_str_const("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr");
/// Lighthouse: assertions about accounts that wallets append for their users'
/// protection. Its only instruction that spends needs the spender among its accounts,
/// which [`ExactError::FeePayerInInstruction`] excludes.
pub const LIGHTHOUSE_PROGRAM: Pubkey =
    Pubkey::from_str_const("L2TExMFKdjpN9kozasaurPirfHy9P8sbXoAN1qA3S95");
