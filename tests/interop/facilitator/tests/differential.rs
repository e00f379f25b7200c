//! The published facilitator and we judge every case alike, but for the differences
//! that are deliberate; so do the published server and we what clients echo.
//!
//! `TOLLGATE_EXACT_SEED` replays one seed, and is also how to search further.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use rand::SeedableRng;
use rand::rngs::StdRng;
use std::collections::{BTreeMap, BTreeSet};
use tollgate_interop_facilitator::case::{Case, Expected, Verdict};
use tollgate_interop_facilitator::differences::{DIFFERENCES, explains};
use tollgate_interop_facilitator::stock::Stock;
use tollgate_interop_facilitator::{corpus, echoes};

/// Seed of every run without the variable.
const FIXED: u64 = 1;
/// Fewest payments that are worth the name.
const FEWEST: usize = 1_000;
/// Echoes of each kind.
const ECHOES: usize = 300;

fn seed() -> u64 {
    let seed = std::env::var("TOLLGATE_EXACT_SEED");
    seed.map_or(FIXED, |text| text.parse().expect("a number"))
}

#[test]
fn the_published_facilitator_agrees() {
    let Some(stock) = Stock::start() else {
        return;
    };
    let seed = seed();
    let cases = corpus(seed);
    assert!(cases.len() >= FEWEST);
    let answers = stock.answers(cases.iter().map(Case::question).collect());
    let mut differing: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut valid, mut wrong) = (0, Vec::new());
    for (case, answer) in cases.iter().zip(&answers) {
        let (ours, theirs) = (case.ours(), Verdict::from_answer(answer));
        valid += usize::from(matches!(ours, Verdict::Valid(_)));
        let explained = match case.expected {
            // What was made to differ must still differ.
            Expected::OursAlone(name, error) => {
                let refused = ours == Verdict::Refused(error.code(case.version).to_owned());
                (refused && matches!(theirs, Verdict::Valid(_))).then_some(name)
            }
            _ if ours == theirs => continue,
            _ => explains(case, &ours, &theirs),
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

#[test]
fn the_published_server_agrees_on_what_clients_echo() {
    let Some(stock) = Stock::start() else {
        return;
    };
    let seed = seed();
    let echoes = echoes::random(&mut StdRng::seed_from_u64(seed), ECHOES);
    let questions = echoes.iter().map(|echo| echo.question.clone()).collect();
    let mut answers = BTreeSet::new();
    for (echo, theirs) in echoes.iter().zip(stock.answers(questions)) {
        assert_eq!(echo.ours, theirs, "seed {seed}: {:#}", echo.question);
        let kind = echo.question["ask"].as_str().expect("a kind");
        let answer = theirs.get("place").unwrap_or(&theirs["valid"]);
        answers.insert(format!("{kind}: {answer}"));
    }
    println!("seed {seed}: {} echoes, {answers:?}", echoes.len());
    // Of each kind some are accepted and some are not: three offers and none, twice
    // two answers.
    assert_eq!(answers.len(), 8);
}
