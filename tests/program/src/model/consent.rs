//! What nobody may lose without having signed for it: tokens, lamports, and rent that
//! belongs to whoever paid it.

use super::action::Action;
use super::places::{Kind, Places};
use super::state::Model;
use solana_pubkey::Pubkey;

/// Holds `action`, which led from `before` to `after`, against what its signers agreed to.
///
/// # Panics
/// When somebody lost more, or lamports went to somebody else.
pub fn require(action: &Action, before: &Model, after: &Model, places: &Places) {
    let agreed = agreed(action, before, places);
    for (address, held) in &before.tokens {
        let left = after.tokens.get(address).map_or(0, |tokens| tokens.amount);
        let fell = held.amount.saturating_sub(left);
        let allowed = agreed.filter(|(account, _)| account == address);
        let allowed = allowed.map_or(0, |(_, amount)| amount);
        assert!(fell <= allowed, "{} fell by {fell}", places.names[address]);
    }
    let signers = action.signers(places);
    let returned_to = returned_to(action, before);
    let addresses = before.lamports.keys().chain(after.lamports.keys());
    for address in addresses {
        let had = before.lamports.get(address).copied().unwrap_or(0);
        let has = after.lamports.get(address).copied().unwrap_or(0);
        let name = &places.names[address];
        if has < had {
            let closed = before.exists(address) && !after.exists(address) && has == 0;
            let signed = signers.contains(address);
            assert!(closed || signed, "{name} lost lamports unasked");
        }
        if has > had && places.kinds[address] == Kind::Wallet {
            assert_eq!(returned_to, Some(*address), "{name} received lamports");
        }
    }
}

/// The one token account that an action may debit, and by how much.
fn agreed(action: &Action, before: &Model, places: &Places) -> Option<(Pubkey, u64)> {
    match action {
        Action::Pay(it) => {
            let source = &before.tokens[&it.source];
            let own = source.owner == it.payer;
            let delegated = source.delegate.filter(|(key, _)| *key == it.payer);
            let allowed = delegated.map_or(0, |(_, most)| most);
            assert!(own || it.amount <= allowed, "the payer signs for its own");
            Some((it.source, it.amount))
        }
        Action::Deposit(it) => Some((places.purses[&(it.sender, it.mint)], it.amount)),
        Action::HandOver(it) => Some((places.purses[&(it.sender, it.mint)], it.amount)),
        Action::Transfer(it) => Some((places.purses[&(it.sender, it.mint)], it.amount)),
        Action::SettleDeposit(it) => {
            let intent = &before.intents[&it.intent];
            assert_eq!(before.tokens[&it.deposit].owner, it.intent);
            Some((it.deposit, intent.amount))
        }
        Action::ReclaimDeposit(it) => {
            let deposit = &before.tokens[&it.deposit];
            assert_eq!(deposit.owner, it.intent);
            Some((it.deposit, deposit.amount))
        }
        Action::Refund(it) => {
            let intent = &before.intents[&it.intent];
            assert_eq!(before.merchants[&intent.merchant].operator, it.operator);
            assert!(it.amount <= intent.amount - intent.refunded);
            let vault = places.vaults[&(intent.merchant, intent.mint)];
            Some((vault, it.amount))
        }
        Action::Withdraw(it) => {
            assert_eq!(before.merchants[&it.merchant].authority, it.signer);
            Some((places.vaults[&(it.merchant, it.mint)], it.amount))
        }
        _ => None,
    }
}

/// The one wallet that an action may give lamports to: of a closed account, whoever
/// is recorded to have paid its rent.
fn returned_to(action: &Action, before: &Model) -> Option<Pubkey> {
    match action {
        Action::CloseProduct(it) => Some(before.products[&it.product].rent_payer),
        Action::CloseIntent(it) => Some(before.intents[&it.intent].rent_payer),
        Action::CloseEntitlement(it) => Some(before.entitlements[&it.entitlement].rent_payer),
        Action::ReclaimDeposit(it) => Some(before.intents[&it.intent].rent_payer),
        Action::CloseTokens(it) => Some(it.destination),
        Action::SendLamports(it) => Some(it.destination),
        _ => None,
    }
}

impl Model {
    /// Whether there is an account with data.
    fn exists(&self, address: &Pubkey) -> bool {
        self.products.contains_key(address)
            || self.intents.contains_key(address)
            || self.entitlements.contains_key(address)
            || self.tokens.contains_key(address)
    }
}
