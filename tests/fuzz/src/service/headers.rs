//! Header values: whatever they hold, nobody becomes somebody else.

use super::material::{NOW, PAID, bearer, caller, gate, header, message, table};
use super::{Tally, search};
use crate::bytes::{mutate, noise};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, Method};
use rand::Rng;
use rand::rngs::StdRng;
use solana_signer::Signer;
use tollgate_gate::headers::SIGN_IN_WITH_X;
use tollgate_gate::{Decision, Next, Resolution};

/// Splits an input into the values of the two headers.
const SEPARATOR: u8 = b'\n';

/// Tries `inputs` pairs of headers.
///
/// # Panics
/// When somebody is served without a reading, or taken for another; with the headers
/// and the seed.
pub fn run(seed: u64, inputs: u64) -> Tally {
    let gate = gate();
    let table = table();
    let Ok(Resolution::Route(matched)) = table.resolve(&Method::GET, PAID) else {
        panic!("the paid route is there");
    };
    let signer = caller().pubkey();
    search(seed, inputs, headers, |bytes| {
        let mut headers = HeaderMap::new();
        let mut values = bytes.splitn(2, |byte| *byte == SEPARATOR);
        for name in [AUTHORIZATION, SIGN_IN_WITH_X] {
            // What hyper would not let through, the gate never sees.
            if let Some(Ok(value)) = values.next().map(HeaderValue::from_bytes)
                && !value.is_empty()
            {
                headers.append(name, value);
            }
        }
        match gate.open(&matched, &headers, NOW) {
            Next::Read(question) if *question.beneficiary() == signer => Ok(true),
            Next::Read(question) => Err(format!("taken for {}", question.beneficiary())),
            Next::Done(Decision::Challenge(_) | Decision::Refuse(_)) => Ok(false),
            Next::Done(other) => Err(format!("{other:?} without a reading")),
        }
    })
}

fn headers(random: &mut StdRng) -> Vec<u8> {
    let session = bearer().into_bytes();
    let signed = header(&serde_json::to_vec(&message()).expect("JSON")).into_bytes();
    let others = [session.clone(), signed.clone()];
    let mut values = [session, signed].map(|value| match random.random_range(0..4) {
        0 => Vec::new(),
        1 => noise(random, 200),
        _ => value,
    });
    for value in &mut values {
        if random.random_ratio(2, 3) {
            mutate(random, value, &others);
        }
        value.retain(|byte| *byte != SEPARATOR);
    }
    values.join(&SEPARATOR)
}
