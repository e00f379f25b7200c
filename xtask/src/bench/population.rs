//! How long a verifier takes to learn all entitlements, what it needs to remember them,
//! and what a request costs among so many.
//!
//! It starts with nothing and learns them as in service: a feed that reports slots, then
//! one search (`getProgramAccounts`), each account checked against its address. The
//! chain is scripted; its accounts are made while they are sent, after an entitlement
//! that was recorded from a local chain.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::Bench;
use super::figures::{Figures, Results};
use super::processes::Server;
use super::setting::{Load, Setting};
use crate::error::Error;

/// How many entitlements there are on the chain, without the recorded one.
pub const SIZES: [u64; 4] = [1_000, 10_000, 100_000, 1_000_000];
/// Room for the most of them. Keys do not spread evenly over the memory's parts.
const CAPACITY: u64 = 1_100_000;
/// The longest that learning may take; the goal is far below.
const PATIENCE: Duration = Duration::from_secs(300);
/// How often it is asked how far it has come.
const PAUSE: Duration = Duration::from_millis(50);
/// How many different callers ask, from the whole range.
const CALLERS: u64 = 10_000;
/// The gauge of the verifier's metrics.
const REMEMBERED: &str = "tollgate_cache_entitlements";

/// What was measured with one number of entitlements.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
pub struct Population {
    /// Entitlements on the chain.
    pub entitlements: u64,
    /// From the start of the process until all were known.
    pub ready_seconds: f64,
    /// Processor time that it took: what is left of it on a machine with other work.
    pub ready_cpu_seconds: f64,
    /// Memory that it then held, in millions of bytes.
    pub resident_mb: f64,
    /// The most that it held by then.
    pub peak_mb: f64,
    /// Medians over the rounds; see [`Figures`].
    pub cpu_us: f64,
    /// Requests per second.
    pub per_second: f64,
    /// Latency.
    pub p50_us: f64,
    /// Answers with another status than expected, and readings of single accounts: what
    /// is known need not be read.
    pub unexpected: u64,
    /// See `unexpected`.
    pub chain_reads: u64,
}

/// Measures one size.
///
/// # Errors
/// When a process fails, or does not learn everything.
pub fn measure(setting: &Setting<'_>, size: u64, bench: &Bench) -> Result<Population, Error> {
    let chain = setting.chain_of(size)?;
    let started = Instant::now();
    let server = setting.warming(&chain, chain.feed()?, CAPACITY)?;
    let admin = server.admin()?;
    while remembered(admin)? <= size {
        if started.elapsed() > PATIENCE {
            return Err(Error::Tests {
                detail: format!("{size} entitlements were not learnt within {PATIENCE:?}"),
            });
        }
        std::thread::sleep(PAUSE);
    }
    let ready_seconds = started.elapsed().as_secs_f64();
    let ready_cpu_seconds = processor(&server)?;
    let (resident_mb, peak_mb) = memory(&server)?;
    let callers = CALLERS.min(size);
    let load = Load {
        caller: "distinct",
        expect: 200,
        distinct: callers,
        first: 0,
        stride: size / callers.max(1),
        again: true,
    };
    const ROW: &str = "population";
    let mut results = Results::default();
    for round in 1..=bench.rounds {
        eprintln!(
            "round {round} of {}: among {size} entitlements",
            bench.rounds
        );
        results.add(ROW, setting.load(&server, Some(&chain), &load, bench)?);
    }
    let median = |figure: fn(&Figures) -> f64| results.median(ROW, figure).unwrap_or_default();
    Ok(Population {
        entitlements: size,
        ready_seconds,
        ready_cpu_seconds,
        resident_mb,
        peak_mb,
        cpu_us: median(|figures| figures.cpu_us),
        per_second: median(|figures| figures.per_second),
        p50_us: median(|figures| super::report::as_f64(figures.p50_us)),
        unexpected: results.sum(ROW, |figures| figures.unexpected),
        chain_reads: results.sum(ROW, |figures| figures.chain_reads.unwrap_or(0)),
    })
}

/// How many entitlements the verifier remembers.
fn remembered(admin: SocketAddr) -> Result<u64, Error> {
    let malformed = |detail: &str| Error::malformed("the verifier's metrics", detail);
    let io = |error: std::io::Error| Error::malformed("the verifier's metrics", error);
    let mut stream = TcpStream::connect(admin).map_err(io)?;
    write!(
        stream,
        "GET /metrics HTTP/1.1\r\nHost: {admin}\r\nConnection: close\r\n\r\n"
    )
    .map_err(io)?;
    let mut page = String::new();
    stream.read_to_string(&mut page).map_err(io)?;
    // OpenMetrics writes gauges with a fraction, which a count does not have.
    page.lines()
        .find_map(|line| {
            let value = line.strip_prefix(REMEMBERED)?.trim();
            value.strip_suffix(".0").unwrap_or(value).parse().ok()
        })
        .ok_or_else(|| malformed("the gauge of entitlements is missing"))
}

/// The processor time that a server has used, in seconds: the 14th and 15th field of
/// its line, in hundredths (proc(5)); they are counted behind the name in parentheses.
fn processor(server: &Server) -> Result<f64, Error> {
    let file = format!("/proc/{}/stat", server.id());
    let stat = fs::read_to_string(&file).map_err(Error::file("read", &file))?;
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let hundredths: Option<u32> = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(|field| field.parse::<u32>().ok())
        .sum();
    hundredths
        .map(|hundredths| f64::from(hundredths) / 100.0)
        .ok_or_else(|| Error::malformed(&file, "no processor time"))
}

/// What a server's process holds and held at most, in millions of bytes (proc(5)).
fn memory(server: &Server) -> Result<(f64, f64), Error> {
    let file = format!("/proc/{}/status", server.id());
    let status = fs::read_to_string(&file).map_err(Error::file("read", &file))?;
    let megabytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kibibytes: Option<u32> =
            line.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
        kibibytes
            .map(|kibibytes| f64::from(kibibytes) * 1024.0 / 1e6)
            .ok_or_else(|| Error::malformed(&file, name))
    };
    Ok((megabytes("VmRSS:")?, megabytes("VmHWM:")?))
}
