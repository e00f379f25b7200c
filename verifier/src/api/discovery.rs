//! What is sold here, for agents that search before they ask: the list that x402
//! facilitators keep ("bazaar"), served by the seller itself.
//!
//! | endpoint | form |
//! | --- | --- |
//! | `GET /discovery/resources` | as facilitators answer it (reference: x402 v2, facilitator API) |
//! | `GET /.well-known/x402` | names and the first page of the same list. No standard yet: the members are those of x402-foundation/x402 #2582 (`items`) and Merit-Systems/x402scan #459 (`version`, `resources`) |
//!
//! Nothing in them belongs to one request. A payment id comes with a 402 only.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use http::{HeaderValue, Method, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};
use tollgate_client::UnixSeconds;
use tollgate_gate::siwx::Timestamp;
use tollgate_gate::{GateError, ProductOffer, Route, listing};

use super::openapi::{OPENAPI_PATH, templated};
use super::{ICON_PATH, PRODUCTS_PATH};
use crate::admission::wall_clock;
use crate::app::App;
use crate::error::{ServiceError, json_response};
use crate::market::Market;

/// Where facilitators list resources, and so do we.
pub(crate) const DISCOVERY_PATH: &str = "/discovery/resources";
/// Where a seller describes itself.
pub(crate) const WELL_KNOWN_PATH: &str = "/.well-known/x402";

/// What the items are.
const KIND: &str = "http";
/// The version of x402 that they speak.
const X402_VERSION: u8 = 2;
/// Items of one page when nothing is said, and at most.
const USUAL_LIMIT: usize = 20;
const MOST_ITEMS: usize = 100;

/// Which part of the list. Other parameters of facilitators are passed over.
#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    #[serde(rename = "type")]
    kind: Option<String>,
    limit: Option<usize>,
    offset: Option<usize>,
}

/// `GET /discovery/resources`
pub(super) async fn resources(
    State(app): State<Arc<App>>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, ServiceError> {
    let Query(wanted) = wanted.map_err(|_| GateError::QueryInvalid)?;
    let limit = wanted.limit.unwrap_or(USUAL_LIMIT);
    if !(1..=MOST_ITEMS).contains(&limit) {
        return Err(GateError::QueryInvalid.into());
    }
    let market = app.current_market()?;
    let offset = wanted.offset.unwrap_or(0);
    let page = match wanted.kind.as_deref() {
        None | Some(KIND) => Page::of(&app, &market, offset, limit),
        Some(_) => Page::default().at(offset, limit),
    };
    let mut document = json!({ "x402Version": X402_VERSION });
    page.write_to(&mut document);
    Ok(fresh(&document))
}

/// `GET /.well-known/x402`
pub(super) async fn well_known(State(app): State<Arc<App>>) -> Result<Response, ServiceError> {
    let market = app.current_market()?;
    let here = |path: &str| format!("{}{path}", app.public_url);
    let requests: Vec<String> = for_sale(&market)
        .flat_map(|(route, _)| {
            let path = templated(route.pattern().as_str());
            methods(route).map(move |method| format!("{method} {path}"))
        })
        .collect();
    let mut document = json!({
        "x402Version": X402_VERSION,
        "version": 1,
        "name": app.merchant_name,
        "iconUrl": here(ICON_PATH),
        "resources": requests,
        "instructions": "Ask for a resource; its 402 says how to pay. Who has paid signs in and is \
            served without paying again.",
        "network": app.gate.network().caip2(),
        "program": app.pool.addresses().program_id.to_string(),
        "merchant": app.merchant.to_string(),
        "products": here(PRODUCTS_PATH),
        "discovery": here(DISCOVERY_PATH),
    });
    if app.openapi.is_some()
        && let Some(document) = document.as_object_mut()
    {
        document.insert("openapi".to_owned(), here(OPENAPI_PATH).into());
    }
    Page::of(&app, &market, 0, MOST_ITEMS).write_to(&mut document);
    Ok(fresh(&document))
}

/// A part of the list.
#[derive(Debug, Default)]
struct Page {
    items: Vec<Value>,
    limit: usize,
    offset: usize,
    total: usize,
}

impl Page {
    fn of(app: &App, market: &Market, offset: usize, limit: usize) -> Self {
        let age = market.snapshot.read_at.elapsed().as_secs();
        let age = i64::try_from(age).unwrap_or(i64::MAX);
        let read_at = UnixSeconds(wall_clock().0.saturating_sub(age));
        let items = for_sale(market)
            .skip(offset)
            .take(limit)
            .map(|(route, offer)| item(app, route, offer, read_at))
            .collect();
        Self {
            items,
            total: for_sale(market).count(),
            ..Self::default()
        }
        .at(offset, limit)
    }

    fn at(self, offset: usize, limit: usize) -> Self {
        Self {
            offset,
            limit,
            ..self
        }
    }

    fn write_to(self, document: &mut Value) {
        if let Some(document) = document.as_object_mut() {
            document.insert("items".to_owned(), self.items.into());
            let pagination = json!({
                "limit": self.limit,
                "offset": self.offset,
                "total": self.total,
            });
            document.insert("pagination".to_owned(), pagination);
        }
    }
}

/// The routes that can be paid for now, in the table's order.
fn for_sale(market: &Market) -> impl Iterator<Item = (&Route, &ProductOffer)> {
    market
        .table
        .routes()
        .filter_map(|route| Some((route.as_ref(), route.offer()?.as_ref())))
        .filter(|(_, offer)| offer.for_sale)
}

fn methods(route: &Route) -> impl Iterator<Item = Method> + use<> {
    // HEAD goes with GET and needs no line of its own.
    let methods = route.methods();
    [
        Method::GET,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
    ]
    .into_iter()
    .filter(move |method| methods.contains(method))
}

/// One entry. `read_at` is when the chain last said so.
fn item(app: &App, route: &Route, offer: &ProductOffer, read_at: UnixSeconds) -> Value {
    let path = templated(route.pattern().as_str());
    let methods: Vec<String> = methods(route).map(|method| method.to_string()).collect();
    json!({
        "resource": format!("{}{path}", app.public_url),
        "type": KIND,
        "x402Version": X402_VERSION,
        "accepts": listing::accepts(&app.gate, offer),
        "lastUpdated": Timestamp(read_at).to_text().unwrap_or_default(),
        "description": offer.text.description(),
        "mimeType": offer.text.media_type(),
        "serviceName": app.merchant_name,
        "iconUrl": format!("{}{ICON_PATH}", app.public_url),
        "metadata": {
            "title": offer.text.title(),
            "methods": methods,
            "product": offer.slug.as_str(),
            "price": offer.price_in_units(),
            "grants": offer.grant_in_words(),
        },
    })
}

/// Prices change: nobody may keep this longer than it is kept here.
fn fresh(document: &Value) -> Response {
    let mut response = json_response(StatusCode::OK, document);
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}
