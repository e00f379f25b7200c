//! What a 402 offers, read as an agent that trusts nothing: shapes and sizes are
//! bounded here, and every term is compared with the chain before anything is paid.

use crate::PayError;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use serde::Deserialize;
use tollgate_client::{Amount, Credits, DurationSeconds, PaymentId, Pubkey};
use tollgate_gate::PaymentReason;
use tollgate_gate::headers::PAYMENT_REQUIRED;

/// The scheme that is followed here.
const SCHEME: &str = "entitlement";
/// Largest header that is decoded.
const MAX_HEADER_BYTES: usize = 32 << 10;

/// One usable offer of a 402.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// CAIP-2 id of the cluster.
    pub network: String,
    /// Price.
    pub amount: Amount,
    /// Mint.
    pub mint: Pubkey,
    /// Merchant account.
    pub merchant: Pubkey,
    /// The program.
    pub program_id: Pubkey,
    /// Product account.
    pub product: Pubkey,
    /// The payment id that the server proposes.
    pub payment_id: PaymentId,
    /// Access that it grants.
    pub access: DurationSeconds,
    /// Credits that it grants.
    pub credits: Credits,
    /// Whether the server says to a caller it knows that all credits are used. The
    /// chain may not say so yet: used credits are booked later.
    pub credits_exhausted: bool,
    /// How to sign in, if the server says so.
    pub sign_in: Option<SignIn>,
}

/// `extensions["sign-in-with-x"].info`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignIn {
    /// `host[:port]`.
    pub domain: String,
    /// The resource.
    pub uri: String,
    /// `1`.
    pub version: String,
    /// To be signed.
    pub nonce: String,
    /// RFC 3339.
    pub issued_at: String,
    /// RFC 3339.
    pub expiration_time: Option<String>,
    /// RFC 3339.
    pub not_before: Option<String>,
    /// Echoed.
    pub request_id: Option<String>,
    /// Shown to people.
    pub statement: Option<String>,
    /// Echoed.
    pub resources: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PaymentRequired {
    x402_version: u8,
    #[serde(default)]
    error: String,
    accepts: Vec<serde_json::Value>,
    extensions: Option<Extensions>,
}

#[derive(Deserialize)]
struct Extensions {
    #[serde(rename = "sign-in-with-x")]
    sign_in_with_x: Option<SignInExtension>,
}

#[derive(Deserialize)]
struct SignInExtension {
    info: SignIn,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Requirements {
    network: String,
    amount: String,
    asset: String,
    pay_to: String,
    extra: Extra,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Extra {
    program_id: String,
    product: String,
    payment_id: String,
    access_seconds: u64,
    credits: String,
}

impl Challenge {
    /// The first offer of the scheme `entitlement` in the `PAYMENT-REQUIRED` header
    /// (x402 v2) of a 402.
    ///
    /// # Errors
    /// [`PayError::Challenge`].
    pub fn of(headers: &HeaderMap) -> Result<Self, PayError> {
        let unusable = |reason: &str| PayError::Challenge(reason.to_owned());
        let header = headers
            .get(&PAYMENT_REQUIRED)
            .and_then(|header| header.to_str().ok())
            .filter(|header| header.len() <= MAX_HEADER_BYTES)
            .ok_or_else(|| unusable("it has no usable PAYMENT-REQUIRED header"))?;
        let json = STANDARD
            .decode(header)
            .map_err(|_| unusable("PAYMENT-REQUIRED is not base64"))?;
        let required: PaymentRequired = serde_json::from_slice(&json)
            .map_err(|_| unusable("PAYMENT-REQUIRED is not a PaymentRequired"))?;
        if required.x402_version != 2 {
            return Err(unusable("it speaks another version of x402"));
        }
        let offer = required
            .accepts
            .into_iter()
            .find(|offer| offer.get("scheme").and_then(|scheme| scheme.as_str()) == Some(SCHEME))
            .ok_or_else(|| unusable("it does not offer the scheme `entitlement`"))?;
        let offer: Requirements = serde_json::from_value(offer)
            .map_err(|_| unusable("its `entitlement` offer is incomplete"))?;
        let key = |text: &str| {
            text.parse::<Pubkey>()
                .map_err(|_| unusable("a key in it is malformed"))
        };
        let number = |text: &str| {
            text.parse::<u64>()
                .map_err(|_| unusable("a number in it is malformed"))
        };
        Ok(Self {
            amount: Amount(number(&offer.amount)?),
            mint: key(&offer.asset)?,
            merchant: key(&offer.pay_to)?,
            program_id: key(&offer.extra.program_id)?,
            product: key(&offer.extra.product)?,
            payment_id: offer
                .extra
                .payment_id
                .parse()
                .map_err(|_| unusable("its payment id is malformed"))?,
            access: DurationSeconds(offer.extra.access_seconds),
            credits: Credits(number(&offer.extra.credits)?),
            credits_exhausted: required.error == PaymentReason::CreditsExhausted.code(),
            sign_in: required
                .extensions
                .and_then(|all| all.sign_in_with_x)
                .map(|sign_in| sign_in.info),
            network: offer.network,
        })
    }

    /// How to sign in.
    ///
    /// # Errors
    /// [`PayError::Challenge`] when the server does not say.
    pub(crate) fn sign_in(&self) -> Result<&SignIn, PayError> {
        let sign_in = self.sign_in.as_ref();
        sign_in.ok_or_else(|| PayError::Challenge("it offers no way to sign in".to_owned()))
    }
}
