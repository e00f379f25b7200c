//! One fixed service, callers and accounts.

use ed25519_dalek::{Signer, SigningKey};
use http::{HeaderMap, Method};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use tollgate_client::{
    Addresses, Amount, Credits, DurationSeconds, Entitlement, EntitlementStatus, Pubkey, Slug,
    UnixSeconds,
};
use tollgate_gate::siwx::SignInMessage;
use tollgate_gate::{
    Access, Asked, Entropy, Gate, GateSettings, KeyId, KeyRing, Metering, MethodSet, Network,
    OfferText, Origin, PaymentChallenge, PaymentDue, ProductOffer, Resolution, RouteDefinition,
    RouteMatch, RouteTable, Secret, Settlement,
};

pub const ORIGIN: &str = "https://api.example.com";
pub const DEVNET: &str = "EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG";
pub const DEVNET_USDC: &str = "4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU";
/// 2026-11-21T08:00:00Z
pub const NOW: UnixSeconds = UnixSeconds(1_795_248_000);
pub const ENTROPY: Entropy = Entropy([9; 32]);

/// A key for tests, by name.
pub fn key(name: &str) -> SigningKey {
    SigningKey::from_bytes(&Sha256::digest(format!("tollgate test key: {name}")).into())
}

pub fn public(name: &str) -> Pubkey {
    Pubkey::new_from_array(key(name).verifying_key().to_bytes())
}

pub fn secret(byte: u8) -> Secret {
    Secret::new(vec![byte; 32]).unwrap()
}

pub fn keys() -> KeyRing {
    KeyRing::new((KeyId(1), secret(7)), vec![]).unwrap()
}

pub fn gate_of(origin: &str, keys: KeyRing) -> Gate {
    Gate::new(GateSettings {
        origin: Origin::parse(origin).unwrap(),
        network: Network::from_genesis_hash(DEVNET).unwrap(),
        addresses: Addresses::default(),
        keys,
        session_lifetime: DurationSeconds(3_600),
        fee_payer: Some(public("relay")),
    })
}

/// The 402 of `due`, with the offer of plain transfers if `takes_transfers`.
pub fn challenge_of(
    gate: &Gate,
    due: &PaymentDue,
    matched: &RouteMatch,
    (query, now, entropy): (Option<&str>, UnixSeconds, &Entropy),
    takes_transfers: bool,
) -> PaymentChallenge {
    gate.challenge(
        due,
        &Asked {
            matched,
            query,
            now,
            entropy,
            takes_transfers,
        },
    )
}

pub fn gate() -> Gate {
    gate_of(ORIGIN, keys())
}

pub fn offer_of(slug: &str) -> ProductOffer {
    let addresses = Addresses::default();
    let merchant = addresses.merchant(&public("merchant owner"));
    let mint = DEVNET_USDC.parse().unwrap();
    let slug = Slug::new(slug).unwrap();
    ProductOffer {
        merchant,
        product: addresses.product(&merchant, &slug),
        slug,
        mint,
        decimals: 6,
        vault: addresses.vault(&merchant, &mint),
        price: Amount(10_000),
        access: DurationSeconds(86_400),
        credits: Credits(0),
        refund_window: DurationSeconds(3_600),
        for_sale: true,
        text: OfferText::new(
            "Market quotes",
            "Quotes of every listed share",
            "application/json",
        )
        .unwrap(),
    }
}

pub fn offer() -> Arc<ProductOffer> {
    Arc::new(offer_of("quotes"))
}

pub fn route(pattern: &str, methods: &[Method], access: Access) -> RouteDefinition {
    let methods = methods.iter().map(|method| MethodSet::of(method).unwrap());
    RouteDefinition {
        pattern: tollgate_gate::route::RoutePattern::parse(pattern).unwrap(),
        methods: methods.fold(MethodSet::default(), MethodSet::union),
        access,
        metering: Metering::ONE_CREDIT,
        settlement: Settlement::Deposit,
    }
}

pub fn table() -> RouteTable {
    RouteTable::new(vec![
        route("/v1/quote/{symbol}", &[Method::GET], Access::Paid(offer())),
        route("/docs/*", &[Method::GET], Access::Free),
    ])
    .unwrap()
}

pub fn resolve(table: &RouteTable, method: Method, path: &str) -> RouteMatch {
    match table.resolve(&method, path).unwrap() {
        Resolution::Route(matched) => matched,
        other => panic!("{other:?}"),
    }
}

pub fn quote() -> RouteMatch {
    resolve(&table(), Method::GET, "/v1/quote/AAPL")
}

pub fn entitlement(offer: &ProductOffer, beneficiary: Pubkey) -> Entitlement {
    Entitlement {
        version: 1,
        bump: 255,
        status: EntitlementStatus::Active,
        metered: false,
        reserved: [0; 4],
        merchant: offer.merchant,
        product: offer.product,
        beneficiary,
        rent_payer: beneficiary,
        last_intent: public("intent"),
        expires_at: UnixSeconds(NOW.0 + 600),
        credits_granted: Credits(0),
        credits_used: Credits(0),
        payments: 1,
        created_at: UnixSeconds(NOW.0 - 600),
        timed_until: UnixSeconds(NOW.0 + 600),
        unlimited_payments: 0,
        generation: 1,
        refundable_until: UnixSeconds(0),
    }
}

/// A message as our own challenge asks for it, not signed yet.
pub fn message(gate_keys: &KeyRing, origin: &str, signer: &str, now: UnixSeconds) -> SignInMessage {
    let parsed = Origin::parse(origin).unwrap();
    SignInMessage {
        domain: parsed.authority().to_owned(),
        address: public(signer).to_string(),
        statement: None,
        uri: format!("{origin}/v1/quote/AAPL"),
        version: "1".to_owned(),
        chain_id: "solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1".to_owned(),
        r#type: "ed25519".to_owned(),
        nonce: tollgate_gate::siwx::nonce::make(
            gate_keys,
            &parsed,
            &offer().product,
            now,
            [1, 2, 3, 4],
        ),
        issued_at: tollgate_gate::siwx::Timestamp(now).to_text().unwrap(),
        expiration_time: None,
        not_before: None,
        request_id: None,
        resources: None,
        signature_scheme: None,
        signature: String::new(),
    }
}

pub fn sign(mut message: SignInMessage, signer: &str) -> SignInMessage {
    let signature = key(signer).sign(message.text().unwrap().as_bytes());
    message.signature = bs58::encode(signature.to_bytes()).into_string();
    message
}

pub fn to_header(message: &SignInMessage) -> String {
    use base64::Engine;
    base64::prelude::BASE64_STANDARD.encode(serde_json::to_vec(message).unwrap())
}

/// Headers of a fresh and valid sign-in.
pub fn signed_in(signer: &str) -> HeaderMap {
    let header = to_header(&sign(message(&keys(), ORIGIN, signer, NOW), signer));
    headers(&[("sign-in-with-x", &header)])
}

pub fn headers(lines: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        let name: http::HeaderName = name.parse().unwrap();
        headers.append(name, value.parse().unwrap());
    }
    headers
}
