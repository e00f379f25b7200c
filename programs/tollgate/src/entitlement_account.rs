//! The entitlement's account, which a payment creates when it is the first one
//! and only loads when it is not. Anchor's `init` cannot express that without
//! `init_if_needed`, whose re-initialisation hazards this avoids: an account that
//! the program owns is never initialised again.

use crate::constants::ENTITLEMENT_SEED;
use crate::derived_account;
use crate::error::{ensure, TollgateError};
use crate::state::Entitlement;
use crate::units::UnixSeconds;
use anchor_lang::prelude::*;
use anchor_lang::system_program;

/// Who the entitlement is for.
pub struct Holder {
    /// Whose product it is.
    pub merchant: Pubkey,
    /// What may be used.
    pub product: Pubkey,
    /// Who may use it.
    pub beneficiary: Pubkey,
}

/// The entitlement in `account`, or `None` when it was closed. The address is
/// derived where there is no account to ask, so that no empty account can stand in
/// for one that exists.
pub fn load_entitlement(
    account: &AccountInfo<'_>,
    product: &Pubkey,
    beneficiary: &Pubkey,
) -> Result<Option<Entitlement>> {
    if account.owner == &crate::ID {
        let entitlement = Entitlement::try_deserialize(&mut &account.try_borrow_data()?[..])?;
        entitlement.require_of(product, beneficiary)?;
        return Ok(Some(entitlement));
    }
    let seeds = [ENTITLEMENT_SEED, product.as_ref(), beneficiary.as_ref()];
    derived_account::require_address(account, &seeds, TollgateError::EntitlementMismatch)?;
    Ok(None)
}

/// The entitlement in `account`, which is created at its canonical address with
/// rent from `rent_payer` if it does not exist yet.
pub fn load_or_create_entitlement<'info>(
    account: &AccountInfo<'info>,
    holder: &Holder,
    rent_payer: &AccountInfo<'info>,
    now: UnixSeconds,
) -> Result<Entitlement> {
    if account.owner == &crate::ID {
        let entitlement = Entitlement::try_deserialize(&mut &account.try_borrow_data()?[..])?;
        entitlement.require_of(&holder.product, &holder.beneficiary)?;
        return Ok(entitlement);
    }
    ensure(
        *account.owner == system_program::ID,
        TollgateError::EntitlementOwner,
    )?;
    let seeds = [
        ENTITLEMENT_SEED,
        holder.product.as_ref(),
        holder.beneficiary.as_ref(),
    ];
    let bump =
        derived_account::require_address(account, &seeds, TollgateError::EntitlementMismatch)?;
    derived_account::create(
        account,
        rent_payer,
        Entitlement::SPACE,
        &[seeds[0], seeds[1], seeds[2], &[bump]],
    )?;
    Ok(Entitlement::empty(
        holder.merchant,
        holder.product,
        holder.beneficiary,
        *rent_payer.key,
        bump,
        now,
    ))
}
