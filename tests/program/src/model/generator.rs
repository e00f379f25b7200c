//! The next action, drawn from a seed: mostly possible, often not.

use super::action::Action;
use super::places::{Places, SLUGS, payment_ids};
use super::state::{Entitlement, Intent, Model, Status};
use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use solana_pubkey::Pubkey;
use tollgate_client::{
    Amount, Credits, DurationSeconds, IntentTerms, Offer, ProductChanges, Quote,
};

/// Draws actions that have a chance in the present state of the model.
pub struct Generator<'a> {
    pub random: &'a mut StdRng,
    pub model: &'a Model,
    pub places: &'a Places,
}

/// How many in a hundred choices are made without regard to the rules.
const WILD: u32 = 5;

impl Generator<'_> {
    pub fn draw(&mut self) -> Action {
        // A pause must not last, else nothing is paid for most of the time.
        let paused = self.model.merchants.iter().find(|(_, it)| it.paused);
        if let Some((merchant, known)) = paused
            && self.random.random_ratio(1, 10)
        {
            return Action::UpdateMerchant {
                signer: known.authority,
                merchant: *merchant,
                operator: None,
                paused: Some(false),
            };
        }
        match self.random.random_range(0..100) {
            0..18 => self.create_intent(),
            18..34 => self.pay(),
            34..44 => self.deposit(),
            44..52 => self.settle_deposit(),
            52..57 => self.reclaim_deposit(),
            57..61 => self.record_payment(),
            61..69 => self.refund(),
            69..71 => self.revoke(),
            71..75 => self.consume(),
            75..78 => self.withdraw(),
            78..82 => self.close_intent(),
            82..85 => self.close_entitlement(),
            85..87 => self.cancel_intent(),
            87..92 => self.time_travel(),
            92..94 => self.product(),
            94..96 => self.merchant(),
            96 => self.close_product(),
            97 => self.transfer(),
            98 => self.send_lamports(),
            _ => self.create_product(),
        }
    }

    fn one<T: Copy>(&mut self, all: &[T]) -> T {
        *all.choose(self.random).expect("there is a choice")
    }

    fn wild(&mut self) -> bool {
        self.random.random_ratio(WILD, 100)
    }

    fn anybody(&mut self) -> Pubkey {
        self.one(&self.places.everybody)
    }

    fn payer(&mut self) -> Pubkey {
        self.one(&self.places.payers)
    }

    /// `right`, or once in a while anybody.
    fn key(&mut self, right: Pubkey) -> Pubkey {
        if self.wild() { self.anybody() } else { right }
    }

    /// `right`, or once in a while either merchant.
    fn merchant_or(&mut self, right: Pubkey) -> Pubkey {
        if self.wild() {
            self.one(&self.places.merchants)
        } else {
            right
        }
    }

    fn amount_or(&mut self, right: u64) -> u64 {
        if !self.wild() {
            return right;
        }
        let near = [
            0,
            1,
            right.saturating_sub(1),
            right.saturating_add(1),
            u64::MAX,
        ];
        self.one(&near)
    }

    fn entitlement_or(&mut self, product: Pubkey, beneficiary: Pubkey) -> Pubkey {
        let any: Vec<_> = self.places.entitlements.values().copied().collect();
        match self.places.entitlements.get(&(product, beneficiary)) {
            Some(right) if !self.wild() => *right,
            _ => self.one(&any),
        }
    }

    /// An intent that `suits`, or any address of one.
    fn intent(&mut self, suits: impl Fn(&Intent) -> bool) -> (Pubkey, Option<Intent>) {
        let suiting: Vec<_> = self
            .model
            .intents
            .iter()
            .filter(|(_, intent)| suits(intent))
            .map(|(address, _)| *address)
            .collect();
        let address = if suiting.is_empty() || self.wild() {
            let all: Vec<_> = self.places.intents.values().copied().collect();
            self.one(&all)
        } else {
            self.one(&suiting)
        };
        (address, self.model.intents.get(&address).cloned())
    }

    fn entitlement(
        &mut self,
        suits: impl Fn(&Entitlement) -> bool,
    ) -> (Pubkey, Option<Entitlement>) {
        let suiting: Vec<_> = self
            .model
            .entitlements
            .iter()
            .filter(|(_, held)| suits(held))
            .map(|(address, _)| *address)
            .collect();
        let address = if suiting.is_empty() || self.wild() {
            let all: Vec<_> = self.places.entitlements.values().copied().collect();
            self.one(&all)
        } else {
            self.one(&suiting)
        };
        (address, self.model.entitlements.get(&address).cloned())
    }

    fn merchant_of(&mut self, intent: Option<&Intent>) -> Pubkey {
        let right = intent.map_or(self.places.merchants[0], |intent| intent.merchant);
        self.merchant_or(right)
    }

    fn operator_of(&mut self, merchant: Pubkey) -> Pubkey {
        self.key(self.model.merchants[&merchant].operator)
    }

    fn authority_of(&mut self, merchant: Pubkey) -> Pubkey {
        self.key(self.model.merchants[&merchant].authority)
    }

    fn price(&mut self) -> u64 {
        match self.random.random_range(0..20) {
            0 => 0,
            1 => 1,
            2 => u64::MAX,
            _ => self.random.random_range(2..5_000),
        }
    }

    fn access(&mut self) -> u64 {
        const LONGEST: u64 = 36_525 * 86_400;
        match self.random.random_range(0..24) {
            0..3 => 0,
            3 => LONGEST,
            4 => LONGEST + 1,
            _ => self.random.random_range(1..20_000),
        }
    }

    fn credits(&mut self) -> u64 {
        match self.random.random_range(0..40) {
            0 => u64::MAX,
            _ => self.random.random_range(1..50),
        }
    }

    fn window(&mut self) -> u64 {
        const LONGEST: u64 = 366 * 86_400;
        match self.random.random_range(0..24) {
            0 => 0,
            1 => LONGEST,
            2 => LONGEST + 1,
            _ => self.random.random_range(1..10_000),
        }
    }

    fn create_product(&mut self) -> Action {
        let merchant = self.one(&self.places.merchants);
        let slugs: Vec<_> = (0..SLUGS)
            .filter(|slug| {
                let address = self.places.products[&(merchant, *slug)];
                !self.model.products.contains_key(&address)
            })
            .collect();
        let slug = if slugs.is_empty() {
            0
        } else {
            self.one(&slugs)
        };
        Action::CreateProduct {
            signer: self.authority_of(merchant),
            rent_payer: self.anybody(),
            merchant,
            slug,
            mint: self.one(&self.places.mints),
            price: self.price(),
            access: self.access(),
            credits: if self.random.random() {
                0
            } else {
                self.credits()
            },
            window: self.window(),
        }
    }

    fn product(&mut self) -> Action {
        if self.random.random_ratio(1, 3) {
            return self.create_product();
        }
        let (merchant, slug) = (
            self.one(&self.places.merchants),
            self.random.random_range(0..SLUGS),
        );
        let product = self.places.products[&(merchant, slug)];
        let maybe = |chosen: bool, value: u64| chosen.then_some(value);
        let inactive = self
            .model
            .products
            .get(&product)
            .is_some_and(|known| !known.active);
        let metered = self
            .model
            .products
            .get(&product)
            .is_some_and(|known| known.credits > 0);
        let credits = if metered != self.wild() {
            self.credits()
        } else {
            0
        };
        let changes = ProductChanges {
            price: maybe(self.random.random(), self.price()).map(Amount),
            access: maybe(self.random.random(), self.access()).map(DurationSeconds),
            credits: maybe(self.random.random(), credits).map(Credits),
            refund_window: maybe(self.random.random(), self.window()).map(DurationSeconds),
            active: if inactive {
                Some(true)
            } else {
                self.wild().then_some(false)
            },
        };
        Action::UpdateProduct {
            signer: self.authority_of(merchant),
            merchant: self.merchant_or(merchant),
            product,
            changes,
        }
    }

    fn close_product(&mut self) -> Action {
        let known: Vec<_> = self.model.products.keys().copied().collect();
        let all: Vec<_> = self.places.products.values().copied().collect();
        let address = if known.is_empty() || self.wild() {
            self.one(&all)
        } else {
            self.one(&known)
        };
        let product = self.model.products.get(&address);
        let right = product.map_or(self.places.merchants[0], |product| product.merchant);
        let rent_payer = product.map_or(self.places.payers[0], |product| product.rent_payer);
        let merchant = self.merchant_or(right);
        Action::CloseProduct {
            signer: self.authority_of(merchant),
            merchant,
            product: address,
            rent_payer: self.key(rent_payer),
        }
    }

    fn merchant(&mut self) -> Action {
        let merchant = self.one(&self.places.merchants);
        let present = self.model.merchants[&merchant].clone();
        match self.random.random_range(0..8) {
            0 => Action::CreateMerchant {
                owner: self.one(&self.places.owners),
                operator: self.anybody(),
            },
            1 | 2 => Action::ProposeAuthority {
                signer: self.authority_of(merchant),
                merchant,
                proposed: if self.wild() {
                    Pubkey::default()
                } else {
                    self.anybody()
                },
            },
            3 | 4 => Action::AcceptAuthority {
                signer: self.key(present.pending.unwrap_or(self.places.strangers[0])),
                merchant,
            },
            _ => Action::UpdateMerchant {
                signer: self.authority_of(merchant),
                merchant,
                operator: match self.random.random_range(0..6) {
                    0 => Some(Pubkey::default()),
                    1 | 2 => Some(self.anybody()),
                    _ => None,
                },
                // Pauses are short, else nothing would be paid for long.
                paused: Some(!present.paused && self.random.random_ratio(1, 3)),
            },
        }
    }

    fn create_intent(&mut self) -> Action {
        let known: Vec<_> = self.model.products.keys().copied().collect();
        if known.len() < 4 {
            return self.create_product();
        }
        let product = self.one(&known);
        let terms = self.model.products[&product].clone();
        let merchant = self.merchant_or(terms.merchant);
        let quoted = self.random.random_ratio(2, 3);
        let in_use: Vec<_> = self
            .places
            .payers
            .iter()
            .chain(&self.places.strangers[..1])
            .copied()
            .collect();
        let creator = if quoted {
            self.operator_of(merchant)
        } else {
            self.one(&in_use)
        };
        let terms = if quoted {
            let payers = [Pubkey::default(), Pubkey::default(), self.payer()];
            let metered = (terms.credits > 0) != self.wild();
            IntentTerms::Quote(Quote {
                payer: self.one(&payers),
                amount: Amount(self.price()),
                access: DurationSeconds(self.access()),
                credits: Credits(if metered { self.credits() } else { 0 }),
                refund_window: DurationSeconds(self.window()),
            })
        } else {
            IntentTerms::ListPrice(Offer {
                amount: Amount(self.amount_or(terms.price)),
                access: DurationSeconds(self.amount_or(terms.access)),
                credits: Credits(self.amount_or(terms.credits)),
            })
        };
        let author = if quoted { merchant } else { creator };
        let ids: Vec<_> = (0..payment_ids(quoted))
            .filter(|id| {
                let address = self.places.intents[&(merchant, author, *id)];
                !self.model.intents.contains_key(&address)
            })
            .collect();
        let id = if ids.is_empty() || self.wild() {
            self.random.random_range(0..payment_ids(quoted))
        } else {
            self.one(&ids)
        };
        let expiries = [-1, 0, 1, 30 * 86_400, 30 * 86_400 + 1];
        let ahead = if self.wild() {
            self.one(&expiries)
        } else {
            self.random.random_range(1..5_000)
        };
        Action::CreateIntent {
            creator,
            rent_payer: self.anybody(),
            merchant,
            product,
            id,
            expires_at: self.model.now + ahead,
            beneficiary: self.random.random_ratio(4, 5).then(|| self.payer()),
            terms,
        }
    }

    fn open_intent(&mut self, quoted: bool) -> (Pubkey, Option<Intent>) {
        let now = self.model.now;
        if self.random.random_ratio(1, 8) {
            return self.intent(|_| true);
        }
        self.intent(|intent| {
            intent.status == Status::Open
                && now < intent.expires_at
                && (!quoted || intent.author == intent.merchant)
        })
    }

    fn pay(&mut self) -> Action {
        let (address, intent) = self.open_intent(false);
        let merchant = self.merchant_of(intent.as_ref());
        let payer = intent.as_ref().and_then(|intent| intent.payer);
        let payer = match payer {
            Some(payer) => self.key(payer),
            None => self.payer(),
        };
        let beneficiary = intent.as_ref().and_then(|intent| intent.beneficiary);
        let beneficiary = self.key(beneficiary.unwrap_or(payer));
        let mint = intent
            .as_ref()
            .map_or(self.places.mints[0], |intent| intent.mint);
        let vaults: Vec<_> = self.places.vaults.values().copied().collect();
        let right = self.places.vaults[&(merchant, mint)];
        let vault = if self.wild() {
            self.one(&vaults)
        } else {
            right
        };
        let owner = self.key(payer);
        let source = match self.random.random_range(0..40) {
            0 => vault,
            1 => self.places.purses[&(owner, self.one(&self.places.mints))],
            _ => self.places.purses[&(owner, mint)],
        };
        let product = intent
            .as_ref()
            .map_or(Pubkey::default(), |intent| intent.product);
        let named = if self.random.random_ratio(1, 60) {
            Pubkey::default()
        } else {
            beneficiary
        };
        Action::Pay {
            payer,
            rent_payer: self.anybody(),
            merchant,
            intent: address,
            entitlement: self.entitlement_or(product, beneficiary),
            source,
            vault,
            amount: self.amount_or(intent.map_or(1, |intent| intent.amount)),
            beneficiary: named,
        }
    }

    fn deposit(&mut self) -> Action {
        let (intent, known) = self.open_intent(true);
        let mint = known
            .as_ref()
            .map_or(self.places.mints[0], |known| known.mint);
        let mint = if self.wild() {
            self.one(&self.places.mints)
        } else {
            mint
        };
        let due = known.map_or(7, |known| known.amount);
        let part = due / 2 + 1;
        let amounts = [due, due, due, part, part, due.saturating_add(3), 0];
        Action::Deposit {
            sender: self.payer(),
            intent,
            mint,
            amount: self.one(&amounts),
        }
    }

    /// An intent that has a deposit which `suits`, the deposit, and its mint.
    fn deposited(
        &mut self,
        suits: impl Fn(&Intent, u64) -> bool,
    ) -> (Pubkey, Option<Intent>, Pubkey, Pubkey) {
        let choosy = self.random.random_ratio(3, 4);
        let existing: Vec<_> = self
            .places
            .deposits
            .iter()
            .filter(|((intent, _), deposit)| {
                let held = self.model.tokens.get(deposit);
                let known = self.model.intents.get(intent);
                let fits = known
                    .zip(held)
                    .is_some_and(|(known, held)| suits(known, held.amount));
                held.is_some() && (fits || !choosy)
            })
            .map(|((intent, mint), deposit)| (*intent, *mint, *deposit))
            .collect();
        let all: Vec<_> = self
            .places
            .deposits
            .iter()
            .map(|((intent, mint), deposit)| (*intent, *mint, *deposit))
            .collect();
        let wild = existing.is_empty() || self.random.random_ratio(1, 40);
        let (intent, mint, deposit) = self.one(if wild { &all } else { &existing });
        let other = self.wild() && !existing.is_empty();
        let deposit = if other {
            self.one(&existing).2
        } else {
            deposit
        };
        (
            intent,
            self.model.intents.get(&intent).cloned(),
            deposit,
            mint,
        )
    }

    fn settle_deposit(&mut self) -> Action {
        let now = self.model.now;
        let (intent, known, deposit, _) = self.deposited(|known, held| {
            known.status == Status::Open
                && now < known.expires_at
                && known.author == known.merchant
                && held >= known.amount
        });
        let beneficiary = known.as_ref().and_then(|known| known.beneficiary);
        let product = known
            .as_ref()
            .map_or(Pubkey::default(), |known| known.product);
        Action::SettleDeposit {
            rent_payer: self.anybody(),
            merchant: self.merchant_of(known.as_ref()),
            intent,
            entitlement: self.entitlement_or(product, beneficiary.unwrap_or_default()),
            deposit,
        }
    }

    fn reclaim_deposit(&mut self) -> Action {
        let now = self.model.now;
        let (intent, known, deposit, mint) =
            self.deposited(|known, _| known.status != Status::Open || now >= known.expires_at);
        let payer = self.payer();
        let owner = known.as_ref().map_or(payer, |known| {
            known.beneficiary.or(known.payer).unwrap_or(known.merchant)
        });
        let owner = self.key(owner);
        let mint = if self.wild() {
            self.one(&self.places.mints)
        } else {
            mint
        };
        let purse = self.places.purses.get(&(owner, mint));
        let destination = purse.unwrap_or_else(|| &self.places.vaults[&(owner, mint)]);
        Action::ReclaimDeposit {
            intent,
            deposit,
            mint,
            destination: *destination,
            rent_payer: self.key(known.map_or(payer, |known| known.rent_payer)),
        }
    }

    fn record_payment(&mut self) -> Action {
        let (address, intent) = self.open_intent(true);
        let merchant = self.merchant_of(intent.as_ref());
        let some = self.payer();
        let payer = self.key(intent.as_ref().and_then(|it| it.payer).unwrap_or(some));
        let beneficiary = self.key(
            intent
                .as_ref()
                .and_then(|it| it.beneficiary)
                .unwrap_or(some),
        );
        let product = intent.map_or(Pubkey::default(), |intent| intent.product);
        Action::RecordPayment {
            operator: self.operator_of(merchant),
            rent_payer: self.anybody(),
            merchant,
            intent: address,
            entitlement: self.entitlement_or(product, beneficiary),
            rail: self.random.random_range(0..4),
            payer,
            beneficiary,
        }
    }

    fn refund(&mut self) -> Action {
        let now = self.model.now;
        let wild = self.random.random_ratio(1, 8);
        let (address, intent) =
            self.intent(|it| wild || (it.status == Status::Paid && now < it.refund_until));
        let merchant = self.merchant_of(intent.as_ref());
        let payer = intent.as_ref().and_then(|it| it.payer);
        let owner = self.key(payer.unwrap_or(self.places.payers[0]));
        let mint = intent.as_ref().map_or(self.places.mints[0], |it| it.mint);
        let mint = if self.wild() {
            self.one(&self.places.mints)
        } else {
            mint
        };
        let left = intent.as_ref().map_or(1, |it| it.amount - it.refunded);
        let amount = if self.random.random_ratio(1, 3) {
            left / 2
        } else {
            left
        };
        let product = intent.as_ref().map_or(Pubkey::default(), |it| it.product);
        let beneficiary = intent.and_then(|it| it.beneficiary).unwrap_or_default();
        Action::Refund {
            operator: self.operator_of(merchant),
            merchant,
            intent: address,
            entitlement: self.entitlement_or(product, beneficiary),
            destination: self.places.purses[&(owner, mint)],
            amount: self.amount_or(amount),
        }
    }

    fn revoke(&mut self) -> Action {
        let (entitlement, held) = self.entitlement(|held| !held.revoked);
        let right = held.map_or(self.places.merchants[0], |held| held.merchant);
        let merchant = self.merchant_or(right);
        Action::Revoke {
            operator: self.operator_of(merchant),
            merchant,
            entitlement,
        }
    }

    fn consume(&mut self) -> Action {
        let wild = self.random.random_ratio(1, 10);
        let (entitlement, held) = self.entitlement(|held| wild || held.metered);
        let right = held
            .as_ref()
            .map_or(self.places.merchants[0], |held| held.merchant);
        let merchant = self.merchant_or(right);
        let (used, granted, created_at) = held.map_or((0, 1, 0), |held| {
            (held.credits_used, held.credits_granted, held.created_at)
        });
        let few = used
            .saturating_add(self.random.random_range(0..20))
            .min(granted);
        let totals = [
            few,
            few,
            few,
            granted,
            granted.saturating_add(1),
            used.saturating_sub(1),
        ];
        let replaced = i64::from(self.wild());
        Action::Consume {
            operator: self.operator_of(merchant),
            merchant,
            entitlement,
            used: self.one(&totals),
            created_at: created_at - replaced,
        }
    }

    fn withdraw(&mut self) -> Action {
        let merchant = self.one(&self.places.merchants);
        let mint = self.one(&self.places.mints);
        let vault = self.places.vaults[&(merchant, mint)];
        let held = self.model.tokens[&vault].amount;
        let part = held / self.random.random_range(1..5);
        let existing: Vec<_> = self.model.tokens.keys().copied().collect();
        let purse = self.places.purses[&(self.anybody(), mint)];
        let destination = if self.wild() {
            self.one(&existing)
        } else {
            purse
        };
        Action::Withdraw {
            signer: self.authority_of(merchant),
            merchant,
            mint,
            destination,
            amount: self.amount_or(part),
        }
    }

    fn cancel_intent(&mut self) -> Action {
        let (address, intent) = self.open_intent(false);
        let merchant = self.merchant_of(intent.as_ref());
        let operator = self.model.merchants[&merchant].operator;
        let author = intent.map_or(operator, |intent| intent.author);
        let signers = [operator, author, self.anybody()];
        let signer = self.one(&signers);
        let signer = if self.places.keys.contains_key(&signer) {
            signer
        } else {
            operator
        };
        Action::CancelIntent {
            signer,
            merchant,
            intent: address,
        }
    }

    fn close_intent(&mut self) -> Action {
        let now = self.model.now;
        let wild = self.random.random_ratio(1, 6);
        let (intent, known) = self.intent(|it| {
            wild || match it.status {
                Status::Open => now >= it.expires_at,
                Status::Paid => now >= it.refund_until,
                _ => true,
            }
        });
        let rent_payer = known.map_or(self.places.payers[0], |known| known.rent_payer);
        Action::CloseIntent {
            intent,
            rent_payer: self.key(rent_payer),
        }
    }

    fn close_entitlement(&mut self) -> Action {
        let now = self.model.now;
        let wild = self.random.random_ratio(1, 3);
        let (entitlement, held) = self.entitlement(|held| {
            wild || (now >= held.refundable_until && (held.revoked || now >= held.expires_at))
        });
        let rent_payer = held.map_or(self.places.payers[0], |held| held.rent_payer);
        Action::CloseEntitlement {
            entitlement,
            rent_payer: self.key(rent_payer),
        }
    }

    /// To just before, onto and just after a deadline; else a little onwards.
    fn time_travel(&mut self) -> Action {
        let now = self.model.now;
        let intents = self.model.intents.values();
        let mut deadlines: Vec<i64> = intents
            .flat_map(|it| [it.expires_at, it.refund_until])
            .chain(
                self.model
                    .entitlements
                    .values()
                    .flat_map(|held| [held.expires_at, held.refundable_until]),
            )
            .filter(|deadline| *deadline > now && *deadline < now + 40 * 86_400)
            .collect();
        deadlines.sort_unstable();
        // Mostly the next ones, so that the later ones are still ahead.
        deadlines.truncate(if self.random.random_ratio(1, 30) {
            1_000
        } else {
            8
        });
        if deadlines.is_empty() || self.random.random_ratio(1, 4) {
            return Action::SetTime(now + self.random.random_range(0..600));
        }
        let deadline = self.one(&deadlines);
        Action::SetTime((deadline + self.random.random_range(-1..=1)).max(now))
    }

    fn transfer(&mut self) -> Action {
        let existing: Vec<_> = self.model.tokens.keys().copied().collect();
        let destination = self.one(&existing);
        let mint = self.model.tokens[&destination].mint;
        let sender = self.anybody();
        let held = self.model.tokens[&self.places.purses[&(sender, mint)]].amount;
        let amounts = [0, 1, held / 4, held.saturating_add(1)];
        Action::Transfer {
            sender,
            mint,
            destination,
            amount: self.one(&amounts),
        }
    }

    fn send_lamports(&mut self) -> Action {
        let places = self.places;
        let all: Vec<_> = (places.intents.values())
            .chain(places.entitlements.values())
            .chain(places.products.values())
            .copied()
            .collect();
        let rents = self.model.rents;
        let amounts = [1, rents.empty, rents.intent, 10 * rents.intent];
        Action::SendLamports {
            sender: self.anybody(),
            destination: self.one(&all),
            lamports: self.one(&amounts),
        }
    }
}
