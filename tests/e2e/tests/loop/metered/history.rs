//! A random history of calls, purchases, refunds, restarts and lost answers against
//! a model that adds and subtracts.
//!
//! `TOLLGATE_CREDITS_SEED=n` replays a history.

use super::shop::{Customer, Shop, eventually};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use solana_pubkey::Pubkey;

/// Calls of one purchase.
const CALLS: u64 = 6;
const STEPS: usize = 60;

/// What a pencil says of a customer.
struct Account {
    customer: Customer,
    session: String,
    intents: Vec<Pubkey>,
    granted: u64,
    used: u64,
}

impl Account {
    fn left(&self) -> u64 {
        self.granted.saturating_sub(self.used)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_random_history_agrees_with_the_model() {
    let seed = std::env::var("TOLLGATE_CREDITS_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(402);
    println!("TOLLGATE_CREDITS_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let shop = Shop::open(CALLS).await;
    let mut config = shop.config().await;
    let mut verifier = shop.verifier(&config).await;
    let url = verifier.public_url().to_string();
    // Restarts keep the port: session tokens are for an origin.
    config.server.listen = verifier.local_addr();
    config.server.public_url = verifier.public_url().clone();
    let mut accounts = Vec::new();
    for _ in 0..2 {
        let customer = shop.customer(0).await;
        // The first purchase is never refunded: a customer without any would begin anew.
        shop.sell(&customer).await;
        accounts.push(Account {
            session: customer.sign_in(&shop, &url).await,
            customer,
            intents: Vec::new(),
            granted: CALLS,
            used: 1,
        });
    }
    for step in 0..STEPS {
        let number = random.random_range(0..accounts.len());
        let account = &mut accounts[number];
        match random.random_range(0..100) {
            0..70 => call(&url, account, &mut random, step).await,
            70..80 => {
                account.intents.push(shop.sell(&account.customer).await);
                account.granted += CALLS;
                is_seen(&shop, &url, account).await;
            }
            80..86 => refund(&shop, &url, account).await,
            86..92 => {
                let faults = shop.localnet.faults();
                faults.drop_send_transaction_replies(random.random_range(0..3));
            }
            _ => {
                verifier.shutdown().await;
                for account in &accounts {
                    let booked = shop.booked(&account.customer).await;
                    assert_eq!(booked, account.used.min(account.granted), "step {step}");
                }
                verifier = shop.verifier(&config).await;
            }
        }
    }
    shop.localnet.faults().clear();
    verifier.shutdown().await;
    for account in &accounts {
        let entitlement = shop.entitlement(&account.customer).await;
        assert_eq!(entitlement.credits_granted.0, account.granted);
        assert_eq!(
            entitlement.credits_used.0,
            account.used.min(account.granted)
        );
    }
}

async fn call(url: &str, account: &mut Account, random: &mut StdRng, step: usize) {
    let (path, cost, keeps) = match random.random_range(0..10) {
        0..6 => ("/v1/call", 1, true),
        6..8 => ("/v1/heavy", 3, true),
        8 => ("/v1/careful?say=500", 1, false),
        _ => ("/v1/call?say=nothing", 1, false),
    };
    let called = account.customer.call(url, path, &account.session).await;
    if account.left() < cost {
        assert_eq!(called.status, 402, "step {step}: {path}");
        assert_eq!(called.error, "credits_exhausted");
        return;
    }
    account.used += if keeps { cost } else { 0 };
    assert_ne!(called.status, 402, "step {step}: {path}");
    assert_eq!(
        called.remaining,
        Some(account.left()),
        "step {step}: {path}"
    );
}

/// Takes one of the later purchases back. What is unused on chain goes; so does, of
/// what was used since the last booking, what was paid by it.
async fn refund(shop: &Shop, url: &str, account: &mut Account) {
    let Some(intent) = account.intents.pop() else {
        return;
    };
    // With nothing left to book, the chain and the pencil agree on what is unused.
    let used = account.used;
    eventually("everything is booked before a refund", async || {
        shop.booked(&account.customer).await == used
    })
    .await;
    shop.refund(&account.customer, intent).await;
    account.granted -= CALLS.min(account.granted - account.used);
    is_seen(shop, url, account).await;
}

/// Waits until the verifier has read what has just changed on chain.
async fn is_seen(shop: &Shop, url: &str, account: &Account) {
    eventually("the change is seen", async || {
        let check = shop.check(url, &account.customer).await;
        check["credits_remaining"] == account.left()
    })
    .await;
}
