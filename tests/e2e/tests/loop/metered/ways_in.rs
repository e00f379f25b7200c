//! The same count by every way in.

use super::shop::Shop;
use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::net::TcpListener;
use tollgate_verifier::Embedded;
use tollgate_verifier::config::{ForwardAuthConfig, ForwardAuthStyle};

#[tokio::test(flavor = "multi_thread")]
async fn a_web_server_that_asks_is_charged_with_the_leave() {
    let shop = Shop::open(6).await;
    let mut config = shop.quiet_config().await;
    config.forward_auth = Some(ForwardAuthConfig::new(ForwardAuthStyle::Nginx));
    let verifier = shop.verifier(&config).await;
    let url = verifier.public_url().to_string();
    let customer = shop.customer(1).await;
    let session = customer.sign_in(&shop, &url).await;
    let ask = async |path: &str| {
        let answer = customer
            .http
            .get(format!("{url}{path}"))
            .header("x-original-uri", "/v1/call")
            .header("x-original-method", "GET")
            .bearer_auth(&session)
            .send()
            .await
            .unwrap();
        let remaining = answer.headers().get("tollgate-credits-remaining");
        let remaining = remaining.map(|left| left.to_str().unwrap().to_owned());
        (answer.status().as_u16(), remaining)
    };
    let leave = (200, Some("4".to_owned()));
    assert_eq!(ask("/v1/forward-auth").await, leave);
    // Asking why it was refused, when it is not, costs nothing.
    assert_eq!(ask("/v1/forward-auth/answer").await.0, 503);
    for left in (0..4).rev() {
        let leave = (200, Some(left.to_string()));
        assert_eq!(ask("/v1/forward-auth").await, leave);
    }
    assert_eq!(ask("/v1/forward-auth").await, (403, None));
    assert_eq!(ask("/v1/forward-auth/answer").await.0, 402);
    assert_eq!(shop.upstream.hits(), 1, "only the sign-in was forwarded");
    verifier.shutdown().await;
    assert_eq!(shop.booked(&customer).await, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_layer_counts_what_its_handlers_answer() {
    let shop = Shop::open(4).await;
    let mut config = shop.quiet_config().await;
    config.upstream = None;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    config.server.public_url = url.parse().unwrap();
    let gate = Embedded::start(config).await.unwrap();
    let app = Router::new()
        .route("/v1/call", get(async || "served"))
        .route("/v1/careful", get(async || StatusCode::NOT_FOUND))
        .layer(gate.layer());
    let server = tokio::spawn({
        let gate = gate.clone();
        async move { gate.serve(listener, app).await }
    });
    let customer = shop.customer(1).await;
    let session = customer.sign_in(&shop, &url).await;
    let careful = customer.call(&url, "/v1/careful", &session).await;
    assert_eq!((careful.status, careful.remaining), (404, Some(3)));
    for left in (0..3).rev() {
        let called = customer.call(&url, "/v1/call", &session).await;
        assert_eq!((called.status, called.remaining), (200, Some(left)));
    }
    let refused = customer.call(&url, "/v1/call", &session).await;
    assert_eq!(
        (refused.status, refused.error.as_str()),
        (402, "credits_exhausted")
    );
    gate.stop();
    server.await.unwrap();
    assert_eq!(shop.booked(&customer).await, 4);
}
