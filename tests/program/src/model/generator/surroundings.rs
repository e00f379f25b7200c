//! Token accounts, lamports, time.

use super::super::action::{
    Action, Approve, CloseTokens, CreateTokens, Freeze, NameCloser, SendLamports, SetTime, Transfer,
};
use super::Generator;
use rand::Rng;
use solana_pubkey::Pubkey;

impl Generator<'_> {
    /// A place for tokens that is missing, mostly.
    pub(super) fn create_tokens(&mut self) -> Action {
        let places = self.places;
        let needed = places.purses.iter().chain(&places.vaults);
        let missing: Vec<_> = needed
            .filter(|(_, address)| !self.model.tokens.contains_key(address))
            .map(|(place, _)| *place)
            .collect();
        let (owner, mint) = if missing.is_empty() || self.wild() {
            let all: Vec<_> = (places.purses.keys())
                .chain(places.vaults.keys())
                .chain(places.deposits.keys())
                .copied()
                .collect();
            self.one(&all)
        } else {
            self.one(&missing)
        };
        Action::CreateTokens(CreateTokens {
            payer: self.anybody(),
            owner,
            mint,
        })
    }

    pub(super) fn transfer(&mut self) -> Action {
        let destination = self.tokens();
        let mint = self.model.tokens[&destination].mint;
        let sender = self.anybody();
        let purse = self.places.purses[&(sender, mint)];
        let held = self.model.tokens.get(&purse).map_or(0, |held| held.amount);
        // Everything, once in a while: an empty purse can be closed.
        let amounts = [0, 1, held / 4, held / 4, held];
        let amount = self.one(&amounts);
        Action::Transfer(Transfer {
            sender,
            mint,
            destination,
            amount: if self.wild() {
                held.saturating_add(1)
            } else {
                amount
            },
        })
    }

    /// Freezes anything; mostly thaws, so that money goes on moving.
    pub(super) fn freeze(&mut self) -> Action {
        let frozen: Vec<_> = (self.model.tokens.iter())
            .filter(|(_, held)| held.frozen)
            .map(|(address, _)| *address)
            .collect();
        let thaw = frozen.len() > 3 || (!frozen.is_empty() && self.chance(2));
        let account = if thaw {
            self.one(&frozen)
        } else {
            self.tokens()
        };
        let mint = self.model.tokens[&account].mint;
        Action::Freeze(Freeze {
            account,
            mint: self.mint_or(mint),
            frozen: !thaw,
        })
    }

    pub(super) fn approve(&mut self) -> Action {
        let (owner, mint) = (self.payer(), self.mint());
        let others: Vec<_> = (self.places.everybody.iter().copied())
            .filter(|key| *key != owner)
            .collect();
        Action::Approve(Approve {
            owner: self.key(owner),
            account: self.places.purses[&(owner, mint)],
            delegate: self.one(&others),
            amount: self.random.random_range(1..20_000),
        })
    }

    pub(super) fn name_closer(&mut self) -> Action {
        let (owner, mint) = (self.anybody(), self.mint());
        let account = self.places.purses[&(owner, mint)];
        let closer = self.model.tokens.get(&account).and_then(|held| held.closer);
        let new = self.anybody();
        Action::NameCloser(NameCloser {
            owner: self.key(closer.unwrap_or(owner)),
            account,
            closer: self.random.random::<bool>().then_some(new),
        })
    }

    pub(super) fn close_tokens(&mut self) -> Action {
        let known = |key: &Pubkey| self.places.keys.contains_key(key);
        let empty: Vec<_> = (self.model.tokens.iter())
            .filter(|(_, held)| held.amount == 0)
            .filter_map(|(address, held)| {
                let signer = held.closer.unwrap_or(held.owner);
                known(&signer).then_some((*address, signer))
            })
            .collect();
        let (account, signer) = if empty.is_empty() || self.wild() {
            (self.tokens(), self.anybody())
        } else {
            self.one(&empty)
        };
        Action::CloseTokens(CloseTokens {
            signer: self.key(signer),
            account,
            destination: self.anybody(),
        })
    }

    pub(super) fn send_lamports(&mut self) -> Action {
        let places = self.places;
        let all: Vec<_> = (places.intents.values())
            .chain(places.entitlements.values())
            .chain(places.products.values())
            .chain(places.merchants.iter())
            .chain(places.deposits.values())
            .copied()
            .collect();
        let rents = self.model.rents;
        let amounts = [1, rents.empty, rents.intent, 10 * rents.intent];
        Action::SendLamports(SendLamports {
            sender: self.anybody(),
            destination: match self.focus {
                Some(focus) => focus,
                None => self.one(&all),
            },
            lamports: self.one(&amounts),
        })
    }

    /// To just before, onto and just after a deadline; else a little onwards.
    pub(super) fn set_time(&mut self) -> Action {
        let now = self.model.now;
        let of_intents =
            (self.model.intents.values()).flat_map(|it| [it.expires_at, it.refund_until]);
        let of_entitlements =
            (self.model.entitlements.values()).flat_map(|it| [it.expires_at, it.refundable_until]);
        let mut deadlines: Vec<i64> = of_intents
            .chain(of_entitlements)
            .filter(|deadline| *deadline > now && *deadline < now + 40 * 86_400)
            .collect();
        deadlines.sort_unstable();
        // Mostly the next ones, so that the later ones are still ahead.
        deadlines.truncate(if self.chance(40) { 1_000 } else { 8 });
        if deadlines.is_empty() || self.chance(4) {
            return Action::SetTime(SetTime(now + self.random.random_range(0..600)));
        }
        let deadline = self.one(&deadlines);
        let around = deadline + self.random.random_range(-1..=1);
        Action::SetTime(SetTime(around.max(now)))
    }
}
