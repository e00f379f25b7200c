//! The published facilitator and we judge every case alike, but for the differences
//! that are deliberate.
//!
//! `TOLLGATE_EXACT_SEED` replays one seed, and is also how to search further.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;
use tollgate_interop_facilitator::case::{Expected, Verdict};
use tollgate_interop_facilitator::differences::{DIFFERENCES, explains};
use tollgate_interop_facilitator::facilitator::Facilitator;
use tollgate_interop_facilitator::{corpus, packages};

/// Seed of every run without the variable.
const FIXED: u64 = 1;
/// Fewest cases that are worth the name.
const FEWEST: usize = 1_000;

#[test]
fn the_published_facilitator_agrees() {
    let facilitator = match packages::install().and_then(|()| Facilitator::start()) {
        Ok(facilitator) => facilitator,
        Err(missing) => {
            assert!(std::env::var_os("CI").is_none(), "{missing}");
            eprintln!("skipped: {missing}");
            return;
        }
    };
    let seed =
        std::env::var("TOLLGATE_EXACT_SEED").map_or(FIXED, |text| text.parse().expect("a number"));
    let cases = corpus(seed);
    assert!(cases.len() >= FEWEST);
    let verdicts = facilitator.verdicts(&cases);
    let mut differing: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut valid, mut wrong) = (0, Vec::new());
    for (case, theirs) in cases.iter().zip(&verdicts) {
        let ours = case.ours();
        valid += usize::from(matches!(ours, Verdict::Valid(_)));
        let explained = match case.expected {
            // What was made to differ must still differ.
            Expected::OursAlone(name, _) => matches!(theirs, Verdict::Valid(_)).then_some(name),
            _ if ours == *theirs => continue,
            _ => explains(case, &ours, theirs),
        };
        match explained {
            Some(name) => *differing.entry(name).or_default() += 1,
            None => wrong.push(format!(
                "{:?} {}: we say {ours:?}, they say {theirs:?}",
                case.version, case.name
            )),
        }
    }
    println!("seed {seed}: {} cases, {valid} valid", cases.len());
    for (name, count) in &differing {
        println!("{count:>5} {name}");
    }
    assert!(wrong.is_empty(), "seed {seed}:\n{}", wrong.join("\n"));
    for difference in DIFFERENCES {
        let name = difference.name;
        assert!(
            differing.contains_key(name),
            "no difference any more: {name}"
        );
    }
}
