//! Configuration text: read or refused, with problems that lead to a line.

use super::{Tally, search};
use crate::bytes::mutate;
use rand::Rng;
use rand::rngs::StdRng;
use std::path::Path;
use tollgate_verifier::Config;

/// The commented example, which is valid.
const EXAMPLE: &str = include_str!("../../../../verifier/examples/tollgate.toml");

/// What a line may be replaced with.
const LINES: [&str; 12] = [
    "[server]",
    "[[routes]]",
    "[chain]",
    "listen = 1",
    "path = \"/v1/{a}/{a}\"",
    "path = \"/\"",
    "methods = [\"GET\", \"GET\", \"CONNECT\"]",
    "max_staleness_ms = -9223372036854775808",
    "cache_capacity = 9223372036854775807",
    "public_url = \"http://[::1]:99999/\"",
    "key_env = \"\\u0000\"",
    "x = [[[[[[[[",
];

/// Tries `inputs` texts.
///
/// # Panics
/// When a problem leads nowhere; with the text and the seed.
pub fn run(seed: u64, inputs: u64) -> Tally {
    let secret = |_: &str| Some("5e".repeat(32));
    search(seed, inputs, text, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        match Config::parse(&text, "fuzz.toml", Path::new("/nonexistent"), &secret) {
            Ok(_) => Ok(true),
            Err(error) if error.problems.is_empty() => Err("refused for nothing".to_owned()),
            Err(error) => {
                let lines = text.split('\n').count();
                let lost = error
                    .problems
                    .iter()
                    .find(|problem| problem.line.is_some_and(|line| line == 0 || line > lines));
                match lost {
                    Some(problem) => Err(format!("{problem:?} leads nowhere")),
                    None => Ok(false),
                }
            }
        }
    })
}

fn text(random: &mut StdRng) -> Vec<u8> {
    let example = EXAMPLE.replace("key_file", "key_env");
    let mut lines: Vec<&str> = example.lines().collect();
    for _ in 0..random.random_range(0..3) {
        let at = random.random_range(0..lines.len());
        match random.random_range(0..4) {
            // What is commented out shows a default, so that it is valid as well.
            0 => lines[at] = lines[at].trim_start_matches("# "),
            1 => drop(lines.remove(at)),
            2 => lines.insert(at, lines[random.random_range(0..lines.len())]),
            _ => lines[at] = LINES[random.random_range(0..LINES.len())],
        }
    }
    let mut bytes = lines.join("\n").into_bytes();
    if random.random_ratio(1, 2) {
        mutate(random, &mut bytes, &[]);
    }
    bytes
}
