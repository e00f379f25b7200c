//! What an allowed substitution may do: nothing that the valid instruction does not.

use super::{Chain, Usual};
use solana_account::Account;
use solana_program_pack::Pack;
use solana_pubkey::Pubkey;
use spl_token_interface::state::Account as TokenAccount;
use std::collections::BTreeSet;

fn changed(before: &Chain, after: &Chain) -> BTreeSet<Pubkey> {
    before
        .iter()
        .filter(|(address, account)| after.get(*address) != Some(*account))
        .map(|(address, _)| *address)
        .collect()
}

/// What was allowed changed nothing but what the valid instruction changes and the
/// two accounts that were swapped; and the substitute lost at most what the right
/// account would have lost.
pub(super) fn require_harmless(
    what: &str,
    usual: &Usual,
    [right, substitute]: [Pubkey; 2],
    before: &Chain,
    after: &Chain,
) {
    let usually = changed(&usual.before, &usual.after);
    for address in changed(before, after) {
        let known = usually.contains(&address) || address == right || address == substitute;
        assert!(known, "{what}: changed {address}");
    }
    let expected = loss(&usual.before, &usual.after, &right);
    let lost = loss(before, after, &substitute);
    assert!(
        lost.0 <= expected.0 && lost.1 <= expected.1,
        "{what}: lost {lost:?} lamports and tokens instead of {expected:?}"
    );
}

/// Lamports and tokens that an account lost.
fn loss(before: &Chain, after: &Chain, address: &Pubkey) -> (u64, u64) {
    let held = |chain: &Chain| {
        let account = chain.get(address).and_then(Option::as_ref);
        (
            account.map_or(0, |account| account.lamports),
            tokens(account),
        )
    };
    let (before, after) = (held(before), held(after));
    (
        before.0.saturating_sub(after.0),
        before.1.saturating_sub(after.1),
    )
}

fn tokens(account: Option<&Account>) -> u64 {
    account
        .filter(|account| account.owner == spl_token_interface::ID)
        .and_then(|account| TokenAccount::unpack(&account.data).ok())
        .map_or(0, |held| held.amount)
}
