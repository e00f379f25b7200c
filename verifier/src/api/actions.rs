//! Solana Actions: payments that wallets and pages offer wherever a link to this
//! service stands ("blinks"; `@solana/actions-spec` 2.4).
//!
//! | endpoint | answers |
//! | --- | --- |
//! | `GET /actions.json` | which of this service's paths have an action |
//! | `GET /v1/pay/{slug}` | the product as an action: its button posts to a transaction request |
//!
//! An action names a new payment id each time and stores nothing. The transaction comes
//! from [`super::pay`], as for any wallet.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use tollgate_client::Slug;
use tollgate_gate::gate::PAY_PATH;
use tollgate_gate::headers::forbid_storing;
use tollgate_gate::{Entropy, GateError, OfferText, ProductOffer};

use super::ICON_PATH;
use crate::app::App;
use crate::error::{ServiceError, json_response};
use crate::market::{self, Market};

/// Where clients look for the rules.
pub(crate) const ACTIONS_PATH: &str = "/actions.json";

/// The version of the specification that is spoken.
const VERSION: HeaderValue = HeaderValue::from_static("2.4");
const X_ACTION_VERSION: HeaderName = HeaderName::from_static("x-action-version");
/// CAIP-2 ids of the clusters on which the transaction can be sent.
const X_BLOCKCHAIN_IDS: HeaderName = HeaderName::from_static("x-blockchain-ids");

/// Says what clients of actions want to know before they show one.
pub(super) fn declare(app: &App, headers: &mut HeaderMap) {
    headers.insert(X_ACTION_VERSION, VERSION);
    if let Ok(network) = HeaderValue::from_str(app.gate.network().caip2()) {
        headers.insert(X_BLOCKCHAIN_IDS, network);
    }
}

/// `GET /actions.json`: a link to anything that is sold can be shown as its action.
pub(super) async fn rules(State(app): State<Arc<App>>) -> Result<Response, ServiceError> {
    let market = app.known_market()?;
    let own = format!("{PAY_PATH}/*");
    let mut rules = vec![json!({ "pathPattern": own, "apiPath": own })];
    rules.extend(market.table.routes().filter_map(|route| {
        let slug = route.offer()?.slug;
        Some(json!({
            "pathPattern": wildcards(route.pattern().as_str()),
            "apiPath": format!("{PAY_PATH}/{slug}"),
        }))
    }));
    let mut response = json_response(StatusCode::OK, &json!({ "rules": rules }));
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    declare(&app, headers);
    Ok(response)
}

/// A route's pattern as rules write it: `*` for a segment, `**` for all that follow.
fn wildcards(pattern: &str) -> String {
    let segments: Vec<&str> = pattern
        .split('/')
        .map(|segment| match segment {
            "*" => "**",
            name if name.starts_with('{') => "*",
            exact => exact,
        })
        .collect();
    segments.join("/")
}

/// `GET /v1/pay/{slug}`
pub(super) async fn describe(
    State(app): State<Arc<App>>,
    slug: Result<Path<String>, PathRejection>,
) -> Result<Response, ServiceError> {
    let Path(slug) = slug.map_err(|_| GateError::PathInvalidUtf8)?;
    let slug = Slug::new(&slug).map_err(|_| GateError::ProductNotFound)?;
    let market = app.current_market()?;
    let offer = offer_of(&app, &market, &slug)?;
    let mut response = json_response(StatusCode::OK, &action(&app, &offer));
    let headers = response.headers_mut();
    forbid_storing(headers);
    declare(&app, headers);
    Ok(response)
}

/// A product in the words of the first route that sells it, else by its name.
pub(crate) fn offer_of(
    app: &App,
    market: &Market,
    slug: &Slug,
) -> Result<ProductOffer, ServiceError> {
    let routed = market
        .table
        .routes()
        .filter_map(|route| route.offer())
        .find(|offer| offer.slug == *slug);
    if let Some(offer) = routed {
        return Ok(offer.as_ref().clone());
    }
    let listing = market
        .snapshot
        .listing(slug)
        .ok_or(GateError::ProductNotFound)?;
    let words =
        OfferText::new(slug.as_str(), "", "application/json").map_err(|_| GateError::Internal)?;
    Ok(market::offer(
        &market.snapshot,
        listing,
        app.merchant,
        words,
    ))
}

fn action(app: &App, offer: &ProductOffer) -> Value {
    let grants = offer.grant_in_words();
    let description = match offer.text.description() {
        "" => grants,
        words => format!("{words} ({grants})"),
    };
    let currency = if app.gate.network().is_usdc(&offer.mint) {
        "USDC".to_owned()
    } else {
        offer.mint.to_string()
    };
    let label = format!("Pay {} {currency}", offer.price_in_units());
    let payment_id = app
        .gate
        .new_payment_id(&offer.product, &Entropy(rand::random()));
    let href = format!("{}{PAY_PATH}/{}/{payment_id}", app.public_url, offer.slug);
    let mut action = json!({
        "type": "action",
        "icon": format!("{}{ICON_PATH}", app.public_url),
        "title": format!("{} \u{2013} {}", offer.text.title(), app.merchant_name),
        "description": description,
        "label": label,
        "disabled": !offer.for_sale,
        "links": {
            "actions": [{ "type": "transaction", "href": href, "label": label }],
        },
    });
    if !offer.for_sale
        && let Some(action) = action.as_object_mut()
    {
        let message = GateError::ProductNotForSale.detail();
        action.insert("error".to_owned(), json!({ "message": message }));
    }
    action
}

#[cfg(test)]
mod tests {
    use super::wildcards;

    #[test]
    fn patterns_become_rules() {
        for (pattern, rule) in [
            ("/", "/"),
            ("/v1/report", "/v1/report"),
            ("/v1/quote/{symbol}", "/v1/quote/*"),
            ("/files/{name}/*", "/files/*/**"),
        ] {
            assert_eq!(wildcards(pattern), rule);
        }
    }
}
