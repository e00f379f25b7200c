//! What a Rust program with reqwest gets: it is served, and pays once, whatever happens.

use crate::scene::{FUNDS, PRICE, Scene};
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::any;
use futures::future::join_all;
use solana_signer::Signer;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tollgate_agent::reqwest::{Body, Method};
use tollgate_agent::reqwest_middleware::Error;
use tollgate_agent::{HowServed, Journal, PayError, PayingClient, SpendingPolicy};
use tollgate_client::chain::SubmitLimits;
use tollgate_e2e_tests::{Service, local};
use tollgate_verifier::config::RouteConfig;

/// A client with a journal in memory, as a program has that says nothing of journals.
fn client(scene: &Scene) -> PayingClient {
    scene.agent().with_journal(Journal::in_memory())
}

/// Another resource of the same product.
fn quotes(scene: &Scene) -> String {
    format!("{}/v1/quotes/SOL", scene.service.url)
}

/// A server that keeps the heads of what it is asked and gives one answer.
struct Witness {
    address: SocketAddr,
    seen: Seen,
}

type Given = (StatusCode, HeaderMap);
type Seen = Arc<Mutex<Vec<(Method, HeaderMap)>>>;

impl Witness {
    async fn answering(status: StatusCode, headers: HeaderMap) -> Self {
        let seen: Seen = Arc::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = (Arc::clone(&seen), (status, headers));
        let router = Router::new().fallback(any(Self::answer)).with_state(state);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, seen }
    }

    /// A server that sends everybody to `target`.
    async fn leading_to(target: &str) -> Self {
        let location = HeaderMap::from_iter([(header::LOCATION, target.parse().unwrap())]);
        Self::answering(StatusCode::TEMPORARY_REDIRECT, location).await
    }

    async fn answer(
        State((seen, given)): State<(Seen, Given)>,
        method: Method,
        headers: HeaderMap,
        body: String,
    ) -> impl IntoResponse {
        seen.lock().unwrap().push((method, headers));
        let (status, headers) = given;
        (status, headers, body)
    }

    fn seen(&self) -> Vec<(Method, HeaderMap)> {
        self.seen.lock().unwrap().clone()
    }
}

/// A scene whose upstream is this witness, for GET and POST.
async fn in_front_of(witness: &Witness) -> Scene {
    let (localnet, cluster) = local(crate::scene::SLOT).await;
    let upstream = format!("http://{}", witness.address).parse().unwrap();
    let service = Service::start_with(&cluster, &cluster.rpc_url, |config| {
        config.upstream.as_mut().unwrap().url = upstream;
        let mut report = RouteConfig::paid("/v1/report", "day-pass");
        report.methods = vec![Method::GET, Method::POST];
        config.routes = vec![report];
    })
    .await;
    let wallet = cluster.wallet(100_000_000, FUNDS).await;
    Scene {
        localnet,
        cluster,
        service,
        wallet,
        journal: tempfile::tempdir().unwrap(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_pays_once_and_comes_back_by_its_session() {
    let scene = Scene::set().await;
    let client = client(&scene);
    let report = scene.service.report();
    let paid = client.get(&report).send().await.unwrap();
    assert_eq!(paid.status().as_u16(), 200);
    let HowServed::Paid(payment) = HowServed::of(&paid).clone() else {
        panic!("{:?}", HowServed::of(&paid))
    };
    assert_eq!(payment.amount.0, PRICE);
    assert!(paid.text().await.unwrap().contains("lemonade"));
    // The chain says the same.
    let product = scene.service.merchant.day_pass;
    let chain = scene.cluster.chain();
    let reading = chain.entitlement(&product, &scene.wallet.pubkey()).await;
    let entitlement = reading.unwrap().entitlement.unwrap();
    let intent = chain.intent(&entitlement.last_intent).await.unwrap();
    assert_eq!(intent.unwrap().payment_id.to_string(), payment.payment_id);

    // The second visit is free, and so is another resource of the product.
    for url in [report, quotes(&scene), quotes(&scene)] {
        let again = client.clone().get(url).send().await.unwrap();
        let how = HowServed::of(&again).clone();
        assert_eq!((again.status().as_u16(), how), (200, HowServed::Session));
    }
    let free = format!("{}/public/hello", scene.service.url);
    let free = client.get(free).send().await.unwrap();
    assert_eq!(HowServed::of(&free), &HowServed::Free);
    assert_eq!(scene.spent().await, PRICE);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_with_its_own_authorization_signs_in() {
    let scene = Scene::set().await;
    let client = client(&scene);
    for expected in [true, false] {
        let request = client.get(scene.service.report());
        let request = request.header("authorization", "Basic dXBzdHJlYW06c2VjcmV0");
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200);
        let paid = matches!(HowServed::of(&answer), HowServed::Paid(_));
        assert_eq!(paid, expected);
    }
    assert_eq!(scene.spent().await, PRICE);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_at_the_same_moment_pay_once() {
    let scene = Scene::set().await;
    for journal in [Journal::in_memory(), Journal::folder(scene.journal.path())] {
        let before = scene.spent().await;
        let client = client(&scene).with_journal(journal);
        let tasks = (0..8).map(|number| {
            let url = if number % 2 == 0 {
                scene.service.report()
            } else {
                quotes(&scene)
            };
            let client = client.clone();
            tokio::spawn(async move { client.get(url).send().await })
        });
        let mut paid = 0;
        for answer in join_all(tasks).await {
            let answer = answer.unwrap().unwrap();
            assert_eq!(answer.status().as_u16(), 200);
            paid += u32::from(matches!(HowServed::of(&answer), HowServed::Paid(_)));
        }
        assert_eq!((paid, scene.spent().await - before), (1, PRICE));
        // The day is over, and the verifier has forgotten what it knew.
        scene.localnet.advance_time(Duration::from_secs(86_401));
        scene.localnet.warp_slots(2).unwrap();
        scene.localnet.finalize();
        tokio::time::sleep(Duration::from_millis(2_200)).await;
    }
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_response_is_unknown_with_its_names_and_asking_again_pays_once() {
    let scene = Scene::set().await;
    let impatient = SubmitLimits {
        deadline: Duration::from_millis(500),
        ..SubmitLimits::default()
    };
    let client = client(&scene);
    let faults = scene.localnet.faults();
    faults.drop_send_transaction_replies(1_000);
    faults.freeze_commitment(true);
    let hasty = client.clone().with_limits(impatient);
    let asked = || hasty.get(scene.service.report()).send();
    let unknown = asked().await.unwrap_err();
    let PayError::Unknown {
        signature,
        payment_id,
    } = &unknown
    else {
        panic!("{unknown:?}")
    };
    assert_eq!(unknown.code(), "payment_unknown");
    let message = unknown.to_string();
    assert!(message.contains(signature) && message.contains(payment_id));
    // As long as nobody knows, nothing else is paid.
    assert_eq!(asked().await.unwrap_err().to_string(), message);
    faults.clear();
    let served = client.get(scene.service.report()).send().await.unwrap();
    assert_eq!(served.status().as_u16(), 200);
    let HowServed::Paid(payment) = HowServed::of(&served) else {
        panic!("{:?}", HowServed::of(&served))
    };
    let names = (&payment.signature, &payment.payment_id);
    assert_eq!(names, (signature, payment_id));
    assert_eq!(scene.spent().await, PRICE);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_request_is_not_paid_for_again() {
    let scene = Scene::set().await;
    let client = client(&scene);
    scene.localnet.faults().freeze_commitment(true);
    // Cancelled early and late: before the payment, while it is sent, and after.
    for milliseconds in [5, 20, 60, 150, 400, 900] {
        let life = Duration::from_millis(milliseconds);
        let asked = client.get(scene.service.report()).send();
        assert!(tokio::time::timeout(life, asked).await.is_err());
    }
    scene.localnet.faults().clear();
    let served = client.get(scene.service.report()).send().await.unwrap();
    assert_eq!(served.status().as_u16(), 200);
    assert_eq!(scene.spent().await, PRICE);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_policy_is_kept() {
    let scene = Scene::set().await;
    let mint = scene.cluster.mint;
    let usdc = |limit: &str| SpendingPolicy::usdc(limit).with_mint(mint);
    let cases = [
        (SpendingPolicy::nothing(), "mint_not_allowed"),
        (usdc("0.009999"), "over_spending_limit"),
        (usdc("1").in_total("0.009999"), "over_total_limit"),
    ];
    for (policy, code) in cases {
        let client = client(&scene).with_policy(policy);
        let error = client.get(scene.service.report()).send().await;
        let error = error.unwrap_err();
        assert_eq!((error.code(), error.is_policy()), (code, true));
    }
    assert_eq!(scene.spent().await, 0);
    // The total counts what was paid before, also after a restart.
    for paid in [true, false] {
        let client = scene.agent().with_policy(usdc("0.01").in_total("0.019999"));
        let answer = client.get(scene.service.report()).send().await;
        let code = answer.map_err(|error| error.code()).map(|_| ());
        let expected = if paid {
            Ok(())
        } else {
            Err("over_total_limit")
        };
        assert_eq!(code, expected);
        scene.localnet.advance_time(Duration::from_secs(86_401));
        scene.localnet.warp_slots(2).unwrap();
        scene.localnet.finalize();
        tokio::time::sleep(Duration::from_millis(2_200)).await;
    }
    assert_eq!(scene.spent().await, PRICE);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_origin_gets_neither_proof_nor_payment() {
    let elsewhere = Witness::answering(StatusCode::OK, HeaderMap::new()).await;
    let target = format!("http://{}/v1/report", elsewhere.address);
    let upstream = Witness::leading_to(&target).await;
    let scene = in_front_of(&upstream).await;
    let plain = client(&scene);
    let layered = client(&scene).into_middleware().build();
    // A paid resource, first bought, then by session; and a server that asks for nothing.
    let nothing = format!("http://{}/", upstream.address);
    for url in [scene.service.report(), scene.service.report(), nothing] {
        let answer = plain.get(&url).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 307);
        let answer = layered.get(&url).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 307);
    }
    assert_eq!(elsewhere.seen(), []);
    for (_, headers) in upstream.seen() {
        assert!(!headers.contains_key("sign-in-with-x"), "{headers:?}");
        assert!(!headers.contains_key("authorization"), "{headers:?}");
    }
    assert_eq!(scene.spent().await, PRICE);

    // A server that passes on another's 402 has nothing paid.
    let stranger = scene.cluster.wallet(100_000_000, FUNDS).await;
    let refusal = reqwest::get(scene.service.report()).await.unwrap();
    let header = refusal.headers()["payment-required"].clone();
    let header = HeaderMap::from_iter([("payment-required".parse().unwrap(), header)]);
    let relay = Witness::answering(StatusCode::PAYMENT_REQUIRED, header).await;
    let journal = scene.journal.path();
    let client = scene.service.agent(&scene.cluster, &stranger, journal);
    let asked = client.get(format!("http://{}/", relay.address)).send();
    assert_eq!(asked.await.unwrap_err().code(), "challenge_unusable");
    assert_eq!(scene.cluster.balance(&stranger.pubkey()).await, FUNDS);
    let seen = relay.seen();
    assert_eq!(seen.len(), 1);
    assert!(!seen[0].1.contains_key("sign-in-with-x"));
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_is_sent_again_only_if_it_can_be() {
    let upstream = Witness::answering(StatusCode::CREATED, HeaderMap::new()).await;
    let scene = in_front_of(&upstream).await;
    let client = client(&scene);
    let report = scene.service.report();
    let stream = || {
        let chunks = [Ok::<_, std::io::Error>("one "), Ok("two")];
        Body::wrap_stream(futures::stream::iter(chunks))
    };
    // A stream cannot be repeated: nothing is paid for what could not be sent.
    let error = client.post(&report).body(stream()).send().await;
    assert_eq!(error.unwrap_err().code(), "body_not_repeatable");
    let large = vec![b' '; tollgate_agent::MAX_REPEATED_BODY + 1];
    let error = client.post(&report).body(large).send().await;
    let code = error.unwrap_err().code();
    assert!(
        ["body_not_repeatable", "server_unreachable"].contains(&code),
        "{code}"
    );
    assert_eq!(scene.spent().await, 0);
    assert_eq!(upstream.seen().len(), 0);

    // Bytes can, and the upstream sees them once.
    let order = serde_json::json!({"order": 1});
    let answer = client.post(&report).json(&order).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 201);
    assert_eq!(answer.json::<serde_json::Value>().await.unwrap(), order);
    assert_eq!(upstream.seen().len(), 1);
    // With a session once is enough.
    let answer = client.post(&report).body(stream()).send().await.unwrap();
    assert_eq!(answer.text().await.unwrap(), "one two");
    assert_eq!(scene.spent().await, PRICE);
    scene.strike().await;
}

/// What the upstream says of a request is not taken for the gate's word: the request is
/// not made again.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_of_the_upstream_is_the_answer() {
    for status in [StatusCode::UNAUTHORIZED, StatusCode::SERVICE_UNAVAILABLE] {
        let upstream = Witness::answering(status, HeaderMap::new()).await;
        let scene = in_front_of(&upstream).await;
        let client = client(&scene);
        let answer = client.post(scene.service.report()).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status.as_u16());
        assert!(matches!(HowServed::of(&answer), HowServed::Paid(_)));
        assert_eq!(upstream.seen().len(), 1);
        assert_eq!(scene.spent().await, PRICE);
        scene.strike().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn as_a_layer_it_pays_once_and_its_errors_keep_their_codes() {
    let scene = Scene::set().await;
    let broke = client(&scene).with_policy(SpendingPolicy::nothing());
    let broke = broke.into_middleware().build();
    let error = broke.get(scene.service.report()).send().await.unwrap_err();
    let Error::Middleware(error) = error else {
        panic!("{error:?}")
    };
    let error: &PayError = error.downcast_ref().unwrap();
    assert_eq!(error.code(), "mint_not_allowed");

    let layered = client(&scene).into_middleware().build();
    let ask = || layered.get(scene.service.report()).send();
    let (one, two) = tokio::join!(ask(), ask());
    let mut paid = 0;
    for answer in [one.unwrap(), two.unwrap(), ask().await.unwrap()] {
        assert_eq!(answer.status().as_u16(), 200);
        paid += u32::from(matches!(HowServed::of(&answer), HowServed::Paid(_)));
    }
    assert_eq!((paid, scene.spent().await), (1, PRICE));
    scene.strike().await;
}

#[allow(
    dead_code,
    unreachable_pub,
    reason = "the example is also a program of its own"
)]
#[path = "../../../../agent/examples/call.rs"]
mod example;

#[tokio::test(flavor = "multi_thread")]
async fn the_example_pays_for_the_first_of_two_calls() {
    let scene = Scene::set().await;
    let client = client(&scene);
    for first in [true, false] {
        let report = scene.service.report();
        let (payment, body) = example::call(&client, &report).await.unwrap();
        assert_eq!(payment.is_some(), first);
        assert!(body.contains("lemonade"), "{body}");
    }
    assert_eq!(scene.spent().await, PRICE);
    scene.strike().await;
}
