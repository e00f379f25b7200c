//! Money to intents by plain transfer, and back.

use super::super::action::{Action, Deposit, HandOver, ReclaimDeposit};
use super::super::state::{Intent, Status, Tokens};
use super::Generator;
use rand::Rng;
use solana_pubkey::Pubkey;

impl Generator<'_> {
    pub(super) fn deposit(&mut self) -> Action {
        let (intent, known) = self.offered_intent();
        let mint = known.as_ref().map_or(self.places.mints[0], |it| it.mint);
        Action::Deposit(Deposit {
            sender: self.payer(),
            intent,
            mint: self.mint_or(mint),
            amount: self.part_of(known.as_ref()),
        })
    }

    pub(super) fn hand_over(&mut self) -> Action {
        let (intent, known) = self.offered_intent();
        let mint = known.as_ref().map_or(self.places.mints[0], |it| it.mint);
        let free: Vec<_> = (self.places.strays.iter().copied())
            .filter(|account| !self.model.tokens.contains_key(account))
            .collect();
        let account = if free.is_empty() {
            self.places.strays[0]
        } else {
            self.one(&free)
        };
        Action::HandOver(HandOver {
            sender: self.anybody(),
            account,
            intent,
            mint: self.mint_or(mint),
            amount: self.part_of(known.as_ref()),
            keeps_closing: self.random.random_ratio(2, 5),
            rent: self.model.rents.tokens,
        })
    }

    /// An intent that can be paid by deposit, or once in a while any that waits.
    fn offered_intent(&mut self) -> (Pubkey, Option<Intent>) {
        if self.wild() {
            return self.open_intent(false);
        }
        let now = self.model.now;
        let (address, intent) = self.intent(|intent| {
            intent.status == Status::Open
                && now < intent.expires_at
                && intent.author == intent.merchant
                && intent.beneficiary.is_some()
        });
        (address, intent.cloned())
    }

    /// What is due, less, or more.
    fn part_of(&mut self, intent: Option<&Intent>) -> u64 {
        let due = intent.map_or(7, |intent| intent.amount);
        let part = due / 2 + 1;
        let amounts = [due, due, due, due, part, part, due.saturating_add(3), 0];
        self.one(&amounts)
    }

    /// An intent that has a deposit which `suits`, the deposit, and its mint.
    pub(super) fn deposited(
        &mut self,
        suits: impl Fn(&Intent, &Tokens) -> bool,
    ) -> (Pubkey, Option<Intent>, Pubkey, Pubkey) {
        let focus = self.focus;
        let existing: Vec<(&Pubkey, &Tokens, &Intent)> = (self.model.tokens.iter())
            .filter(|(_, held)| focus.is_none_or(|focus| focus == held.owner))
            .filter_map(|(deposit, held)| {
                let known = self.model.intents.get(&held.owner)?;
                Some((deposit, held, known))
            })
            .collect();
        let suiting: Vec<_> = (existing.iter().copied())
            .filter(|(_, held, known)| suits(known, held))
            .collect();
        let choice = if suiting.is_empty() {
            existing
        } else {
            suiting
        };
        let (intent, mint, deposit) = if choice.is_empty() || self.wild() {
            let all: Vec<_> = (self.places.deposits.iter())
                .filter(|((intent, _), _)| focus.is_none_or(|focus| focus == *intent))
                .map(|((intent, mint), deposit)| (*intent, *mint, *deposit))
                .collect();
            self.one(&all)
        } else {
            let (deposit, held, _) = self.one(&choice);
            (held.owner, held.mint, *deposit)
        };
        let deposit = if self.wild() { self.tokens() } else { deposit };
        let known = self.model.intents.get(&intent).cloned();
        (intent, known, deposit, mint)
    }

    pub(super) fn reclaim_deposit(&mut self) -> Action {
        let now = self.model.now;
        let (intent, known, deposit, mint) =
            self.deposited(|known, _| known.status != Status::Open || now >= known.expires_at);
        let payer = self.payer();
        let owner = known.as_ref().map_or(payer, |known| {
            known.beneficiary.or(known.payer).unwrap_or(known.merchant)
        });
        let owner = self.key(owner);
        let receiving = self.mint_or(mint);
        let rent_payer = known.map_or(payer, |known| known.rent_payer);
        Action::ReclaimDeposit(ReclaimDeposit {
            intent,
            deposit,
            mint: self.mint_or(mint),
            destination: self.places.associated(owner, receiving),
            rent_payer: self.key(rent_payer),
        })
    }
}
