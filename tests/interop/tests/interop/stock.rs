//! Stock clients, unmodified. Each is asked for the report twice: it is served twice
//! and pays once, also where the chain's answers get lost. The rails that serve them
//! are not all there yet; the tests of those that are not wait.

use libtest_mimic::Trial;
use serde_json::{Value, json};
use solana_signer::Signer;
use tollgate_client::{Amount, Rail};
use tollgate_interop_tests::installation::Needs::{self, Node, Python};
use tollgate_interop_tests::rails::{Offered, Relay};
use tollgate_interop_tests::{PRICE, Shop};

use crate::{assert_served, trial, waiting};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("node_clients_without_a_rail_pay_nothing", Node, || {
            pay_nothing(&[X402_FETCH, X402_FETCH_V1, MPP_PULL, MPP_PUSH])
        }),
        trial("python_clients_without_a_rail_pay_nothing", Python, || {
            pay_nothing(&[X402_REQUESTS])
        }),
        waiting("x402_fetch_pays_once", Node, || pays_once(X402_FETCH)),
        waiting("x402_fetch_pays_once_with_lost_answers", Node, || {
            lost_answers(X402_FETCH)
        }),
        waiting("x402_fetch_with_sign_in_comes_back_for_free", Node, sign_in),
        waiting(
            "a_payment_identifier_names_one_payment",
            Node,
            payment_identifier,
        ),
        waiting("x402_fetch_v1_pays_once", Node, || pays_once(X402_FETCH_V1)),
        waiting("x402_fetch_v1_pays_once_with_lost_answers", Node, || {
            lost_answers(X402_FETCH_V1)
        }),
        waiting("x402_requests_pays_once", Python, || {
            pays_once(X402_REQUESTS)
        }),
        waiting("x402_requests_pays_once_with_lost_answers", Python, || {
            lost_answers(X402_REQUESTS)
        }),
        waiting("mpp_pull_pays_once", Node, || pays_once(MPP_PULL)),
        waiting("mpp_push_pays_once", Node, || pays_once(MPP_PUSH)),
        waiting("mpp_sponsored_pays_once", Node, || pays_once(MPP_SPONSORED)),
        waiting("mpp_pull_pays_once_with_lost_answers", Node, || {
            lost_answers(MPP_PULL)
        }),
        waiting("mpp_sponsored_pays_once_with_lost_answers", Node, || {
            lost_answers(MPP_SPONSORED)
        }),
    ]
}

/// A client and what is expected of its payment.
#[derive(Clone, Copy)]
struct Client {
    needs: Needs,
    script: &'static str,
    offered: Offered,
    /// Of a product with time, by the design of each rail.
    rail: Rail,
    /// Whether the client itself sends its transaction.
    broadcast: bool,
    /// Whether it costs the customer no lamports.
    sponsored: bool,
}

const X402_FETCH: Client = Client {
    needs: Node,
    script: "x402_fetch.mjs",
    offered: Offered::X402,
    rail: Rail::Deposit,
    broadcast: false,
    sponsored: true,
};
const X402_FETCH_V1: Client = Client {
    script: "x402_fetch_v1.mjs",
    rail: Rail::Attested,
    ..X402_FETCH
};
const X402_REQUESTS: Client = Client {
    needs: Python,
    script: "x402_requests.py",
    ..X402_FETCH
};
const MPP_PULL: Client = Client {
    needs: Node,
    script: "mpp.mjs",
    offered: Offered::Mpp,
    rail: Rail::Attested,
    broadcast: false,
    sponsored: false,
};
const MPP_PUSH: Client = Client {
    broadcast: true,
    ..MPP_PULL
};
const MPP_SPONSORED: Client = Client {
    offered: Offered::SponsoredMpp,
    sponsored: true,
    ..MPP_PULL
};

async fn pays_once(client: Client) {
    let shop = Shop::open_with(&Relay::new(), client.offered).await;
    visit_twice(&shop, client).await;
    shop.close().await;
}

async fn lost_answers(client: Client) {
    let shop = Shop::open_with(&Relay::new(), client.offered).await;
    // Whoever broadcasts, relay or client, hears nothing of what lands.
    shop.localnet.faults().drop_send_transaction_replies(3);
    visit_twice(&shop, client).await;
    shop.close().await;
}

/// A verifier without a relay offers them nothing that they could follow: they say so
/// or show the 402, and sign nothing that moves money.
async fn pay_nothing(clients: &'static [Client]) {
    let shop = Shop::open().await;
    for client in clients {
        let task = json!({ "broadcast": client.broadcast, "visits": 1 });
        let said = shop.run(client.needs, client.script, task).await;
        let visit = &said["visits"][0];
        assert!(
            visit["error"].is_string() || visit["status"] == 402,
            "{said:#}"
        );
        assert_eq!(shop.spent().await, Amount(0), "{}", client.script);
    }
    shop.close().await;
}

async fn visit_twice(shop: &Shop, client: Client) -> Value {
    let lamports = || async {
        shop.cluster
            .chain()
            .lamports(&shop.customer.pubkey())
            .await
            .unwrap()
    };
    let before = lamports().await;
    let task = json!({ "broadcast": client.broadcast, "visits": 2 });
    let said = shop.run(client.needs, client.script, task).await;
    for visit in said["visits"].as_array().unwrap() {
        assert_served(shop, visit);
    }
    shop.was_paid_once(client.rail).await;
    assert_eq!(
        lamports().await == before,
        client.sponsored,
        "who pays the fee"
    );
    said
}

async fn sign_in() {
    let shop = Shop::open_with(&Relay::new(), Offered::X402).await;
    let said = shop
        .run(Node, X402_FETCH.script, json!({ "signIn": true }))
        .await;
    for visit in said["visits"].as_array().unwrap() {
        assert_served(&shop, visit);
    }
    // Refused and signed in: nothing was signed that moves money.
    assert_eq!(said["visits"][1]["requests"], 2);
    shop.was_paid_once(Rail::Deposit).await;
    shop.close().await;
}

async fn payment_identifier() {
    let shop = Shop::open_with(&Relay::new(), Offered::X402).await;
    let task = json!({ "paymentIdentifier": "lemonade_0123456789", "visits": 1 });
    let first = shop.run(Node, X402_FETCH.script, task.clone()).await;
    assert_served(&shop, &first["visits"][0]);
    // The same name for another transaction: refused, and not paid.
    let second = shop.run(Node, X402_FETCH.script, task).await;
    assert_eq!(second["visits"][0]["status"], 409, "{second:#}");
    assert_eq!(shop.spent().await, PRICE);
    shop.close().await;
}
