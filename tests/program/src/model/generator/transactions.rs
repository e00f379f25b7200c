//! How many actions go together in one transaction, and in which mood.

use super::super::action::{Action, CreateMerchant, CreateTokens, Freeze, SetTime, UpdateMerchant};
use super::super::actors::Kind;
use super::super::places::Places;
use super::super::state::Model;
use super::{Generator, WEIGHTS};
use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use solana_pubkey::Pubkey;
use tollgate_client::IntentTerms;

/// How often a sober draw is repeated until the model lets it succeed.
const ATTEMPTS: usize = 4;
/// How many in a hundred choices are wild in a wild mood.
const WILD: u32 = 20;

/// Stories about one intent, told in one transaction. `CreateIntent` behind a close
/// creates the same once more.
const STORIES: [&[Kind]; 13] = [
    &[Kind::CreateIntent, Kind::Pay],
    &[Kind::CreateIntent, Kind::Pay, Kind::Refund],
    &[Kind::CreateIntent, Kind::Pay, Kind::Pay],
    &[Kind::SendLamports, Kind::CreateIntent, Kind::Pay],
    &[
        Kind::CreateIntent,
        Kind::CancelIntent,
        Kind::CloseIntent,
        Kind::CreateIntent,
    ],
    &[Kind::CreateIntent, Kind::CancelIntent, Kind::Pay],
    &[Kind::CreateIntent, Kind::Deposit, Kind::SettleDeposit],
    &[Kind::CreateIntent, Kind::HandOver, Kind::SettleDeposit],
    &[Kind::Deposit, Kind::SettleDeposit, Kind::ReclaimDeposit],
    &[Kind::Deposit, Kind::SettleDeposit, Kind::Pay],
    &[Kind::CreateIntent, Kind::RecordPayment, Kind::Refund],
    &[
        Kind::Deposit,
        Kind::CancelIntent,
        Kind::ReclaimDeposit,
        Kind::CloseIntent,
    ],
    &[Kind::Pay, Kind::Refund, Kind::CloseIntent],
];

/// What every seed begins with: two merchants with their vaults. The third comes
/// when it is drawn.
pub fn opening(places: &Places) -> Vec<Action> {
    let mut all = Vec::new();
    for (number, operator) in places.operators.iter().enumerate() {
        let owner = places.owners[number];
        all.push(Action::CreateMerchant(CreateMerchant {
            owner,
            rent_payer: owner,
            merchant: places.merchants[number],
            operator: *operator,
        }));
        for mint in &places.mints {
            all.push(Action::CreateTokens(CreateTokens {
                payer: owner,
                owner: places.merchants[number],
                mint: *mint,
            }));
        }
    }
    all
}

/// The next transaction, or a change of time.
pub fn step(random: &mut StdRng, model: &Model, places: &'static Places) -> Vec<Action> {
    let mut teller = Teller {
        random,
        places,
        state: model.clone(),
        failed: false,
        actions: Vec::new(),
    };
    teller.tell();
    teller.actions
}

/// Puts a transaction together, action by action, each in the state that the ones
/// before it lead to.
struct Teller<'a> {
    random: &'a mut StdRng,
    places: &'static Places,
    state: Model,
    failed: bool,
    actions: Vec<Action>,
}

impl Teller<'_> {
    fn tell(&mut self) {
        if let Some(repair) = self.repair() {
            self.add(repair);
            return;
        }
        match self.random.random_range(0..100) {
            // What should succeed.
            0..50 => {
                let action = self.sober();
                self.add(action);
            }
            // What may succeed.
            50..64 => {
                let action = self.draw(WILD);
                self.add(action);
            }
            // What would succeed, tried by a stranger.
            64..72 => {
                let somebody = *self.places.strangers.choose(self.random).unwrap();
                let action = self.sober().tried_by(somebody);
                self.add(action);
            }
            72..90 => self.story(),
            // The same twice.
            90..94 => {
                let action = self.sober();
                self.add(action.clone());
                self.and_then(action);
            }
            // Several that need not have to do with each other.
            _ => {
                for _ in 0..self.random.random_range(2..=4) {
                    let wild = self.random.random_ratio(1, 6);
                    let action = if wild { self.draw(WILD) } else { self.sober() };
                    self.and_then(action);
                }
            }
        }
    }

    /// What kept money from moving must not last.
    fn repair(&mut self) -> Option<Action> {
        let paused = self.state.merchants.iter().find(|(_, it)| it.paused);
        if let Some((merchant, known)) = paused
            && self.random.random_ratio(1, 10)
        {
            return Some(Action::UpdateMerchant(UpdateMerchant {
                signer: known.authority,
                merchant: *merchant,
                operator: None,
                paused: Some(false),
            }));
        }
        let frozen = self.state.tokens.iter().find(|(_, it)| it.frozen);
        if let Some((account, known)) = frozen
            && self.random.random_ratio(1, 20)
        {
            return Some(Action::Freeze(Freeze {
                account: *account,
                mint: known.mint,
                frozen: false,
            }));
        }
        None
    }

    /// Several actions about one intent.
    fn story(&mut self) {
        let story = *STORIES.choose(self.random).expect("there are stories");
        let mut focus = None;
        let mut created = None;
        // Lamports that are there before the intent: its address has to be known.
        if story.first() == Some(&Kind::SendLamports) {
            let create = self.sober_of(Kind::CreateIntent, None);
            focus = intent_of(&create);
            created = Some(create);
        }
        for kind in story {
            let action = match (kind, created.clone()) {
                (Kind::CreateIntent, Some(again)) => again,
                (Kind::CreateIntent, None) => self.created_for(story),
                _ => self.sober_of(*kind, focus),
            };
            if self.actions.is_empty() && !self.possible(&action) {
                return self.and_then(action);
            }
            if *kind == Kind::CreateIntent {
                created = Some(action.clone());
            }
            focus = focus.or(intent_of(&action));
            self.and_then(action);
        }
    }

    /// A new intent that the rest of the story can be about.
    fn created_for(&mut self, story: &[Kind]) -> Action {
        let quoted = [Kind::Deposit, Kind::RecordPayment];
        let needs_quote = story.iter().any(|kind| quoted.contains(kind));
        let mut action = self.sober_of(Kind::CreateIntent, None);
        for _ in 1..ATTEMPTS {
            let Action::CreateIntent(it) = &action else {
                break;
            };
            let offered = matches!(it.terms, IntentTerms::Quote(_)) && it.beneficiary.is_some();
            if offered || !needs_quote {
                break;
            }
            action = self.sober_of(Kind::CreateIntent, None);
        }
        action
    }

    /// An action that the model lets succeed, if one is soon found.
    fn sober(&mut self) -> Action {
        let mut action = Action::SetTime(SetTime(self.state.now));
        for _ in 0..ATTEMPTS {
            action = self.draw(0);
            if self.possible(&action) {
                break;
            }
        }
        action
    }

    fn sober_of(&mut self, kind: Kind, focus: Option<Pubkey>) -> Action {
        let mut action = self.generator(focus, 0).draw(kind);
        for _ in 1..ATTEMPTS {
            if self.possible(&action) {
                break;
            }
            action = self.generator(focus, 0).draw(kind);
        }
        action
    }

    fn draw(&mut self, wildness: u32) -> Action {
        let kind = WEIGHTS.choose_weighted(self.random, |(_, weight)| *weight);
        let kind = kind.expect("there are weights").0;
        self.generator(None, wildness).draw(kind)
    }

    fn generator(&mut self, focus: Option<Pubkey>, wildness: u32) -> Generator<'_> {
        Generator {
            random: self.random,
            model: &self.state,
            places: self.places,
            wildness,
            focus,
        }
    }

    fn possible(&self, action: &Action) -> bool {
        self.state.clone().applied(action, self.places).is_some()
    }

    /// Adds an action to those before it; time does not change within a transaction.
    fn and_then(&mut self, action: Action) {
        if !matches!(action, Action::SetTime(_)) {
            self.add(action);
        } else if self.actions.is_empty() {
            self.actions.push(action);
            self.failed = true;
        }
    }

    /// Adds an action. Behind one that fails nothing needs to be drawn.
    fn add(&mut self, action: Action) {
        if self.failed {
            return;
        }
        match self.state.clone().applied(&action, self.places) {
            Some(next) => self.state = next,
            None => self.failed = true,
        }
        self.actions.push(action);
    }
}

/// The intent that an action is about.
fn intent_of(action: &Action) -> Option<Pubkey> {
    match action {
        Action::CreateIntent(it) => Some(it.intent),
        Action::Pay(it) => Some(it.intent),
        Action::Deposit(it) => Some(it.intent),
        _ => None,
    }
}
