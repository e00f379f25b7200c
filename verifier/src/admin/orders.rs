//! `POST /v1/orders`: the merchant orders for a customer.
//!
//! Only on the listener for operators, which is not the callers': an order puts down the
//! relay's money before anybody has paid. Off unless `[relay] aliases = true`.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};
use tollgate_client::{DurationSeconds, IntentStatus, PaymentId, Pubkey, Slug, random_payment_id};
use tollgate_gate::exact::TOKEN_PROGRAM;
use tollgate_gate::gate::PAY_PATH;
use tollgate_gate::headers::forbid_storing;
use tollgate_gate::solana_pay::{TransferRequest, memo};
use tollgate_gate::{GateError, ProductOffer};

use super::Admin;
use crate::api::{offer_of, read_json};
use crate::app::App;
use crate::error::{ServiceError, json_response};
use crate::settlement::{OpenOrder, OrderOutcome, OrderRequest};

/// How long an order may be paid when nothing is said, and at least and at most.
const USUAL_LIFETIME: DurationSeconds = DurationSeconds(3_600);
const LIFETIMES: std::ops::RangeInclusive<u64> = 60..=86_400;

/// The body.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// The product's slug.
    product: String,
    /// Whose access it becomes.
    beneficiary: String,
    /// The order's name; a new one if it is left out.
    payment_id: Option<String>,
    /// Whether it is paid to an address on the curve.
    #[serde(default = "yes")]
    alias: bool,
    /// How long it may be paid.
    expires_in_seconds: Option<u64>,
}

fn yes() -> bool {
    true
}

/// Makes an order, or finds the one of this name.
pub(super) async fn make(
    State(admin): State<Admin>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ServiceError> {
    let app = Arc::clone(&admin.app.borrow());
    let settlement = app
        .settlement
        .as_ref()
        .filter(|settlement| settlement.makes_orders())
        .ok_or(GateError::RouteNotFound)?;
    // A page of another origin could send a body without a media type; with one the
    // browser asks first, and nobody answers that.
    if !headers.contains_key(header::CONTENT_TYPE) {
        return Err(GateError::MediaTypeUnsupported.into());
    }
    let wanted: Wanted = read_json(&headers, body).await?;
    let slug = Slug::new(&wanted.product).map_err(|_| GateError::ProductNotFound)?;
    let beneficiary: Pubkey = wanted
        .beneficiary
        .parse()
        .map_err(|_| GateError::PublicKeyInvalid)?;
    let payment_id: PaymentId = match wanted.payment_id {
        Some(text) => text.parse().map_err(|_| GateError::PaymentIdInvalid)?,
        None => random_payment_id(),
    };
    let lifetime = wanted.expires_in_seconds.unwrap_or(USUAL_LIFETIME.0);
    if !LIFETIMES.contains(&lifetime) {
        return Err(GateError::RequestBodyInvalid.into());
    }
    let market = app.current_market()?;
    let offer = offer_of(&app, &market, &slug)?;
    let listing = market
        .snapshot
        .listing(&slug)
        .ok_or(GateError::ProductNotFound)?;
    if !offer.for_sale {
        return Err(GateError::ProductNotForSale.into());
    }
    let outcome = settlement
        .order(&OrderRequest {
            product: (listing.address, &listing.product),
            payment_id,
            beneficiary,
            lifetime: DurationSeconds(lifetime),
            alias: wanted.alias,
        })
        .await;
    let order = match outcome {
        OrderOutcome::Open(order) => order,
        OrderOutcome::Taken(IntentStatus::Paid) => return Err(GateError::AlreadyPaid.into()),
        OrderOutcome::Taken(IntentStatus::Open) => return Err(GateError::PaymentIdTaken.into()),
        OrderOutcome::Taken(_) => return Err(GateError::PaymentIdSpent.into()),
        OrderOutcome::Bounded(refusal) => {
            tracing::warn!(
                code = refusal.code(),
                "an order exceeds what the relay may spend"
            );
            return Err(GateError::TransfersUnavailable.into());
        }
        OrderOutcome::Refused => return Err(GateError::TransfersUnavailable.into()),
        OrderOutcome::Busy => return Err(GateError::Overloaded.into()),
        OrderOutcome::Unknown => return Err(GateError::ChainUnavailable.into()),
    };
    let order = described(&app, &offer, &payment_id, &order);
    let mut response = json_response(StatusCode::CREATED, &order);
    forbid_storing(response.headers_mut());
    Ok(response)
}

fn described(app: &App, offer: &ProductOffer, payment_id: &PaymentId, order: &OpenOrder) -> Value {
    let request = TransferRequest {
        offer,
        recipient: &order.pay_to,
        payment_id,
        reference: &order.intent,
        merchant_name: &app.merchant_name,
    };
    json!({
        "payment_id": payment_id.to_string(),
        "intent": order.intent.to_string(),
        "pay_to": order.pay_to.to_string(),
        "deposit": order.deposit.to_string(),
        "mint": offer.mint.to_string(),
        "amount": order.amount.to_string(),
        "expires_at": order.expires_at.0,
        "payment_uri": request.to_string(),
        "status": format!("{}{PAY_PATH}/{}/{payment_id}/status", app.public_url, offer.slug),
        // For the merchant's own x402 server; whoever co-signs adds `feePayer`.
        "requirements": {
            "scheme": "exact",
            "network": app.gate.network().caip2(),
            "amount": order.amount.to_string(),
            "asset": offer.mint.to_string(),
            "payTo": order.pay_to.to_string(),
            "maxTimeoutSeconds": 60,
            "extra": {
                "memo": memo(payment_id),
                "decimals": offer.decimals,
                "tokenProgram": TOKEN_PROGRAM.to_string(),
            },
        },
    })
}
