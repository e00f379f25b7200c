//! I3: a payer who follows the protocol pays once for one payment id.

use std::collections::BTreeMap;

use super::{Invariant, Violation};
use crate::history::{CallerId, Event, History};

pub(super) fn check(history: &History, found: &mut Vec<Violation>) {
    let mut landed: BTreeMap<(CallerId, &str), Vec<&str>> = BTreeMap::new();
    for event in &history.events {
        if let Event::Payment {
            caller,
            payment_id,
            signature,
            landed: true,
        } = event
        {
            landed
                .entry((*caller, payment_id))
                .or_default()
                .push(signature);
        }
    }
    for ((caller, payment_id), signatures) in &landed {
        if signatures.len() > 1 {
            found.push(Violation::new(
                Invariant::I3,
                format!("caller {caller} paid {payment_id} by {signatures:?}"),
            ));
        }
    }
    for event in &history.events {
        let Event::Spent { caller, amount } = event else {
            continue;
        };
        let purchases = landed.keys().filter(|(payer, _)| payer == caller).count();
        let purchases = u64::try_from(purchases).unwrap_or(u64::MAX);
        if *amount != purchases.saturating_mul(history.bounds.price) {
            found.push(Violation::new(
                Invariant::I3,
                format!("caller {caller} spent {amount} on {purchases} purchases"),
            ));
        }
    }
}
