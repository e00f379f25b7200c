//! How much memory and time a million entitlements take, and what a lookup costs among
//! a thousand and among all of them.
//!
//!     cargo run --release -p tollgate-verifier --features bench --example million -- 1000000
//!
//! The snapshot is made while it is loaded, in pieces; the time of making it is not
//! counted. Prints one JSON object.

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use tollgate_verifier::bench_support::{BenchCache, SyntheticSnapshot, resident_kilobytes};

/// Accounts in one piece: about as many as a TCP connection delivers at once.
const PIECE: u64 = 256;
/// Lookups that are timed.
const LOOKUPS: u64 = 200_000;
/// Longer than any run.
const STALENESS: Duration = Duration::from_secs(24 * 3600);

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let wanted = std::env::args().nth(1);
    let total: u64 = wanted
        .and_then(|text| text.parse().ok())
        .unwrap_or(1_000_000);
    let (before, _) = resident_kilobytes();
    let Some((few, _)) = loaded(total.min(1_000)) else {
        return ExitCode::FAILURE;
    };
    let among_few = lookup_nanoseconds(&few, total.min(1_000)).await;
    drop(few);
    let Some((cache, loading)) = loaded(total) else {
        return ExitCode::FAILURE;
    };
    let (after, peak) = resident_kilobytes();
    let among_all = lookup_nanoseconds(&cache, total).await;
    println!(
        "{{\"entitlements\":{},\"load_seconds\":{:.2},\"resident_before_kb\":{before},\
         \"resident_kb\":{after},\"peak_kb\":{peak},\"lookup_ns_among_1000\":{among_few},\
         \"lookup_ns_among_all\":{among_all}}}",
        cache.len(),
        loading.as_secs_f64(),
    );
    ExitCode::SUCCESS
}

/// A cache with `total` entitlements, and how long it took to take them in.
fn loaded(total: u64) -> Option<(BenchCache, Duration)> {
    let capacity = usize::try_from(total).ok()?;
    let cache = BenchCache::new(capacity + capacity / 16 + 16, STALENESS);
    let mut snapshot = SyntheticSnapshot::new(total);
    let mut loader = cache.loader(&snapshot);
    let mut loading = Duration::ZERO;
    while let Some(piece) = snapshot.piece(PIECE) {
        let started = Instant::now();
        if let Err(code) = loader.feed(&piece) {
            eprintln!("the snapshot was refused: {code}");
            return None;
        }
        loading += started.elapsed();
    }
    Some((cache, loading))
}

/// The mean time of one lookup, keys in no order that a processor could foresee.
async fn lookup_nanoseconds(cache: &BenchCache, total: u64) -> u128 {
    let mut number: u64 = 1;
    let mut missed = 0;
    let started = Instant::now();
    for _ in 0..LOOKUPS {
        // Knuth's multiplier: any order will do that is the same in every run.
        number = number
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let access = cache.has_access((number >> 20) % total.max(1)).await;
        missed += u32::from(black_box(access) != Some(true));
    }
    let mean = started.elapsed().as_nanos() / u128::from(LOOKUPS);
    if missed > 0 {
        eprintln!("{missed} lookups were not answered from memory");
    }
    mean
}
