//! Payment headers, and the transactions in them: what verifies is what the payer
//! signed, and what is read is written as it was read.

use super::{Tally, search};
use crate::bytes::{mutate, noise};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use serde_json::Value;
use solana_signer::Signer;
use std::rc::Rc;
use tollgate_client::{Amount, transaction};
use tollgate_gate::exact::{ExactPayment, Policy};
use tollgate_gate::x402::{
    FacilitatorRequest, PaymentIdentifier, PaymentPayload, Requirements, Version,
};
use tollgate_interop_facilitator::payment::Payment;
use tollgate_interop_facilitator::world::World;

/// A valid payment, and what it must mean.
struct Sale {
    world: Rc<World>,
    payment: Payment,
    requirements: Requirements,
    policy: Policy,
    /// The transaction's bytes behind the fee payer's slot, which nobody signed yet.
    signed: Vec<u8>,
}

/// Bytes of the number of signatures and of the fee payer's slot.
const BEHIND_SLOT: usize = 65;

impl Sale {
    fn new(world: &Rc<World>, version: Version) -> Self {
        let mut payment = Payment::new(world, version);
        payment.with_memo();
        let policy = match version {
            Version::V1 => Policy::x402_v1(payment.managed.clone()),
            Version::V2 => Policy::x402_v2(payment.managed.clone()),
        };
        let requirements = payment.requirements.clone();
        let requirements = match version {
            Version::V1 => Requirements::V1(serde_json::from_value(requirements).expect("V1")),
            Version::V2 => Requirements::V2(serde_json::from_value(requirements).expect("V2")),
        };
        Self {
            signed: payment.transaction()[BEHIND_SLOT..].to_vec(),
            world: world.clone(),
            payment,
            requirements,
            policy,
        }
    }

    /// Whether what was found is what was signed.
    fn judge(&self, found: &ExactPayment) -> Result<bool, String> {
        let bytes = transaction::to_bytes(found.transaction()).map_err(|e| e.to_string())?;
        if bytes[BEHIND_SLOT..] != self.signed {
            return Err("a transaction verifies that the payer did not sign".to_owned());
        }
        if *found.payer() != self.world.payer.pubkey()
            || found.amount() != Amount(self.world.amount)
            || *found.destination() != self.world.destination()
        {
            return Err(format!("it says something else: {found:?}"));
        }
        Ok(true)
    }
}

/// Tries `inputs` payment headers of both versions.
///
/// # Panics
/// When a payment verifies that the payer did not sign, or is read as something else
/// than it is; with the header and the seed.
pub fn run(seed: u64, inputs: u64) -> Tally {
    let world = World::random(&mut StdRng::seed_from_u64(seed));
    let sales = [Version::V1, Version::V2].map(|version| Sale::new(&world, version));
    let make = |random: &mut StdRng| header(random, &sales);
    search(seed, inputs, make, |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return Ok(false);
        };
        let mut accepted = false;
        for sale in &sales {
            let Ok(payload) = PaymentPayload::from_header(text, sale.payment.version) else {
                continue;
            };
            require_same_again(&payload)?;
            // Neither may panic.
            let _ = PaymentIdentifier::of(&payload);
            if let Ok(found) = payload.verify_exact(&sale.requirements, &sale.policy) {
                accepted |= sale.judge(&found)?;
            }
        }
        Ok(accepted)
    })
}

/// What was read is read again from what is written of it, also as part of a request to
/// a facilitator.
fn require_same_again(payload: &PaymentPayload) -> Result<(), String> {
    let json = match payload {
        PaymentPayload::V1(payload) => serde_json::to_value(payload),
        PaymentPayload::V2(payload) => serde_json::to_value(payload),
    };
    let json: Value = json.map_err(|error| error.to_string())?;
    let again = PaymentPayload::from_header(&STANDARD.encode(json.to_string()), payload.version());
    if again.as_ref() != Ok(payload) {
        return Err(format!("{payload:?} is written as {json}"));
    }
    let Some(accepted) = payload.accepted() else {
        return Ok(());
    };
    let request = serde_json::json!({"paymentPayload": json, "paymentRequirements": accepted});
    match FacilitatorRequest::from_body(request.to_string().as_bytes()) {
        Ok(request) if request.payload == *payload => Ok(()),
        other => Err(format!("{request} is read as {other:?}")),
    }
}

/// A payment header with something changed: the transaction's bytes, the JSON, the
/// base64, or nothing.
fn header(random: &mut StdRng, sales: &[Sale]) -> Vec<u8> {
    let sale = sales.choose(random).expect("there are sales");
    let mut payload = sale.payment.payload();
    if random.random_ratio(1, 2) {
        let mut transaction = sale.payment.transaction();
        mutate(random, &mut transaction, std::slice::from_ref(&sale.signed));
        payload["payload"]["transaction"] = STANDARD.encode(transaction).into();
    }
    let mut json = payload.to_string().into_bytes();
    if random.random_ratio(1, 3) {
        mutate(
            random,
            &mut json,
            &[b"{\"a\":".repeat(30), b"[".repeat(300)],
        );
    }
    let mut header = STANDARD.encode(json).into_bytes();
    match random.random_range(0..8) {
        0 => mutate(random, &mut header, &[]),
        1 => header = noise(random, 200),
        _ => {}
    }
    header
}
