//! What callers get for their credits.

use super::sale::Sale;
use super::shop::{Called, eventually};
use tollgate_agent::HowServed;

#[tokio::test(flavor = "multi_thread")]
async fn as_many_calls_as_were_bought_then_402_and_a_renewal_adds() {
    let sale = Sale::of(5).await;
    sale.spend(4).await;
    for _ in 0..2 {
        sale.is_exhausted().await;
    }
    let Sale {
        shop,
        customer,
        url,
        session,
        ..
    } = &sale;
    assert_eq!(shop.upstream.hits(), 5);
    // Nothing is booked yet, and still nobody is told that there is access.
    assert_eq!(shop.booked(customer).await, 0);
    let check = shop.check(url, customer).await;
    assert_eq!(check["status"], "exhausted", "{check}");
    assert_eq!(check["credits_remaining"], 0);

    // The agent understands, though the chain still shows five unused calls.
    let agent = customer.agent(shop);
    let call = format!("{url}/v1/call");
    let renewed = agent.fetch(&call, Some(session)).await.unwrap();
    assert_eq!(renewed.answer.status.as_u16(), 200);
    assert!(
        matches!(renewed.how, HowServed::Paid(_)),
        "{:?}",
        renewed.how
    );
    let granted = shop.entitlement(customer).await.credits_granted;
    assert_eq!(granted.0, 10);
    sale.spend(4).await;
    assert_eq!(shop.upstream.hits(), 10);
    assert_eq!(sale.booked_at_the_end().await, 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_calls_at_once_as_many_are_served_as_were_bought() {
    let sale = Sale::of(21).await;
    assert_eq!(sale.crowd(50).await, (20, 30));
    assert_eq!(sale.shop.upstream.hits(), 21);
    assert_eq!(sale.booked_at_the_end().await, 21);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_on_our_side_costs_nothing_and_an_answer_costs_what_the_route_says() {
    let mut sale = Sale::of(30).await;
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
        let called = sale.call(path).await;
        let found = (called.status, called.remaining);
        assert_eq!(found, (status, Some(left)), "{path}");
    }
    sale.shop.upstream.stop().await;
    for (path, cost) in [("/v1/call", 0), ("/v1/careful", 0), ("/v1/always", 1)] {
        left -= cost;
        let called = sale.call(path).await;
        let found = (called.status, called.remaining);
        assert_eq!(found, (502, Some(left)), "{path}");
    }
    assert_eq!(sale.booked_at_the_end().await, 30 - left);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_hangs_up_has_called() {
    let sale = Sale::of(3).await;
    let upstream = &sale.shop.upstream;
    let hits = upstream.hits();
    tokio::select! {
        answer = sale.call("/v1/call?say=nothing") => panic!("{answer:?}"),
        () = eventually("the call reaches the upstream", async || upstream.hits() > hits) => {}
    }
    // Whether the caller goes away before or after the upstream's time is up is not
    // ours to say; the first counts, the second does not.
    let last = sale.call("/v1/call").await;
    assert_eq!(last.status, 200);
    assert!(last.remaining <= Some(1), "{last:?}");
    sale.verifier.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_costs_more_than_is_left_is_not_served() {
    let sale = Sale::of(3).await;
    let refused = sale.call("/v1/heavy").await;
    assert_eq!(
        (refused.status, refused.error.as_str()),
        (402, "credits_exhausted")
    );
    assert_eq!(sale.call("/v1/call").await, Called::served(1));
    assert_eq!(sale.booked_at_the_end().await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_takes_back_and_a_revocation_ends() {
    let sale = Sale::of(10).await;
    let (shop, customer, url) = (&sale.shop, &sale.customer, &sale.url);
    let second = shop.sell(customer).await;
    for _ in 0..5 {
        sale.call("/v1/call").await;
    }
    shop.refund(customer, second).await;
    // Twenty were bought, six used, ten taken back.
    eventually("the refund is seen", async || {
        shop.check(url, customer).await["credits_remaining"] == 4
    })
    .await;
    assert_eq!(sale.crowd(10).await, (4, 6));

    let other = shop.customer(1).await;
    let session = other.sign_in(shop, url).await;
    shop.revoke(&other).await;
    eventually("the revocation is seen", async || {
        let called = other.call(url, "/v1/call?say=404", &session).await;
        called.status == 403 && called.error == "entitlement_revoked"
    })
    .await;
    sale.verifier.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_keeps_the_count() {
    // Nobody books: all there is to know is in the file.
    let mut sale = Sale::with(8, |config| config.credits.as_mut().unwrap().operator = None).await;
    for _ in 0..4 {
        sale.call("/v1/call").await;
    }
    let mut config = sale.shop.quiet_config().await;
    config.credits.as_mut().unwrap().operator = None;
    // The token is for an origin, port included.
    config.server.listen = sale.verifier.local_addr();
    config.server.public_url = sale.verifier.public_url().clone();
    sale.verifier.shutdown().await;
    assert_eq!(sale.shop.booked(&sale.customer).await, 0);
    sale.verifier = sale.shop.verifier(&config).await;
    sale.spend(3).await;
    assert_eq!(sale.shop.upstream.hits(), 8);
    sale.verifier.shutdown().await;
}
