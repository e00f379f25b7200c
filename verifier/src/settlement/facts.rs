//! What a settlement depends on, as it was read from the chain.

use solana_signature::Signature;
use tollgate_client::{Amount, IntentStatus, PaymentIntent, Pubkey, UnixSeconds};

use crate::config::Settlement as Way;

/// What a client's transaction is to buy. Nothing in it is taken on the client's word
/// but what its signature covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    /// Where the transfer goes to.
    pub(crate) way: Way,
    /// The product account.
    pub(crate) product: Pubkey,
    /// Who signed the transfer, and whose entitlement it becomes.
    pub(crate) payer: Pubkey,
    /// What is paid, exactly.
    pub(crate) amount: Amount,
    /// The intent of this purchase: named by the challenge's payment id where the
    /// transfer goes into its deposit, by the transaction itself where it goes to the
    /// vault.
    pub(crate) intent: Pubkey,
    /// The key that pays the intent's rent: what others made is not touched.
    pub(crate) relay: Pubkey,
    /// By which the cluster knows the client's transaction once it is co-signed.
    pub(crate) signature: Signature,
}

/// Whether the client's transaction can still be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    /// Its blockhash is valid.
    Usable,
    /// Its blockhash has expired, but not yet in finalized history: it may have landed
    /// in a block that is not counted yet.
    Expiring,
    /// Its blockhash is not valid in finalized history either.
    Over,
}

/// What is known of the client's transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It stands at the commitment that counts.
    Landed,
    /// It stands and failed: nothing moved but the fee.
    Failed,
    /// It stands in a block that is not that certain.
    OnItsWay,
    /// No server has it.
    Unseen(Life),
}

/// The intent's token account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deposit {
    /// There is none.
    Absent,
    /// It holds this much.
    Holds(Amount),
}

impl Deposit {
    /// What it holds.
    pub(crate) fn amount(self) -> Amount {
        match self {
            Self::Absent => Amount(0),
            Self::Holds(amount) => amount,
        }
    }
}

/// Another unfinished purchase of the same product by the same payer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rival {
    /// Its intent.
    pub(crate) address: Pubkey,
    /// As it stood.
    pub(crate) intent: PaymentIntent,
    /// What was paid into it.
    pub(crate) deposit: Deposit,
}

/// One reading. The transaction was looked for first, the accounts were read in a
/// later view, the rivals in one later still: what is absent from these was not there
/// when the transaction was seen.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Facts {
    /// Chain time of the accounts.
    pub(crate) now: UnixSeconds,
    /// Whether the merchant takes payments and the product is sold, for the order's
    /// amount.
    pub(crate) for_sale: bool,
    /// The order's intent.
    pub(crate) intent: Option<PaymentIntent>,
    /// Its deposit.
    pub(crate) deposit: Deposit,
    /// Whether the payer could be served without this payment.
    pub(crate) holds_access: bool,
    /// The payer's own intent of the same payment id, where one exists: another rail.
    pub(crate) native: Option<IntentStatus>,
    /// What the payer's token account can spend.
    pub(crate) funds: Amount,
    /// The client's transaction.
    pub(crate) fate: Fate,
    /// Other purchases under way; `None` when they were not asked for.
    pub(crate) rivals: Option<Vec<Rival>>,
}
