//! What an account's bytes mean. Nothing is trusted for its address alone: the
//! owner, the discriminator, the version and the address derived from the
//! decoded fields must all agree (reference/service.md 2.3, rule 8).

use crate::{Addresses, Pubkey, TollgateError};
use anchor_lang::{AccountDeserialize, AccountSerialize, Discriminator};
use solana_account::ReadableAccount;
use tollgate::constants::{ACCOUNT_VERSION, ROOM_TO_GROW};
use tollgate::state::{Entitlement, Merchant, PaymentIntent, Product};

/// Why an account is not what its address promises. None of these means that
/// nobody paid: they mean that the deployment or the RPC server is not the one
/// that was configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Another program owns the account.
    #[error("the account at {address} belongs to {owner}, not to the configured program")]
    Owner {
        /// The account.
        address: Pubkey,
        /// Its owner.
        owner: Pubkey,
    },
    /// It is of another type or damaged.
    #[error("the account at {address} is not a {expected}")]
    Type {
        /// The account.
        address: Pubkey,
        /// What was looked for.
        expected: &'static str,
    },
    /// A version that this build does not know.
    #[error(
        "the account at {address} has layout version {version}, this build knows {ACCOUNT_VERSION}"
    )]
    Version {
        /// The account.
        address: Pubkey,
        /// Its version byte.
        version: u8,
    },
    /// Its fields lead to another address.
    #[error("the account at {address} has fields that belong to {derived}")]
    Address {
        /// Where it was read.
        address: Pubkey,
        /// Where its fields say it lives.
        derived: Pubkey,
    },
}

impl DecodeError {
    /// Stable code for logs and answers.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Owner { .. } => "account_owner_mismatch",
            Self::Type { .. } => "account_type_mismatch",
            Self::Version { .. } => "account_version_unknown",
            Self::Address { .. } => "account_address_mismatch",
        }
    }
}

/// An account of the program that can be checked against its address.
pub trait ProgramAccount: AccountDeserialize + Discriminator + Sized {
    /// What it is called in messages.
    const NAME: &'static str;
    /// Its layout version.
    fn version(&self) -> u8;
    /// Where its own fields say that it lives.
    fn derived_address(&self, addresses: &Addresses) -> Pubkey;
}

/// Decodes and checks the account that was read at `address`.
///
/// # Errors
/// [`DecodeError`], one variant for each thing that can be wrong.
pub fn decode<T: ProgramAccount>(
    addresses: &Addresses,
    address: &Pubkey,
    account: &impl ReadableAccount,
) -> Result<T, DecodeError> {
    if account.owner() != &addresses.program_id {
        return Err(DecodeError::Owner {
            address: *address,
            owner: *account.owner(),
        });
    }
    let mut data = account.data();
    let decoded = T::try_deserialize(&mut data).map_err(|_| DecodeError::Type {
        address: *address,
        expected: T::NAME,
    })?;
    if decoded.version() != ACCOUNT_VERSION {
        return Err(DecodeError::Version {
            address: *address,
            version: decoded.version(),
        });
    }
    let derived = decoded.derived_address(addresses);
    if derived != *address {
        return Err(DecodeError::Address {
            address: *address,
            derived,
        });
    }
    Ok(decoded)
}

/// The bytes of an account as the program leaves them: the fields, and room to grow.
pub fn encode<T: ProgramAccount + AccountSerialize>(account: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Writing into memory does not fail.
    let _ = account.try_serialize(&mut bytes);
    bytes.resize(bytes.len() + ROOM_TO_GROW, 0);
    bytes
}

impl ProgramAccount for Merchant {
    const NAME: &'static str = "merchant";
    fn version(&self) -> u8 {
        self.version
    }
    fn derived_address(&self, addresses: &Addresses) -> Pubkey {
        addresses.merchant(&self.owner)
    }
}

impl ProgramAccount for Product {
    const NAME: &'static str = "product";
    fn version(&self) -> u8 {
        self.version
    }
    fn derived_address(&self, addresses: &Addresses) -> Pubkey {
        addresses.product(&self.merchant, &self.slug)
    }
}

impl ProgramAccount for PaymentIntent {
    const NAME: &'static str = "payment intent";
    fn version(&self) -> u8 {
        self.version
    }
    fn derived_address(&self, addresses: &Addresses) -> Pubkey {
        addresses.intent(&self.merchant, &self.author, &self.payment_id)
    }
}

impl ProgramAccount for Entitlement {
    const NAME: &'static str = "entitlement";
    fn version(&self) -> u8 {
        self.version
    }
    fn derived_address(&self, addresses: &Addresses) -> Pubkey {
        addresses.entitlement(&self.product, &self.beneficiary)
    }
}

/// Every error of the program, in the order of their numbers.
pub fn errors() -> impl Iterator<Item = TollgateError> {
    use TollgateError::*;
    [
        VersionUnknown,
        ArithmeticOverflow,
        AccountsAliased,
        KeyMissing,
        SignerNotAllowed,
        NotFinal,
        RentPayerMismatch,
        MerchantPaused,
        SlugInvalid,
        ProductInactive,
        PriceZero,
        AccessTooLong,
        RefundWindowTooLong,
        MeteringFixed,
        MerchantMismatch,
        ProductMismatch,
        TermsChanged,
        ExpiryInvalid,
        IntentExpired,
        IntentAlreadyPaid,
        IntentCancelled,
        IntentRefunded,
        IntentMismatch,
        PayerMismatch,
        AmountMismatch,
        BeneficiaryMismatch,
        MintMismatch,
        VaultMismatch,
        AmountZero,
        DepositMismatch,
        DepositEncumbered,
        DepositShort,
        DepositPending,
        DepositNotOffered,
        DestinationMismatch,
        IntentNotPaid,
        RefundWindowOver,
        RefundTooLarge,
        RefundElsewhere,
        EntitlementMismatch,
        EntitlementOwner,
        EntitlementReplaced,
        NotMetered,
        CreditsOutOfRange,
    ]
    .into_iter()
}
