//! Who may lose what: rules for a transaction that succeeded on genuine accounts,
//! whatever its instructions, accounts and signatures were.

use crate::input::Input;
use solana_account::Account;
use solana_program_pack::Pack;
use solana_pubkey::Pubkey;
use spl_token_interface::state::Account as TokenAccount;
use std::collections::BTreeSet;
use tollgate_client::accounts::{ProgramAccount, decode};
use tollgate_client::{
    Addresses, Entitlement, IntentStatus, Merchant, PROGRAM_ID, PaymentIntent, UnixSeconds,
};
use tollgate_program_tests::Snapshot;

/// What a transaction did, and who signed it.
struct Deed<'a> {
    signers: BTreeSet<Pubkey>,
    before: &'a Snapshot,
    after: &'a Snapshot,
    now: UnixSeconds,
}

/// Makes sure that nobody lost lamports or tokens without having signed, that a vault
/// is debited by its merchant's keys only, a deposit by its intent's rules only, and
/// that access is granted only by an intent that became paid.
///
/// # Errors
/// Which rule was broken, and by what.
pub fn require(input: &Input, before: &Snapshot, after: &Snapshot) -> Result<(), String> {
    let deed = Deed {
        signers: input
            .instructions
            .iter()
            .flat_map(|instruction| &instruction.accounts)
            .filter(|meta| meta.is_signer)
            .map(|meta| meta.pubkey)
            .collect(),
        before,
        after,
        now: UnixSeconds(input.now),
    };
    for (address, account) in before.iter() {
        let Some(account) = account else { continue };
        if account.owner == spl_token_interface::ID {
            deed.require_tokens(address, account)?;
        } else if account.owner == PROGRAM_ID {
            deed.require_closed_or_whole(address, account)?;
        }
    }
    for (address, account) in after.iter() {
        if account.is_some_and(|account| account.owner == PROGRAM_ID) {
            deed.require_paid(address)?;
        }
    }
    Ok(())
}

impl Deed<'_> {
    fn signed(&self, key: &Pubkey) -> bool {
        self.signers.contains(key)
    }

    fn require_tokens(&self, address: &Pubkey, account: &Account) -> Result<(), String> {
        let Ok(held) = TokenAccount::unpack(&account.data) else {
            return Ok(());
        };
        let left = self.after.account(address);
        let left = left.and_then(|account| TokenAccount::unpack(&account.data).ok());
        let of_program = read::<PaymentIntent>(self.before, &held.owner).is_some();
        let Some(left) = left else {
            return if of_program {
                Ok(())
            } else {
                Err(format!("the token account {address} was closed"))
            };
        };
        let handed_over = (left.owner, left.mint, left.close_authority, left.state)
            != (held.owner, held.mint, held.close_authority, held.state);
        if handed_over {
            return Err(format!("the token account {address} changed hands"));
        }
        if left.amount >= held.amount {
            return Ok(());
        }
        let delegate: Option<Pubkey> = held.delegate.into();
        let by_merchant = read::<Merchant>(self.before, &held.owner).is_some_and(|merchant| {
            self.signed(&merchant.authority) || self.signed(&merchant.operator)
        });
        let allowed = self.signed(&held.owner)
            || delegate.is_some_and(|delegate| self.signed(&delegate))
            || of_program
            || by_merchant;
        if allowed {
            Ok(())
        } else {
            Err(format!("{address} was debited without its owner"))
        }
    }

    /// Lamports leave an account of the program only when it closes.
    fn require_closed_or_whole(&self, address: &Pubkey, account: &Account) -> Result<(), String> {
        let left = self.after.lamports(address);
        if left == 0 || left >= account.lamports {
            return Ok(());
        }
        Err(format!("{address} lost lamports and did not close"))
    }

    /// More access or credits only from an intent of the product that became paid.
    fn require_paid(&self, address: &Pubkey) -> Result<(), String> {
        let Some(held) = read::<Entitlement>(self.after, address) else {
            return Ok(());
        };
        let earlier = read::<Entitlement>(self.before, address);
        let usable = held.is_usable(self.now);
        let grew = match &earlier {
            None => true,
            Some(earlier) => {
                (usable && !earlier.is_usable(self.now))
                    || held.expires_at > earlier.expires_at
                    || held.credits_remaining() > earlier.credits_remaining()
            }
        };
        if !grew {
            return Ok(());
        }
        let paid = read::<PaymentIntent>(self.after, &held.last_intent).is_some_and(|intent| {
            (intent.product, intent.beneficiary) == (held.product, held.beneficiary)
                && intent.status != IntentStatus::Open
                && intent.status != IntentStatus::Cancelled
        });
        let was_paid = read::<PaymentIntent>(self.before, &held.last_intent)
            .is_some_and(|intent| intent.status != IntentStatus::Open);
        if paid && !was_paid {
            Ok(())
        } else {
            Err(format!("{address} grew without a payment"))
        }
    }
}

fn read<T: ProgramAccount>(snapshot: &Snapshot, address: &Pubkey) -> Option<T> {
    decode(&Addresses::default(), address, snapshot.account(address)?).ok()
}
