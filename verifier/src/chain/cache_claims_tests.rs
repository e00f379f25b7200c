//! Claims of payment, and grants that take a second opinion.

use super::*;

/// A claim of payment, granting or not: nothing older than the slot that is named.
#[tokio::test(start_paused = true)]
async fn what_is_read_at_least_as_of_a_slot_is_never_older() {
    let (script, cache) = cache(4);
    script.say(said(10, 1000, Some(1100)));
    let at_least = async |slot| {
        let Key {
            product,
            beneficiary,
        } = key();
        cache.read_at_least(product, beneficiary, slot).await
    };
    assert_eq!(at_least(10).await.unwrap().reading.slot, 10);
    // What is remembered is of that slot.
    assert_eq!(at_least(10).await.unwrap().reading.slot, 10);
    assert_eq!(script.calls(), 1);
    // It grants, but the payment of slot 12 is not in it.
    assert_eq!(at_least(12).await.unwrap_err(), ReadFailure::Lagging);
    script.say(said(12, 1000, Some(9000)));
    let observed = at_least(12).await.unwrap();
    assert_eq!((observed.reading.slot, observed.remembered), (12, false));
    assert_eq!(
        observed.reading.entitlement.unwrap().expires_at,
        UnixSeconds(9000)
    );
    // Nobody can have seen a slot that far ahead: nobody is asked.
    let calls = script.calls();
    let absurd = at_least(12 + MOST_SLOTS_AHEAD + 1).await;
    assert_eq!(absurd.unwrap_err(), ReadFailure::Lagging);
    assert_eq!(script.calls(), calls);
    // What memory has is no answer while nothing can be read.
    script.fail();
    assert!(at_least(13).await.is_err());
    assert!(grants(&cache, Freshness::Proven).await);
}

/// A slot that no server has reached must not keep others waiting.
#[tokio::test(start_paused = true)]
async fn whoever_names_a_slot_does_not_travel_with_others() {
    let (script, cache) = cache(4);
    script.say(said(10, 1000, None));
    let questions = (0..6).map(|number| {
        let cache = cache.clone();
        let freshness = match number % 2 {
            0 => Freshness::Proven,
            _ => Freshness::Claimed(11),
        };
        async move { cache.get(key_of(number), freshness).await }
    });
    let answers = futures::future::join_all(questions).await;
    for (number, answer) in answers.into_iter().enumerate() {
        assert_eq!(answer.is_ok(), number % 2 == 0, "{number}: {answer:?}");
    }
    assert_eq!(script.calls(), 2, "one call for each kind");
    assert_eq!(script.keys.load(Ordering::SeqCst), 6);
}

/// A grant of a dear product is served when two providers have said so: one read and one
/// opinion for all who ask at once, none for who asks later.
#[tokio::test(start_paused = true)]
async fn a_large_grant_takes_a_second_opinion_once() {
    let (script, cache) = cache_with(4, Duration::from_secs(60));
    cache
        .dear()
        .learn(Some(Amount(99)), [(key().product, Amount(100))]);
    script.say(said(10, 1000, Some(9000)));
    for failure in [ReadFailure::Unconfirmed, ReadFailure::Contradicted] {
        *script.second.lock().unwrap() = Some(failure);
        let answer = cache.get(key(), Freshness::Remembered).await;
        assert_eq!(answer.unwrap_err(), failure);
        assert_eq!(cache.remembered(&key(), Freshness::Remembered), None);
    }
    // An outage of all servers is no opinion.
    script.fail();
    let answer = cache.get(key(), Freshness::Remembered).await;
    assert!(matches!(answer, Err(ReadFailure::Chain(_))), "{answer:?}");
    script.say(said(10, 1000, Some(9000)));
    *script.second.lock().unwrap() = None;
    let asked = script.seconds.load(Ordering::SeqCst);
    let all = futures::future::join_all((0..50).map(|_| cache.get(key(), Freshness::Remembered)));
    assert!(all.await.iter().all(Result::is_ok));
    assert!(grants(&cache, Freshness::Proven).await);
    pass(STALENESS * 2).await;
    assert!(grants(&cache, Freshness::Remembered).await, "read again");
    assert_eq!(script.seconds.load(Ordering::SeqCst), asked + 1);
    // Nobody has to confirm that there is nothing.
    script.say(said(20, 1010, None));
    assert!(!grants(&cache, Freshness::Reread(20)).await);
    assert_eq!(script.seconds.load(Ordering::SeqCst), asked + 1);
}
