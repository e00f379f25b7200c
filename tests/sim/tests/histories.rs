//! Seeded runs of the whole service, judged by their histories.
//!
//! Without variables three short runs with fixed seeds. `TOLLGATE_SIM_SEED` replays one
//! seed, `TOLLGATE_SIM_STEPS` sets how many things each caller does, and
//! `TOLLGATE_SIM_SECONDS` goes on with one seed after another (`cargo xtask sim`).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::time::{Duration, Instant};

use tollgate_sim::checker::judge;
use tollgate_sim::history::{Deed, Event, History, Proof};
use tollgate_sim::run::{Settings, run};

/// Seeds of every run without variables.
const FIXED: [u64; 3] = [1, 2, 3];
/// What each caller does in a run without variables.
const STEPS: u32 = 25;

fn variable(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().expect("a number"))
}

/// What a history holds, for whoever has to believe that it shows something.
#[derive(Clone, Copy, Debug, Default)]
struct Content {
    served: usize,
    demanded: usize,
    unavailable: usize,
    limited: usize,
    payments: usize,
    faults: usize,
    samples: usize,
    revoked: usize,
    refunded: usize,
    jumps: usize,
    restarts: usize,
    reloads: usize,
    killed: usize,
}

impl Content {
    fn of(history: &History) -> Self {
        let mut content = Self::default();
        for event in &history.events {
            match event {
                Event::Exchange(exchange) if exchange.proof != Proof::None => {
                    match exchange.answer.as_ref().map(|answer| answer.status) {
                        Some(200) => content.served += 1,
                        Some(402 | 403) => content.demanded += 1,
                        Some(503) => content.unavailable += 1,
                        Some(429) => content.limited += 1,
                        _ => {}
                    }
                }
                Event::Payment { landed: true, .. } => content.payments += 1,
                Event::Rpc { works: false, .. } => content.faults += 1,
                Event::Chain(_) => content.samples += 1,
                Event::Deed { deed, .. } => match deed {
                    Deed::Revoked(_) => content.revoked += 1,
                    Deed::Refunded(_) => content.refunded += 1,
                    Deed::Jumped => content.jumps += 1,
                    Deed::Restarted(_) => content.restarts += 1,
                    Deed::Reloaded(_) => content.reloads += 1,
                    Deed::NotReloaded(_) => {}
                    Deed::AgentKilled(_) => content.killed += 1,
                },
                _ => {}
            }
        }
        content
    }

    fn add(&mut self, other: Self) {
        self.served += other.served;
        self.demanded += other.demanded;
        self.unavailable += other.unavailable;
        self.limited += other.limited;
        self.payments += other.payments;
        self.faults += other.faults;
        self.samples += other.samples;
        self.revoked += other.revoked;
        self.refunded += other.refunded;
        self.jumps += other.jumps;
        self.restarts += other.restarts;
        self.reloads += other.reloads;
        self.killed += other.killed;
    }
}

/// Prints a history for whoever has to explain it: of the chain only what changed.
fn tell(history: &History) {
    let mut before = None;
    for event in &history.events {
        match event {
            Event::Chain(state) => {
                if before.replace(&state.usable) != Some(&state.usable) {
                    println!("{event:?}");
                }
            }
            Event::Upstream { .. } => {}
            _ => println!("{event:?}"),
        }
    }
}

async fn judged(seed: u64, steps: u32) -> Content {
    println!("seed {seed}: {steps} steps");
    let history = run(Settings::new(seed, steps)).await;
    let content = Content::of(&history);
    println!("seed {seed}: {content:?}");
    let violations = judge(&history);
    for violation in &violations {
        println!("{violation}");
    }
    if !violations.is_empty() {
        tell(&history);
    }
    assert!(
        violations.is_empty(),
        "seed {seed}: {} violations; TOLLGATE_SIM_SEED={seed} tries the same again",
        violations.len()
    );
    content
}

#[tokio::test(flavor = "multi_thread")]
async fn every_history_keeps_the_invariants() {
    let steps = variable("TOLLGATE_SIM_STEPS").map_or(STEPS, |steps| u32::try_from(steps).unwrap());
    if let Some(seed) = variable("TOLLGATE_SIM_SEED") {
        judged(seed, steps).await;
        return;
    }
    let mut total = Content::default();
    if let Some(seconds) = variable("TOLLGATE_SIM_SECONDS") {
        let end = Instant::now() + Duration::from_secs(seconds);
        let first = u64::from(rand::random::<u32>());
        for seed in first.. {
            if Instant::now() >= end {
                break;
            }
            total.add(judged(seed, steps).await);
        }
        return;
    }
    for seed in FIXED {
        total.add(judged(seed, steps).await);
    }
    // Histories in which nothing happens would prove nothing.
    let happened = [
        total.served,
        total.demanded,
        total.payments,
        total.faults,
        total.samples,
        total.jumps,
        total.restarts,
        total.reloads,
        total.limited,
        total.unavailable + total.revoked + total.refunded + total.killed,
    ];
    assert!(!happened.contains(&0), "{total:?}");
}
