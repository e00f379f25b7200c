//! `/v1/pay/{slug}/{payment_id}/transfer`: a Solana Pay transfer request, for wallets
//! that make plain transfers only.
//!
//! The money lands in the vault before anybody has checked anything: a transaction
//! request is better wherever the wallet takes it. What the transfer paid for is found
//! out by its reference or its memo, when the purchase's [`status`](super::status) is
//! asked for within ten minutes. docs/solana-pay.md says which wallets take what.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use serde_json::json;
use tollgate_client::{PaymentId, Pubkey};
use tollgate_gate::gate::PAY_PATH;
use tollgate_gate::headers::forbid_storing;
use tollgate_gate::solana_pay::{TransferRequest, memo};
use tollgate_gate::{GateError, ProductOffer};

use super::actions::offer_of;
use super::{pay, qr};
use crate::app::App;
use crate::error::{ServiceError, json_response};

/// What a transfer request is made of.
struct Wanted {
    offer: ProductOffer,
    payment_id: PaymentId,
    reference: Pubkey,
}

impl Wanted {
    fn uri(&self, app: &App) -> String {
        let request = TransferRequest {
            offer: &self.offer,
            recipient: &self.offer.merchant,
            payment_id: &self.payment_id,
            reference: &self.reference,
            merchant_name: &app.merchant_name,
        };
        request.to_string()
    }
}

/// `GET`: the URL, and what it says.
pub(super) async fn describe(
    State(app): State<Arc<App>>,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<Response, ServiceError> {
    let wanted = wanted(&app, path)?;
    let Wanted {
        offer, payment_id, ..
    } = &wanted;
    let status = format!(
        "{}{PAY_PATH}/{}/{payment_id}/status",
        app.public_url, offer.slug
    );
    let mut response = json_response(
        StatusCode::OK,
        &json!({
            "payment_uri": wanted.uri(&app),
            "recipient": offer.merchant.to_string(),
            "vault": offer.vault.to_string(),
            "mint": offer.mint.to_string(),
            "amount": offer.price.to_string(),
            "price": offer.price_in_units(),
            "reference": wanted.reference.to_string(),
            "memo": memo(payment_id),
            "status": status,
        }),
    );
    forbid_storing(response.headers_mut());
    Ok(response)
}

/// `GET …/qr.svg`: the URL as a code.
pub(super) async fn code(
    State(app): State<Arc<App>>,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<Response, ServiceError> {
    let wanted = wanted(&app, path)?;
    qr::picture(&wanted.uri(&app))
}

/// A transfer cannot be taken back: it is asked for only where it would be recorded.
fn wanted(
    app: &App,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<Wanted, ServiceError> {
    let settlement = app.settlement.as_ref().ok_or(GateError::RouteNotFound)?;
    let (listing, payment_id) = pay::named(app, path)?;
    let offer = offer_of(app, &*app.current_market()?, &listing.slug)?;
    if !settlement.is_offered() {
        return Err(GateError::TransfersUnavailable.into());
    }
    if !offer.for_sale {
        return Err(GateError::ProductNotForSale.into());
    }
    Ok(Wanted {
        reference: app
            .pool
            .addresses()
            .quoted_intent(&offer.merchant, &payment_id),
        offer,
        payment_id,
    })
}
