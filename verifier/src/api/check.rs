//! `POST /v1/access/entitlements/check`: has this wallet access to this product?
//!
//! For servers that do not sit behind the proxy. What is answered is public on
//! chain, so nobody has to prove anything; what is saved is reading and judging
//! the account.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tollgate_client::{Entitlement, EntitlementStatus, Pubkey, Slug, UnixSeconds};
use tollgate_gate::GateError;
use tollgate_gate::headers::forbid_storing;
use tracing::debug;

use super::json_body;
use crate::app::App;
use crate::audit::{Kind, Proof, Record};
use crate::chain::{Freshness, Key, Listing, Observed, Snapshot};
use crate::error::{ServiceError, json_response};
use crate::request_id::RequestId;
use crate::request_record::{self, Wait};

/// The question. The product is named in exactly one of three ways.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    /// The product's address.
    product: Option<String>,
    /// The product's slug.
    product_slug: Option<String>,
    /// Either of them.
    product_id: Option<String>,
    /// The beneficiary's address.
    wallet: String,
    /// The slot in which the wallet paid, if that is known: the answer is as of this
    /// slot or later, or 503.
    paid_in_slot: Option<u64>,
}

/// Where an entitlement stands. The words are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Standing {
    /// Usable now.
    Active,
    /// Nobody paid.
    None,
    /// Its time has run out.
    Expired,
    /// The merchant ended it.
    Revoked,
    /// Its credits are used.
    Exhausted,
}

impl Standing {
    /// The same judgement as [`Entitlement::is_usable`], with its reason.
    fn of(entitlement: Option<&Entitlement>, chain_time: UnixSeconds) -> Self {
        match entitlement {
            None => Self::None,
            Some(entitlement) if entitlement.is_usable(chain_time) => Self::Active,
            Some(entitlement) if entitlement.status == EntitlementStatus::Revoked => Self::Revoked,
            Some(entitlement) if chain_time >= entitlement.expires_at => Self::Expired,
            Some(_) => Self::Exhausted,
        }
    }

    fn reason(self) -> &'static str {
        match self {
            Self::Active => "entitlement_active",
            Self::None => "entitlement_missing",
            Self::Expired => "entitlement_expired",
            Self::Revoked => "entitlement_revoked",
            Self::Exhausted => "credits_exhausted",
        }
    }
}

pub(super) async fn check(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ServiceError> {
    let question: Question = json_body::read(&headers, body).await?;
    let wallet: Pubkey = question
        .wallet
        .parse()
        .map_err(|_| GateError::PublicKeyInvalid)?;
    // Addresses do not change: an old catalogue serves as well as a new one.
    let market = app.known_market()?;
    let listing = find(&market.snapshot, &question)?;
    let key = Key {
        product: listing.address,
        beneficiary: wallet,
    };
    let asking = async {
        match question.paid_in_slot {
            Some(slot) => app.cache.read_at_least(listing.address, wallet, slot).await,
            None => app.cache.get(key, Freshness::Remembered).await,
        }
    };
    let observed = request_record::waiting(Wait::Chain, asking)
        .await
        .map_err(|failure| app.unreadable(failure))?;
    let address = app.pool.addresses().entitlement(&listing.address, &wallet);
    let entitlement = with_local_use(&app, address, &observed).await?;
    let entitlement = entitlement.as_ref();
    let standing = Standing::of(entitlement, observed.chain_time);
    app.witness_check(Record {
        request: RequestId::current(),
        product: Some(listing.slug.to_string()),
        beneficiary: Some(wallet),
        proof: Some(Proof::None),
        entitlement: Some(address),
        slot: Some(observed.reading.slot),
        ..Record::of_decision(Kind::Verification, standing.reason())
    })
    .await?;
    let expires_at = entitlement.map(|entitlement| entitlement.expires_at);
    let mut response = json_response(
        StatusCode::OK,
        &json!({
            "has_access": standing == Standing::Active,
            "status": standing,
            "reason": standing.reason(),
            "expires_at": expires_at
                .filter(|expires_at| *expires_at != UnixSeconds::NEVER)
                .map(|expires_at| expires_at.0),
            "never_expires": expires_at == Some(UnixSeconds::NEVER),
            "credits_remaining": entitlement
                .and_then(Entitlement::credits_remaining)
                .map(|credits| credits.0),
            "wallet": wallet.to_string(),
            "product": listing.address.to_string(),
            "product_slug": listing.slug.as_str(),
            "entitlement": address.to_string(),
            "slot": observed.reading.slot,
            "chain_time": observed.chain_time.0,
        }),
    );
    forbid_storing(response.headers_mut());
    Ok(response)
}

/// The entitlement, credits that are used but not booked on chain taken off.
async fn with_local_use(
    app: &App,
    address: Pubkey,
    observed: &Observed,
) -> Result<Option<Entitlement>, ServiceError> {
    let entitlement = observed.reading.entitlement;
    let (Some(credits), Some(metered)) = (
        &app.credits,
        entitlement.filter(|entitlement| entitlement.metered),
    ) else {
        return Ok(entitlement);
    };
    let slot = observed.reading.slot;
    match credits.meter.remaining(address, &metered, slot).await {
        Ok(remaining) => Ok(Some(Entitlement {
            credits_used: metered.credits_granted.remaining_after(remaining),
            ..metered
        })),
        Err(error) => {
            debug!(%error, "what is left of an entitlement is not known");
            Err(GateError::CreditsUnavailable.into())
        }
    }
}

fn find<'a>(snapshot: &'a Snapshot, question: &Question) -> Result<&'a Listing, ServiceError> {
    let by_address = |text: &str| {
        let address: Option<Pubkey> = text.parse().ok();
        snapshot
            .listings
            .iter()
            .find(|listing| Some(listing.address) == address)
    };
    let by_slug = |text: &str| {
        let slug = Slug::new(text).ok();
        snapshot
            .listings
            .iter()
            .find(|listing| Some(listing.slug) == slug)
    };
    let found = match (
        &question.product,
        &question.product_slug,
        &question.product_id,
    ) {
        (Some(address), None, None) => by_address(address),
        (None, Some(slug), None) => by_slug(slug),
        (None, None, Some(either)) => by_address(either).or_else(|| by_slug(either)),
        _ => return Err(GateError::RequestBodyInvalid.into()),
    };
    found.ok_or_else(|| GateError::ProductNotFound.into())
}
