//! Spans for a collector: only with the cargo feature, and then all of them, even
//! those of the last moment.

use super::support::Site;

#[cfg(not(feature = "otel"))]
#[tokio::test(flavor = "multi_thread")]
async fn without_the_feature_a_collector_is_refused() {
    let site = Site::new().await;
    // The site's own [log] comes first; this goes into it.
    let path = site.write_config("", "");
    let text = std::fs::read_to_string(&path).unwrap();
    let with = "format = \"json\"\notlp_endpoint = \"http://127.0.0.1:4318/v1/traces\"";
    std::fs::write(&path, text.replace("format = \"json\"", with)).unwrap();
    let command = site.tollgate(&["check-config", path.to_str().unwrap(), "--offline"]);
    let output = tollgate_test_process::run(command, "").await;
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("log.otlp_endpoint") && said.contains("\"otel\""),
        "{said}"
    );
}

#[cfg(feature = "otel")]
#[tokio::test(flavor = "multi_thread")]
async fn spans_reach_the_collector_before_the_end() {
    use std::sync::{Arc, Mutex};

    use axum::Router;
    use axum::body::Bytes;
    use axum::routing::post;

    let site = Site::new().await;
    let received = Arc::new(Mutex::new(Vec::new()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let collector = listener.local_addr().unwrap();
    let keep = Arc::clone(&received);
    let router = Router::new().route(
        "/v1/traces",
        post(move |body: Bytes| async move { keep.lock().unwrap().extend_from_slice(&body) }),
    );
    tokio::spawn(async move { axum::serve(listener, router).await });
    let path = site.write_config("", "");
    let text = std::fs::read_to_string(&path).unwrap();
    let with = format!("format = \"json\"\notlp_endpoint = \"http://{collector}/v1/traces\"");
    std::fs::write(&path, text.replace("format = \"json\"", &with)).unwrap();
    let mut service = site.serve(&path, "info").await;
    let answer = reqwest::get(format!("{}?token=query-secret-55", service.url("/slow")))
        .await
        .unwrap();
    let id = answer.headers()["x-request-id"]
        .to_str()
        .unwrap()
        .to_owned();
    service.signal("TERM");
    assert!(service.ended().await.success());
    let spans = String::from_utf8_lossy(&received.lock().unwrap()).into_owned();
    for part in ["tollgate", "request", id.as_str()] {
        assert!(spans.contains(part), "{part} was not received");
    }
    assert!(!spans.contains("query-secret-55"));
}
