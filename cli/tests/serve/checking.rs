//! `tollgate check-config`: file, line, key, what was expected; exit codes.

use std::process::Output;

use serde_json::Value;

use super::support::Site;

async fn run(site: &Site, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = site.tollgate(arguments);
    let Output {
        status,
        stdout,
        stderr,
    } = tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_is_held_against_itself_and_the_chain() {
    let site = Site::new().await;
    let path = site.write_config("", "");
    let file = path.to_str().unwrap();
    let (code, out, err) = run(&site, &["check-config", file]).await;
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("valid") && out.contains("agrees"), "{out}");

    // A product that nobody published: only the chain knows.
    site.write_config(
        "",
        "[[routes]]\npath = \"/x\"\nproduct = \"never-published\"\n",
    );
    let (code, _, err) = run(&site, &["check-config", file]).await;
    assert_eq!(code, Some(1));
    assert!(
        err.contains("product_missing") && err.contains("never-published"),
        "{err}"
    );
    let (code, out, err) = run(&site, &["check-config", file, "--offline"]).await;
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("not asked"), "{out}");

    // The chain is away: the file may be right, nobody knows.
    site.write_config("", "");
    let mut command = site.tollgate(&["check-config", file]);
    command.env(
        "TOLLGATE_TEST_RPC",
        "http://127.0.0.1:1/?api-key=another-key",
    );
    let output = tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    assert_eq!(output.status.code(), Some(4));
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(err.contains("configuration_unverified"), "{err}");
    assert!(!err.contains("another-key"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mistake_has_its_file_line_and_key() {
    let site = Site::new().await;
    let path = site.write_config("listn = 7", "[limits]\naddress_burst = 0\n");
    let file = path.to_str().unwrap();
    let (code, _, err) = run(&site, &["check-config", file, "--offline"]).await;
    assert_eq!(code, Some(1));
    let text = std::fs::read_to_string(&path).unwrap();
    for (line_of, key, expected) in [
        ("listn = 7", "server.listn", "expected one of"),
        ("address_burst = 0", "limits.address_burst", "from 1 to"),
    ] {
        let line = 1 + text.lines().position(|line| line == line_of).unwrap();
        let start = format!("{file}:{line}: {key}: ");
        let said = err.lines().find(|said| said.contains(&start));
        assert!(
            said.is_some_and(|said| said.contains(expected)),
            "{start}: {err}"
        );
    }
    let arguments = ["check-config", file, "--offline", "--output", "json"];
    let (code, _, err) = run(&site, &arguments).await;
    assert_eq!(code, Some(1));
    let error: Value = serde_json::from_str(&err).unwrap();
    assert_eq!(error["error"], "configuration_invalid");
    let problems = error["problems"].as_array().unwrap();
    assert_eq!(problems.len(), 2);
    assert_eq!(problems[0]["error"], "config_unknown_key");
    assert_eq!(problems[0]["key"], "server.listn");
    assert!(problems[0]["line"].is_u64());
}
