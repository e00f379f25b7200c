//! One resource, one decision: whatever spelling of a path a real upstream would
//! serve a paid resource under, nobody gets it unpaid, by no way in; and the path
//! that was decided on is the path that arrives.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, Request};
use axum::middleware::{Next, from_fn};
use axum::routing::any;
use tokio::net::TcpListener;
use tollgate_gate::CanonicalPath;
use tollgate_verifier::Embedded;

use super::support::rpc::{CHAIN_TIME, ScriptedRpc};
use super::support::spelling::{Spellings, seed};
use super::support::{Stage, answer_challenge, config_without_upstream, raw};

const PATH: &str = "/v1/quote/SOL";
const TRIES: usize = 400;

/// What an API saw.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<String>>>);

impl Seen {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    /// An axum API with the paid resource, and a fallback that takes everything.
    fn api(&self) -> Router {
        let seen = self.clone();
        Router::new()
            .route("/v1/quote/{symbol}", any(async |_: Path<String>| "paid"))
            .fallback(async || "fallback")
            .layer(from_fn(move |request: Request, next: Next| {
                let target = request.uri().to_string();
                seen.0.lock().unwrap().push(target);
                next.run(request)
            }))
    }
}

async fn listen() -> (TcpListener, std::net::SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Tries spellings at `front` with and without a session.
async fn try_spellings(front: std::net::SocketAddr, seen: &Seen, token: &str) {
    let seed = seed("TOLLGATE_SPELLING_SEED");
    let mut spellings = Spellings::new(seed);
    let mut served = 0;
    for _ in 0..TRIES {
        let path = spellings.of(PATH);
        let method = ["GET", "HEAD", "POST"][path.len() % 3];
        let request = |headers: &str| {
            format!(
                "{method} {path}?q=%2e HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\
                 X-HTTP-Method-Override: DELETE\r\n{headers}Connection: close\r\n\r\n"
            )
        };
        let wait = Duration::from_secs(10);
        let unpaid = raw(front, request("").as_bytes(), wait).await;
        let label = format!("seed {seed}, {method} {path:?}");
        assert!(unpaid.status() >= 400, "{label}: {}", unpaid.text);
        assert_eq!(seen.take(), Vec::<String>::new(), "{label}");

        let paid = request(&format!("Authorization: Bearer {token}\r\n"));
        let paid = raw(front, paid.as_bytes(), wait).await;
        let arrived = seen.take();
        // The same decision as for the canonical spelling: what has none, or another
        // one, gets nothing for money either.
        let canonical = CanonicalPath::parse(&path);
        let is_paid_resource = matches!(
            canonical.as_ref().map(CanonicalPath::segments),
            Ok([v1, quote, _]) if v1 == "v1" && quote == "quote"
        );
        if is_paid_resource {
            served += 1;
            assert_eq!(unpaid.status(), 402, "{label}: {}", unpaid.text);
            assert_eq!(paid.status(), 200, "{label}: {}", paid.text);
            let canonical = canonical.unwrap();
            assert_eq!(arrived, [format!("{canonical}?q=%2e")], "{label}");
        } else {
            assert_eq!(paid.status(), unpaid.status(), "{label}: {}", paid.text);
            assert_eq!(arrived, Vec::<String>::new(), "{label}");
        }
    }
    assert!(served > TRIES / 10, "only {served} spellings were served");
}

/// Signs in at `front` and returns the session token.
async fn session(front: std::net::SocketAddr, rpc: &ScriptedRpc) -> String {
    rpc.entitle("agent", CHAIN_TIME + 3600, |_| {});
    let url = format!("http://{front}{PATH}");
    let challenge = reqwest::get(&url).await.unwrap();
    let proof = answer_challenge(challenge.headers(), "agent");
    let client = reqwest::Client::new();
    let served = client.get(&url).header("sign-in-with-x", proof);
    let served = served.send().await.unwrap();
    served.headers()["tollgate-session"]
        .to_str()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn through_the_reverse_proxy() {
    let seen = Seen::default();
    let (listener, upstream) = listen().await;
    let api = seen.api();
    let server = tokio::spawn(async move { axum::serve(listener, api).await });
    let url = format!("http://{upstream}").parse().unwrap();
    let stage = Stage::with(|config| config.upstream.as_mut().unwrap().url = url).await;
    let token = session(stage.address(), &stage.rpc).await;
    seen.take();
    try_spellings(stage.address(), &seen, &token).await;
    server.abort();
}

/// Around the whole router, so that it routes by the canonical path, and inside of
/// it, where axum has routed by the spelling already.
#[tokio::test]
async fn through_the_layer() {
    for around in [true, false] {
        let rpc = ScriptedRpc::start().await;
        let (listener, front) = listen().await;
        let mut config = config_without_upstream(&rpc);
        config.server.public_url = format!("http://{front}").parse().unwrap();
        let gate = Embedded::start(config).await.unwrap();
        let seen = Seen::default();
        let app = if around {
            let gated = tower::Layer::layer(&gate.layer(), seen.api());
            Router::new().fallback_service(gated)
        } else {
            seen.api().layer(gate.layer())
        };
        let server = {
            let gate = gate.clone();
            tokio::spawn(async move { gate.serve(listener, app).await })
        };
        let token = session(front, &rpc).await;
        seen.take();
        try_spellings(front, &seen, &token).await;
        server.abort();
    }
}
