//! Mutations of bytes.

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

/// Numbers at which arithmetic tends to break.
const NUMBERS: [u64; 12] = [
    0,
    1,
    2,
    u8::MAX as u64,
    u16::MAX as u64,
    u32::MAX as u64,
    1 << 63,
    (1 << 63) - 1,
    u64::MAX,
    u64::MAX - 1,
    1_800_000_000,
    10_000,
];

/// Changes `bytes` in one to four ways. `others` are bytes worth copying from, such as
/// keys and other accounts.
pub fn mutate(random: &mut StdRng, bytes: &mut Vec<u8>, others: &[Vec<u8>]) {
    for _ in 0..random.random_range(1..=4) {
        mutate_once(random, bytes, others);
    }
}

fn mutate_once(random: &mut StdRng, bytes: &mut Vec<u8>, others: &[Vec<u8>]) {
    let at = random.random_range(0..=bytes.len());
    match random.random_range(0..9) {
        0 | 1 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << random.random_range(0..8);
            }
        }
        2 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = random.random();
            }
        }
        3 | 4 => {
            let number = NUMBERS.choose(random).expect("there are numbers");
            overwrite(bytes, at, &number.to_le_bytes());
        }
        5 => bytes.truncate(at),
        6 => {
            let more = random.random_range(1..=64);
            bytes.extend((0..more).map(|_| random.random::<u8>()));
        }
        7 => {
            if let Some(other) = others.choose(random) {
                overwrite(bytes, at, other);
            }
        }
        _ => {
            if let Some(other) = others.choose(random) {
                bytes.clone_from(other);
            }
        }
    }
}

/// Random bytes.
pub fn noise(random: &mut StdRng, longest: usize) -> Vec<u8> {
    let length = random.random_range(0..=longest);
    (0..length).map(|_| random.random()).collect()
}

/// Puts `new` at `at`, as far as there is room.
fn overwrite(bytes: &mut [u8], at: usize, new: &[u8]) {
    for (byte, new) in bytes.iter_mut().skip(at).zip(new) {
        *byte = *new;
    }
}
