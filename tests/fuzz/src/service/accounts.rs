//! Account bytes up to the decision: nobody is served by an account that is not the
//! caller's own entitlement, usable by the chain's clock.

use super::material::{NOW, PAID, bearer, caller, entitlement, gate, offer, table};
use super::{Tally, search};
use crate::bytes::mutate;
use anchor_lang::AccountSerialize;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, Method};
use rand::Rng;
use rand::rngs::StdRng;
use solana_account::Account;
use solana_signer::Signer;
use tollgate_client::accounts::decode;
use tollgate_client::{Addresses, Entitlement};
use tollgate_gate::{Decision, Next, Reading, Resolution};

/// Tries `inputs` accounts.
///
/// # Panics
/// When one of them opens what it must not; with its bytes and the seed.
pub fn run(seed: u64, inputs: u64) -> Tally {
    let gate = gate();
    let table = table();
    let Ok(Resolution::Route(matched)) = table.resolve(&Method::GET, PAID) else {
        panic!("the paid route is there");
    };
    let headers = HeaderMap::from_iter([(
        AUTHORIZATION,
        HeaderValue::try_from(bearer()).expect("a header value"),
    )]);
    let addresses = Addresses::default();
    let offer = offer();
    let owner = caller().pubkey();
    let at = addresses.entitlement(&offer.product, &owner);
    search(seed, inputs, account, |bytes| {
        let stored = Account {
            lamports: 1,
            data: bytes.to_vec(),
            owner: addresses.program_id,
            ..Account::default()
        };
        let Ok(read) = decode::<Entitlement>(&addresses, &at, &stored) else {
            return Ok(false);
        };
        let Next::Read(question) = gate.open(&matched, &headers, NOW) else {
            return Err("the session is good".to_owned());
        };
        let decision = question.answer(Reading::Known {
            entitlement: Box::new(read),
            chain_time: NOW,
            slot: 1,
        });
        let Decision::Serve(entitled) = decision else {
            return Ok(false);
        };
        let held = entitled.entitlement();
        let own = (held.merchant, held.product, held.beneficiary)
            == (offer.merchant, offer.product, owner);
        if own && held.is_usable(NOW) {
            Ok(true)
        } else {
            Err(format!("served by {held:?}"))
        }
    })
}

fn account(random: &mut StdRng) -> Vec<u8> {
    let mut bytes = Vec::new();
    entitlement()
        .try_serialize(&mut bytes)
        .expect("it is written");
    bytes.resize(Entitlement::SPACE, 0);
    if random.random_ratio(9, 10) {
        mutate(random, &mut bytes, &[offer().merchant.to_bytes().to_vec()]);
    }
    bytes
}
