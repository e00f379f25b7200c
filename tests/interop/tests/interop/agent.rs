//! An agent in JavaScript: the stock x402 client with this project's scheme.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use serde_json::{Value, json};
use tollgate_client::{Amount, Rail};
use tollgate_interop_tests::child::{self, PATIENCE};
use tollgate_interop_tests::installation::HOME;
use tollgate_interop_tests::installation::Needs::Node;
use tollgate_interop_tests::{CALLS_PER_PAYMENT, CALLS_PRICE, PRICE, Shop};

use crate::{assert_served, trial};

const SCRIPT: &str = "entitlement.mjs";
/// What a signature costs, in lamports.
const FEE: u64 = 5_000;
/// A client that gives up soon, in milliseconds.
const IMPATIENT: u64 = 700;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("an_agent_pays_once", Node, pays_once),
        trial("a_lost_answer_is_no_second_payment", Node, lost_answer),
        trial("an_unknown_fate_is_said_and_found_out", Node, unknown_fate),
        trial("requests_at_once_make_one_payment", Node, at_once),
        trial(
            "processes_at_once_make_one_payment",
            Node,
            processes_at_once,
        ),
        trial("a_process_that_died_is_no_second_payment", Node, died),
        trial("calls_are_paid_for_again_when_used_up", Node, calls),
        trial("what_the_policy_forbids_is_not_spent", Node, policy),
        trial("another_program_is_not_paid", Node, other_program),
        trial("the_stock_sign_in_does_as_well", Node, stock_sign_in),
        trial("the_package_passes_its_own_tests", Node, own_tests),
    ]
}

fn assert_error(visit: &Value, words: &[&str]) {
    let error = visit["error"].as_str().unwrap_or_default();
    let all = words.iter().all(|word| error.contains(word));
    assert!(all, "{words:?} in {visit:#}");
}

async fn pays_once() {
    let shop = Shop::open().await;
    let first = shop.run(Node, SCRIPT, json!({ "visits": [1, 1] })).await;
    for visit in first["visits"].as_array().unwrap() {
        assert_served(&shop, visit);
    }
    shop.was_paid_once(Rail::Pay).await;
    assert_eq!(
        (&first["usable"], &first["payments"]),
        (&json!(true), &json!("1"))
    );
    // Asked, signed in, paid, signed in; then by the session.
    assert_eq!(first["visits"][0]["requests"], 3);
    assert_eq!(first["visits"][1]["requests"], 1);

    // Another process, which knows nothing but the key.
    let second = shop.run(Node, SCRIPT, json!({})).await;
    assert_served(&shop, &second["visits"][0]);
    assert_eq!(second["visits"][0]["requests"], 2);
    shop.was_paid_once(Rail::Pay).await;
    shop.close().await;
}

async fn lost_answer() {
    let shop = Shop::open().await;
    shop.localnet.faults().drop_send_transaction_replies(3);
    let said = shop.run(Node, SCRIPT, json!({})).await;
    assert_served(&shop, &said["visits"][0]);
    shop.was_paid_once(Rail::Pay).await;
    shop.close().await;
}

async fn unknown_fate() {
    let shop = Shop::open().await;
    // It lands, but the client gives up before it is confirmed.
    shop.localnet.faults().halt_slots(true);
    let impatient = json!({ "journal": true, "deadline": IMPATIENT, "visits": [1, 1] });
    let said = shop.run(Node, SCRIPT, impatient).await;
    for visit in said["visits"].as_array().unwrap() {
        assert_error(visit, &["payment_unknown", "payment id", "signature"]);
    }
    shop.localnet.faults().clear();
    // A new process with the same journal finds out instead of paying again.
    let said = shop.run(Node, SCRIPT, json!({ "journal": true })).await;
    assert_served(&shop, &said["visits"][0]);
    shop.was_paid_once(Rail::Pay).await;
    shop.close().await;
}

async fn at_once() {
    let shop = Shop::open().await;
    let said = shop.run(Node, SCRIPT, json!({ "visits": [4] })).await;
    for visit in said["visits"].as_array().unwrap() {
        assert_served(&shop, visit);
    }
    shop.was_paid_once(Rail::Pay).await;
    shop.close().await;
}

async fn processes_at_once() {
    let shop = Shop::open().await;
    let before = shop.customer_lamports();
    // Each has sent its payment before any of them can know of another's.
    shop.localnet.faults().halt_slots(true);
    // Of the same blockhash, only another price makes their transactions differ.
    let run = |price: u32| shop.run(Node, SCRIPT, json!({ "unitPrice": price }));
    let all_have_sent = async {
        let deadline = Instant::now() + PATIENCE;
        while shop
            .fees_paid_since(before)
            .is_none_or(|fees| fees < 3 * FEE)
        {
            assert!(Instant::now() < deadline, "they do not send");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        shop.localnet.faults().clear();
    };
    let said = tokio::join!(run(1), run(2), run(3), all_have_sent);
    // The server named the same payment id to each: the chain took one, and the others
    // found out.
    for said in [said.0, said.1, said.2] {
        assert_served(&shop, &said["visits"][0]);
    }
    shop.was_paid_once(Rail::Pay).await;
    shop.close().await;
}

async fn died() {
    let shop = Shop::open().await;
    shop.localnet.faults().halt_slots(true);
    // Without a journal: what the process knew is gone with it.
    for _ in 0..2 {
        let said = shop
            .run(Node, SCRIPT, json!({ "deadline": IMPATIENT }))
            .await;
        assert_error(&said["visits"][0], &["payment_unknown"]);
    }
    shop.localnet.faults().clear();
    let said = shop.run(Node, SCRIPT, json!({})).await;
    assert_served(&shop, &said["visits"][0]);
    shop.was_paid_once(Rail::Pay).await;
    shop.close().await;
}

async fn calls() {
    let shop = Shop::open_metered().await;
    let url = format!("{}/v1/quotes/SOL", shop.service.url);
    let visits = vec![1; usize::try_from(CALLS_PER_PAYMENT).unwrap() + 1];
    let task = json!({ "url": url, "visits": visits });
    let said = shop.run(Node, SCRIPT, task).await;
    for visit in said["visits"].as_array().unwrap() {
        assert_eq!(visit["status"], 200, "{said:#}");
    }
    // One call more than a payment pays for. The chain still says that credits are
    // left: what is used is booked later, and only the server knows.
    assert_eq!(shop.spent().await, Amount(2 * CALLS_PRICE.0));
    shop.close().await;
}

async fn policy() {
    let shop = Shop::open().await;
    let forbidden = [
        json!({ "spending": { "maxAmountPerPayment": "$0.009999" } }),
        json!({ "spending": { "maxAmountInTotal": "$0.009999" } }),
        // The stock client's own.
        json!({ "spendControls": { "maxAmountPerPayment": "$0.009999" } }),
    ];
    for policy in forbidden {
        let said = shop.run(Node, SCRIPT, policy.clone()).await;
        assert!(said["visits"][0]["error"].is_string(), "{policy}: {said:#}");
        assert_eq!(shop.spent().await, Amount(0), "{policy}");
    }
    let allowed = json!({
        "spending": { "maxAmountPerPayment": "$0.01", "maxAmountInTotal": "$0.01" },
        "spendControls": { "maxAmountPerPayment": "$0.01" },
    });
    let said = shop.run(Node, SCRIPT, allowed).await;
    assert_served(&shop, &said["visits"][0]);
    assert_eq!(shop.spent().await, PRICE);
    shop.close().await;
}

async fn other_program() {
    let shop = Shop::open().await;
    let other = shop.service.merchant.address.to_string();
    let said = shop.run(Node, SCRIPT, json!({ "program": other })).await;
    assert_error(&said["visits"][0], &["chain_mismatch"]);
    assert_eq!(shop.spent().await, Amount(0));
    shop.close().await;
}

async fn stock_sign_in() {
    let shop = Shop::open().await;
    let said = shop.run(Node, "entitlement_siwx.mjs", json!({})).await;
    for visit in said["visits"].as_array().unwrap() {
        assert_served(&shop, visit);
    }
    shop.was_paid_once(Rail::Pay).await;
    shop.close().await;
}

async fn own_tests() {
    let folder = Path::new(HOME).join("../../packages/tollgate/test");
    let files = std::fs::read_dir(folder).unwrap();
    let files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    let is_test = |path: &&PathBuf| path.to_string_lossy().ends_with(".test.mjs");
    let mut arguments = vec![Path::new("--test")];
    arguments.extend(files.iter().filter(is_test).map(PathBuf::as_path));
    assert!(arguments.len() > 1);
    let node = Node.program().unwrap();
    let said = child::run(&node, &arguments, ("TZ", "UTC"), PATIENCE).await;
    let said = said.unwrap();
    assert!(said.succeeded, "{}\n{}", said.output, said.errors);
}
