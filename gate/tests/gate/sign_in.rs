//! Sign-in-with-x: what the stock client signs is accepted, and nothing else.

use crate::nonces::{check, make};
use crate::support::*;
use proptest::prelude::*;
use serde::Deserialize;
use tollgate_client::{Pubkey, UnixSeconds};
use tollgate_gate::siwx::{SignInMessage, SignedIn, Timestamp, Verification};
use tollgate_gate::{GateError, Network, Origin};

fn verify_at(header: &str, now: UnixSeconds) -> Result<SignedIn, GateError> {
    let verification = Verification {
        keys: &keys(),
        origin: &Origin::parse(ORIGIN).unwrap(),
        network: &Network::from_genesis_hash(DEVNET).unwrap(),
        product: &offer().product,
        now,
    };
    verification.verify(header)
}

fn verify(header: &str) -> Result<SignedIn, GateError> {
    verify_at(header, NOW)
}

fn plain() -> SignInMessage {
    message(&keys(), ORIGIN, "alice", NOW)
}

/// Signs the changed message: the signature is right, the content may not be.
fn signed(change: impl FnOnce(&mut SignInMessage)) -> Result<SignedIn, GateError> {
    let mut message = plain();
    change(&mut message);
    verify(&to_header(&sign(message, "alice")))
}

/// Changes the message after it was signed.
fn tampered(change: impl FnOnce(&mut SignInMessage)) -> Result<SignedIn, GateError> {
    let mut message = plain();
    message.statement = Some("Sign in".to_owned());
    message.request_id = Some("1".to_owned());
    message.expiration_time = Timestamp(UnixSeconds(NOW.0 + 60)).to_text();
    message.not_before = Timestamp(UnixSeconds(NOW.0 - 60)).to_text();
    message.resources = Some(vec![format!("{ORIGIN}/a"), format!("{ORIGIN}/b")]);
    let mut message = sign(message, "alice");
    assert!(verify(&to_header(&message)).is_ok());
    change(&mut message);
    verify(&to_header(&message))
}

/// Made by the stock client; see `fixtures/README.md`.
#[derive(Deserialize)]
struct Vector {
    name: String,
    address: String,
    message: String,
    header: String,
}

fn vectors() -> Vec<Vector> {
    serde_json::from_str(include_str!("../fixtures/siwx.json")).unwrap()
}

#[test]
fn what_the_stock_client_sends_is_accepted_and_reads_as_it_signed() {
    assert!(vectors().len() >= 6);
    for vector in vectors() {
        let message = SignInMessage::from_header(&vector.header).unwrap();
        assert_eq!(message.text().unwrap(), vector.message, "{}", vector.name);
        let signed =
            verify(&vector.header).unwrap_or_else(|error| panic!("{}: {error}", vector.name));
        assert_eq!(
            signed.beneficiary().to_string(),
            vector.address,
            "{}",
            vector.name
        );
        assert_eq!(signed.nonce(), message.nonce);
    }
}

#[test]
fn a_nonce_may_be_forgotten_exactly_when_it_is_refused_for_its_age() {
    let header = to_header(&sign(plain(), "alice"));
    let expires = verify(&header).unwrap().nonce_expires_at();
    let origin = Origin::parse(ORIGIN).unwrap();
    let accepted = |now| check(&keys(), &origin, &plain().nonce, UnixSeconds(now)).is_some();
    assert!(accepted(expires.0 - 1));
    assert!(!accepted(expires.0));
}

#[test]
fn each_signed_field_is_covered_by_the_signature() {
    type Change = fn(&mut SignInMessage);
    let changes: [(&str, Change); 12] = [
        ("address", |message| {
            message.address = public("bob").to_string()
        }),
        ("statement", |message| {
            message.statement = Some("Sign in!".to_owned())
        }),
        ("no statement", |message| message.statement = None),
        ("uri", |message| {
            message.uri = format!("{ORIGIN}/v1/quote/MSFT")
        }),
        ("nonce", |message| {
            let origin = Origin::parse(ORIGIN).unwrap();
            message.nonce = make(&keys(), &origin, NOW, [9, 9, 9, 9]);
        }),
        ("issuedAt", |message| {
            message.issued_at = Timestamp(UnixSeconds(NOW.0 - 1)).to_text().unwrap()
        }),
        ("expirationTime", |message| {
            message.expiration_time = Timestamp(UnixSeconds(NOW.0 + 61)).to_text()
        }),
        ("no expirationTime", |message| {
            message.expiration_time = None
        }),
        ("notBefore", |message| {
            message.not_before = Timestamp(UnixSeconds(NOW.0 - 61)).to_text()
        }),
        ("requestId", |message| {
            message.request_id = Some("2".to_owned())
        }),
        ("resources", |message| {
            message.resources.as_mut().unwrap().swap(0, 1)
        }),
        ("signature", |message| {
            message.signature = sign(plain(), "alice").signature
        }),
    ];
    for (name, change) in changes {
        assert_eq!(tampered(change), Err(GateError::SiwxSignature), "{name}");
    }
}

#[test]
fn a_well_signed_message_for_something_else_is_refused_by_name() {
    type Change = fn(&mut SignInMessage);
    let changes: [(GateError, Change); 22] = [
        (GateError::SiwxDomainMismatch, |message| {
            message.domain = "evil.test".to_owned()
        }),
        (GateError::SiwxDomainMismatch, |message| {
            message.domain = "api.example.com:443".to_owned()
        }),
        (GateError::SiwxDomainMismatch, |message| {
            message.domain = "API.example.com".to_owned()
        }),
        (GateError::SiwxUriMismatch, |message| {
            message.uri = "https://evil.test/v1/quote/AAPL".to_owned()
        }),
        (GateError::SiwxUriMismatch, |message| {
            message.uri = "http://api.example.com/".to_owned()
        }),
        (GateError::SiwxUriMismatch, |message| {
            message.uri = "https://api.example.com:8443/".to_owned()
        }),
        (GateError::SiwxUriMismatch, |message| {
            message.uri = "/v1/quote/AAPL".to_owned()
        }),
        (GateError::SiwxVersion, |message| {
            message.version = "2".to_owned()
        }),
        (GateError::SiwxChainId, |message| {
            message.chain_id = "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp".to_owned();
        }),
        (GateError::SiwxChainId, |message| {
            message.chain_id = "solana:devnet".to_owned()
        }),
        (GateError::SiwxUnsupportedChain, |message| {
            message.chain_id = "eip155:1".to_owned()
        }),
        (GateError::SiwxUnsupportedChain, |message| {
            message.r#type = "eip191".to_owned()
        }),
        (GateError::SiwxUnsupportedChain, |message| {
            message.signature_scheme = Some("eip1271".to_owned())
        }),
        (GateError::SiwxNonce, |message| {
            message.nonce = "0".repeat(32)
        }),
        (GateError::SiwxNonce, |message| {
            message.nonce = message.nonce.to_uppercase()
        }),
        (GateError::SiwxIssuedAt, |message| {
            message.issued_at = "yesterday".to_owned()
        }),
        (GateError::SiwxExpirationTime, |message| {
            message.expiration_time = Some("soon".to_owned())
        }),
        (GateError::SiwxNotBefore, |message| {
            message.not_before = Some("soon".to_owned())
        }),
        (GateError::SiwxExpired, |message| {
            message.expiration_time = Timestamp(NOW).to_text()
        }),
        (GateError::SiwxNotYetValid, |message| {
            message.not_before = Timestamp(UnixSeconds(NOW.0 + 1)).to_text()
        }),
        (GateError::SiwxMalformedSignature, |message| {
            message.address = "1".repeat(31)
        }),
        (GateError::SiwxMalformedSignature, |message| {
            message.address = "0".repeat(32)
        }),
    ];
    for (index, (error, change)) in changes.into_iter().enumerate() {
        assert_eq!(signed(change), Err(error), "change {index}");
    }
    assert!(signed(|message| message.signature_scheme = Some("siws".to_owned())).is_ok());
    assert!(signed(|message| message.not_before = Timestamp(NOW).to_text()).is_ok());
    assert!(signed(|message| message.uri = format!("{ORIGIN}/v1/other?x=1")).is_ok());
}

#[test]
fn age_is_bounded_on_both_sides() {
    let header = to_header(&sign(plain(), "alice"));
    for (offset, outcome) in [
        (-31, Some(GateError::SiwxIssuedAtInFuture)),
        (-30, None),
        (0, None),
        (300, None),
        (301, Some(GateError::SiwxIssuedAtTooOld)),
        (1 << 40, Some(GateError::SiwxIssuedAtTooOld)),
    ] {
        assert_eq!(
            verify_at(&header, UnixSeconds(NOW.0 + offset)).err(),
            outcome,
            "{offset}"
        );
    }
    // An old nonce under a fresh time.
    let origin = Origin::parse(ORIGIN).unwrap();
    let old = make(&keys(), &origin, UnixSeconds(NOW.0 - 301), [1; 4]);
    assert_eq!(
        signed(|message| message.nonce = old),
        Err(GateError::SiwxNonce)
    );
}

#[test]
fn keys_of_small_order_prove_nothing() {
    // The neutral point signs everything under lax verification: R = neutral, s = 0.
    let mut neutral = [0; 32];
    neutral[0] = 1;
    let mut message = plain();
    message.address = Pubkey::new_from_array(neutral).to_string();
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(&neutral);
    message.signature = bs58::encode(signature).into_string();
    assert_eq!(verify(&to_header(&message)), Err(GateError::SiwxSignature));
}

#[test]
fn signatures_have_one_form() {
    let good = sign(plain(), "alice");
    let mut bytes: Vec<u8> = bs58::decode(&good.signature).into_vec().unwrap();
    // s + L, which lax verification accepts as well.
    let order = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut carry = 0_u16;
    for (byte, added) in bytes[32..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + added + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    assert_eq!(carry, 0);
    let mut message = good.clone();
    message.signature = bs58::encode(&bytes).into_string();
    assert_eq!(verify(&to_header(&message)), Err(GateError::SiwxSignature));
    message.signature = bs58::encode(&bytes[..63]).into_string();
    assert_eq!(
        verify(&to_header(&message)),
        Err(GateError::SiwxMalformedSignature)
    );
    message.signature = format!("{}0", good.signature);
    assert_eq!(
        verify(&to_header(&message)),
        Err(GateError::SiwxMalformedSignature)
    );
}

#[test]
fn fields_cannot_pose_as_lines() {
    let mut with_break = plain();
    with_break.statement = Some("a\n\nURI: https://evil.test".to_owned());
    assert_eq!(
        verify(&to_header(&sign(with_break, "alice"))),
        Err(GateError::SiwxField)
    );
    type Change = fn(&mut SignInMessage);
    let changes: [Change; 8] = [
        |message| message.statement = Some(String::new()),
        |message| message.request_id = Some(String::new()),
        |message| message.request_id = Some("a\u{85}".to_owned()),
        |message| message.resources = Some(vec!["a\r".to_owned()]),
        |message| message.resources = Some(vec!["a".to_owned(); 9]),
        |message| message.statement = Some("a".repeat(2_561)),
        |message| message.expiration_time = Some(String::new()),
        |message| message.domain = String::new(),
    ];
    for (index, change) in changes.into_iter().enumerate() {
        assert_eq!(signed(change), Err(GateError::SiwxField), "change {index}");
    }
}

#[test]
fn headers_that_are_no_messages_are_refused() {
    let good = to_header(&sign(plain(), "alice"));
    assert!(
        verify(good.trim_end_matches('=')).is_ok(),
        "padding may be missing"
    );
    let long = "A".repeat(8 * 1024 + 4);
    let twice = encode(r#"{"domain":"a","domain":"b"}"#);
    let missing = encode(r#"{"domain":"api.example.com"}"#);
    let number = encode(r#"{"domain":1}"#);
    for bad in [
        "",
        "e30=",
        "%%%",
        &good[1..],
        &format!("{good} "),
        &format!(" {good}"),
        &long,
        &twice,
        &missing,
        &number,
    ] {
        assert_eq!(verify(bad), Err(GateError::SiwxHeader), "{bad:.40}");
    }
}

fn encode(json: &str) -> String {
    use base64::Engine;
    base64::prelude::BASE64_STANDARD.encode(json)
}

proptest! {
    #[test]
    fn no_bit_of_the_header_can_be_changed_unnoticed(position in any::<prop::sample::Index>(), bit in 0_u8..8) {
        use base64::Engine;
        let original = sign(plain(), "alice");
        let mut json = serde_json::to_vec(&original).unwrap();
        let index = position.index(json.len());
        json[index] ^= 1 << bit;
        let header = base64::prelude::BASE64_STANDARD.encode(&json);
        if let Ok(read) = SignInMessage::from_header(&header) {
            // A changed name of an optional field may hide it; a changed message is refused.
            prop_assert!(read == original || verify(&header).is_err());
        }
    }

    #[test]
    fn no_header_panics(text in "\\PC{0,200}", json in "\\{\\PC{0,200}\\}") {
        prop_assert!(verify(&text).is_err());
        prop_assert!(verify(&encode(&json)).is_err());
    }
}
