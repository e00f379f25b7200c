//! A verifier that is killed (SIGKILL), wherever it happens to be.
//!
//! `TOLLGATE_CREDITS_SEED=n` tries the same moments again.

use super::redis_server::RedisServer;
use super::shop::{Shop, eventually};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tollgate_e2e_tests::proof;
use tollgate_test_process::{Process, Voice};
use tollgate_verifier::audit::Kind;
use tollgate_verifier::audit::verify::{Expectations, verify};
use tollgate_verifier::{Config, Verifier};

/// Tells the process that it is the one to be killed: its configuration file.
const VICTIM: &str = "TOLLGATE_E2E_VICTIM";

/// Says where it listens.
const LISTENS: &str = "the victim listens at ";

/// A verifier as a process.
struct Victim {
    process: Process,
    url: String,
}

impl Victim {
    async fn start(config: &Path) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "--ignored", "--nocapture"])
            .arg("metered::killed::serves_until_it_is_killed")
            .env(VICTIM, config);
        let process = Process::start(&mut command, Voice::Output);
        let url = |line: &str| Some(line.split_once(LISTENS)?.1.to_owned());
        let url = process.hear(1, url).await.remove(0);
        Self { process, url }
    }

    fn kill(self) {
        self.process.kill();
    }
}

/// Run by the test below in a process of its own.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a process that the test of a killed verifier starts"]
async fn serves_until_it_is_killed() {
    let path = std::env::var(VICTIM).expect("started by the other test");
    let config = Config::load(Path::new(&path)).unwrap();
    let verifier = Verifier::start(config).await.unwrap();
    println!("{LISTENS}{}", verifier.public_url());
    std::future::pending::<()>().await;
}

/// What a merchant would write, and `more`. The port stays the same after a kill: a
/// proof is for an origin.
async fn write_config(shop: &Shop, more: &str) -> PathBuf {
    let chosen = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = chosen.local_addr().unwrap().port();
    drop(chosen);
    let folder = shop.folder.path();
    std::fs::write(folder.join("secret.key"), "07".repeat(32)).unwrap();
    let path = folder.join("tollgate.toml");
    let text = format!(
        r#"
[server]
listen = "127.0.0.1:{port}"
public_url = "http://127.0.0.1:{port}"
[chain]
rpc_url = "{rpc}"
program_id = "{program}"
genesis_hash = "{genesis}"
[merchant]
address = "{merchant}"
[secrets]
key_file = "secret.key"
[upstream]
url = "http://{upstream}"
response_timeout_ms = 600000
[credits]
path = "credits.redb"
store_timeout_ms = 30000
{more}
[[routes]]
path = "/v1/call"
product = "calls"
"#,
        rpc = shop.cluster.rpc_url,
        program = tollgate_client::PROGRAM_ID,
        genesis = shop.chain().genesis_hash().await.unwrap(),
        merchant = shop.merchant.address,
        upstream = shop.upstream.address,
    );
    std::fs::write(&path, text).unwrap();
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_in_flight_when_it_was_killed_counts_once_and_nothing_is_free() {
    let shop = Shop::open(12).await;
    let config = write_config(&shop, "").await;
    let customer = shop.customer(1).await;
    let victim = Victim::start(&config).await;
    let session = customer.sign_in(&shop, &victim.url).await;
    for _ in 0..2 {
        let called = customer.call(&victim.url, "/v1/call", &session).await;
        assert_eq!(called.status, 200);
    }
    // Four calls are with the upstream when the process dies.
    let hits = shop.upstream.hits();
    let hanging = (0..4).map(|_| {
        let request = customer
            .http
            .get(format!("{}/v1/call?say=nothing", victim.url))
            .bearer_auth(&session);
        tokio::spawn(request.send())
    });
    let hanging: Vec<_> = hanging.collect();
    eventually("four calls are with the upstream", async || {
        shop.upstream.hits() == hits + 4
    })
    .await;
    victim.kill();
    for call in hanging {
        assert!(call.await.unwrap().is_err());
    }
    let victim = Victim::start(&config).await;
    // Three were served, four were in flight: five are left, and not one more.
    let session = customer.sign_in(&shop, &victim.url).await;
    for left in (0..4).rev() {
        let called = customer.call(&victim.url, "/v1/call", &session).await;
        assert_eq!((called.status, called.remaining), (200, Some(left)));
    }
    let refused = customer.call(&victim.url, "/v1/call", &session).await;
    assert_eq!(
        (refused.status, refused.error.as_str()),
        (402, "credits_exhausted")
    );
    assert_eq!(shop.upstream.hits(), 12);
    victim.kill();
}

/// How often it is killed.
const KILLS: u64 = 5;
/// How many call at the same time.
const CALLERS: u64 = 6;
/// How many calls each makes, at most, before one that the upstream never answers.
const MOST: u64 = 4;
/// Enough for every kill, and something is left.
const BOUGHT: u64 = KILLS * (1 + CALLERS * (MOST + 1)) + 10;

/// What the callers of one life of the process saw.
#[derive(Default)]
struct Seen {
    served: u64,
    cut: u64,
}

/// Calls so often, and once more for an answer that never comes.
async fn call_until_it_is_gone(
    call: String,
    http: reqwest::Client,
    session: String,
    calls: u64,
) -> Seen {
    let mut seen = Seen::default();
    let paths = (0..calls).map(|_| call.clone());
    for path in paths.chain([format!("{call}?say=nothing")]) {
        match http.get(path).bearer_auth(&session).send().await {
            Ok(answer) => {
                assert_eq!(answer.status(), 200, "nothing is unknown, nothing used up");
                seen.served += 1;
            }
            Err(_) => {
                seen.cut += 1;
                break;
            }
        }
    }
    seen
}

/// Its stores (credits in a file, the audit log, used sign-ins in Redis) hold over any
/// number of kills: nobody gets more than was bought, nobody pays for more than what
/// was in flight, no sign-in works again, and the log is one chain.
#[tokio::test(flavor = "multi_thread")]
async fn whenever_it_is_killed_its_stores_hold() {
    let seed = std::env::var("TOLLGATE_CREDITS_SEED").map_or(402, |seed| seed.parse().unwrap());
    println!("TOLLGATE_CREDITS_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let Some(redis) = RedisServer::start() else {
        return;
    };
    let shop = Shop::open(BOUGHT).await;
    let more = format!(
        "[redis]\nurl = {:?}\n[sign_ins]\nstore = \"redis\"\nstore_timeout_ms = 30000\n\
         [audit]\nfolder = \"audit\"\nsync = \"always\"",
        redis.url()
    );
    let config = write_config(&shop, &more).await;
    let customer = shop.customer(1).await;
    let http = &customer.http;
    let mut used: Option<reqwest::header::HeaderValue> = None;
    let mut all = Seen::default();
    for _ in 0..KILLS {
        let victim = Victim::start(&config).await;
        let call = format!("{}/v1/call", victim.url);
        let send = async |proof: &reqwest::header::HeaderValue| {
            let request = http.get(&call).header("sign-in-with-x", proof);
            request.send().await.unwrap()
        };
        if let Some(used) = &used {
            let body: serde_json::Value = send(used).await.json().await.unwrap();
            assert_eq!(body["error"], "invalid_siwx_nonce_used");
        }
        let challenge = http.get(&call).send().await.unwrap();
        let proof = proof::sign_in(&customer.wallet, &challenge.headers()["payment-required"]);
        let answer = send(&proof).await;
        assert_eq!(answer.status(), 200);
        all.served += 1;
        let session = answer.headers()["tollgate-session"].to_str().unwrap();
        used = Some(proof);
        let hits = shop.upstream.hits();
        let callers: Vec<_> = (0..CALLERS)
            .map(|_| {
                let calls = random.random_range(0..=MOST);
                let (call, session) = (call.clone(), session.to_owned());
                tokio::spawn(call_until_it_is_gone(call, http.clone(), session, calls))
            })
            .collect();
        let enough = hits + random.random_range(1..=CALLERS);
        eventually("some calls are with the upstream", async || {
            shop.upstream.hits() >= enough
        })
        .await;
        tokio::time::sleep(Duration::from_micros(random.random_range(0..5_000))).await;
        victim.kill();
        for caller in callers {
            let seen = caller.await.unwrap();
            all.served += seen.served;
            all.cut += seen.cut;
        }
    }
    let victim = Victim::start(&config).await;
    let session = customer.sign_in(&shop, &victim.url).await;
    all.served += 1;
    loop {
        let called = customer.call(&victim.url, "/v1/call", &session).await;
        match (called.status, called.error.as_str()) {
            (200, _) => all.served += 1,
            (402, "credits_exhausted") => break,
            _ => panic!("{called:?}"),
        }
    }
    victim.kill();

    let hits = shop.upstream.hits();
    let Seen { served, cut } = all;
    assert!(cut > 0, "nothing was in flight: nothing is proved");
    assert!(served <= hits && hits <= BOUGHT, "{served} {hits}");
    assert!(served + cut >= BOUGHT, "{served} and {cut} of {BOUGHT}");
    let mut grants = 0;
    let folder = shop.folder.path().join("audit");
    let findings = verify(&folder, &Expectations::default(), |record| {
        grants += u64::from(record.kind == Kind::Grant);
    })
    .unwrap();
    assert_eq!((findings.dropped, findings.lines_set_aside), (0, 0));
    // A record is queued before the request goes on, and written beside it: what was
    // queued when the process died is lost, and nothing is made up.
    assert!((1..=hits + cut).contains(&grants), "{grants} {hits} {cut}");
}
