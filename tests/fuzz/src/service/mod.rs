//! The service's readers on arbitrary input: paths, headers, sign-ins, payments,
//! accounts, configuration. None of them may panic, and none may take something for what it is
//! not.

pub mod accounts;
pub mod configuration;
pub mod headers;
mod material;
pub mod paths;
pub mod payments;
pub mod sign_in;

/// How many inputs a reader saw and accepted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Inputs.
    pub inputs: u64,
    /// Those that were accepted.
    pub accepted: u64,
}

impl Tally {
    /// Adds another round's.
    pub fn add(&mut self, other: Self) {
        self.inputs += other.inputs;
        self.accepted += other.accepted;
    }
}

/// Tries inputs one after another; `judge` says whether one was accepted, or what is
/// wrong with that.
fn search(
    seed: u64,
    inputs: u64,
    mut make: impl FnMut(&mut rand::rngs::StdRng) -> Vec<u8>,
    mut judge: impl FnMut(&[u8]) -> Result<bool, String>,
) -> Tally {
    use rand::SeedableRng;
    let mut random = rand::rngs::StdRng::seed_from_u64(seed);
    let mut tally = Tally::default();
    while tally.inputs < inputs {
        let input = make(&mut random);
        match judge(&input) {
            Ok(accepted) => tally.accepted += u64::from(accepted),
            Err(error) => panic!(
                "seed {seed}, input {}: {error}\n{input:?}\n{}",
                tally.inputs,
                String::from_utf8_lossy(&input)
            ),
        }
        tally.inputs += 1;
    }
    tally
}
