//! Spellings of a path, at random but repeatable.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

/// The seed from the environment variable `name`, else a fixed one.
pub fn seed(name: &str) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(402)
}

/// What servers have been seen to take for a separator, for nothing, or for a step
/// up or down.
const INSERTIONS: [&str; 21] = [
    "/", "//", "/./", "/../", "/.", "/..", "%2f", "%2F", "%5c", "\\", "%2e", "%2e%2e/", "..;/",
    ";a=b", ".", "%20", "%00", "%25", "%252f", "%c0%af", "%09",
];

/// A source of spellings.
pub struct Spellings(StdRng);

impl Spellings {
    pub fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    /// A spelling of `path`: escaped letters, other case, and at times something that
    /// a server might overlook.
    pub fn of(&mut self, path: &str) -> String {
        let escapes = self.0.random_bool(0.6);
        let cases = self.0.random_bool(0.2);
        let inserts = if self.0.random_bool(0.5) {
            self.0.random_range(1..3)
        } else {
            0
        };
        let mut pieces: Vec<String> = path
            .chars()
            .map(|letter| {
                if escapes && letter != '/' && self.0.random_bool(0.3) {
                    let code = u32::from(letter);
                    if self.0.random_bool(0.5) {
                        format!("%{code:02x}")
                    } else {
                        format!("%{code:02X}")
                    }
                } else if cases && self.0.random_bool(0.2) {
                    letter.to_uppercase().to_string()
                } else {
                    letter.to_string()
                }
            })
            .collect();
        for _ in 0..inserts {
            let at = self.0.random_range(0..=pieces.len());
            let piece = INSERTIONS.choose(&mut self.0).unwrap();
            pieces.insert(at, (*piece).to_owned());
        }
        let spelt = pieces.concat();
        // A target that does not begin so is no path at all.
        if spelt.starts_with('/') {
            spelt
        } else {
            format!("/{spelt}")
        }
    }
}
