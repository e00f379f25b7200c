//! The OpenAPI document: published, well formed, and true.

use std::collections::BTreeSet;

use serde_json::Value;
use tollgate_verifier::config::RouteConfig;

use super::support::{SLUG, Stage};

async fn document(stage: &Stage) -> Value {
    let response = stage.get("/openapi.json").await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/json");
    response.json().await.unwrap()
}

#[tokio::test]
async fn the_document_is_as_published() {
    let stage = Stage::new().await;
    let mut document = document(&stage).await;
    // The port is the system's choice.
    document["servers"][0]["url"] = "http://127.0.0.1".into();
    insta::assert_json_snapshot!(document);
}

/// Every reference leads somewhere, every operation has a name of its own and
/// answers, every parameter of a path is described: what OpenAPI 3.1 demands.
#[tokio::test]
async fn the_document_is_well_formed() {
    let stage = Stage::with(|config| {
        for (path, method) in [
            ("/a/{x}", http::Method::GET),
            ("/a/{other}", http::Method::POST),
            ("/a-{x}", http::Method::GET),
            ("/all/{x}/*", http::Method::PUT),
        ] {
            let mut route = RouteConfig::paid(path, SLUG);
            if path == "/a-{x}" {
                route = RouteConfig::free("/a-x");
            }
            route.methods = vec![method];
            config.routes.push(route);
        }
    })
    .await;
    let document = document(&stage).await;
    assert_eq!(document["openapi"], "3.1.0");
    for key in ["title", "version"] {
        assert!(document["info"][key].is_string());
    }
    let mut shapes = BTreeSet::new();
    let mut names = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        assert!(path.starts_with('/'));
        let segments: Vec<_> = path.split('/').collect();
        let shape: Vec<_> = segments
            .iter()
            .map(|segment| {
                if segment.starts_with('{') {
                    "{}"
                } else {
                    segment
                }
            })
            .collect();
        assert!(shapes.insert(shape.join("/")), "{path} is there twice");
        let in_path: BTreeSet<_> = segments
            .iter()
            .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
            .collect();
        let described: BTreeSet<_> = item["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|parameter| {
                assert_eq!(parameter["in"], "path");
                assert_eq!(parameter["required"], true);
                parameter["name"].as_str().unwrap()
            })
            .collect();
        assert_eq!(in_path, described, "{path}");
        for (method, operation) in item.as_object().unwrap() {
            if method == "parameters" {
                continue;
            }
            let name = operation["operationId"].as_str().unwrap();
            assert!(names.insert(name.to_owned()), "{name} is there twice");
            for (status, response) in operation["responses"].as_object().unwrap() {
                assert!(response["description"].is_string(), "{path} {status}");
            }
        }
    }
    let both = document["paths"]["/a/{x}"].as_object().unwrap();
    assert!(both.contains_key("get") && both.contains_key("post"));
    assert!(document["paths"]["/all/{x}/{rest}"]["put"].is_object());
    require_references(&document, &document);
}

fn require_references(whole: &Value, part: &Value) {
    match part {
        Value::Object(map) => {
            if let Some(reference) = map.get("$ref") {
                let pointer = reference.as_str().unwrap().strip_prefix('#').unwrap();
                assert!(
                    whole.pointer(pointer).is_some(),
                    "{reference} leads nowhere"
                );
            }
            map.values()
                .for_each(|value| require_references(whole, value));
        }
        Value::Array(items) => items
            .iter()
            .for_each(|item| require_references(whole, item)),
        _ => {}
    }
}

/// What the document says of a path is what a caller meets.
#[tokio::test]
async fn paid_paths_are_described_as_paid() {
    let stage = Stage::new().await;
    let document = document(&stage).await;
    let paid = &document["paths"]["/v1/quote/{symbol}"]["get"];
    assert_eq!(paid["x-tollgate-product"], SLUG);
    assert!(paid["responses"]["402"].is_object());
    assert_eq!(stage.get("/v1/quote/SOL").await.status(), 402);
    let free = &document["paths"]["/free/{rest}"]["get"];
    assert!(free["responses"].get("402").is_none());
    for path in [
        "/health/live",
        "/health/ready",
        "/v1/products",
        "/v1/icon.svg",
    ] {
        assert!(document["paths"][path]["get"].is_object(), "{path}");
        assert_eq!(stage.get(path).await.status(), 200, "{path}");
    }
}

/// An API that has a document of its own keeps it.
#[tokio::test]
async fn a_route_of_the_configuration_wins() {
    let stage = Stage::with(|config| config.routes.push(RouteConfig::free("/openapi.json"))).await;
    let echo: Value = stage.get("/openapi.json").await.json().await.unwrap();
    assert_eq!(echo["path"], "/openapi.json");
}
