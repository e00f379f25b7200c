//! SIGTERM and SIGHUP under load, to the real process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::support::{Site, eventually};

/// A deployment: requests are in progress when SIGTERM comes. Every one of them
/// that had begun is answered whole; then the process ends well.
#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_loses_no_request_in_flight() {
    let site = Site::new().await;
    let config = site.write_config("shutdown_grace_ms = 500", "");
    let mut service = site.serve(&config, "info").await;
    let http = reqwest::Client::new();
    let callers: Vec<_> = (0..16)
        .map(|_| {
            let (http, url) = (http.clone(), service.url("/slow"));
            tokio::spawn(async move {
                let mut answered = 0_usize;
                loop {
                    match http.get(&url).send().await {
                        Ok(answer) => {
                            assert_eq!(answer.status(), 200);
                            let body = answer.text().await.expect("a body that began arrives");
                            assert_eq!(body, "slow but whole");
                            answered += 1;
                        }
                        // Whoever comes after the end is not let in at all, or
                        // finds the kept connection closed before it has asked.
                        Err(error) if error.is_connect() || error.is_request() => return answered,
                        Err(error) => panic!("{error:?}"),
                    }
                }
            })
        })
        .collect();
    eventually(async || site.begun.load(Ordering::SeqCst) >= 32).await;
    service.signal("TERM");
    // Unready at once, but serving on for the grace.
    let ready = http.get(service.url("/health/ready"));
    eventually(async || {
        let answer = ready.try_clone().unwrap().send().await;
        answer.is_ok_and(|answer| answer.status() == 503)
    })
    .await;
    assert!(service.ended().await.success());
    let mut answered = 0;
    for caller in callers {
        answered += caller.await.expect("no caller lost a request");
    }
    // What reached the upstream reached its caller.
    assert_eq!(answered, site.begun.load(Ordering::SeqCst));
    let end = service.event("the verifier stopped").await;
    assert_eq!(end["cut"], 0);
}

/// Reloads while requests come in a stream: none is lost, a broken file changes
/// nothing, and a good one is in force at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_reload_by_signal_loses_no_request() {
    let site = Site::new().await;
    let config = site.write_config("", "");
    let mut service = site.serve(&config, "info").await;
    let (stop, served) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
    );
    let callers: Vec<_> = (0..4)
        .map(|_| {
            let (stop, served, url) =
                (Arc::clone(&stop), Arc::clone(&served), service.url("/slow"));
            let http = reqwest::Client::new();
            tokio::spawn(async move {
                while !stop.load(Ordering::SeqCst) {
                    let answer = http.get(&url).send().await.expect("it is served");
                    assert_eq!(answer.status(), 200);
                    answer.bytes().await.expect("the whole body arrives");
                    served.fetch_add(1, Ordering::SeqCst);
                }
            })
        })
        .collect();
    let status = async |path: &str| {
        let answer = reqwest::get(service.url(path)).await.unwrap();
        answer.status().as_u16()
    };
    assert_eq!(status("/new").await, 404);
    site.write_config("", "[[routes]]\npath = \"/new\"\nfree = true\n");
    service.signal("HUP");
    service.event("the new configuration is in force").await;
    // The upstream has no such path; that it is asked is what changed.
    assert_eq!(
        reqwest::get(service.url("/new"))
            .await
            .unwrap()
            .text()
            .await
            .unwrap(),
        ""
    );
    // Broken in three ways, none of which may touch what runs.
    for (number, broken) in ["[server]\nlisten = 7\n", "", "[[routes]]\n"]
        .iter()
        .enumerate()
    {
        std::fs::write(&config, broken).unwrap();
        service.signal("HUP");
        let refused = service
            .events("the new configuration is refused", number + 1)
            .await;
        let code = refused[number]["code"].as_str().unwrap();
        assert!(code.starts_with("config_"), "{code}");
    }
    // Something that needs a restart is named.
    site.write_config("max_connections = 7", "");
    service.signal("HUP");
    let refused = service.events("the new configuration is refused", 4).await;
    assert_eq!(refused[3]["code"], "reload_needs_restart");
    let said = refused[3]["error"].as_str().unwrap();
    assert!(
        said.contains("server.max_connections (it is 1024"),
        "{said}"
    );
    let before = served.load(Ordering::SeqCst);
    eventually(async || served.load(Ordering::SeqCst) > before + 4).await;
    stop.store(true, Ordering::SeqCst);
    for caller in callers {
        caller.await.expect("no caller lost a request");
    }
    service.signal("TERM");
    assert!(service.ended().await.success());
}

/// A second order to stop is taken for impatience.
#[tokio::test(flavor = "multi_thread")]
async fn asking_twice_stops_at_once() {
    let site = Site::new().await;
    let config = site.write_config("shutdown_grace_ms = 3600000", "");
    let mut service = site.serve(&config, "info").await;
    service.signal("INT");
    service
        .event("unready; serving until the grace is over")
        .await;
    service.signal("INT");
    assert!(service.ended().await.success());
}
