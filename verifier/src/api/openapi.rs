//! `GET /openapi.json`: what this service answers, as an OpenAPI 3.1 document.
//!
//! The endpoints are described here; the protected routes come from the
//! configuration. Prices are not in it: they change on chain, and a 402 states them.
//! A route of the configuration at the same path wins: then the upstream's own
//! document is served.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};
use tollgate_gate::headers::JSON;
use tollgate_gate::{GateError, PaymentReason};

use super::openapi_parts::{SchemaRef, components, own_paths, refusals, response};
use super::openapi_pay::{pay_paths, yielding_paths};
use crate::app::App;
use crate::config::{Config, PublicUrl, RouteAccess, RouteConfig};
use crate::error::ServiceError;

/// Where it is served.
pub(crate) const OPENAPI_PATH: &str = "/openapi.json";

/// The name of the parameter that stands for everything below a `/*`.
const REST: &str = "rest";

pub(super) async fn serve(State(app): State<Arc<App>>) -> Response {
    match &app.openapi {
        Some(document) => (
            StatusCode::OK,
            [
                (header::CONTENT_TYPE, JSON),
                (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
            ],
            document.clone(),
        )
            .into_response(),
        None => ServiceError::from(GateError::RouteNotFound).into_response(),
    }
}

/// The document of one configuration; `None` when a route has its place.
pub(crate) fn document(config: &Config, public_url: &PublicUrl) -> Option<Bytes> {
    let taken = config.routes.iter().any(|route| route.path == OPENAPI_PATH);
    (!taken).then(|| Bytes::from(describe(config, public_url).to_string()))
}

fn describe(config: &Config, public_url: &PublicUrl) -> Value {
    let mut paths = own_paths();
    paths.extend(pay_paths());
    paths.extend(yielding_paths(&super::yielded(&config.routes)));
    for (path, item) in protected_paths(&config.routes) {
        // The service's own endpoints win, as they do when a request comes in.
        paths.entry(path).or_insert(item);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": config.merchant.name,
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Some paths are paid for on Solana: without access they answer 402 and \
                say how to pay. Every refusal has a stable code.",
        },
        "servers": [{ "url": public_url.to_string() }],
        "paths": paths,
        "components": components(),
    })
}

/// The routes of the configuration. Paths that differ in the names of their
/// parameters only are one path (OpenAPI 3.1 section 4.8.8.2).
fn protected_paths(routes: &[RouteConfig]) -> Map<String, Value> {
    let mut items: BTreeMap<String, (String, Map<String, Value>)> = BTreeMap::new();
    for route in routes {
        let path = templated(&route.path);
        let shape = shape(&path);
        let (path, item) = items.entry(shape).or_insert_with(|| {
            let mut item = Map::new();
            let parameters = parameters(&path);
            if !parameters.is_empty() {
                item.insert("parameters".to_owned(), parameters.into());
            }
            (path, item)
        });
        for method in &route.methods {
            let name = method.as_str().to_ascii_lowercase();
            let operation = operation(route, &name, path);
            item.entry(name).or_insert(operation);
        }
    }
    items
        .into_values()
        .map(|(path, item)| (path, item.into()))
        .collect()
}

/// A pattern as OpenAPI writes it.
pub(super) fn templated(pattern: &str) -> String {
    match pattern.strip_suffix("/*") {
        Some(start) => format!("{start}/{{{REST}}}"),
        None => pattern.to_owned(),
    }
}

fn names(path: &str) -> impl Iterator<Item = &str> {
    path.split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
}

fn shape(path: &str) -> String {
    let segments: Vec<&str> = path
        .split('/')
        .map(|segment| {
            if segment.starts_with('{') {
                "{}"
            } else {
                segment
            }
        })
        .collect();
    segments.join("/")
}

fn parameters(path: &str) -> Vec<Value> {
    names(path)
        .map(|name| {
            json!({
                "name": name,
                "in": "path",
                "required": true,
                "schema": { "type": "string" },
            })
        })
        .collect()
}

fn operation(route: &RouteConfig, method: &str, path: &str) -> Value {
    let title = if route.title.is_empty() {
        format!("{} {path}", method.to_ascii_uppercase())
    } else {
        route.title.clone()
    };
    let media_type = route.mime_type.clone();
    let mut responses = refusals(&[
        StatusCode::BAD_REQUEST,
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::BAD_GATEWAY,
        StatusCode::SERVICE_UNAVAILABLE,
        StatusCode::GATEWAY_TIMEOUT,
    ]);
    responses.insert(
        "default".to_owned(),
        json!({
            "description": "What the service behind answers",
            "content": { media_type: {} },
        }),
    );
    let mut operation = json!({
        "operationId": operation_id(method, path),
        "summary": title,
        "description": route.description,
    });
    if let (RouteAccess::Product(slug), Some(operation)) =
        (&route.access, operation.as_object_mut())
    {
        let reasons: Vec<&str> = PaymentReason::ALL
            .iter()
            .map(|reason| reason.code())
            .collect();
        responses.extend(refusals(&[StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN]));
        responses.insert(
            "402".to_owned(),
            response(
                &format!("To be paid for ({})", reasons.join(", ")),
                SchemaRef::Demand,
            ),
        );
        operation.insert("x-tollgate-product".to_owned(), json!(slug));
        operation.insert(
            "security".to_owned(),
            json!([{ "session": [] }, { "signInWithX": [] }]),
        );
    }
    if let Some(operation) = operation.as_object_mut() {
        operation.insert("responses".to_owned(), responses.into());
    }
    operation
}

/// A name of letters, digits and `_`, made from method and path; distinct paths of
/// one document have distinct ones.
fn operation_id(method: &str, path: &str) -> String {
    let mut id = method.to_owned();
    for character in path.chars() {
        if character.is_ascii_alphanumeric() {
            id.push(character);
        } else {
            // One letter could be a word's; this cannot.
            id.push_str(&format!("_{:x}_", u32::from(character)));
        }
    }
    id
}
