//! The parts of the OpenAPI document that do not depend on the configuration: the
//! service's own endpoints, the forms of their bodies, and the refusals.

use std::collections::BTreeSet;

use http::StatusCode;
use serde_json::{Map, Value, json};
use tollgate_gate::gate::CHECK_PATH;
use tollgate_gate::{GateError, Retry};

use super::openapi::OPENAPI_PATH;
use super::{ICON_PATH, PRODUCTS_PATH};

/// A form under `components/schemas`.
#[derive(Clone, Copy)]
pub(super) enum SchemaRef {
    Refusal,
    Demand,
    Standing,
    Readiness,
    Products,
    PayLabel,
    PayTransaction,
    Action,
    Discovery,
    TransferRequest,
    PurchaseStatus,
}

impl SchemaRef {
    const fn name(self) -> &'static str {
        match self {
            Self::Refusal => "Refusal",
            Self::Demand => "Demand",
            Self::Standing => "Standing",
            Self::Readiness => "Readiness",
            Self::Products => "Products",
            Self::PayLabel => "PayLabel",
            Self::PayTransaction => "PayTransaction",
            Self::Action => "Action",
            Self::Discovery => "Discovery",
            Self::TransferRequest => "TransferRequest",
            Self::PurchaseStatus => "PurchaseStatus",
        }
    }
}

/// A JSON response of this form.
pub(super) fn response(description: &str, schema: SchemaRef) -> Value {
    let reference = format!("#/components/schemas/{}", schema.name());
    json!({
        "description": description,
        "content": { "application/json": { "schema": { "$ref": reference } } },
    })
}

/// The refusals with these statuses, each with its codes.
pub(super) fn refusals(statuses: &[StatusCode]) -> Map<String, Value> {
    statuses
        .iter()
        .map(|status| {
            let codes: Vec<&str> = GateError::ALL
                .iter()
                .filter(|error| error.status() == *status)
                .map(|error| error.code())
                .collect();
            let description = format!("Refused: {}", codes.join(", "));
            (
                status.as_str().to_owned(),
                response(&description, SchemaRef::Refusal),
            )
        })
        .collect()
}

pub(super) fn endpoint(id: &str, summary: &str, good: Value, bad: &[StatusCode]) -> Value {
    let mut responses = refusals(bad);
    responses.insert("200".to_owned(), good);
    json!({ "operationId": id, "summary": summary, "responses": responses })
}

pub(super) fn with_body(mut operation: Value, schema: Value) -> Value {
    if let Some(operation) = operation.as_object_mut() {
        operation.insert(
            "requestBody".to_owned(),
            json!({
                "required": true,
                "content": { "application/json": { "schema": schema } },
            }),
        );
    }
    operation
}

/// The endpoints that every verifier has.
pub(super) fn own_paths() -> Map<String, Value> {
    use StatusCode as S;
    let busy = [S::BAD_REQUEST, S::TOO_MANY_REQUESTS, S::SERVICE_UNAVAILABLE];
    let text = json!({ "type": "string" });
    let plain = |media_type: &str, description: &str| json!({ "description": description, "content": { media_type: {} } });
    let mut paths = Map::new();
    let mut put = |path: &str, item: Value| paths.insert(path.to_owned(), item);
    put(
        CHECK_PATH,
        json!({ "post": with_body(
            endpoint(
                "checkEntitlement",
                "Has this wallet access to this product?",
                response("Where the entitlement stands", SchemaRef::Standing),
                &[busy.as_slice(), &[S::NOT_FOUND, S::PAYLOAD_TOO_LARGE, S::UNSUPPORTED_MEDIA_TYPE]].concat(),
            ),
            json!({
                "type": "object",
                "additionalProperties": false,
                "required": ["wallet"],
                "description": "The product is named in exactly one of three ways",
                "properties": {
                    "wallet": text, "product": text, "product_slug": text, "product_id": text,
                    "paid_in_slot": {
                        "type": "integer",
                        "minimum": 0,
                        "description": "The slot in which the wallet paid: the answer is as of this slot or later, or 503",
                    },
                },
            }),
        ) }),
    );
    put(
        PRODUCTS_PATH,
        json!({ "get": endpoint(
            "listProducts",
            "What is sold",
            response("The products as the chain has them", SchemaRef::Products),
            &busy,
        ) }),
    );
    put(
        ICON_PATH,
        json!({ "get": endpoint("icon", "The picture that wallets show", plain("image/svg+xml", "The picture"), &[]) }),
    );
    put(
        OPENAPI_PATH,
        json!({ "get": endpoint("openapi", "This document", plain("application/json", "The document"), &[]) }),
    );
    put(
        "/health/live",
        json!({ "get": endpoint("live", "Is the process up?", plain("application/json", "It is"), &[]) }),
    );
    let mut ready = endpoint(
        "ready",
        "Can requests be decided?",
        response("They can", SchemaRef::Readiness),
        &[],
    );
    if let Some(responses) = ready.get_mut("responses").and_then(Value::as_object_mut) {
        let not_ready = response("They cannot", SchemaRef::Readiness);
        responses.insert("503".to_owned(), not_ready);
    }
    put("/health/ready", json!({ "get": ready }));
    paths
}

/// Forms and proofs.
pub(super) fn components() -> Value {
    let codes: Vec<&str> = GateError::ALL.iter().map(|error| error.code()).collect();
    let classes: BTreeSet<String> = GateError::ALL
        .iter()
        .map(|error| error.retry())
        .chain([Retry::SamePaymentId])
        .filter_map(|class| Some(serde_json::to_value(class).ok()?.as_str()?.to_owned()))
        .collect();
    let text = json!({ "type": "string" });
    let number = json!({ "type": "integer" });
    let maybe = |kind: &str| json!({ "type": [kind, "null"] });
    json!({
        "securitySchemes": {
            "session": {
                "type": "http",
                "scheme": "bearer",
                "description": "The Tollgate-Session token that a sign-in was answered with",
            },
            "signInWithX": {
                "type": "apiKey",
                "in": "header",
                "name": "SIGN-IN-WITH-X",
                "description": "A signed sign-in message, as the 402 asks for it",
            },
        },
        "schemas": {
            "Refusal": {
                "type": "object",
                "required": ["error", "detail", "type", "status", "retry"],
                "properties": {
                    "error": { "type": "string", "enum": codes },
                    "detail": text,
                    "type": { "type": "string", "format": "uri" },
                    "status": number,
                    "retry": {
                        "type": "object",
                        "required": ["class"],
                        "properties": {
                            "class": { "type": "string", "enum": classes },
                            "after": number,
                        },
                    },
                },
            },
            "Demand": {
                "type": "object",
                "required": ["error"],
                "description": "An x402 version 2 payment requirement with Tollgate's own fields",
                "properties": { "error": text },
            },
            "Standing": {
                "type": "object",
                "required": ["has_access", "status", "wallet", "product", "slot", "chain_time"],
                "properties": {
                    "has_access": { "type": "boolean" },
                    "status": {
                        "type": "string",
                        "enum": ["active", "none", "expired", "revoked", "exhausted"],
                    },
                    "reason": maybe("string"),
                    "expires_at": maybe("integer"),
                    "never_expires": { "type": "boolean" },
                    "credits_remaining": maybe("integer"),
                    "wallet": text, "product": text, "product_slug": text, "entitlement": text,
                    "slot": number, "chain_time": number,
                },
            },
            "Readiness": {
                "type": "object",
                "required": ["status"],
                "properties": {
                    "status": { "type": "string", "enum": ["ready", "not_ready"] },
                    "reason": maybe("string"),
                    "last_chain_read_ms_ago": maybe("integer"),
                },
            },
            "Products": {
                "type": "object",
                "required": ["network", "program", "merchant", "products"],
                "properties": {
                    "network": text, "program": text, "merchant": text, "merchant_name": text,
                    "products": { "type": "array", "items": { "type": "object" } },
                },
            },
            "PayLabel": {
                "type": "object",
                "required": ["label", "icon"],
                "properties": { "label": text, "icon": { "type": "string", "format": "uri" } },
            },
            "PayTransaction": {
                "type": "object",
                "required": ["type", "transaction", "message"],
                "properties": {
                    "type": { "type": "string", "const": "transaction" },
                    "transaction": text, "message": text,
                },
            },
            "Action": {
                "type": "object",
                "required": ["type", "icon", "title", "description", "label", "links"],
                "properties": {
                    "type": { "type": "string", "const": "action" },
                    "icon": { "type": "string", "format": "uri" },
                    "title": text, "description": text, "label": text,
                    "disabled": { "type": "boolean" },
                    "error": { "type": "object" },
                    "links": { "type": "object" },
                },
            },
            "TransferRequest": {
                "type": "object",
                "required": ["payment_uri", "recipient", "mint", "amount", "reference", "memo", "status"],
                "properties": {
                    "payment_uri": text, "recipient": text, "vault": text, "mint": text,
                    "amount": text, "price": text, "reference": text, "memo": text, "status": text,
                },
            },
            "PurchaseStatus": {
                "type": "object",
                "required": ["status"],
                "properties": {
                    "status": { "type": "string", "enum": ["open", "pending", "paid", "unmatched"] },
                    "signature": text, "reason": text, "intent": text, "entitlement": text,
                    "beneficiary": text, "slot": number,
                },
            },
            "Discovery": {
                "type": "object",
                "required": ["x402Version", "items", "pagination"],
                "properties": {
                    "x402Version": number,
                    "items": { "type": "array", "items": { "type": "object" } },
                    "pagination": {
                        "type": "object",
                        "required": ["limit", "offset", "total"],
                        "properties": { "limit": number, "offset": number, "total": number },
                    },
                },
            },
        },
    })
}
