//! What clients echo of a 402: the requirements that they accept, the extensions, and
//! the identifiers that they give their payments. Each is changed at random.

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use serde_json::{Map, Value, json};
use tollgate_gate::x402::{
    Advertised, PaymentIdentifier, PaymentPayload, PaymentRequirements, Version, check_echo,
};

/// What the stock server registers as the fields that each 402 fills anew.
const DYNAMIC: &[&str] = &["nonce", "issuedAt", "expirationTime"];
/// Most changes to one echo.
const CHANGES: usize = 2;

/// A question to the stock server, and our answer in its words.
pub struct Echo {
    /// As [`crate::stock`] reads it.
    pub question: Value,
    /// What we would say.
    pub ours: Value,
}

/// What a 402 offers: the scheme `exact` with fields that age, another scheme, and an
/// entry without `extra`.
fn offered() -> [Value; 3] {
    let entry = |scheme: &str, amount: &str, extra: Value| {
        json!({
            "scheme": scheme,
            "network": "solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1",
            "amount": amount,
            "asset": "4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU",
            "payTo": "9xQeWvG816bUx9EPjHmaT23yvVM2ZWbrrpZb9PusVFin",
            "maxTimeoutSeconds": 60,
            "extra": extra,
        })
    };
    let fee_payer = "2wmVCSfPxGPjrnMMn7rchp4uaeoTqN39mXFC2zhPdri9";
    let exact = json!({
        "feePayer": fee_payer,
        "memo": "tollgate:1",
        "decimals": 6,
        "recentBlockhash": "4sGjMW1sUnHzSxGspuhpqLDx6wiyjNtZ",
        "lastValidBlockHeight": 100,
    });
    let entitlement = json!({"programId": fee_payer, "terms": {"credits": "0", "days": [1, 2]}});
    let mut bare = entry("exact", "20000", Value::Null);
    bare.as_object_mut().expect("an object").remove("extra");
    [
        entry("exact", "10000", exact),
        entry("entitlement", "10000", entitlement),
        bare,
    ]
}

/// What a 402 advertises as its extensions.
fn advertised() -> Value {
    json!({
        "sign-in-with-x": {
            "info": {
                "domain": "api.example.com",
                "uri": "https://api.example.com/v1/quote",
                "version": "1",
                "nonce": "0123456789abcdef0123456789abcdef",
                "issuedAt": "2026-11-21T08:00:00Z",
                "resources": ["https://api.example.com/v1/quote"],
            },
            "supportedChains": [{"chainId": "solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1", "type": "ed25519"}],
        },
        "payment-identifier": {"info": {"required": false}},
    })
}

/// Payments that echo changed requirements and extensions, and name themselves.
pub fn random(random: &mut StdRng, count: usize) -> Vec<Echo> {
    (0..count)
        .flat_map(|_| [matching(random), echoing(random), naming(random)])
        .collect()
}

fn payment(accepted: Value, extensions: Value) -> Value {
    json!({"x402Version": 2, "accepted": accepted, "payload": {}, "extensions": extensions})
}

fn read(payment: &Value) -> Option<PaymentPayload> {
    use base64::Engine;
    let header = base64::engine::general_purpose::STANDARD.encode(payment.to_string());
    PaymentPayload::from_header(&header, Version::V2).ok()
}

fn matching(random: &mut StdRng) -> Echo {
    let offered = offered();
    let mut accepted = offered.choose(random).expect("there are offers").clone();
    change(random, &mut accepted);
    let payment = payment(accepted, Value::Null);
    let entries = offered
        .clone()
        .map(|entry| serde_json::from_value::<PaymentRequirements>(entry).expect("requirements"));
    // What cannot be read accepts nothing.
    let place = read(&payment).and_then(|payload| {
        let accepted = payload.accepted()?;
        let found = PaymentRequirements::find_accepted(&entries, accepted)?;
        entries.iter().position(|entry| std::ptr::eq(entry, found))
    });
    Echo {
        ours: json!({"place": place.map_or(json!(-1), |place| json!(place))}),
        question: json!({"ask": "match", "offered": offered, "paymentPayload": payment}),
    }
}

fn echoing(random: &mut StdRng) -> Echo {
    let advertised = advertised();
    let mut extensions = advertised.clone();
    change(random, &mut extensions);
    let payment = payment(offered()[0].clone(), extensions);
    let extensions: Vec<Advertised<'_>> = advertised
        .as_object()
        .expect("an object")
        .iter()
        .map(|(key, extension)| Advertised {
            key,
            info: &extension["info"],
            dynamic: if key == "sign-in-with-x" {
                DYNAMIC
            } else {
                &[]
            },
        })
        .collect();
    let payload = read(&payment).expect("the changes leave it readable");
    Echo {
        ours: json!({"valid": check_echo(&extensions, &payload).is_ok()}),
        question: json!({"ask": "echo", "advertised": advertised, "paymentPayload": payment}),
    }
}

fn naming(random: &mut StdRng) -> Echo {
    let lengths = [0, 1, 15, 16, 17, 32, 127, 128, 129];
    let length = *lengths.choose(random).expect("there are lengths");
    let mut id: String = (0..length)
        .map(|_| {
            *['a', 'Z', '0', '9', '-', '_']
                .choose(random)
                .expect("there are digits")
        })
        .collect();
    if random.random_ratio(1, 4) {
        id.push(
            *[' ', '.', '/', 'é', '\n']
                .choose(random)
                .expect("there are others"),
        );
    }
    let id = [json!(id), json!(id), json!(id), json!(7), Value::Null];
    let mut info = json!({"required": random.random::<bool>()});
    if random.random_ratio(7, 8) {
        info["id"] = id.choose(random).expect("there are values").clone();
    }
    if random.random_ratio(1, 8) {
        info["required"] = "yes".into();
    }
    let mut extensions = json!({"payment-identifier": {"info": info}});
    if random.random_ratio(1, 8) {
        extensions["payment-identifier"] = json!({"id": "0123456789abcdef"});
    }
    let payment = payment(offered()[0].clone(), extensions);
    let payload = read(&payment).expect("it is readable");
    let identifier = PaymentIdentifier::of(&payload);
    let id = identifier.as_ref().ok().and_then(Option::as_ref);
    Echo {
        ours: json!({"valid": identifier.is_ok(), "id": id.map(PaymentIdentifier::as_str)}),
        question: json!({"ask": "identifier", "paymentPayload": payment}),
    }
}

/// Changes some of a value's fields, at any depth; objects stay objects.
fn change(random: &mut StdRng, value: &mut Value) {
    for _ in 0..random.random_range(0..=CHANGES) {
        change_once(random, value);
    }
}

fn change_once(random: &mut StdRng, value: &mut Value) {
    match value {
        Value::Object(fields) if !fields.is_empty() && random.random_ratio(2, 3) => {
            let names: Vec<String> = fields.keys().cloned().collect();
            let name = names.choose(random).expect("there are fields");
            change_once(random, &mut fields[name]);
        }
        Value::Object(fields) => change_field(random, fields),
        Value::Array(items) => match random.random_range(0..3) {
            0 => items.push(json!(1)),
            1 => drop(items.pop()),
            _ => items.reverse(),
        },
        Value::String(text) => match random.random_range(0..3) {
            0 => text.push('x'),
            1 => drop(text.pop()),
            _ => *value = json!(1),
        },
        Value::Number(_) => {
            let others = [json!(6), json!(6.0), json!(60.0), json!(61), json!("60")];
            *value = others.choose(random).expect("there are values").clone();
        }
        _ => *value = json!(random.random::<bool>()),
    }
}

fn change_field(random: &mut StdRng, fields: &mut Map<String, Value>) {
    let names: Vec<String> = fields.keys().cloned().collect();
    match names.choose(random) {
        Some(name) if random.random_ratio(1, 2) => drop(fields.remove(name)),
        _ => {
            let values = [json!({}), json!([]), json!("more"), json!(0), Value::Null];
            let value = values.choose(random).expect("there are values").clone();
            fields.insert("more".to_owned(), value);
        }
    }
}
