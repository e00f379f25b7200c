//! Sign-in messages: what verifies says what was signed.

use super::material::{NOW, caller, header, keys, message, network, offer, origin};
use super::{Tally, search};
use crate::bytes::mutate;
use rand::Rng;
use rand::rngs::StdRng;
use serde_json::Value;
use solana_signer::Signer;
use tollgate_gate::siwx::{SignInMessage, Verification};

/// Tries `inputs` messages.
///
/// # Panics
/// When a message verifies that the caller did not sign; with the message and the seed.
pub fn run(seed: u64, inputs: u64) -> Tally {
    let (keys, origin, network) = (keys(), origin(), network());
    let product = offer().product;
    let verification = Verification {
        keys: &keys,
        origin: &origin,
        network: &network,
        product: &product,
        now: NOW,
    };
    let signed = message().text().expect("a text");
    search(seed, inputs, json, |bytes| {
        let header = header(bytes);
        let Ok(found) = verification.verify(&header) else {
            return Ok(false);
        };
        if *found.beneficiary() != caller().pubkey() {
            return Err(format!("signed in as {}", found.beneficiary()));
        }
        let read = SignInMessage::from_header(&header).map_err(|error| error.to_string())?;
        if read.text().as_deref() != Some(signed.as_str()) {
            return Err("it says something else than what was signed".to_owned());
        }
        Ok(true)
    })
}

/// The valid message with a field changed, or its bytes.
fn json(random: &mut StdRng) -> Vec<u8> {
    let mut fields = serde_json::to_value(message()).expect("JSON");
    if random.random_ratio(1, 2)
        && let Value::Object(fields) = &mut fields
    {
        let names: Vec<String> = fields.keys().cloned().collect();
        let name = &names[random.random_range(0..names.len())];
        match random.random_range(0..4) {
            0 => drop(fields.remove(name)),
            1 => drop(fields.insert(name.clone(), Value::Null)),
            _ => {
                let text = fields[name].as_str().unwrap_or_default();
                let mut bytes = text.as_bytes().to_vec();
                mutate(random, &mut bytes, &[]);
                let text = String::from_utf8_lossy(&bytes).into_owned();
                fields.insert(name.clone(), text.into());
            }
        }
    }
    let mut bytes = serde_json::to_vec(&fields).expect("JSON");
    if random.random_ratio(1, 3) {
        mutate(random, &mut bytes, &[]);
    }
    bytes
}
