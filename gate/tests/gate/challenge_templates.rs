//! A 402 that was filled in is the 402 that would have been written.
//!
//! A route's template serves the very offer of that route. A 402 for an equal offer of
//! another table is written anew, so that both ways can be compared from outside.

use crate::support::*;
use http::{HeaderMap, Method};
use proptest::prelude::*;
use std::sync::Arc;
use tollgate_client::{Amount, Credits, DurationSeconds, Entitlement, Pubkey, UnixSeconds};
use tollgate_gate::siwx::Timestamp;
use tollgate_gate::{
    Access, Decision, Entropy, Gate, Identity, Next, OfferText, PaymentChallenge, PaymentDue,
    ProductOffer, Reading, RouteMatch, RouteTable,
};

fn table_of(offer: &ProductOffer) -> RouteTable {
    let access = Access::Paid(Arc::new(offer.clone()));
    RouteTable::new(vec![route("/v1/*", &[Method::GET], access)]).unwrap()
}

fn matched(table: &RouteTable, path: &str) -> RouteMatch {
    resolve(table, Method::GET, path)
}

/// Why somebody has to pay, and who.
#[derive(Clone, Debug)]
enum Caller {
    Stranger,
    New(Pubkey),
    Expired(Pubkey),
    Exhausted(Pubkey),
}

impl Caller {
    fn due(&self, gate: &Gate, matched: &RouteMatch) -> PaymentDue {
        let offer = matched.route.offer().unwrap();
        let (beneficiary, expires_at) = match self {
            Self::Stranger => {
                return challenged(match gate.open(matched, &HeaderMap::new(), NOW) {
                    Next::Done(decision) => decision,
                    Next::Read(question) => panic!("{question:?}"),
                });
            }
            Self::New(beneficiary) => (beneficiary, None),
            Self::Expired(beneficiary) => (beneficiary, Some(NOW)),
            Self::Exhausted(beneficiary) => (beneficiary, Some(UnixSeconds(NOW.0 + 1))),
        };
        let session = tollgate_gate::session::Session {
            entitlement: gate.addresses().entitlement(&offer.product, beneficiary),
            product: offer.product,
            beneficiary: *beneficiary,
            issued_at: NOW,
            expires_at: UnixSeconds(NOW.0 + 60),
        };
        let Next::Read(question) = gate.ask(Arc::clone(offer), Identity::Session(session)) else {
            panic!("a caller with a key is looked up");
        };
        challenged(question.answer(match expires_at {
            None => Reading::Absent {
                chain_time: NOW,
                slot: 1,
            },
            Some(expires_at) => Reading::Known {
                entitlement: Box::new(Entitlement {
                    expires_at,
                    metered: true,
                    credits_granted: Credits(1),
                    credits_used: Credits(1),
                    ..entitlement(offer, *beneficiary)
                }),
                chain_time: NOW,
                slot: 1,
            },
        }))
    }
}

fn challenged(decision: Decision) -> PaymentDue {
    match decision {
        Decision::Challenge(due) => due,
        other => panic!("{other:?}"),
    }
}

fn parts(challenge: &PaymentChallenge) -> (String, String, String) {
    (
        challenge.payment_id().to_string(),
        challenge.header().unwrap().to_str().unwrap().to_owned(),
        String::from_utf8(challenge.body().to_vec()).unwrap(),
    )
}

fn keys_of_callers() -> impl Strategy<Value = Pubkey> {
    any::<[u8; 32]>().prop_map(Pubkey::new_from_array)
}

fn callers() -> impl Strategy<Value = Caller> {
    prop_oneof![
        Just(Caller::Stranger),
        keys_of_callers().prop_map(Caller::New),
        keys_of_callers().prop_map(Caller::Expired),
        keys_of_callers().prop_map(Caller::Exhausted),
    ]
}

/// Words with everything that JSON escapes, and some that look like parts of a 402.
fn words() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~\u{a0}-\u{2ff}]{0,60}",
        "[\"\\\\/<>&'\u{1f600}]{1,20}",
        Just("GapPaymentIdHere".to_owned()),
        Just("PaymentId".to_owned()),
        Just("payment_id: GapNonceHere\"".to_owned()),
    ]
}

fn offers() -> impl Strategy<Value = ProductOffer> {
    let numbers = (any::<u64>(), any::<u64>(), any::<u64>(), any::<u64>());
    (words(), words(), numbers, 0..12_u8, any::<bool>()).prop_map(
        |(title, description, (price, access, credits, refund_window), decimals, usdc)| {
            let plain = offer_of("quotes");
            ProductOffer {
                price: Amount(price),
                access: DurationSeconds(access),
                credits: Credits(credits),
                refund_window: DurationSeconds(refund_window),
                decimals,
                mint: if usdc { plain.mint } else { public("mint") },
                text: OfferText::new(&format!("T{title}"), &description, "text/plain").unwrap(),
                ..plain
            }
        },
    )
}

/// What a request target may hold: plain, escaped, and quotes and braces that the gate
/// leaves out of the URL.
fn queries() -> impl Strategy<Value = Option<String>> {
    proptest::option::of(prop_oneof![
        "[a-z=&%]{0,40}",
        "[ -~]{0,40}",
        "[\"\\\\{}]{1,9}",
        Just("GapIssuedAtHere".to_owned()),
    ])
}

proptest! {
    #[test]
    fn filled_in_it_is_what_would_have_been_written(
        offer in offers(),
        requests in prop::collection::vec(
            (callers(), "/v1(/[a-zA-Z0-9_.~!$&'()*+,=:@-]{0,9}x){0,3}", queries(),
             any::<[u8; 32]>(), -1_i64..4_000_000_000),
            1..6,
        ),
    ) {
        let gate = gate();
        let table = table_of(&offer);
        // The first request makes the template, the others fill it.
        for (caller, path, query, entropy, now) in requests {
            let matched = matched(&table, &path);
            let (now, entropy) = (UnixSeconds(now), Entropy(entropy));
            let answer = |due: &PaymentDue| {
                parts(&gate.challenge(due, &matched, query.as_deref(), now, &entropy))
            };
            let filled = answer(&caller.due(&gate, &matched));
            let elsewhere = table_of(&offer);
            let anew = answer(&caller.due(&gate, &resolve(&elsewhere, Method::GET, &path)));
            prop_assert_eq!(filled, anew);
        }
    }
}

fn ask(gate: &Gate, table: &RouteTable, now: UnixSeconds) -> (String, String, String) {
    let matched = matched(table, "/v1/x");
    let due = Caller::Stranger.due(gate, &matched);
    parts(&gate.challenge(&due, &matched, None, now, &ENTROPY))
}

#[test]
fn new_terms_are_asked_for_at_once() {
    let gate = gate();
    let table = table_of(&offer_of("quotes"));
    assert!(ask(&gate, &table, NOW).2.contains("\"amount\":\"10000\""));
    let dearer = table.with_offers(|offer| {
        Arc::new(ProductOffer {
            price: Amount(20_000),
            ..ProductOffer::clone(offer)
        })
    });
    assert!(ask(&gate, &dearer, NOW).2.contains("\"amount\":\"20000\""));
    // Whoever still holds the old table asks for the old price.
    assert!(ask(&gate, &table, NOW).2.contains("\"amount\":\"10000\""));
}

#[test]
fn another_gate_speaks_for_itself() {
    let table = table_of(&offer_of("quotes"));
    let (ours, other) = (gate(), gate_of("https://other.example", keys()));
    assert!(ask(&ours, &table, NOW).2.contains(ORIGIN));
    let answer = ask(&other, &table, NOW).2;
    assert!(answer.contains("https://other.example") && !answer.contains(ORIGIN));
}

#[test]
fn times_and_nonces_are_those_of_the_request() {
    let (gate, table) = (gate(), table_of(&offer_of("quotes")));
    let first = ask(&gate, &table, NOW);
    let later = UnixSeconds(NOW.0 + 7);
    let second = ask(&gate, &table, later);
    assert_ne!(first.1, second.1);
    use base64::Engine;
    let json = base64::prelude::BASE64_STANDARD.decode(&second.1).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    let info = &json["extensions"]["sign-in-with-x"]["info"];
    assert_eq!(info["issuedAt"], Timestamp(later).to_text().unwrap());
}

/// A time that cannot be written leaves the sign-in out, as ever.
#[test]
fn without_a_time_there_is_no_sign_in() {
    let (gate, table) = (gate(), table_of(&offer_of("quotes")));
    ask(&gate, &table, NOW);
    let (_, header, _) = ask(&gate, &table, UnixSeconds(i64::MAX));
    use base64::Engine;
    let json = base64::prelude::BASE64_STANDARD.decode(header).unwrap();
    assert!(!String::from_utf8(json).unwrap().contains("sign-in-with-x"));
}
