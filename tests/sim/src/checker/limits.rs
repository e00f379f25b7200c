//! I8: who asks too often is told so where a limit is in force, and nobody else is; and
//! nobody gets more than it allows.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Invariant, Violation};
use crate::history::{CallerId, Event, Exchange, History, Limit, Moment};

/// What is in force at a replica, certainly from `since` to `until`, and perhaps from
/// `perhaps_since` to `perhaps_until`.
struct Reign {
    limit: Option<Limit>,
    perhaps_since: Moment,
    since: Moment,
    until: Moment,
    perhaps_until: Moment,
}

pub(super) fn check(history: &History, found: &mut Vec<Violation>) {
    let mut replicas: BTreeMap<usize, Vec<&Exchange>> = BTreeMap::new();
    for event in &history.events {
        if let Event::Exchange(exchange) = event
            && let Some(replica) = exchange.replica
        {
            replicas.entry(replica).or_default().push(exchange);
        }
    }
    for (replica, exchanges) in replicas {
        let reigns = reigns(history, replica);
        for exchange in &exchanges {
            refused(&reigns, exchange, found);
        }
        for reign in &reigns {
            if let Some(limit) = reign.limit {
                served(reign, limit, &exchanges, found);
            }
        }
    }
}

/// What was in force at a replica, one after the other. At the beginning nothing is.
fn reigns(history: &History, replica: usize) -> Vec<Reign> {
    let changes = history.events.iter().filter_map(|event| match event {
        Event::Limit {
            from,
            at,
            replica: which,
            limit,
        } if *which == replica => Some((*from, *at, *limit)),
        _ => None,
    });
    let mut reigns = vec![Reign {
        limit: None,
        perhaps_since: Moment::ZERO,
        since: Moment::ZERO,
        until: Moment::MAX,
        perhaps_until: Moment::MAX,
    }];
    for (from, at, limit) in changes {
        if let Some(last) = reigns.last_mut() {
            (last.until, last.perhaps_until) = (from, at);
        }
        reigns.push(Reign {
            limit,
            perhaps_since: from,
            since: at,
            until: Moment::MAX,
            perhaps_until: Moment::MAX,
        });
    }
    reigns
}

fn refused(reigns: &[Reign], exchange: &Exchange, found: &mut Vec<Violation>) {
    let Some(answer) = exchange
        .answer
        .as_ref()
        .filter(|answer| answer.status == 429)
    else {
        return;
    };
    if !answer.retry_after {
        found.push(Violation::new(
            Invariant::I8,
            format!("429 without Retry-After: {exchange:?}"),
        ));
    }
    let limited = reigns.iter().any(|reign| {
        reign.limit.is_some()
            && reign.perhaps_since <= exchange.answered
            && exchange.sent <= reign.perhaps_until
    });
    if !limited {
        found.push(Violation::new(
            Invariant::I8,
            format!("429 where no limit is in force: {exchange:?}"),
        ));
    }
}

/// No span within a reign has more answers for one caller than a bucket that was full
/// at its beginning lets through, and one more: of two requests that come first at the
/// same time each may find its own bucket.
fn served(reign: &Reign, limit: Limit, exchanges: &[&Exchange], found: &mut Vec<Violation>) {
    let mut callers: BTreeMap<CallerId, Vec<&Exchange>> = BTreeMap::new();
    for exchange in exchanges {
        let is_served = exchange
            .answer
            .as_ref()
            .is_some_and(|answer| answer.status == 200);
        if is_served && exchange.sent >= reign.since && exchange.answered <= reign.until {
            callers.entry(exchange.caller).or_default().push(exchange);
        }
    }
    let interval = Duration::from_secs(60) / limit.per_minute;
    for (caller, mut served) in callers {
        served.sort_by_key(|exchange| exchange.answered);
        for first in &served {
            let within = served.iter().filter(|other| other.sent >= first.sent);
            for (count, last) in within.enumerate() {
                let span = last.answered.saturating_sub(first.sent);
                let tokens = span.as_nanos() / interval.as_nanos() + u128::from(limit.burst);
                if count as u128 > tokens {
                    found.push(Violation::new(
                        Invariant::I8,
                        format!(
                            "caller {caller} was served {} times in {span:?} under {limit:?}",
                            count + 1
                        ),
                    ));
                    return;
                }
            }
        }
    }
}
