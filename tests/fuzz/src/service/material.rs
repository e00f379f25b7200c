//! One service, one caller, and what is valid between them.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use solana_keypair::Keypair;
use solana_signer::Signer;
use tollgate_client::{
    Addresses, Amount, Credits, DurationSeconds, Entitlement, EntitlementStatus, Pubkey, Slug,
    UnixSeconds,
};
use tollgate_gate::session::{self, Session};
use tollgate_gate::siwx::{SignInChallenge, SignInMessage, SignInTerms};
use tollgate_gate::{
    Access, Gate, GateSettings, KeyId, KeyRing, MethodSet, Network, OfferText, Origin,
    ProductOffer, RouteDefinition, RouteTable, Secret,
};
use tollgate_localnet::{DEVNET_GENESIS_HASH, USDC_MINT, test_keypair};

/// 2026-11-21T08:00:00Z
pub(super) const NOW: UnixSeconds = UnixSeconds(1_795_248_000);
pub(super) const ORIGIN: &str = "https://api.example.com";
/// A path of the paid route.
pub(super) const PAID: &str = "/v1/quote/SOL";

/// The caller's key.
pub(super) fn caller() -> Keypair {
    test_keypair("fuzz caller")
}

pub(super) fn origin() -> Origin {
    Origin::parse(ORIGIN).expect("an origin")
}

pub(super) fn network() -> Network {
    Network::from_genesis_hash(DEVNET_GENESIS_HASH).expect("a hash")
}

pub(super) fn keys() -> KeyRing {
    let secret = Secret::new(vec![7; 32]).expect("long enough");
    KeyRing::new((KeyId(1), secret), Vec::new()).expect("one key")
}

pub(super) fn gate() -> Gate {
    Gate::new(GateSettings {
        origin: origin(),
        network: network(),
        addresses: Addresses::default(),
        keys: keys(),
        session_lifetime: DurationSeconds(3_600),
    })
}

pub(super) fn offer() -> ProductOffer {
    let addresses = Addresses::default();
    let merchant = addresses.merchant(&test_keypair("fuzz owner").pubkey());
    let slug = Slug::new("quotes").expect("a slug");
    ProductOffer {
        merchant,
        product: addresses.product(&merchant, &slug),
        slug,
        mint: USDC_MINT,
        decimals: 6,
        vault: addresses.vault(&merchant, &USDC_MINT),
        price: Amount(10_000),
        access: DurationSeconds(86_400),
        credits: Credits(0),
        refund_window: DurationSeconds(3_600),
        for_sale: true,
        text: OfferText::new("Quotes", "", "application/json").expect("a text"),
    }
}

/// A paid route, a free one, and one in which an upstream may find the paid one.
pub(super) fn table() -> RouteTable {
    let route = |pattern: &str, access| RouteDefinition {
        pattern: tollgate_gate::route::RoutePattern::parse(pattern).expect("a pattern"),
        methods: MethodSet::of(&Method::GET).expect("a method"),
        access,
        metering: tollgate_gate::Metering::ONE_CREDIT,
    };
    RouteTable::new(vec![
        route("/v1/quote/{symbol}", Access::Paid(Arc::new(offer()))),
        route("/v1/*", Access::Free),
        route("/free/*", Access::Free),
    ])
    .expect("a table")
}

/// The caller's entitlement.
pub(super) fn entitlement() -> Entitlement {
    let offer = offer();
    let caller = caller().pubkey();
    let (_, bump) = Pubkey::find_program_address(
        &[b"entitlement", offer.product.as_ref(), caller.as_ref()],
        &tollgate_client::PROGRAM_ID,
    );
    let mut held = Entitlement::empty(
        offer.merchant,
        offer.product,
        caller,
        caller,
        bump,
        UnixSeconds(NOW.0 - 600),
    );
    held.status = EntitlementStatus::Active;
    held.expires_at = UnixSeconds(NOW.0 + 600);
    held.payments = 1;
    held
}

/// The caller's session, as `Authorization` carries it.
pub(super) fn bearer() -> String {
    let offer = offer();
    let caller = caller().pubkey();
    let session = Session {
        entitlement: Addresses::default().entitlement(&offer.product, &caller),
        product: offer.product,
        beneficiary: caller,
        issued_at: NOW,
        expires_at: UnixSeconds(NOW.0 + 600),
    };
    let token = session::issue(&keys(), &origin(), &session, DurationSeconds(3_600));
    format!("Bearer {}", token.expect("it is not over").expose())
}

/// The caller's answer to a challenge.
pub(super) fn message() -> SignInMessage {
    let resource = format!("{ORIGIN}{PAID}");
    let statement = "Use what you have paid for.".to_owned();
    let product = offer().product;
    let terms = SignInTerms::new(&keys(), &origin(), &product, NOW, [3; 4]).expect("a time");
    let challenge = SignInChallenge::new(&origin(), &network(), &resource, statement, &terms);
    let challenge = serde_json::to_value(challenge).expect("JSON");
    let mut message = challenge["info"].clone();
    let chain = &challenge["supportedChains"][0];
    message["address"] = caller().pubkey().to_string().into();
    message["chainId"] = chain["chainId"].clone();
    message["type"] = chain["type"].clone();
    message["signature"] = "".into();
    let mut message: SignInMessage = serde_json::from_value(message).expect("a message");
    let text = message.text().expect("a text");
    message.signature = caller().sign_message(text.as_bytes()).to_string();
    message
}

/// The same as `SIGN-IN-WITH-X` carries it.
pub(super) fn header(json: &[u8]) -> String {
    STANDARD.encode(json)
}
