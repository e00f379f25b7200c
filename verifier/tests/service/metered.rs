//! Calls that are counted, where the store of their credits is in the way.

use tollgate_client::Credits;
use tollgate_verifier::config::{
    CreditStoreConfig, CreditsConfig, RateLimit, RedisConfig, RedisUrl,
};

use super::redis_server::RedisServer;
use super::support::Stage;
use super::support::rpc::CHAIN_TIME;

const PATH: &str = "/v1/quote/SOL";

/// Asking too often is found out before the store is asked: it costs the store
/// nothing, and its failure changes nothing about it.
#[tokio::test]
async fn who_asks_too_often_costs_the_store_nothing() {
    let Some(mut redis) = RedisServer::start() else {
        return;
    };
    let server = RedisConfig::new(RedisUrl::parse(&redis.url()).unwrap());
    let stage = Stage::with(|config| {
        config.credits = Some(CreditsConfig::new(CreditStoreConfig::Shared(server)));
        config.limits.payer = RateLimit {
            requests_per_minute: 1,
            burst: 2,
        };
    })
    .await;
    stage
        .rpc
        .entitle("agent", CHAIN_TIME + 3600, |entitlement| {
            entitlement.metered = true;
            entitlement.credits_granted = Credits(100);
        });
    let proof = stage.sign_in(PATH, "agent").await;
    let request = stage.http.get(stage.url(PATH));
    let served = request
        .header("sign-in-with-x", proof)
        .send()
        .await
        .unwrap();
    assert_eq!(served.status(), 200);
    assert_eq!(served.headers()["tollgate-credits-remaining"], "99");
    let token = served.headers()["tollgate-session"].to_str().unwrap();
    redis.kill();
    let call = async || {
        let request = stage.http.get(stage.url(PATH)).bearer_auth(token);
        request.send().await.unwrap()
    };
    assert_eq!(call().await.status(), 503);
    let refused = async || {
        let refused = call().await;
        assert_eq!(refused.status(), 429);
        assert!(refused.headers().contains_key("retry-after"));
    };
    refused().await;
    redis.start_again();
    refused().await;
}
