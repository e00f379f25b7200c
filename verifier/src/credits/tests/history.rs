//! Random histories against a model that is nothing but sums.
//!
//! `TOLLGATE_CREDITS_SEED=n` replays one history; the seed of a history that fails
//! is printed.

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::seq::IteratorRandom;
use rand::{Rng, SeedableRng};
use tollgate_client::Credits;

use super::fixture::{Fixture, entitlement, promised_by_every_store, view};
use crate::credits::ledger::{ChainView, Reserved};
use crate::credits::store::{CreditStore, Demand, ReservationId, Settled, Settlement, StoreError};

promised_by_every_store! {
    random_histories_agree_with_the_sums
}

const STEPS: usize = 300;

/// One entitlement: what anybody could count with a pencil.
struct Sums {
    chain: ChainView,
    /// Older words of the chain, which a lagging replica may still have.
    past: Vec<ChainView>,
    used: u64,
    /// In an order of its own, so that a seed means one history.
    open: BTreeMap<u128, u64>,
}

impl Sums {
    fn new() -> Self {
        Self {
            chain: view(1, 10, 0),
            past: Vec::new(),
            used: 0,
            open: BTreeMap::new(),
        }
    }

    fn left(&self) -> u64 {
        let taken = self.used + self.open.values().sum::<u64>();
        self.chain.granted.0.saturating_sub(taken)
    }

    /// The chain goes on.
    fn now(&mut self, change: impl FnOnce(&mut ChainView)) {
        self.past.push(self.chain);
        self.chain.slot += 1;
        change(&mut self.chain);
    }
}

async fn random_histories_agree_with_the_sums(fixture: &mut dyn Fixture) {
    let replayed = std::env::var("TOLLGATE_CREDITS_SEED").ok();
    let seeds = match replayed.and_then(|seed| seed.parse().ok()) {
        Some(seed) => vec![seed],
        None => vec![1, 2, 3],
    };
    for (number, seed) in seeds.into_iter().enumerate() {
        println!("TOLLGATE_CREDITS_SEED={seed}");
        let first = u8::try_from(number * 10 + 1).unwrap();
        history(fixture, seed, first).await;
    }
}

async fn history(fixture: &mut dyn Fixture, seed: u64, first: u8) {
    let mut random = StdRng::seed_from_u64(seed);
    let mut store = fixture.open();
    let mut accounts: Vec<Sums> = (0..3).map(|_| Sums::new()).collect();
    for step in 0..STEPS {
        let number = random.random_range(0..accounts.len());
        let who = entitlement(first + u8::try_from(number).unwrap());
        let account = &mut accounts[number];
        match random.random_range(0..100) {
            0..45 => {
                let outdated = random.random_bool(0.1);
                call(&*store, who, account, outdated, &mut random).await;
            }
            45..75 => end_one(&*store, who, account, &mut random).await,
            75..83 => account.now(|chain| chain.granted.0 += 10),
            83..88 => account.now(|chain| {
                let unused = chain.granted.0 - chain.booked.0;
                chain.granted.0 -= unused.min(10);
            }),
            88..95 => book(&*store, who, account).await,
            95..98 => {
                let used = account.chain.booked;
                account.now(|chain| {
                    chain.life.generation += 1;
                    chain.granted = Credits(used.0 + 10);
                });
                account.used = used.0;
                account.open.clear();
            }
            _ => {
                drop(store);
                fixture.restart();
                store = fixture.open();
                if !fixture.keeps_open_reservations() {
                    for account in &mut accounts {
                        let open = std::mem::take(&mut account.open);
                        account.used += open.values().sum::<u64>();
                    }
                }
            }
        }
        let account = &accounts[number];
        let ledger = store.learn(who, account.chain).await.unwrap();
        assert_eq!(ledger.remaining().0, account.left(), "step {step}");
    }
    drop(store);
}

async fn call(
    store: &dyn CreditStore,
    who: tollgate_client::Pubkey,
    account: &mut Sums,
    outdated: bool,
    random: &mut StdRng,
) {
    let old = account.past.iter().choose(random).filter(|_| outdated);
    let view = old.copied().unwrap_or(account.chain);
    let cost = random.random_range(1..4);
    let id = ReservationId(random.random());
    let demand = Demand {
        entitlement: who,
        view,
        cost: Credits(cost),
        id,
    };
    // The store knows the chain's newest word already: every step ends with it.
    match store.reserve(demand).await {
        Ok(Reserved::Taken { remaining }) => {
            assert!(account.left() >= cost);
            account.open.insert(id.0, cost);
            assert_eq!(remaining.0, account.left());
        }
        Ok(Reserved::Short { remaining }) => {
            assert!(account.left() < cost);
            assert_eq!(remaining.0, account.left());
        }
        Err(error) => {
            assert_eq!(error, StoreError::Outdated);
            assert!(view.life < account.chain.life);
        }
    }
}

async fn end_one(
    store: &dyn CreditStore,
    who: tollgate_client::Pubkey,
    account: &mut Sums,
    random: &mut StdRng,
) {
    let Some((&id, &cost)) = account.open.iter().choose(random) else {
        return;
    };
    let release = random.random_bool(0.4);
    let settled = Settled {
        entitlement: who,
        life: account.chain.life,
        cost: Credits(cost),
        id: ReservationId(id),
        settlement: if release {
            Settlement::Release
        } else {
            Settlement::Commit
        },
    };
    for _ in 0..random.random_range(1..3) {
        store.settle(settled).await.unwrap();
    }
    account.open.remove(&id);
    account.used += if release { 0 } else { cost };
}

/// What the program does with a booking, and what it refuses.
async fn book(store: &dyn CreditStore, who: tollgate_client::Pubkey, account: &mut Sums) {
    let ledger = store.learn(who, account.chain).await.unwrap();
    let Some(total) = ledger.bookable() else {
        return;
    };
    assert!(account.chain.booked < total && total <= account.chain.granted);
    assert!(total.0 <= account.used);
    account.now(|chain| chain.booked = total);
}
