//! The parts of the OpenAPI document about what wallets and searching agents ask.

use http::StatusCode;
use serde_json::{Map, Value, json};
use tollgate_gate::gate::PAY_PATH;

use super::actions::ACTIONS_PATH;
use super::discovery::{DISCOVERY_PATH, WELL_KNOWN_PATH};
use super::openapi_parts::{SchemaRef, endpoint, response, with_body};

/// The endpoints below the payment path.
pub(super) fn pay_paths() -> Map<String, Value> {
    use StatusCode as S;
    let text = json!({ "type": "string" });
    let plain = |media_type: &str, description: &str| json!({ "description": description, "content": { media_type: {} } });
    let busy = [S::BAD_REQUEST, S::TOO_MANY_REQUESTS, S::SERVICE_UNAVAILABLE];
    let usual = [busy.as_slice(), &[S::NOT_FOUND]].concat();
    let selling = [usual.as_slice(), &[S::FORBIDDEN]].concat();
    let named =
        |name: &str| json!({ "name": name, "in": "path", "required": true, "schema": text });
    let mut paths = Map::new();
    let mut put = |rest: &str, mut item: Value| {
        let mut parameters = vec![named("slug")];
        if !rest.is_empty() {
            parameters.push(named("payment_id"));
        }
        if let Some(item) = item.as_object_mut() {
            item.insert("parameters".to_owned(), parameters.into());
        }
        paths.insert(format!("{PAY_PATH}/{{slug}}{rest}"), item)
    };
    put(
        "",
        json!({ "get": endpoint(
            "describeAction",
            "The product as an action that a page can show (Solana Actions)",
            response("The action", SchemaRef::Action),
            &usual,
        ) }),
    );
    put(
        "/{payment_id}",
        json!({
            "get": endpoint(
                "describePayment",
                "Who asks for money (Solana Pay)",
                response("The merchant", SchemaRef::PayLabel),
                &usual,
            ),
            "post": with_body(
                endpoint(
                    "makePayment",
                    "The unsigned transaction that buys the product (Solana Pay)",
                    response("What the wallet signs", SchemaRef::PayTransaction),
                    &[busy.as_slice(), &[S::FORBIDDEN, S::NOT_FOUND, S::CONFLICT]].concat(),
                ),
                json!({
                    "type": "object",
                    "required": ["account"],
                    "properties": { "account": text },
                }),
            ),
        }),
    );
    for (rest, id, summary, refused) in [
        (
            "/{payment_id}/qr.svg",
            "paymentCode",
            "The transaction request as a code for cameras",
            &usual,
        ),
        (
            "/{payment_id}/transfer/qr.svg",
            "transferCode",
            "The transfer request as a code for cameras",
            &selling,
        ),
    ] {
        let good = plain("image/svg+xml", "The code");
        put(rest, json!({ "get": endpoint(id, summary, good, refused) }));
    }
    put(
        "/{payment_id}/transfer",
        json!({ "get": endpoint(
            "describeTransfer",
            "A plain transfer that buys the product (Solana Pay); where there is a relay",
            response("What the wallet transfers", SchemaRef::TransferRequest),
            &selling,
        ) }),
    );
    let mut status = endpoint(
        "purchaseStatus",
        "What became of a purchase that a wallet was asked for",
        response(
            "Where it stands; 503 means that nobody knows",
            SchemaRef::PurchaseStatus,
        ),
        &usual,
    );
    if let Some(operation) = status.as_object_mut() {
        let hint = json!({ "name": "signature", "in": "query", "schema": text });
        operation.insert("parameters".to_owned(), json!([hint]));
    }
    put("/{payment_id}/status", json!({ "get": status }));
    paths
}

/// The documents that are served unless a route of the configuration has their place.
pub(super) fn yielding_paths(yielded: &[&str]) -> Map<String, Value> {
    let busy = [
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::SERVICE_UNAVAILABLE,
    ];
    let number = |name: &str, least: u32, most: Option<u32>| {
        let mut schema = json!({ "type": "integer", "minimum": least });
        if let (Some(most), Some(schema)) = (most, schema.as_object_mut()) {
            schema.insert("maximum".to_owned(), most.into());
        }
        json!({ "name": name, "in": "query", "schema": schema })
    };
    let list = || response("What can be paid for", SchemaRef::Discovery);
    let mut resources = endpoint(
        "listResources",
        "What can be paid for, as x402 facilitators list it",
        list(),
        &[&busy[..], &[StatusCode::BAD_REQUEST]].concat(),
    );
    if let Some(operation) = resources.as_object_mut() {
        let kind = json!({ "name": "type", "in": "query", "schema": { "type": "string" } });
        let parameters = [
            kind,
            number("limit", 1, Some(100)),
            number("offset", 0, None),
        ];
        operation.insert("parameters".to_owned(), parameters.to_vec().into());
    }
    let rules = json!({
        "description": "The rules",
        "content": { "application/json": { "schema": { "type": "object" } } },
    });
    [
        (DISCOVERY_PATH, resources),
        (
            WELL_KNOWN_PATH,
            endpoint("describeSeller", "Who sells what here", list(), &busy),
        ),
        (
            ACTIONS_PATH,
            endpoint(
                "actionRules",
                "Which paths have an action (Solana Actions)",
                rules,
                &busy,
            ),
        ),
    ]
    .into_iter()
    .filter(|(path, _)| !yielded.contains(path))
    .map(|(path, operation)| (path.to_owned(), json!({ "get": operation })))
    .collect()
}
