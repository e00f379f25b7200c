//! The user's own check: how long after its confirmation a payment opens the door, and
//! a revocation shuts it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::HeaderValue;
use solana_commitment_config::CommitmentLevel;
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use tollgate_cli::commands::send::{send, send_signed_by};
use tollgate_client::accounts::decode;
use tollgate_client::{
    Addresses, Amount, Chain, Entitlement, EntitlementStatus, PaymentId, Purchase, UnixSeconds,
};
use tollgate_e2e_tests::{Cluster, Service};
use tollgate_localnet::Localnet;

use tollgate_e2e_tests::proof::sign_in;

/// Between two questions of the user, and between two looks at the chain.
const PAUSE: Duration = Duration::from_millis(2);
/// Whoever waits longer waits for something that is broken.
const LONGEST: Duration = Duration::from_secs(60);

/// What one user saw.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// From the confirmation of the payment to the first 200.
    pub paid_to_served: Duration,
    /// From the confirmation of the revocation to the first refusal of a session.
    pub revoked_to_refused: Duration,
}

/// A user pays, is served, and is revoked.
pub async fn observe(localnet: &Arc<Localnet>, cluster: &Cluster, service: &Service) -> Seen {
    let chain = cluster.chain();
    let wallet = cluster.wallet(1_000_000_000, Amount(1_000_000)).await;
    let product = service.merchant.day_pass;
    let entitlement = chain.addresses().entitlement(&product, &wallet.pubkey());

    let confirmed = confirmation(localnet, entitlement, EntitlementStatus::Active);
    let payment = tokio::spawn(pay(cluster.chain(), wallet.insecure_clone(), product));
    let (served, session) = first_service(service, &wallet).await;
    payment.await.unwrap();
    let paid = confirmed.await.unwrap();

    let confirmed = confirmation(localnet, entitlement, EntitlementStatus::Revoked);
    let merchant = &service.merchant;
    let owner = merchant.owner.insecure_clone();
    let operator = merchant.operator.insecure_clone();
    let addresses = chain.addresses();
    let revoke = addresses.revoke(operator.pubkey(), merchant.address, entitlement);
    let revocation =
        tokio::spawn(async move { send_signed_by(&chain, &[revoke], &owner, &[&operator]).await });
    let refused = first_refusal(service, &session).await;
    revocation.await.unwrap().expect("the operator may revoke");
    let revoked = confirmed.await.unwrap();
    Seen {
        paid_to_served: served.saturating_duration_since(paid),
        revoked_to_refused: refused.saturating_duration_since(revoked),
    }
}

/// When the entitlement has the status at the configured commitment. Watched by a
/// thread, past the RPC interface.
fn confirmation(
    localnet: &Arc<Localnet>,
    address: Pubkey,
    status: EntitlementStatus,
) -> tokio::task::JoinHandle<Instant> {
    let localnet = Arc::clone(localnet);
    tokio::task::spawn_blocking(move || {
        let addresses = Addresses::default();
        let deadline = Instant::now() + LONGEST;
        loop {
            let now = Instant::now();
            assert!(now < deadline, "it was never confirmed");
            let stands = localnet
                .account_at(&address, CommitmentLevel::Confirmed)
                .and_then(|account| decode::<Entitlement>(&addresses, &address, &account).ok())
                .is_some_and(|entitlement| entitlement.status == status);
            if stands {
                return now;
            }
            std::thread::sleep(PAUSE);
        }
    })
}

/// Buys the product without asking anybody.
async fn pay(chain: Chain, wallet: Keypair, address: Pubkey) {
    let product = chain.product(&address).await.unwrap().unwrap();
    let now = chain.time().await.unwrap();
    let purchase = Purchase::of_product(
        address,
        &product,
        wallet.pubkey(),
        PaymentId([7; 32]),
        UnixSeconds(now.0 + 600),
    );
    send(&chain, &purchase.instructions(&chain.addresses()), &wallet)
        .await
        .expect("the payment lands");
}

/// Signs in again and again until it opens. When it did, and the session it gave.
async fn first_service(service: &Service, wallet: &Keypair) -> (Instant, HeaderValue) {
    let http = reqwest::Client::new();
    let deadline = Instant::now() + LONGEST;
    loop {
        assert!(Instant::now() < deadline, "it was never served");
        let challenge = http.get(service.report()).send().await.unwrap();
        if let Some(required) = challenge.headers().get("payment-required") {
            let proof = sign_in(wallet, required);
            let request = http.get(service.report()).header("sign-in-with-x", proof);
            let answer = request.send().await.unwrap();
            if answer.status() == 200 {
                let token = answer.headers()["tollgate-session"].to_str().unwrap();
                let session = HeaderValue::try_from(format!("Bearer {token}")).unwrap();
                return (Instant::now(), session);
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Uses the session again and again until it is refused.
async fn first_refusal(service: &Service, session: &HeaderValue) -> Instant {
    let http = reqwest::Client::new();
    let deadline = Instant::now() + LONGEST;
    loop {
        assert!(Instant::now() < deadline, "it was never refused");
        let request = http.get(service.report()).header("authorization", session);
        let answer = request.send().await.unwrap();
        match answer.status().as_u16() {
            200 => tokio::time::sleep(PAUSE).await,
            403 => return Instant::now(),
            other => panic!("an unexpected {other}"),
        }
    }
}
