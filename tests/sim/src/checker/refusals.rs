//! I2: whoever has paid is not told otherwise. I4: the unknown is not called unpaid.

use super::timeline::Timeline;
use super::{Invariant, Violation};
use crate::history::{Answer, Event, Exchange, History, Moment, Proof};

pub(super) fn check(history: &History, timeline: &Timeline<'_>, found: &mut Vec<Violation>) {
    let exchanges = || {
        history.events.iter().filter_map(|event| match event {
            Event::Exchange(exchange) => Some(exchange),
            _ => None,
        })
    };
    for exchange in exchanges() {
        let Some(answer) = &exchange.answer else {
            continue;
        };
        if denies(answer) && exchange.proof != Proof::None {
            denied(history, timeline, exchange, found);
        }
        if answer.status == 503 && !answer.retry_after {
            found.push(Violation::new(
                Invariant::I4,
                format!("503 without Retry-After: {exchange:?}"),
            ));
        }
    }
    let at = |event: &Event| match event {
        Event::Deadline { at } => Some(*at),
        _ => None,
    };
    if let Some(deadline) = history.events.iter().find_map(at) {
        healed(deadline, timeline, exchanges(), found);
    }
}

/// Whether the answer says that the caller has no access.
fn denies(answer: &Answer) -> bool {
    answer.status == 402 || (answer.status == 403 && answer.code.starts_with("entitlement"))
}

fn denied(
    history: &History,
    timeline: &Timeline<'_>,
    exchange: &Exchange,
    found: &mut Vec<Violation>,
) {
    let bounds = &history.bounds;
    let oldest = match exchange.proof {
        // Whoever signs in may just have paid: only a reading that began after the
        // request counts.
        Proof::SignIn => bounds.lag,
        Proof::Session => bounds.negative,
        Proof::None => return,
    };
    let from = exchange.sent.saturating_sub(oldest);
    if !timeline.maybe_unusable(exchange.caller, from, exchange.answered) {
        found.push(Violation::new(
            Invariant::I2,
            format!("somebody entitled was refused: {exchange:?}"),
        ));
    }
    let blind = exchange
        .replica
        .is_some_and(|replica| timeline.blind(replica, from, exchange.answered));
    if blind {
        found.push(Violation::new(
            Invariant::I4,
            format!("refused without being able to know: {exchange:?}"),
        ));
    }
}

/// After the deadline every signed-in caller is answered as the chain says.
fn healed<'a>(
    deadline: Moment,
    timeline: &Timeline<'_>,
    exchanges: impl Iterator<Item = &'a Exchange>,
    found: &mut Vec<Violation>,
) {
    for exchange in exchanges.filter(|exchange| exchange.sent >= deadline) {
        if exchange.proof == Proof::None {
            continue;
        }
        let entitled = !timeline.maybe_unusable(exchange.caller, exchange.sent, exchange.answered);
        let served = exchange
            .answer
            .as_ref()
            .is_some_and(|answer| answer.status == 200);
        if entitled && !served {
            found.push(Violation::new(
                Invariant::I2,
                format!("still not served after the world healed: {exchange:?}"),
            ));
        }
    }
}
