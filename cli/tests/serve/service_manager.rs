//! What the process tells a service manager, on a socket as systemd gives it one.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use tokio::net::UnixDatagram;

use super::support::Site;
use tollgate_test_process::PATIENCE;

/// The manager's end of the socket.
struct Manager(UnixDatagram);

impl Manager {
    fn listen(path: &Path) -> Self {
        Self(UnixDatagram::bind(path).unwrap())
    }

    /// The next message: `KEY=value` lines.
    async fn hear(&self) -> HashMap<String, String> {
        let mut message = [0; 4096];
        let length = tokio::time::timeout(PATIENCE, self.0.recv(&mut message))
            .await
            .expect("the service says nothing")
            .unwrap();
        let text = std::str::from_utf8(&message[..length]).unwrap();
        let pairs = text.lines().map(|line| line.split_once('=').unwrap());
        pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
    }

    /// The next message that is not a sign of life.
    async fn hear_news(&self) -> HashMap<String, String> {
        loop {
            let message = self.hear().await;
            if !message.contains_key("WATCHDOG") {
                return message;
            }
        }
    }

    async fn hear_life(&self) {
        while !self.hear().await.contains_key("WATCHDOG") {}
    }
}

/// The machine's monotonic clock, which Linux counts from the start of the machine
/// while it is not suspended; read from another source than the service does.
fn microseconds_since_boot() -> u128 {
    let text = std::fs::read_to_string("/proc/uptime").unwrap();
    let seconds: f64 = text.split(' ').next().unwrap().parse().unwrap();
    Duration::from_secs_f64(seconds).as_micros()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_manager_hears_of_every_turn() {
    let site = Site::new().await;
    let config = site.write_config("", "");
    let socket = site.folder.path().join("notify");
    let manager = Manager::listen(&socket);
    let environment = [
        ("NOTIFY_SOCKET", socket.to_str().unwrap()),
        ("WATCHDOG_USEC", "400000"),
        ("RUST_LOG", "info"),
    ];
    let mut service = site.serve_with(&config, &environment).await;
    let ready = manager.hear_news().await;
    assert_eq!(ready["READY"], "1");
    assert_eq!(ready["STATUS"], format!("serving at {}", service.address));
    let live = reqwest::get(service.url("/health/live")).await.unwrap();
    assert_eq!(live.status(), 200, "ready means that it serves");

    site.write_config("", "[[routes]]\npath = \"/new\"\nfree = true\n");
    let ordered = microseconds_since_boot();
    service.signal("HUP");
    let reloading = manager.hear_news().await;
    assert_eq!(reloading["RELOADING"], "1");
    // The file of the uptime has hundredths of seconds.
    let begun: u128 = reloading["MONOTONIC_USEC"].parse().unwrap();
    assert!(begun + 10_000 >= ordered, "{begun} is before {ordered}");
    assert!(begun <= microseconds_since_boot() + 10_000);
    let ready = manager.hear_news().await;
    assert_eq!(ready["READY"], "1");
    assert!(ready["STATUS"].contains("in force"), "{ready:?}");

    // A refusal ends the reload as well: the service serves.
    std::fs::write(&config, "[server]\n").unwrap();
    service.signal("HUP");
    assert_eq!(manager.hear_news().await["RELOADING"], "1");
    let ready = manager.hear_news().await;
    assert_eq!(ready["READY"], "1");
    assert!(ready["STATUS"].contains("refused (config_"), "{ready:?}");

    for _ in 0..3 {
        manager.hear_life().await;
    }
    service.signal("TERM");
    assert_eq!(manager.hear_news().await["STOPPING"], "1");
    assert!(service.ended().await.success());
    let log = service.log().join("\n");
    // Showing life is no request of anybody.
    assert_eq!(log.matches("\"answered\"").count(), 1, "{log}");
}

/// Who does not run shows no life.
#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_service_shows_no_life() {
    let site = Site::new().await;
    let config = site.write_config("", "");
    let socket = site.folder.path().join("notify");
    let manager = Manager::listen(&socket);
    let environment = [
        ("NOTIFY_SOCKET", socket.to_str().unwrap()),
        ("WATCHDOG_USEC", "100000"),
    ];
    let service = site
        .serve_with(
            &config,
            &[&environment[..], &[("RUST_LOG", "info")]].concat(),
        )
        .await;
    manager.hear_life().await;
    service.signal("STOP");
    // What was under way when it stopped is heard first.
    let quiet = async {
        while tokio::time::timeout(Duration::from_secs(1), manager.hear())
            .await
            .is_ok()
        {}
    };
    tokio::time::timeout(PATIENCE, quiet)
        .await
        .expect("a frozen process goes on to show life");
    service.signal("CONT");
    manager.hear_life().await;
}

/// Without a manager nothing is different, and one that cannot be reached changes
/// nothing but the log.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_manager_that_is_gone_does_not_matter() {
    let site = Site::new().await;
    let config = site.write_config("", "");
    let nowhere = site.folder.path().join("nobody-listens");
    let environment = [
        ("NOTIFY_SOCKET", nowhere.to_str().unwrap()),
        ("RUST_LOG", "info"),
    ];
    let mut service = site.serve_with(&config, &environment).await;
    service.event("the service manager could not be told").await;
    let live = reqwest::get(service.url("/health/live")).await.unwrap();
    assert_eq!(live.status(), 200);
    service.signal("TERM");
    assert!(service.ended().await.success());
}
