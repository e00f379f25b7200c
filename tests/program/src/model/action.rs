//! What can be done. Every key stands in the action, also wrong ones: the generator
//! chooses them, the rules judge them.

use solana_pubkey::Pubkey;
use tollgate_client::{IntentTerms, ProductChanges};

/// One instruction of the program, or something that anybody can do around it.
#[derive(Clone, Debug)]
pub enum Action {
    CreateMerchant(CreateMerchant),
    UpdateMerchant(UpdateMerchant),
    ProposeAuthority(ProposeAuthority),
    AcceptAuthority(AcceptAuthority),
    CreateProduct(CreateProduct),
    UpdateProduct(UpdateProduct),
    CloseProduct(CloseProduct),
    CreateIntent(CreateIntent),
    CancelIntent(CancelIntent),
    CloseIntent(CloseIntent),
    Pay(Pay),
    SettleDeposit(SettleDeposit),
    ReclaimDeposit(ReclaimDeposit),
    RecordPayment(RecordPayment),
    Refund(Refund),
    Revoke(Revoke),
    Consume(Consume),
    CloseEntitlement(CloseEntitlement),
    Withdraw(Withdraw),
    CreateTokens(CreateTokens),
    Deposit(Deposit),
    HandOver(HandOver),
    Transfer(Transfer),
    Freeze(Freeze),
    Approve(Approve),
    NameCloser(NameCloser),
    CloseTokens(CloseTokens),
    SendLamports(SendLamports),
    SetTime(SetTime),
}

#[derive(Clone, Debug)]
pub struct CreateMerchant {
    pub owner: Pubkey,
    pub rent_payer: Pubkey,
    /// Where it is to be created.
    pub merchant: Pubkey,
    pub operator: Pubkey,
}

#[derive(Clone, Debug)]
pub struct UpdateMerchant {
    pub signer: Pubkey,
    pub merchant: Pubkey,
    pub operator: Option<Pubkey>,
    pub paused: Option<bool>,
}

#[derive(Clone, Debug)]
pub struct ProposeAuthority {
    pub signer: Pubkey,
    pub merchant: Pubkey,
    pub proposed: Pubkey,
}

#[derive(Clone, Debug)]
pub struct AcceptAuthority {
    pub signer: Pubkey,
    pub merchant: Pubkey,
}

#[derive(Clone, Debug)]
pub struct CreateProduct {
    pub signer: Pubkey,
    pub rent_payer: Pubkey,
    pub merchant: Pubkey,
    /// Where it is to be created.
    pub product: Pubkey,
    /// Number of the slug; see [`super::places::Places::slug`].
    pub slug: usize,
    pub mint: Pubkey,
    pub price: u64,
    pub access: u64,
    pub credits: u64,
    pub window: u64,
}

#[derive(Clone, Debug)]
pub struct UpdateProduct {
    pub signer: Pubkey,
    pub merchant: Pubkey,
    pub product: Pubkey,
    pub changes: ProductChanges,
}

#[derive(Clone, Debug)]
pub struct CloseProduct {
    pub signer: Pubkey,
    pub merchant: Pubkey,
    pub product: Pubkey,
    pub rent_payer: Pubkey,
}

#[derive(Clone, Debug)]
pub struct CreateIntent {
    pub creator: Pubkey,
    pub rent_payer: Pubkey,
    pub merchant: Pubkey,
    pub product: Pubkey,
    /// Where it is to be created.
    pub intent: Pubkey,
    pub id: u8,
    pub expires_at: i64,
    pub beneficiary: Option<Pubkey>,
    pub terms: IntentTerms,
}

#[derive(Clone, Debug)]
pub struct CancelIntent {
    pub signer: Pubkey,
    pub merchant: Pubkey,
    pub intent: Pubkey,
}

#[derive(Clone, Debug)]
pub struct CloseIntent {
    pub intent: Pubkey,
    pub deposit: Pubkey,
    pub rent_payer: Pubkey,
}

#[derive(Clone, Debug)]
pub struct Pay {
    pub payer: Pubkey,
    pub rent_payer: Pubkey,
    pub merchant: Pubkey,
    pub intent: Pubkey,
    pub entitlement: Pubkey,
    pub source: Pubkey,
    pub vault: Pubkey,
    pub mint: Pubkey,
    pub amount: u64,
    pub beneficiary: Pubkey,
}

#[derive(Clone, Debug)]
pub struct SettleDeposit {
    pub rent_payer: Pubkey,
    pub merchant: Pubkey,
    pub intent: Pubkey,
    pub entitlement: Pubkey,
    pub deposit: Pubkey,
    pub vault: Pubkey,
    pub mint: Pubkey,
}

#[derive(Clone, Debug)]
pub struct ReclaimDeposit {
    pub intent: Pubkey,
    pub deposit: Pubkey,
    pub mint: Pubkey,
    pub destination: Pubkey,
    pub rent_payer: Pubkey,
}

#[derive(Clone, Debug)]
pub struct RecordPayment {
    pub operator: Pubkey,
    pub rent_payer: Pubkey,
    pub merchant: Pubkey,
    pub intent: Pubkey,
    pub entitlement: Pubkey,
    pub rail: u16,
    pub payer: Pubkey,
    pub beneficiary: Pubkey,
}

#[derive(Clone, Debug)]
pub struct Refund {
    pub operator: Pubkey,
    pub merchant: Pubkey,
    pub intent: Pubkey,
    pub entitlement: Pubkey,
    pub vault: Pubkey,
    pub destination: Pubkey,
    pub mint: Pubkey,
    pub amount: u64,
}

#[derive(Clone, Debug)]
pub struct Revoke {
    pub operator: Pubkey,
    pub merchant: Pubkey,
    pub entitlement: Pubkey,
}

#[derive(Clone, Debug)]
pub struct Consume {
    pub operator: Pubkey,
    pub merchant: Pubkey,
    pub entitlement: Pubkey,
    pub used: u64,
    pub created_at: i64,
}

#[derive(Clone, Debug)]
pub struct CloseEntitlement {
    pub entitlement: Pubkey,
    pub rent_payer: Pubkey,
}

#[derive(Clone, Debug)]
pub struct Withdraw {
    pub signer: Pubkey,
    pub merchant: Pubkey,
    pub mint: Pubkey,
    pub destination: Pubkey,
    pub amount: u64,
}

/// An associated token account of whomever, if it does not exist.
#[derive(Clone, Debug)]
pub struct CreateTokens {
    pub payer: Pubkey,
    pub owner: Pubkey,
    pub mint: Pubkey,
}

/// A plain transfer into the associated token account of an intent, which is created
/// first if it does not exist.
#[derive(Clone, Debug)]
pub struct Deposit {
    pub sender: Pubkey,
    pub intent: Pubkey,
    pub mint: Pubkey,
    pub amount: u64,
}

/// A new token account somewhere else, filled by its maker and then given to an
/// intent; its maker may keep the right to close it.
#[derive(Clone, Debug)]
pub struct HandOver {
    pub sender: Pubkey,
    pub account: Pubkey,
    pub intent: Pubkey,
    pub mint: Pubkey,
    pub amount: u64,
    pub keeps_closing: bool,
    /// Lamports that the account is created with.
    pub rent: u64,
}

/// A plain transfer between token accounts.
#[derive(Clone, Debug)]
pub struct Transfer {
    pub sender: Pubkey,
    pub mint: Pubkey,
    pub destination: Pubkey,
    pub amount: u64,
}

/// The mint's freeze authority freezes or thaws.
#[derive(Clone, Debug)]
pub struct Freeze {
    pub account: Pubkey,
    pub mint: Pubkey,
    pub frozen: bool,
}

/// A delegate for an own purse.
#[derive(Clone, Debug)]
pub struct Approve {
    pub owner: Pubkey,
    pub account: Pubkey,
    pub delegate: Pubkey,
    pub amount: u64,
}

/// A close authority for an own purse.
#[derive(Clone, Debug)]
pub struct NameCloser {
    pub owner: Pubkey,
    pub account: Pubkey,
    pub closer: Option<Pubkey>,
}

/// An empty token account is closed by whoever may.
#[derive(Clone, Debug)]
pub struct CloseTokens {
    pub signer: Pubkey,
    pub account: Pubkey,
    pub destination: Pubkey,
}

/// Lamports, also to addresses where nothing is yet.
#[derive(Clone, Debug)]
pub struct SendLamports {
    pub sender: Pubkey,
    pub destination: Pubkey,
    pub lamports: u64,
}

/// Time travel; never backwards, and no transaction.
#[derive(Clone, Debug)]
pub struct SetTime(pub i64);
