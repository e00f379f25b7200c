//! What SPL Token does, as far as it is used here.

use super::super::action::{Approve, CloseTokens, Deposit, Freeze, HandOver, NameCloser, Transfer};
use super::super::places::Places;
use super::super::refusal::{Outcome, Refusal, ensure};
use super::super::state::{Flows, Model, Tokens};
use solana_pubkey::Pubkey;

impl Model {
    pub(super) fn create_tokens(
        &mut self,
        payer: &Pubkey,
        owner: Pubkey,
        mint: Pubkey,
        places: &Places,
    ) {
        let address = places.associated(owner, mint);
        if self.tokens.contains_key(&address) {
            return;
        }
        self.pay_rent(payer, &address, self.rents.tokens);
        self.tokens.insert(address, Tokens::empty(mint, owner));
        if places.vaults.contains_key(&(owner, mint)) {
            self.flows.insert(address, Flows::default());
        }
    }

    pub(super) fn deposit(&mut self, it: &Deposit, places: &Places) -> Outcome {
        self.create_tokens(&it.sender, it.intent, it.mint, places);
        let deposit = places.deposits[&(it.intent, it.mint)];
        let purse = places.purses[&(it.sender, it.mint)];
        self.move_tokens(&purse, &deposit, &it.sender, it.amount)
    }

    pub(super) fn hand_over(&mut self, it: &HandOver, places: &Places) -> Outcome {
        let free = !self.tokens.contains_key(&it.account);
        ensure(free, Refusal::Elsewhere)?;
        self.pay_rent(&it.sender, &it.account, it.rent);
        let own = Tokens::empty(it.mint, it.sender);
        self.tokens.insert(it.account, own);
        let purse = places.purses[&(it.sender, it.mint)];
        self.move_tokens(&purse, &it.account, &it.sender, it.amount)?;
        let made = self.tokens.get_mut(&it.account).unwrap();
        made.closer = it.keeps_closing.then_some(it.sender);
        // A new owner begins without a delegate, but not without a close authority.
        made.owner = it.intent;
        Ok(())
    }

    pub(super) fn transfer(&mut self, it: &Transfer, places: &Places) -> Outcome {
        let purse = places.purses[&(it.sender, it.mint)];
        self.move_tokens(&purse, &it.destination, &it.sender, it.amount)?;
        self.give(&it.destination, it.amount);
        Ok(())
    }

    pub(super) fn freeze(&mut self, it: &Freeze) -> Outcome {
        let held = self.tokens.get_mut(&it.account).ok_or(Refusal::Elsewhere)?;
        let possible = held.mint == it.mint && held.frozen != it.frozen;
        ensure(possible, Refusal::Elsewhere)?;
        held.frozen = it.frozen;
        Ok(())
    }

    pub(super) fn approve(&mut self, it: &Approve) -> Outcome {
        let held = self.owned(&it.account, &it.owner)?;
        held.delegate = Some((it.delegate, it.amount));
        Ok(())
    }

    pub(super) fn name_closer(&mut self, it: &NameCloser) -> Outcome {
        let held = self.tokens.get_mut(&it.account).ok_or(Refusal::Elsewhere)?;
        let signer = held.closer.unwrap_or(held.owner);
        let possible = signer == it.owner && !held.frozen;
        ensure(possible, Refusal::Elsewhere)?;
        held.closer = it.closer;
        Ok(())
    }

    pub(super) fn close_tokens(&mut self, it: &CloseTokens) -> Outcome {
        let held = self.tokens.get(&it.account).ok_or(Refusal::Elsewhere)?;
        let allowed = held.closer.unwrap_or(held.owner) == it.signer;
        ensure(allowed && held.amount == 0, Refusal::Elsewhere)?;
        self.tokens.remove(&it.account);
        self.return_rent(&it.account, &it.destination);
        Ok(())
    }

    /// An account of `owner` that is not frozen.
    fn owned(&mut self, account: &Pubkey, owner: &Pubkey) -> Result<&mut Tokens, Refusal> {
        let held = self.tokens.get_mut(account).ok_or(Refusal::Elsewhere)?;
        let possible = held.owner == *owner && !held.frozen;
        ensure(possible, Refusal::Elsewhere)?;
        Ok(held)
    }

    pub(super) fn move_tokens(
        &mut self,
        from: &Pubkey,
        to: &Pubkey,
        authority: &Pubkey,
        amount: u64,
    ) -> Outcome {
        let source = self.tokens.get(from).ok_or(Refusal::Elsewhere)?;
        let destination = self.tokens.get(to).ok_or(Refusal::Elsewhere)?;
        let allowance = match source.delegate {
            Some((delegate, most)) if delegate == *authority => Some(most),
            _ if source.owner == *authority => None,
            _ => return Err(Refusal::Elsewhere),
        };
        let possible = source.mint == destination.mint
            && !source.frozen
            && !destination.frozen
            && source.amount >= amount
            && allowance.is_none_or(|most| most >= amount);
        ensure(possible, Refusal::Elsewhere)?;
        if from == to {
            return Ok(());
        }
        let source = self.tokens.get_mut(from).unwrap();
        source.amount -= amount;
        if let Some(most) = allowance {
            let left = most - amount;
            source.delegate = (left > 0).then_some((*authority, left));
        }
        self.tokens.get_mut(to).unwrap().amount += amount;
        Ok(())
    }

    pub(super) fn flow(&mut self, vault: &Pubkey) -> &mut Flows {
        self.flows.get_mut(vault).unwrap()
    }

    /// Remembers money that reached a vault without being a payment.
    pub(super) fn give(&mut self, account: &Pubkey, amount: u64) {
        if let Some(flows) = self.flows.get_mut(account) {
            flows.given += amount;
        }
    }
}
