//! Web servers that ask before they forward: real nginx, Caddy, Envoy and (where it is
//! installed) Traefik; and questions as they send them.

mod questions;
mod server;
mod spellings;

use serde_json::Value;
use tollgate_verifier::config::{ForwardAuthConfig, ForwardAuthStyle};
use tollgate_verifier::{RunningVerifier, Verifier};

use self::server::{Kind, Server, free_address};
use super::support::rpc::{CHAIN_TIME, Mood, ScriptedRpc};
use super::support::upstream::Upstream;
use super::support::{address, answer_challenge, config_without_upstream};

const PATH: &str = "/v1/quote/SOL";

/// A web server in front of an API, with a verifier that it asks.
struct Front {
    rpc: ScriptedRpc,
    upstream: Upstream,
    verifier: Option<RunningVerifier>,
    address: std::net::SocketAddr,
    http: reqwest::Client,
    _server: Server,
}

impl Front {
    async fn start(kind: Kind) -> Option<Self> {
        let rpc = ScriptedRpc::start().await;
        let upstream = Upstream::start().await;
        let address = free_address().await;
        let mut config = config_without_upstream(&rpc);
        config.server.public_url = format!("http://{address}").parse().unwrap();
        config.forward_auth = Some(ForwardAuthConfig::new(match kind {
            Kind::Nginx => ForwardAuthStyle::Nginx,
            Kind::Caddy => ForwardAuthStyle::Caddy,
            Kind::Envoy => ForwardAuthStyle::Envoy,
            Kind::Traefik => ForwardAuthStyle::Traefik,
        }));
        let verifier = Verifier::start(config).await.unwrap();
        let asked = verifier.local_addr();
        let server = Server::start(kind, address, asked, upstream.address()).await?;
        Some(Self {
            rpc,
            upstream,
            verifier: Some(verifier),
            address,
            http: reqwest::Client::new(),
            _server: server,
        })
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    async fn get(&self, path: &str) -> reqwest::Response {
        self.http.get(self.url(path)).send().await.unwrap()
    }

    /// Pays (on the scripted chain), signs in, and returns the answer.
    async fn sign_in(&self, name: &str) -> reqwest::Response {
        self.rpc.entitle(name, CHAIN_TIME + 3600, |_| {});
        let proof = answer_challenge(self.get(PATH).await.headers(), name);
        let request = self
            .http
            .get(self.url(PATH))
            .header("sign-in-with-x", proof);
        request.send().await.unwrap()
    }

    /// A session of somebody who has paid, from the verifier itself.
    async fn session(&self, name: &str) -> http::HeaderValue {
        self.rpc.entitle(name, CHAIN_TIME + 3600, |_| {});
        let proof = answer_challenge(self.get(PATH).await.headers(), name);
        let entrance = self.verifier.as_ref().unwrap().local_addr();
        let question = self
            .http
            .get(format!("http://{entrance}/v1/forward-auth"))
            .header("x-forwarded-method", "GET")
            .header("x-forwarded-uri", PATH)
            .header("sign-in-with-x", proof);
        let leave = question.send().await.unwrap();
        leave.headers()["tollgate-session"].clone()
    }
}

/// Traefik passes on nothing of a leave but what goes to the API.
fn passes_sessions_on(kind: Kind) -> bool {
    kind != Kind::Traefik
}

async fn fronts() -> Vec<(Kind, Front)> {
    let mut fronts = Vec::new();
    for kind in Kind::ALL {
        if let Some(front) = Front::start(kind).await {
            fronts.push((kind, front));
        }
    }
    fronts
}

#[tokio::test]
async fn strangers_get_the_whole_402() {
    for (kind, front) in fronts().await {
        let response = front.get(&format!("{PATH}?depth=2")).await;
        assert_eq!(response.status(), 402, "{kind:?}");
        let headers = response.headers().clone();
        assert!(headers.contains_key("payment-required"), "{kind:?}");
        assert_eq!(headers["cache-control"], "no-store", "{kind:?}");
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["error"], "payment_required");
        let resource = &body["accepts"][0]["resource"];
        assert_eq!(*resource, front.url(&format!("{PATH}?depth=2")), "{kind:?}");
        let post = front.http.post(front.url(PATH)).body("x".repeat(5000));
        assert_eq!(post.send().await.unwrap().status(), 402, "{kind:?}");
        let head = front.http.head(front.url(PATH)).send().await.unwrap();
        assert_eq!(head.status(), 402, "{kind:?}");
        assert!(head.headers().contains_key("payment-required"));
        let products = front.get("/v1/products").await;
        assert_eq!(products.status(), 200, "{kind:?}: own endpoints pass");
        assert_eq!(front.upstream.requests(), 0, "{kind:?}");
    }
}

#[tokio::test]
async fn whoever_paid_is_served_by_the_upstream() {
    for (kind, front) in fronts().await {
        let served = front.sign_in("agent").await;
        assert_eq!(served.status(), 200, "{kind:?}");
        let token = if passes_sessions_on(kind) {
            assert_eq!(served.headers()["cache-control"], "no-store", "{kind:?}");
            assert!(served.headers().contains_key("tollgate-session-expires"));
            served.headers()["tollgate-session"].clone()
        } else {
            assert!(!served.headers().contains_key("tollgate-session"));
            front.session("other").await
        };
        let seen: Value = served.json().await.unwrap();
        let said = &seen["headers"];
        assert_eq!(said["tollgate-beneficiary"], address("agent").to_string());
        assert!(said.get("sign-in-with-x").is_none(), "{kind:?}: {said}");

        // Only nginx can forward another path than it was sent.
        let spelt = match kind {
            Kind::Nginx => "/v1/quote/%53OL?depth=2&x=%2F",
            Kind::Caddy | Kind::Envoy | Kind::Traefik => "/v1/quote/SOL?depth=2&x=%2F",
        };
        let session = front
            .http
            .post(front.url(spelt))
            .bearer_auth(token.to_str().unwrap())
            .header("tollgate-beneficiary", "forged")
            .header("x-http-method-override", "DELETE")
            .header("payment-signature", "x")
            .body("a body")
            .send()
            .await
            .unwrap();
        assert_eq!(session.status(), 200, "{kind:?}");
        assert_eq!(session.headers()["cache-control"], "private", "{kind:?}");
        assert!(!session.headers().contains_key("tollgate-session"));
        let seen: Value = session.json().await.unwrap();
        assert_eq!(seen["path"], PATH, "{kind:?}: canonical");
        assert_eq!(seen["query"], "depth=2&x=%2F", "{kind:?}: as it was");
        assert_eq!(seen["method"], "POST");
        assert_eq!(seen["body"], "a body");
        let said = seen["headers"].as_object().unwrap();
        let payer = if passes_sessions_on(kind) {
            "agent"
        } else {
            "other"
        };
        assert_eq!(said["tollgate-beneficiary"], address(payer).to_string());
        for gone in [
            "authorization",
            "payment-signature",
            "x-http-method-override",
            "tollgate-forward-uri",
            "tollgate-session",
        ] {
            assert!(!said.contains_key(gone), "{kind:?}: {gone} came through");
        }
        let odd = "/v1/quote/a%20b%C3%A9%3Bc%25%3F";
        let kept = front.http.get(front.url(odd));
        let kept = kept.bearer_auth(token.to_str().unwrap()).send().await;
        let seen: Value = kept.unwrap().json().await.unwrap();
        assert_eq!(
            seen["path"], odd,
            "{kind:?}: escapes that mean something stay"
        );
        let public = front
            .http
            .get(front.url("/v1/quote/PUBLIC"))
            .bearer_auth(token.to_str().unwrap());
        let public = public.send().await.unwrap();
        assert_eq!(public.headers()["cache-control"], "private", "{kind:?}");
    }
}

#[tokio::test]
async fn what_is_free_passes_and_nobody_can_claim_to_have_paid() {
    for (kind, front) in fronts().await {
        let request = front
            .http
            .get(front.url("/free/a"))
            .header("tollgate-beneficiary", "forged")
            .header("tollgate-product", "forged")
            .header("authorization", "Basic dXNlcjpwYXNz");
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200, "{kind:?}");
        let seen: Value = response.json().await.unwrap();
        assert!(!seen.to_string().contains("forged"), "{kind:?}: {seen}");
        let kept = &seen["headers"]["authorization"];
        assert_eq!(kept, "Basic dXNlcjpwYXNz", "{kind:?}: not ours");
        let rules = front.get("/free/rules").await;
        let cached = &rules.headers()["cache-control"];
        let expected = match kind {
            // It cannot tell what is free from what was paid for.
            Kind::Traefik => "private",
            Kind::Nginx | Kind::Caddy | Kind::Envoy => "public, max-age=60",
        };
        assert_eq!(cached, expected, "{kind:?}: the API's own");
    }
}

#[tokio::test]
async fn refusals_arrive_as_they_are() {
    for (kind, front) in fronts().await {
        let code = async |request: reqwest::RequestBuilder| {
            let response = request.send().await.unwrap();
            let status = response.status().as_u16();
            let body: Value = response.json().await.unwrap();
            (status, body["error"].as_str().unwrap().to_owned())
        };
        let http = &front.http;
        for (request, expected) in [
            (http.get(front.url("/secret")), (404, "route_not_found")),
            (http.delete(front.url(PATH)), (405, "method_not_allowed")),
            (
                http.request(http::Method::OPTIONS, front.url(PATH)),
                (405, "method_not_allowed"),
            ),
            (
                http.request(http::Method::OPTIONS, front.url(PATH))
                    .header("origin", "https://a.test")
                    .header("access-control-request-method", "GET"),
                (405, "method_not_allowed"),
            ),
            (
                http.get(front.url(PATH)).bearer_auth("tgs1_AAAA"),
                (401, "session_malformed"),
            ),
        ] {
            let expected = (expected.0, expected.1.to_owned());
            assert_eq!(code(request).await, expected, "{kind:?}");
        }
        let proof = answer_challenge(front.get(PATH).await.headers(), "agent");
        front.rpc.set(|script| script.mood = Mood::Failing);
        let unknown = http.get(front.url(PATH)).header("sign-in-with-x", proof);
        let unknown = unknown.send().await.unwrap();
        assert_eq!(unknown.status(), 503, "{kind:?}: unknown is not unpaid");
        assert!(unknown.headers().contains_key("retry-after"), "{kind:?}");
        assert_eq!(front.upstream.requests(), 0, "{kind:?}");
    }
}

#[tokio::test]
async fn without_the_verifier_nothing_is_served() {
    for (kind, mut front) in fronts().await {
        drop(front.verifier.take());
        for path in [PATH, "/free/a"] {
            let status = front.get(path).await.status();
            assert!(status.is_server_error(), "{kind:?}: {status}");
        }
        assert_eq!(front.upstream.requests(), 0, "{kind:?}");
    }
}
