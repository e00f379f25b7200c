//! Sending and taking the time.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde::Serialize;

use super::Arguments;
use super::client::Client;
use super::cost::Meter;
use super::plan::Plan;

/// The longest latency that is told apart, in microseconds.
const LONGEST_US: u64 = 60_000_000;

/// When to measure.
#[derive(Clone, Copy)]
pub(super) struct Window {
    /// How long to send before.
    pub(super) warmup: Duration,
    /// How long then.
    pub(super) measured: Duration,
}

/// What was measured. Latencies are in microseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Figures {
    requests: u64,
    /// Answers with another status than expected: the row is worth nothing then.
    unexpected: u64,
    seconds: f64,
    per_second: f64,
    p50_us: u64,
    p99_us: u64,
    p999_us: u64,
    max_us: u64,
    /// Processor time of the server per request.
    cpu_us: f64,
    /// Account readings of the server meanwhile; `None` without a chain.
    chain_reads: Option<u64>,
}

/// What one connection saw.
struct Seen {
    latencies: Histogram<u64>,
    unexpected: u64,
    last: Instant,
}

/// Sends on all connections until the window or the plan ends.
pub(super) async fn measure(
    arguments: &Arguments,
    meter: Meter,
    plan: Plan,
    window: Window,
) -> Figures {
    let mut clients = Vec::new();
    for _ in 0..arguments.connections {
        clients.push(Client::connect(arguments.address).await);
    }
    let expect = arguments.expect;
    let begin = Instant::now() + window.warmup;
    let end = begin + window.measured;
    let tasks: Vec<_> = clients
        .into_iter()
        .map(|client| tokio::spawn(send(client, plan.clone(), expect, begin, end)))
        .collect();
    tokio::time::sleep_until(begin.into()).await;
    let before = meter.read().await;
    let mut latencies = histogram();
    let mut unexpected = 0;
    let mut last = begin;
    for task in tasks {
        let seen = task.await.expect("a connection that lasts");
        latencies.add(&seen.latencies).expect("the same bounds");
        unexpected += seen.unexpected;
        last = last.max(seen.last);
    }
    let after = meter.read().await;
    let requests = latencies.len();
    let seconds = (last - begin).as_secs_f64();
    #[allow(clippy::cast_precision_loss, reason = "far below 2^52 requests")]
    let per_second = if seconds > 0.0 {
        requests as f64 / seconds
    } else {
        0.0
    };
    #[allow(clippy::cast_precision_loss, reason = "far below 2^52 requests")]
    let cpu_us = (after.processor - before.processor) * 1e6 / requests.max(1) as f64;
    Figures {
        requests,
        unexpected,
        seconds,
        per_second,
        p50_us: latencies.value_at_quantile(0.5),
        p99_us: latencies.value_at_quantile(0.99),
        p999_us: latencies.value_at_quantile(0.999),
        max_us: latencies.max(),
        cpu_us,
        chain_reads: after
            .readings
            .map(|readings| readings - before.readings.unwrap_or(0)),
    }
}

async fn send(mut client: Client, plan: Plan, expect: u16, begin: Instant, end: Instant) -> Seen {
    let mut seen = Seen {
        latencies: histogram(),
        unexpected: 0,
        last: begin,
    };
    loop {
        let sent = Instant::now();
        if sent >= end {
            return seen;
        }
        let Some(headers) = plan.next() else {
            return seen;
        };
        let status = client.status(headers).await;
        let answered = Instant::now();
        seen.unexpected += u64::from(status.as_u16() != expect);
        if sent >= begin {
            let took = answered.duration_since(sent).as_micros();
            seen.latencies
                .saturating_record(u64::try_from(took).unwrap_or(LONGEST_US));
            seen.last = answered;
        }
    }
}

fn histogram() -> Histogram<u64> {
    Histogram::new_with_max(LONGEST_US, 3).expect("valid bounds")
}
