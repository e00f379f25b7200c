//! What callers get for their credits.

use super::shop::{Called, Shop, eventually};
use futures::future::join_all;
use tollgate_cli::pay::HowServed;

fn served(remaining: u64) -> Called {
    Called {
        status: 200,
        error: String::new(),
        remaining: Some(remaining),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_calls_as_were_bought_then_402_and_a_renewal_adds() {
    let shop = Shop::open(5).await;
    let verifier = shop.verifier(&shop.quiet_config().await).await;
    let url = verifier.public_url().to_string();
    let customer = shop.customer(1).await;
    let session = customer.sign_in(&shop, &url).await;
    for left in (0..4).rev() {
        assert_eq!(
            customer.call(&url, "/v1/call", &session).await,
            served(left)
        );
    }
    for _ in 0..3 {
        let refused = customer.call(&url, "/v1/call", &session).await;
        assert_eq!(
            (refused.status, refused.error.as_str()),
            (402, "credits_exhausted")
        );
    }
    assert_eq!(shop.upstream.hits(), 5);
    // Nothing is booked yet, and still nobody is told that there is access.
    assert_eq!(shop.booked(&customer).await, 0);
    let check = shop.check(&url, &customer).await;
    assert_eq!(check["status"], "exhausted", "{check}");
    assert_eq!(check["credits_remaining"], 0);

    // The agent understands, though the chain still shows five unused calls.
    let agent = customer.agent(&shop);
    let call = format!("{url}/v1/call");
    let renewed = agent.fetch(&call, Some(&session)).await.unwrap();
    assert_eq!(renewed.answer.status.as_u16(), 200);
    assert!(
        matches!(renewed.how, HowServed::Paid(_)),
        "{:?}",
        renewed.how
    );
    let granted = shop.entitlement(&customer).await.credits_granted;
    assert_eq!(granted.0, 10);
    for left in (0..4).rev() {
        assert_eq!(
            customer.call(&url, "/v1/call", &session).await,
            served(left)
        );
    }
    let refused = customer.call(&url, "/v1/call", &session).await;
    assert_eq!(refused.status, 402);
    assert_eq!(shop.upstream.hits(), 10);
    verifier.shutdown().await;
    assert_eq!(shop.booked(&customer).await, 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_calls_at_once_as_many_are_served_as_were_bought() {
    let shop = Shop::open(21).await;
    let verifier = shop.verifier(&shop.config().await).await;
    let url = verifier.public_url().to_string();
    let customer = shop.customer(1).await;
    let session = customer.sign_in(&shop, &url).await;
    let calls = (0..50).map(|_| customer.call(&url, "/v1/call", &session));
    let answers = join_all(calls).await;
    let count = |status| {
        answers
            .iter()
            .filter(|answer| answer.status == status)
            .count()
    };
    assert_eq!((count(200), count(402)), (20, 30), "{answers:?}");
    assert_eq!(shop.upstream.hits(), 21);
    verifier.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_on_our_side_costs_nothing_and_an_answer_costs_what_the_route_says() {
    let mut shop = Shop::open(30).await;
    let verifier = shop.verifier(&shop.quiet_config().await).await;
    let url = verifier.public_url().to_string();
    let customer = shop.customer(1).await;
    let session = customer.sign_in(&shop, &url).await;
    let mut left = 29;
    let cases = [
        // Any answer of the upstream counts, its own errors too ...
        ("/v1/call?say=500", 500, 1),
        ("/v1/call?say=404", 404, 1),
        // ... but not one that never came, or that says "pay" again.
        ("/v1/call?say=nothing", 504, 0),
        ("/v1/call?say=402", 502, 0),
        ("/v1/heavy", 200, 3),
        ("/v1/heavy?say=nothing", 504, 0),
        // Only success counts here.
        ("/v1/careful?say=404", 404, 0),
        ("/v1/careful?say=503", 503, 0),
        ("/v1/careful?say=302", 302, 1),
        ("/v1/careful", 200, 1),
        // Everything counts here.
        ("/v1/always?say=nothing", 504, 1),
    ];
    for (path, status, cost) in cases {
        left -= cost;
        let called = customer.call(&url, path, &session).await;
        assert_eq!(
            (called.status, called.remaining),
            (status, Some(left)),
            "{path}"
        );
    }
    shop.upstream.stop().await;
    for (path, cost) in [("/v1/call", 0), ("/v1/careful", 0), ("/v1/always", 1)] {
        left -= cost;
        let called = customer.call(&url, path, &session).await;
        assert_eq!(
            (called.status, called.remaining),
            (502, Some(left)),
            "{path}"
        );
    }
    let used = 30 - left;
    verifier.shutdown().await;
    assert_eq!(shop.booked(&customer).await, used);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_hangs_up_has_called() {
    let shop = Shop::open(3).await;
    let verifier = shop.verifier(&shop.quiet_config().await).await;
    let url = verifier.public_url().to_string();
    let customer = shop.customer(1).await;
    let session = customer.sign_in(&shop, &url).await;
    let hits = shop.upstream.hits();
    let call = customer.call(&url, "/v1/call?say=nothing", &session);
    tokio::select! {
        answer = call => panic!("{answer:?}"),
        () = eventually("the call reaches the upstream", async || shop.upstream.hits() > hits) => {}
    }
    // Whether the caller goes away before or after the upstream's time is up is not
    // ours to say; the first counts, the second does not.
    let last = customer.call(&url, "/v1/call", &session).await;
    assert_eq!(last.status, 200);
    assert!(last.remaining <= Some(1), "{last:?}");
    verifier.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_costs_more_than_is_left_is_not_served() {
    let shop = Shop::open(3).await;
    let verifier = shop.verifier(&shop.quiet_config().await).await;
    let url = verifier.public_url().to_string();
    let customer = shop.customer(1).await;
    let session = customer.sign_in(&shop, &url).await;
    let refused = customer.call(&url, "/v1/heavy", &session).await;
    assert_eq!(
        (refused.status, refused.error.as_str()),
        (402, "credits_exhausted")
    );
    assert_eq!(customer.call(&url, "/v1/call", &session).await, served(1));
    verifier.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_takes_back_and_a_revocation_ends() {
    let shop = Shop::open(10).await;
    let verifier = shop.verifier(&shop.quiet_config().await).await;
    let url = verifier.public_url().to_string();
    let customer = shop.customer(1).await;
    let second = shop.sell(&customer).await;
    let session = customer.sign_in(&shop, &url).await;
    for _ in 0..5 {
        customer.call(&url, "/v1/call", &session).await;
    }
    shop.refund(&customer, second).await;
    // Twenty were bought, six used, ten taken back.
    eventually("the refund is seen", async || {
        shop.check(&url, &customer).await["credits_remaining"] == 4
    })
    .await;
    let calls = (0..10).map(|_| customer.call(&url, "/v1/call", &session));
    let answers = join_all(calls).await;
    let count = |status| {
        answers
            .iter()
            .filter(|answer| answer.status == status)
            .count()
    };
    assert_eq!((count(200), count(402)), (4, 6), "{answers:?}");

    let other = shop.customer(1).await;
    let session = other.sign_in(&shop, &url).await;
    shop.revoke(&other).await;
    eventually("the revocation is seen", async || {
        let called = other.call(&url, "/v1/call?say=404", &session).await;
        called.status == 403 && called.error == "entitlement_revoked"
    })
    .await;
    verifier.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_keeps_the_count() {
    let shop = Shop::open(8).await;
    // Nobody books: all there is to know is in the file.
    let mut config = shop.quiet_config().await;
    config.credits.as_mut().unwrap().operator = None;
    let verifier = shop.verifier(&config).await;
    let url = verifier.public_url().to_string();
    let customer = shop.customer(1).await;
    let session = customer.sign_in(&shop, &url).await;
    for _ in 0..4 {
        customer.call(&url, "/v1/call", &session).await;
    }
    // The token is for an origin, port included.
    config.server.listen = verifier.local_addr();
    config.server.public_url = verifier.public_url().clone();
    verifier.shutdown().await;
    assert_eq!(shop.booked(&customer).await, 0);
    let verifier = shop.verifier(&config).await;
    for left in (0..3).rev() {
        assert_eq!(
            customer.call(&url, "/v1/call", &session).await,
            served(left)
        );
    }
    let refused = customer.call(&url, "/v1/call", &session).await;
    assert_eq!(refused.status, 402);
    assert_eq!(shop.upstream.hits(), 8);
    verifier.shutdown().await;
}
