//! `GET /v1/products`: what is sold, as the chain says.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use tollgate_client::Pubkey;
use tollgate_gate::{GateError, OfferText};

use crate::app::App;
use crate::chain::{Listing, Snapshot};
use crate::error::{ServiceError, json_response};
use crate::market;

pub(super) async fn list(State(app): State<Arc<App>>) -> Result<Response, ServiceError> {
    let market = app.current_market()?;
    let products: Vec<Value> = market
        .snapshot
        .listings
        .iter()
        .map(|listing| describe(&market.snapshot, listing, app.merchant))
        .collect::<Result<_, _>>()?;
    let mut response = json_response(
        StatusCode::OK,
        &json!({
            "network": app.gate.network().caip2(),
            "program": app.pool.addresses().program_id.to_string(),
            "merchant": app.merchant.to_string(),
            "merchant_name": app.merchant_name,
            "products": products,
        }),
    );
    // Prices change: nobody may keep this longer than it is kept here.
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
}

/// The same names and forms as `product` of a 402's body. Amounts and credits are
/// strings: JSON numbers lose digits in JavaScript above 2^53.
fn describe(
    snapshot: &Snapshot,
    listing: &Listing,
    merchant: Pubkey,
) -> Result<Value, ServiceError> {
    let product = &listing.product;
    let words = OfferText::new(listing.slug.as_str(), "", "application/json")
        .map_err(|_| GateError::Internal)?;
    let offer = market::offer(snapshot, listing, merchant, words);
    Ok(json!({
        "address": listing.address.to_string(),
        "slug": listing.slug.as_str(),
        "merchant": merchant.to_string(),
        "mint": product.mint.to_string(),
        "vault": product.vault.to_string(),
        "decimals": product.decimals,
        "amount": product.price.0.to_string(),
        "price": offer.price_in_units(),
        "grants": offer.grant_in_words(),
        "access_seconds": product.access.0,
        "credits": product.credits.0.to_string(),
        "refund_window_seconds": product.refund_window.0,
        "for_sale": offer.for_sale,
    }))
}
