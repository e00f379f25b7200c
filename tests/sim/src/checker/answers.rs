//! I6: what caches may keep. I7: what waits at once.

use super::{Invariant, Violation};
use crate::history::{Event, History};

pub(super) fn check(history: &History, found: &mut Vec<Violation>) {
    for event in &history.events {
        match event {
            Event::Exchange(exchange) => {
                let Some(answer) = &exchange.answer else {
                    continue;
                };
                let says = |word: &str| {
                    let mut words = answer.cache_control.split(',');
                    words.any(|found| found.trim() == word)
                };
                let kept_apart = match answer.status {
                    200 => says("private") || says("no-store"),
                    _ => says("no-store"),
                };
                if !kept_apart {
                    found.push(Violation::new(
                        Invariant::I6,
                        format!("caches may keep {exchange:?}"),
                    ));
                }
            }
            Event::InFlight { replica, most } if *most > history.bounds.in_flight => {
                found.push(Violation::new(
                    Invariant::I7,
                    format!("replica {replica} had {most} calls of the chain waiting at once"),
                ));
            }
            _ => {}
        }
    }
}
