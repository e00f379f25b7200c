//! I1: no 200 without an entitlement. I5: no call of the upstream before a grant.

use std::collections::HashMap;

use super::timeline::Timeline;
use super::{Invariant, Violation};
use crate::history::{Event, Exchange, History, Proof};

pub(super) fn check(history: &History, timeline: &Timeline<'_>, found: &mut Vec<Violation>) {
    let exchanges: HashMap<u64, &Exchange> = history
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Exchange(exchange) => Some((exchange.request, exchange)),
            _ => None,
        })
        .collect();
    for exchange in exchanges.values() {
        served(history, timeline, exchange, found);
    }
    let mut calls: HashMap<u64, usize> = HashMap::new();
    for event in &history.events {
        let Event::Upstream {
            request,
            beneficiary,
            ..
        } = event
        else {
            continue;
        };
        *calls.entry(*request).or_default() += 1;
        let Some(exchange) = exchanges.get(request) else {
            found.push(Violation::new(
                Invariant::I5,
                format!("the upstream was called for request {request}, which nobody sent"),
            ));
            continue;
        };
        let allowed = match &exchange.answer {
            // Whether it was a rightful one, I1 says.
            Some(answer) => answer.status == 200,
            // The connection broke, so nobody knows what was decided; the chain says
            // whether it may have been a grant.
            None => may_be_granted(history, timeline, exchange),
        };
        if !allowed || *beneficiary != Some(exchange.caller) {
            found.push(Violation::new(
                Invariant::I5,
                format!("the upstream was called for {beneficiary:?} by {exchange:?}"),
            ));
        }
    }
    for (request, count) in calls.into_iter().filter(|(_, count)| *count > 1) {
        found.push(Violation::new(
            Invariant::I5,
            format!("the upstream was called {count} times for request {request}"),
        ));
    }
}

fn served(
    history: &History,
    timeline: &Timeline<'_>,
    exchange: &Exchange,
    found: &mut Vec<Violation>,
) {
    let is_served = exchange
        .answer
        .as_ref()
        .is_some_and(|answer| answer.status == 200);
    if is_served && !may_be_granted(history, timeline, exchange) {
        found.push(Violation::new(
            Invariant::I1,
            format!("served without an entitlement: {exchange:?}"),
        ));
    }
    let calls = history.events.iter().filter(
        |event| matches!(event, Event::Upstream { request, .. } if *request == exchange.request),
    );
    if is_served && calls.count() == 0 {
        found.push(Violation::new(
            Invariant::I5,
            format!("answered 200 without the upstream: {exchange:?}"),
        ));
    }
}

/// Whether the entitlement was usable at some moment that the answer may rest on.
fn may_be_granted(history: &History, timeline: &Timeline<'_>, exchange: &Exchange) -> bool {
    let oldest = match exchange.proof {
        Proof::None => return false,
        Proof::SignIn | Proof::Session => history.bounds.staleness,
    };
    timeline.maybe_usable(
        exchange.caller,
        exchange.sent.saturating_sub(oldest),
        exchange.answered,
    )
}
