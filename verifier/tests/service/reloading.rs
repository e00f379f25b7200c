//! A new configuration takes the place of the old one without a lost request; one
//! that is wrong changes nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tollgate_verifier::config::{
    Config, LogFormat, PreviousSecret, RateLimit, RouteConfig, Secret, SecretUrl,
};
use tollgate_verifier::{ReloadError, Verifier};

use super::support::admin::{series, with_admin};
use super::support::rpc::{CHAIN_TIME, Mood, ScriptedRpc};
use super::support::upstream::Upstream;
use super::support::{Stage, config};

const PATH: &str = "/v1/quote/SOL";

/// The configuration of `stage` as it was, to be changed.
fn again(stage: &Stage, rpc_and_upstream: &Config) -> Config {
    let mut config = rpc_and_upstream.clone();
    // What the system chose stays chosen.
    assert_eq!(config.server.listen.port(), 0);
    config.server.public_url = format!("http://127.0.0.1:{}", 0).parse().unwrap();
    assert_eq!(stage.verifier.local_addr().ip(), config.server.listen.ip());
    config
}

async fn stage_and_config() -> (Stage, Config) {
    let mut kept = None;
    let stage = Stage::with(|config| kept = Some(config.clone())).await;
    (stage, kept.unwrap())
}

#[tokio::test]
async fn routes_change_at_runtime() {
    let (stage, base) = stage_and_config().await;
    assert_eq!(stage.get("/new/x").await.status(), 404);
    assert_eq!(stage.get("/free/x").await.status(), 200);
    let mut wanted = again(&stage, &base);
    wanted.routes = vec![RouteConfig::paid(
        "/v1/quote/{symbol}",
        super::support::SLUG,
    )];
    wanted.routes.push(RouteConfig::free("/new/*"));
    stage.verifier.reload(wanted).await.unwrap();
    assert_eq!(stage.get("/new/x").await.status(), 200);
    assert_eq!(stage.get("/free/x").await.status(), 404);
    assert_eq!(stage.get(PATH).await.status(), 402);
    assert_eq!(stage.get("/health/ready").await.status(), 200);
}

/// Many requests in a row, over connections that stay open, while the
/// configuration changes again and again: none may fail.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_is_lost_while_reloading() {
    let (stage, base) = stage_and_config().await;
    stage.rpc.entitle("alice", CHAIN_TIME + 3600, |_| {});
    let proof = stage.sign_in(PATH, "alice").await;
    let request = stage.http.get(stage.url(PATH));
    let response = request
        .header("sign-in-with-x", proof)
        .send()
        .await
        .unwrap();
    let token = response.headers()["tollgate-session"]
        .to_str()
        .unwrap()
        .to_owned();
    let stop = Arc::new(AtomicBool::new(false));
    let served = Arc::new(AtomicUsize::new(0));
    let callers: Vec<_> = (0..4)
        .map(|number| {
            let http = reqwest::Client::new();
            let paths = [PATH, "/free/x", "/free/brief", "/free/stream"];
            let url = stage.url(paths[number % 4]);
            let (token, stop, served) = (token.clone(), Arc::clone(&stop), Arc::clone(&served));
            tokio::spawn(async move {
                while !stop.load(Ordering::SeqCst) {
                    let answer = http.get(&url).bearer_auth(&token).send().await;
                    let answer = answer.expect("the connection is kept");
                    assert_eq!(answer.status(), 200, "{url}");
                    answer.bytes().await.expect("the whole body arrives");
                    served.fetch_add(1, Ordering::SeqCst);
                }
            })
        })
        .collect();
    for round in 0..10_usize {
        let before = served.load(Ordering::SeqCst);
        let mut wanted = again(&stage, &base);
        wanted
            .routes
            .push(RouteConfig::free(&format!("/round/{round}")));
        wanted.limits.max_upstream_requests = 100 + round;
        stage.verifier.reload(wanted).await.unwrap();
        let path = format!("/round/{round}");
        assert_eq!(stage.get(&path).await.status(), 200);
        // Requests go on under every one of the configurations.
        super::support::eventually(async || served.load(Ordering::SeqCst) > before + 3).await;
    }
    stop.store(true, Ordering::SeqCst);
    for caller in callers {
        caller.await.expect("no caller lost a request");
    }
}

#[tokio::test]
async fn a_request_ends_under_the_configuration_it_began_under() {
    let (stage, base) = stage_and_config().await;
    let brief = tokio::spawn(stage.http.get(stage.url("/free/brief")).send());
    super::support::eventually(async || stage.upstream.requests() == 1).await;
    let mut wanted = again(&stage, &base);
    wanted.routes = vec![RouteConfig::free("/only")];
    stage.verifier.reload(wanted).await.unwrap();
    let answer = brief.await.unwrap().unwrap();
    assert_eq!(answer.text().await.unwrap(), "done");
    assert_eq!(stage.get("/free/x").await.status(), 404);
}

/// The old key's tokens stay good while it is the previous one, and no longer.
#[tokio::test]
async fn keys_rotate_without_ending_sessions() {
    let (stage, base) = stage_and_config().await;
    stage.rpc.entitle("alice", CHAIN_TIME + 3600, |_| {});
    let proof = stage.sign_in(PATH, "alice").await;
    let sign_in = async |proof: &str| {
        let request = stage.http.get(stage.url(PATH));
        request
            .header("sign-in-with-x", proof)
            .send()
            .await
            .unwrap()
    };
    let first = sign_in(&proof).await;
    let token = first.headers()["tollgate-session"]
        .to_str()
        .unwrap()
        .to_owned();
    let with_token = async || {
        let request = stage.http.get(stage.url(PATH)).bearer_auth(&token);
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(with_token().await, 200);
    let mut rotated = again(&stage, &base);
    rotated.secrets.previous = vec![PreviousSecret::new(base.secrets.current.clone())];
    rotated.secrets.current = Secret::random();
    stage.verifier.reload(rotated.clone()).await.unwrap();
    assert_eq!(with_token().await, 200);
    // A sign-in that was used before stays used.
    assert_eq!(sign_in(&proof).await.status(), 401);
    rotated.secrets.previous = Vec::new();
    stage.verifier.reload(rotated).await.unwrap();
    assert_eq!(with_token().await, 401);
}

#[tokio::test]
async fn limits_and_the_upstream_change_at_runtime() {
    let (stage, base) = stage_and_config().await;
    let other = Upstream::start().await;
    let mut wanted = again(&stage, &base);
    wanted.upstream.as_mut().unwrap().url = other.url().parse().unwrap();
    wanted.limits.address = RateLimit {
        requests_per_minute: 1,
        burst: 1,
    };
    stage.verifier.reload(wanted).await.unwrap();
    assert_eq!(stage.get("/free/x").await.status(), 200);
    assert_eq!(stage.get("/free/x").await.status(), 429);
    assert_eq!((stage.upstream.requests(), other.requests()), (0, 1));
    stage.verifier.reload(again(&stage, &base)).await.unwrap();
    assert_eq!(stage.get("/free/x").await.status(), 200);
    assert_eq!(stage.upstream.requests(), 1);
}

/// The endpoints change without a restart: those that stay keep what is known of them,
/// and those that could not have been started with are refused.
#[tokio::test]
async fn rpc_endpoints_change_at_runtime() {
    let (stage, base) = stage_and_config().await;
    let other = ScriptedRpc::start().await;
    other.set(|script| script.slot = 5000);
    let has_access = async |name: &str| {
        let question = serde_json::json!({
            "product_slug": super::support::SLUG,
            "wallet": super::support::address(name).to_string(),
        });
        let path = "/v1/access/entitlements/check";
        let (status, body) = super::support::post(&stage, path, question).await;
        (status == 200).then(|| body["has_access"].as_bool().unwrap())
    };
    assert_eq!(has_access("alice").await, Some(false));
    let url = |rpc: &ScriptedRpc| SecretUrl::parse(&rpc.url()).unwrap();
    // Another cluster, or nobody at all: nothing changes.
    let foreign = ScriptedRpc::start().await;
    foreign.set(|script| {
        script.genesis_hash = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d".to_owned();
    });
    let dead = SecretUrl::parse("http://127.0.0.1:9/key-in-the-path").unwrap();
    for (wrong, code) in [
        (url(&foreign), "wrong_cluster"),
        (dead, "reload_chain_unavailable"),
    ] {
        let mut wanted = again(&stage, &base);
        wanted.chain.rpc_url = wrong;
        let error = stage.verifier.reload(wanted).await.unwrap_err();
        assert_eq!(error.code(), code);
        assert!(!error.to_string().contains("key-in-the-path"), "{error}");
    }
    let calls = foreign.calls("getMultipleAccounts");
    assert_eq!(has_access("bob").await, Some(false));
    assert_eq!(foreign.calls("getMultipleAccounts"), calls);
    // Over to the other; the first is not asked again.
    let mut wanted = again(&stage, &base);
    wanted.chain.rpc_url = url(&other);
    stage.verifier.reload(wanted.clone()).await.unwrap();
    // A catalogue's reading that had begun before ends where it began.
    tokio::time::sleep(Duration::from_millis(600)).await;
    let before = stage.rpc.calls("getMultipleAccounts");
    other.entitle("alice", CHAIN_TIME + 3600, |_| {});
    super::support::eventually(async || has_access("alice").await == Some(true)).await;
    assert_eq!(stage.rpc.calls("getMultipleAccounts"), before);
    assert_eq!(stage.get("/health/ready").await.status(), 200);
    // With the first as a fallback the service outlives the other.
    wanted.chain.rpc_fallbacks = vec![url(&stage.rpc)];
    stage.verifier.reload(wanted).await.unwrap();
    stage.rpc.set(|script| script.slot = 9000);
    stage.rpc.entitle("carol", CHAIN_TIME + 3600, |_| {});
    other.set(|script| script.mood = Mood::Failing);
    super::support::eventually(async || has_access("carol").await == Some(true)).await;
}

#[tokio::test]
async fn what_is_bound_to_the_process_is_refused_by_name() {
    let (stage, base) = stage_and_config().await;
    type Change = fn(&mut Config);
    let changes: [(&str, Change); 9] = [
        ("server.listen", |c| c.server.listen.set_port(1)),
        ("server.public_url", |c| {
            c.server.public_url = "http://localhost:1".parse().unwrap();
        }),
        ("server.max_connections", |c| c.server.max_connections = 7),
        ("admin", |c| {
            c.admin = Some(tollgate_verifier::config::AdminConfig {
                listen: "127.0.0.1:1".parse().unwrap(),
            });
        }),
        ("log", |c| c.log.format = LogFormat::Json),
        ("chain.program_id", |c| {
            c.chain.program_id = super::support::address("other")
        }),
        ("chain.genesis_hash", |c| {
            c.chain.genesis_hash = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d"
                .parse()
                .unwrap();
        }),
        ("merchant", |c| {
            let owner = super::support::address("somebody else");
            c.merchant.merchant = tollgate_verifier::config::MerchantId::Owner(owner);
        }),
        ("chain.max_in_flight", |c| c.chain.max_in_flight = 7),
    ];
    for (key, change) in changes {
        let mut wanted = again(&stage, &base);
        wanted.routes.push(RouteConfig::free("/new"));
        change(&mut wanted);
        let error = stage.verifier.reload(wanted).await.unwrap_err();
        assert_eq!(error.code(), "reload_needs_restart", "{key}");
        let ReloadError::NeedsRestart(settings) = &error else {
            panic!("{error}");
        };
        let keys: Vec<_> = settings.iter().map(|setting| setting.key).collect();
        assert_eq!(keys, [key]);
        // Nothing of it was applied.
        assert_eq!(stage.get("/new").await.status(), 404);
    }
    assert_eq!(stage.get("/free/x").await.status(), 200);
}

#[tokio::test]
async fn what_could_not_start_does_not_replace_what_runs() {
    let mut kept = None;
    let stage = with_admin(|config| kept = Some(config.clone())).await;
    let base = kept.unwrap();
    let mut doubled = again(&stage, &base);
    doubled.routes.push(doubled.routes[0].clone());
    let error = stage.verifier.reload(doubled).await.unwrap_err();
    assert_eq!(error.code(), "routes_invalid");
    let mut unknown = again(&stage, &base);
    unknown
        .routes
        .push(RouteConfig::paid("/x", "no-such-product"));
    let error = stage.verifier.reload(unknown).await.unwrap_err();
    assert_eq!(error.code(), "product_missing");
    // Without the chain nobody knows what a new route would cost.
    stage.rpc.set(|script| script.mood = Mood::Failing);
    let error = stage
        .verifier
        .reload(again(&stage, &base))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "reload_chain_unavailable");
    stage.rpc.set(|script| script.mood = Mood::Healthy);
    assert_eq!(stage.get("/free/x").await.status(), 200);
    stage.verifier.reload(again(&stage, &base)).await.unwrap();
    let reloads = async |outcome: &str| {
        let name = format!("tollgate_reloads_total{{outcome=\"{outcome}\"}}");
        series(&stage, &name).await
    };
    assert_eq!(reloads("refused").await, 3.0);
    assert_eq!(reloads("applied").await, 1.0);
}

#[tokio::test]
async fn a_broken_file_changes_nothing() {
    let (stage, _) = stage_and_config().await;
    let folder = std::env::temp_dir().join(format!("tollgate-reload-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("tollgate.toml");
    std::fs::write(&path, "[server\n").unwrap();
    let error = stage.verifier.reload_file(&path).await.unwrap_err();
    assert_eq!(error.code(), "config_syntax");
    assert!(error.to_string().contains("tollgate.toml:1"), "{error}");
    let missing = folder.join("nothing.toml");
    let error = stage.verifier.reload_file(&missing).await.unwrap_err();
    assert_eq!(error.code(), "config_unreadable");
    assert_eq!(stage.get("/free/x").await.status(), 200);
    std::fs::remove_dir_all(folder).unwrap();
}

/// Shutting down: unready first but still serving, then the drain, then the hooks
/// in their order.
#[tokio::test]
async fn shutting_down_goes_in_order() {
    let rpc = ScriptedRpc::start().await;
    let upstream = Upstream::start().await;
    let mut config = config(&rpc, &upstream);
    config.server.shutdown_grace = Duration::from_secs(2);
    let verifier = Verifier::start(config).await.unwrap();
    let url = verifier.public_url().to_string();
    let order = Arc::new(std::sync::Mutex::new(Vec::new()));
    for name in ["credits", "audit"] {
        let order = Arc::clone(&order);
        verifier.at_shutdown(name, move || async move {
            order.lock().unwrap().push(name);
            Ok(())
        });
    }
    verifier.at_shutdown("broken", || async { Err("disk full".to_owned()) });
    let stopping = tokio::spawn(verifier.shutdown());
    let status = async |path: &str| {
        let answer = reqwest::get(format!("{url}{path}")).await;
        answer.map_or(0, |answer| answer.status().as_u16())
    };
    super::support::eventually(async || status("/health/ready").await == 503).await;
    assert_eq!(status("/free/x").await, 200);
    assert_eq!(status("/health/live").await, 200);
    assert!(order.lock().unwrap().is_empty());
    let report = stopping.await.unwrap();
    assert_eq!(report.cut_connections, 0);
    assert_eq!(report.failed_hooks, ["broken"]);
    assert_eq!(*order.lock().unwrap(), ["credits", "audit"]);
    assert_eq!(status("/health/live").await, 0);
}
