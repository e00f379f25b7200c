//! A verifier that is killed between taking a credit and the upstream's answer.

use super::shop::{Shop, eventually};
use std::path::Path;
use std::process::Command;
use tollgate_test_process::{Process, Voice};
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

/// What a merchant would write.
async fn write_config(shop: &Shop) -> std::path::PathBuf {
    let folder = shop.folder.path();
    std::fs::write(folder.join("secret.key"), "07".repeat(32)).unwrap();
    let path = folder.join("tollgate.toml");
    let text = format!(
        r#"
[server]
listen = "127.0.0.1:0"
public_url = "http://127.0.0.1:0"
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
[credits]
path = "credits.redb"
store_timeout_ms = 30000
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
    let config = write_config(&shop).await;
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
