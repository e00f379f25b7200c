//! One purchase.

use super::layout::{fixed_layout_account, FixedLayout};
use super::{require_known_version, Grant, Product};
use crate::constants::{
    ACCOUNT_VERSION, INTENT_SEED, MAX_ACCESS, MAX_INTENT_LIFETIME, MAX_REFUND_WINDOW,
};
use crate::error::{ensure, refuse, TollgateError};
use crate::identifiers::PaymentId;
use crate::units::{Amount, Credits, DurationSeconds, UnixSeconds};
use anchor_lang::prelude::*;
use bytemuck::{CheckedBitPattern, NoUninit};

/// Where a purchase stands. An open intent past its expiry is expired.
#[derive(
    AnchorSerialize,
    AnchorDeserialize,
    CheckedBitPattern,
    NoUninit,
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
)]
#[repr(u8)]
pub enum IntentStatus {
    /// Waits for its payment.
    Open,
    /// Settled; part of it may have been refunded.
    Paid,
    /// Given up before a payment.
    Cancelled,
    /// Refunded in full; what it granted is taken back.
    Refunded,
}

/// How the money came.
#[derive(
    AnchorSerialize,
    AnchorDeserialize,
    CheckedBitPattern,
    NoUninit,
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
)]
#[repr(u8)]
pub enum Rail {
    /// Not yet.
    Unpaid,
    /// By the native instruction.
    Pay,
    /// By a transfer into the intent's own token account.
    Deposit,
    /// Elsewhere, on the operator's word; the intent's `rail_code` names the rail.
    Attested,
}

/// What the caller expects of the list, so that no change of the product between
/// reading and paying can surprise it.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Expected price.
    pub amount: Amount,
    /// Expected access.
    pub access: DurationSeconds,
    /// Expected credits.
    pub credits: Credits,
}

/// Terms that the operator sets for one purchase.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// Who may pay; default: anyone.
    pub payer: Pubkey,
    /// What it costs.
    pub amount: Amount,
    /// Access that it grants; 0: without limit in time.
    pub access: DurationSeconds,
    /// Credits that it grants; zero exactly when the product counts none.
    pub credits: Credits,
    /// How long after the payment it may be refunded.
    pub refund_window: DurationSeconds,
}

/// The two ways to an intent.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntentTerms {
    /// Self-service: the creator pays the product's list price.
    ListPrice(Offer),
    /// A quote of the merchant's operator.
    Quote(Quote),
}

/// Seeds: `["intent", merchant, author, payment_id[32]]`. The terms are copies
/// and never change after creation.
#[derive(
    AnchorSerialize,
    AnchorDeserialize,
    CheckedBitPattern,
    NoUninit,
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
)]
#[repr(C)]
pub struct PaymentIntent {
    /// Layout version.
    pub version: u8,
    /// Canonical bump of the address.
    pub bump: u8,
    /// Where the purchase stands.
    pub status: IntentStatus,
    /// Decimals of the mint.
    pub decimals: u8,
    /// Whether the product counts credits.
    pub metered: bool,
    /// How the money came.
    pub rail: Rail,
    /// Names the rail of an attested payment; 0 otherwise.
    pub rail_code: u16,
    /// Who is paid.
    pub merchant: Pubkey,
    /// What is bought.
    pub product: Pubkey,
    /// What is paid with.
    pub mint: Pubkey,
    /// Where the money goes.
    pub vault: Pubkey,
    /// The merchant for a quote, the payer for self-service.
    pub author: Pubkey,
    /// The purchase's name, unique for its author.
    pub payment_id: PaymentId,
    /// Who may pay, and who paid once it is paid; default: anyone.
    pub payer: Pubkey,
    /// Whose entitlement it is; default until paid: whom the payer names.
    pub beneficiary: Pubkey,
    /// Who paid the rent and gets it back.
    pub rent_payer: Pubkey,
    /// What names an attested payment on its rail; zeros otherwise.
    pub reference: [u8; 32],
    /// What it costs.
    pub amount: Amount,
    /// How much of it went back.
    pub refunded: Amount,
    /// Access that it grants; 0: without limit in time.
    pub access: DurationSeconds,
    /// Credits that it grants.
    pub credits: Credits,
    /// How long after the payment it may be refunded.
    pub refund_window: DurationSeconds,
    /// When the terms were recorded.
    pub created_at: UnixSeconds,
    /// Payable while now is before it.
    pub expires_at: UnixSeconds,
    /// When it was paid; 0 before.
    pub paid_at: UnixSeconds,
    /// Refundable while now is before it; 0 before the payment.
    pub refund_until: UnixSeconds,
    /// The entitlement's generation that the payment added to.
    pub generation: u64,
}

/// What an intent is created from besides its terms.
pub struct IntentOrigin {
    /// The intent's canonical bump.
    pub bump: u8,
    /// Who signed for it.
    pub creator: Pubkey,
    /// Who pays the rent.
    pub rent_payer: Pubkey,
    /// The product's address.
    pub product: Pubkey,
    /// The purchase's name.
    pub payment_id: PaymentId,
    /// Default: whom the payer names.
    pub beneficiary: Pubkey,
    /// Payable while now is before it.
    pub expires_at: UnixSeconds,
    /// Chain time.
    pub now: UnixSeconds,
}

impl IntentTerms {
    /// Whose key the intent's address carries.
    pub fn author(&self, merchant: Pubkey, creator: Pubkey) -> Pubkey {
        match self {
            Self::ListPrice(_) => creator,
            Self::Quote(_) => merchant,
        }
    }

    /// The full terms of one purchase of `product`.
    fn resolve(&self, product: &Product, creator: Pubkey) -> Result<Quote> {
        match self {
            Self::ListPrice(offer) => {
                let listed = Offer {
                    amount: product.price,
                    access: product.access,
                    credits: product.credits,
                };
                ensure(*offer == listed, TollgateError::TermsChanged)?;
                Ok(Quote {
                    payer: creator,
                    amount: product.price,
                    access: product.access,
                    credits: product.credits,
                    refund_window: product.refund_window,
                })
            }
            Self::Quote(quote) => {
                ensure(!quote.amount.is_zero(), TollgateError::PriceZero)?;
                ensure(quote.access <= MAX_ACCESS, TollgateError::AccessTooLong)?;
                ensure(
                    quote.refund_window <= MAX_REFUND_WINDOW,
                    TollgateError::RefundWindowTooLong,
                )?;
                ensure(
                    quote.credits.is_zero() != product.is_metered(),
                    TollgateError::MeteringFixed,
                )?;
                Ok(*quote)
            }
        }
    }
}

fixed_layout_account!(
    PaymentIntent,
    [0x95, 0x60, 0xc9, 0xba, 0x53, 0xf7, 0x8e, 0x73]
);

impl PaymentIntent {
    /// Bytes of the account.
    pub const SPACE: usize = Self::ACCOUNT_SIZE;

    /// An open intent for one purchase of `product`.
    pub fn open(origin: IntentOrigin, terms: &IntentTerms, product: &Product) -> Result<Self> {
        let latest = origin.now.checked_add(MAX_INTENT_LIFETIME)?;
        ensure(
            origin.now < origin.expires_at && origin.expires_at <= latest,
            TollgateError::ExpiryInvalid,
        )?;
        let author = terms.author(product.merchant, origin.creator);
        let terms = terms.resolve(product, origin.creator)?;
        Ok(Self {
            version: ACCOUNT_VERSION,
            bump: origin.bump,
            status: IntentStatus::Open,
            decimals: product.decimals,
            metered: product.is_metered(),
            rail: Rail::Unpaid,
            rail_code: 0,
            merchant: product.merchant,
            product: origin.product,
            mint: product.mint,
            vault: product.vault,
            author,
            payment_id: origin.payment_id,
            payer: terms.payer,
            beneficiary: origin.beneficiary,
            rent_payer: origin.rent_payer,
            reference: [0; 32],
            amount: terms.amount,
            refunded: Amount(0),
            access: terms.access,
            credits: terms.credits,
            refund_window: terms.refund_window,
            created_at: origin.now,
            expires_at: origin.expires_at,
            paid_at: UnixSeconds(0),
            refund_until: UnixSeconds(0),
            generation: 0,
        })
    }

    /// Passes an intent of `merchant` that waits for its payment.
    pub fn require_open(&self, merchant: &Pubkey) -> Result<()> {
        require_known_version(self.version)?;
        ensure(self.merchant == *merchant, TollgateError::MerchantMismatch)?;
        match self.status {
            IntentStatus::Open => Ok(()),
            IntentStatus::Paid => refuse(TollgateError::IntentAlreadyPaid),
            IntentStatus::Cancelled => refuse(TollgateError::IntentCancelled),
            IntentStatus::Refunded => refuse(TollgateError::IntentRefunded),
        }
    }

    /// Open → paid: records who paid and for whom, and says what that grants.
    /// The caller has made sure of [`Self::require_open`] and of the transfer.
    pub fn settle(
        &mut self,
        payer: Pubkey,
        beneficiary: Pubkey,
        rail: Rail,
        now: UnixSeconds,
    ) -> Result<Grant> {
        ensure(now < self.expires_at, TollgateError::IntentExpired)?;
        ensure(is_unset_or(self.payer, payer), TollgateError::PayerMismatch)?;
        ensure(
            is_unset_or(self.beneficiary, beneficiary),
            TollgateError::BeneficiaryMismatch,
        )?;
        ensure(beneficiary != Pubkey::default(), TollgateError::KeyMissing)?;
        self.status = IntentStatus::Paid;
        self.payer = payer;
        self.beneficiary = beneficiary;
        self.rail = rail;
        self.paid_at = now;
        self.refund_until = now.checked_add(self.refund_window)?;
        Ok(self.grant())
    }

    /// What the payment grants.
    pub fn grant(&self) -> Grant {
        Grant {
            access: self.access,
            credits: self.credits,
            metered: self.metered,
            refund_until: self.refund_until,
        }
    }

    /// Books a refund of a part; says whether everything is refunded now.
    ///
    /// Only money that this program moved into the vault can leave it by a refund:
    /// on the operator's word alone (an attested payment) the hot key could
    /// otherwise take what others paid.
    pub fn refund(&mut self, amount: Amount, now: UnixSeconds) -> Result<bool> {
        ensure(
            matches!(self.rail, Rail::Pay | Rail::Deposit),
            TollgateError::RefundElsewhere,
        )?;
        ensure(
            self.status == IntentStatus::Paid,
            TollgateError::IntentNotPaid,
        )?;
        ensure(now < self.refund_until, TollgateError::RefundWindowOver)?;
        let refunded = self.refunded.checked_add(amount)?;
        ensure(refunded <= self.amount, TollgateError::RefundTooLarge)?;
        self.refunded = refunded;
        let full = refunded == self.amount;
        if full {
            self.status = IntentStatus::Refunded;
        }
        Ok(full)
    }

    /// Whether deposits cannot become a payment any more, so that they go back.
    pub fn require_deposits_over(&self, now: UnixSeconds) -> Result<()> {
        require_known_version(self.version)?;
        let waiting = self.status == IntentStatus::Open && now < self.expires_at;
        ensure(!waiting, TollgateError::DepositPending)?;
        Ok(())
    }

    /// To whom deposits go back: the beneficiary; where the terms leave it open,
    /// the payer; and where they leave that open too, the merchant.
    pub fn deposit_owner(&self) -> Pubkey {
        [self.beneficiary, self.payer]
            .into_iter()
            .find(|key| *key != Pubkey::default())
            .unwrap_or(self.merchant)
    }

    /// Who counts as the payer of a deposit, whose sender is not known: whom the
    /// terms name, else the beneficiary.
    pub fn deposit_payer(&self) -> Pubkey {
        if self.payer == Pubkey::default() {
            self.beneficiary
        } else {
            self.payer
        }
    }

    /// Whether it can be closed: nothing can happen to it any more.
    pub fn require_closable(&self, now: UnixSeconds) -> Result<()> {
        require_known_version(self.version)?;
        let over = match self.status {
            IntentStatus::Open => now >= self.expires_at,
            IntentStatus::Paid => now >= self.refund_until,
            IntentStatus::Cancelled | IntentStatus::Refunded => true,
        };
        ensure(over, TollgateError::NotFinal)?;
        Ok(())
    }

    /// The seeds with which the program signs as this intent.
    pub fn signer_seeds(&self) -> [&[u8]; 5] {
        [
            INTENT_SEED,
            self.merchant.as_ref(),
            self.author.as_ref(),
            self.payment_id.0.as_ref(),
            core::slice::from_ref(&self.bump),
        ]
    }

    /// Open → cancelled, by the merchant's operator or by the author.
    pub fn cancel(&mut self, signer: &Pubkey, operator: &Pubkey) -> Result<()> {
        ensure(
            signer == operator || *signer == self.author,
            TollgateError::SignerNotAllowed,
        )?;
        self.status = IntentStatus::Cancelled;
        Ok(())
    }
}

/// Whether `recorded` leaves the choice open or is the one given.
fn is_unset_or(recorded: Pubkey, given: Pubkey) -> bool {
    recorded == Pubkey::default() || recorded == given
}
