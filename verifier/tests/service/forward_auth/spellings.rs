//! Whatever a path is spelt like: nobody who has not paid reaches the upstream, and
//! whoever has reaches it by the path that was decided on.

use std::time::Duration;

use serde_json::Value;
use tollgate_gate::CanonicalPath;

use super::server::Kind;
use super::{PATH, fronts, passes_sessions_on};
use crate::support::raw;
use crate::support::spelling::{Spellings, seed};

#[tokio::test]
async fn no_spelling_gets_past_the_question() {
    let seed = seed("TOLLGATE_SPELLING_SEED");
    for (kind, front) in fronts().await {
        let token = if passes_sessions_on(kind) {
            front.sign_in("agent").await.headers()["tollgate-session"].clone()
        } else {
            front.session("agent").await
        };
        let token = token.to_str().unwrap();
        let before = front.upstream.requests();
        let mut spellings = Spellings::new(seed);
        for _ in 0..150 {
            let path = spellings.of(PATH);
            let request = |headers: &str| {
                let host = front.address;
                format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{headers}Connection: close\r\n\r\n")
            };
            let wait = Duration::from_secs(10);
            let unpaid = raw(front.address, request("").as_bytes(), wait).await;
            let label = format!("{kind:?}, seed {seed}, {path:?}: {}", unpaid.text);
            assert!(unpaid.closed && unpaid.status() >= 400, "{label}");
            assert_eq!(front.upstream.requests(), before, "{label}");
        }
        let mut reached = 0;
        let mut spellings = Spellings::new(seed);
        for _ in 0..150 {
            let path = spellings.of(PATH);
            let request = format!(
                "GET {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\n\
                 Connection: close\r\n\r\n",
                front.address
            );
            let paid = raw(front.address, request.as_bytes(), Duration::from_secs(10)).await;
            let label = format!("{kind:?}, seed {seed}, {path:?}: {}", paid.text);
            if paid.status() != 200 {
                assert!(paid.status() >= 400, "{label}");
                continue;
            }
            reached += 1;
            let body = paid.text.split("\r\n\r\n").nth(1).unwrap();
            let begin = body.find('{').unwrap();
            let end = body.rfind('}').unwrap();
            let seen: Value = serde_json::from_str(&body[begin..=end]).unwrap();
            // Traefik writes paths anew before it asks.
            let asked = match kind {
                Kind::Traefik => seen["path"].as_str().unwrap(),
                Kind::Nginx | Kind::Caddy | Kind::Envoy => path.as_str(),
            };
            let canonical = CanonicalPath::parse(asked).expect(&label);
            assert_eq!(seen["path"], canonical.as_str(), "{label}");
        }
        assert!(reached > 5, "{kind:?}: the paid spellings are exercised");
    }
}
