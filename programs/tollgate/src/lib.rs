//! Tollgate: payments for an API, settled and recorded on Solana.
//!
//! A merchant publishes products. A payer settles a [`state::PaymentIntent`]
//! with one `TransferChecked` into the merchant's vault, and the same
//! instruction creates or extends the [`state::Entitlement`] of a beneficiary.
//! A server needs that one account to know whether to serve.
//!
//! Every deadline follows one convention: valid while `now < deadline`, over
//! once `now >= deadline`. Times are unix seconds of the Clock sysvar.
//!
//! This file only forwards; who may call, what moves and what can never happen
//! stands with each instruction in [`instructions`].
#![cfg_attr(target_arch = "bpf", feature(abi_unadjusted), allow(internal_features))]
// Anchor's macros produce undocumented items next to each instruction.
#![allow(missing_docs)]

#[cfg(target_arch = "bpf")]
mod compiler_support;
pub mod constants;
pub mod derived_account;
pub mod entitlement_account;
#[cfg(all(feature = "entrypoint", not(feature = "cpi"), target_os = "solana"))]
mod entrypoint;
pub mod error;
pub mod events;
pub mod identifiers;
pub mod instructions;
#[cfg(all(feature = "entrypoint", not(feature = "cpi"), target_os = "solana"))]
mod security;
pub mod settlement;
pub mod state;

pub mod token;
pub mod units;

use anchor_lang::prelude::*;
pub use instructions::*;
use state::ProductChanges;

/// The program as merchants deploy it; built by `cargo xtask build-program`.
#[cfg(feature = "elf")]
pub static ELF: &[u8] = include_bytes!("../artifacts/tollgate.so");

declare_id!("46CVxfJUXZPzBpiEffE9ZtDe5dWgbJK3aKRV85pj9SHr");

#[program]
pub mod tollgate {
    use super::*;

    // `pay` stands first because the dispatcher compares discriminators in order.
    pub fn pay(ctx: Context<Pay>, args: PayArgs) -> Result<()> {
        handle_pay(ctx, args)
    }

    pub fn create_intent(ctx: Context<CreateIntent>, args: CreateIntentArgs) -> Result<()> {
        handle_create_intent(ctx, args)
    }

    pub fn cancel_intent(ctx: Context<CancelIntent>) -> Result<()> {
        handle_cancel_intent(ctx)
    }

    pub fn withdraw(ctx: Context<Withdraw>, args: WithdrawArgs) -> Result<()> {
        handle_withdraw(ctx, args)
    }

    pub fn create_merchant(ctx: Context<CreateMerchant>, args: CreateMerchantArgs) -> Result<()> {
        handle_create_merchant(ctx, args)
    }

    pub fn update_merchant(ctx: Context<UpdateMerchant>, args: UpdateMerchantArgs) -> Result<()> {
        handle_update_merchant(ctx, args)
    }

    pub fn create_product(ctx: Context<CreateProduct>, args: CreateProductArgs) -> Result<()> {
        handle_create_product(ctx, args)
    }

    pub fn update_product(ctx: Context<UpdateProduct>, changes: ProductChanges) -> Result<()> {
        handle_update_product(ctx, changes)
    }

    pub fn settle_deposit(ctx: Context<SettleDeposit>) -> Result<()> {
        handle_settle_deposit(ctx)
    }

    pub fn reclaim_deposit(ctx: Context<ReclaimDeposit>) -> Result<()> {
        handle_reclaim_deposit(ctx)
    }

    pub fn record_payment(ctx: Context<RecordPayment>, args: RecordPaymentArgs) -> Result<()> {
        handle_record_payment(ctx, args)
    }

    pub fn refund(ctx: Context<Refund>, args: RefundArgs) -> Result<()> {
        handle_refund(ctx, args)
    }

    pub fn revoke(ctx: Context<Revoke>) -> Result<()> {
        handle_revoke(ctx)
    }

    pub fn consume(ctx: Context<Consume>, args: ConsumeArgs) -> Result<()> {
        handle_consume(ctx, args)
    }

    pub fn propose_authority(
        ctx: Context<ProposeAuthority>,
        args: ProposeAuthorityArgs,
    ) -> Result<()> {
        handle_propose_authority(ctx, args)
    }

    pub fn accept_authority(ctx: Context<AcceptAuthority>) -> Result<()> {
        handle_accept_authority(ctx)
    }

    pub fn close_intent(ctx: Context<CloseIntent>) -> Result<()> {
        handle_close_intent(ctx)
    }

    pub fn close_entitlement(ctx: Context<CloseEntitlement>) -> Result<()> {
        handle_close_entitlement(ctx)
    }

    pub fn close_product(ctx: Context<CloseProduct>) -> Result<()> {
        handle_close_product(ctx)
    }
}
