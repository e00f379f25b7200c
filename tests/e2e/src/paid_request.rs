//! A paid request, end to end.

use crate::{Cluster, Service};
use solana_signer::Signer;
use tollgate_agent::HowServed;
use tollgate_cli::commands::send::send;
use tollgate_client::instructions::create_token_account;
use tollgate_client::{Addresses, Amount, IntentStatus, Rail};

const FUNDS: Amount = Amount(1_000_000);
const PRICE: Amount = Amount(10_000);

/// 402, payment, 200, the accounts on chain, a second call that costs nothing, a
/// withdrawal. Panics where the loop is broken.
pub async fn paid_request(cluster: &Cluster) {
    let service = Service::start(cluster, &cluster.rpc_url).await;
    let chain = cluster.chain();
    let wallet = cluster.wallet(100_000_000, FUNDS).await;
    let key = wallet.pubkey();
    let product = service.merchant.day_pass;

    // A stranger is refused, and nobody may keep the refusal.
    let refused = reqwest::get(service.report()).await.unwrap();
    assert_eq!(refused.status().as_u16(), 402);
    assert_eq!(refused.headers()["cache-control"], "no-store");
    assert!(refused.headers().contains_key("payment-required"));
    let body: serde_json::Value = refused.json().await.unwrap();
    assert_eq!(body["payment_protocol"], "x402");
    assert_eq!(body["amount"], PRICE.to_string());
    assert_eq!(service.check(&wallet).await.1["has_access"], false);

    // The agent pays once and is served.
    let journal = tempfile::tempdir().unwrap();
    let agent = service.agent(cluster, &wallet, journal.path());
    let paid = agent.fetch(&service.report(), None).await.unwrap();
    let HowServed::Paid(payment) = &paid.how else {
        panic!("served by {:?}", paid.how)
    };
    assert_eq!(paid.answer.status.as_u16(), 200);
    assert!(
        paid.answer.text().contains("lemonade"),
        "{}",
        paid.answer.text()
    );
    assert!(
        paid.answer.text().contains(&key.to_string()),
        "the upstream knows the beneficiary"
    );
    // It carries a session token, so nobody may keep it at all.
    assert_eq!(paid.answer.headers["cache-control"], "no-store");
    assert_eq!(cluster.balance(&key).await, Amount(FUNDS.0 - PRICE.0));

    // The chain says why.
    let reading = chain.entitlement(&product, &key).await.unwrap();
    let entitlement = reading.entitlement.expect("the entitlement stands");
    assert!(entitlement.is_usable(reading.chain_time));
    let intent = chain
        .intent(&entitlement.last_intent)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (intent.status, intent.rail),
        (IntentStatus::Paid, Rail::Pay)
    );
    assert_eq!(intent.payment_id.to_string(), payment.payment_id);
    let (status, check) = service.check(&wallet).await;
    assert_eq!(
        (status, &check["has_access"]),
        (200, &serde_json::Value::Bool(true))
    );

    // Coming back costs nothing: by token, by signature, from a new agent.
    let again = agent
        .fetch(&service.report(), paid.session.as_deref())
        .await
        .unwrap();
    assert_eq!(
        (again.answer.status.as_u16(), &again.how),
        (200, &HowServed::Session)
    );
    let cache = again.answer.headers["cache-control"].to_str().unwrap();
    assert!(cache.contains("private"), "{cache}");
    let elsewhere = tempfile::tempdir().unwrap();
    let other = service.agent(cluster, &wallet, elsewhere.path());
    let back = other.fetch(&service.report(), None).await.unwrap();
    assert_eq!(
        (back.answer.status.as_u16(), &back.how),
        (200, &HowServed::Entitled)
    );
    assert_eq!(cluster.balance(&key).await, Amount(FUNDS.0 - PRICE.0));

    // The merchant takes its money.
    let merchant = &service.merchant;
    let owner = merchant.owner.pubkey();
    let till = Addresses::token_account(&owner, &cluster.mint);
    let instructions = [
        create_token_account(owner, owner, cluster.mint),
        chain
            .addresses()
            .withdraw(owner, merchant.address, cluster.mint, till, PRICE),
    ];
    send(&chain, &instructions, &merchant.owner).await.unwrap();
    assert_eq!(cluster.balance(&owner).await, PRICE);
    service.shutdown().await;
}
