//! A process that holds the local store and is killed.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::fixture::{TIMEOUT, entitlement, owner, take, view};
use crate::credits::local::{LocalStore, OpenError};
use crate::credits::store::CreditStore;

/// Tells the process that it is the one to be killed: the store's path.
const VICTIM: &str = "TOLLGATE_CREDITS_VICTIM";

/// Granted before and after: more than the victim gets to ask for.
const GRANTED: u64 = 1_000_000;

/// Stops the victim by its id, whatever happens.
struct Victim(Child);

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Run by the test below in a process of its own: takes credits, many at a time,
/// and says of each when it asks and when it has it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a process that the test of a killed process starts"]
async fn takes_credits_until_it_is_killed() {
    let path = std::env::var(VICTIM).expect("started by the other test");
    let store = LocalStore::open(Path::new(&path), &owner(), TIMEOUT).unwrap();
    let say = |word: &str| writeln!(std::io::stdout().lock(), "{word}").unwrap();
    let task = async || {
        loop {
            say("asks");
            let taken = take(&store, entitlement(1), view(5, GRANTED, 0), 1).await;
            let settled = taken.unwrap().unwrap();
            say("has");
            // Half of them die between reservation and settlement.
            if rand::random() {
                store.settle(settled).await.unwrap();
            }
        }
    };
    futures::future::join_all((0..8).map(|_| task())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_has_given_nothing_away_and_counted_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("credits.redb");
    let mut asked = 0;
    let mut got = 0;
    for round in 1..=3 {
        let victim = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--ignored", "--nocapture"])
            .arg("credits::tests::killed::takes_credits_until_it_is_killed")
            .env(VICTIM, &path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut victim = Victim(victim);
        let output = BufReader::new(victim.0.stdout.take().unwrap());
        let enough = got + 100;
        for line in output.lines() {
            // The test harness prints lines of its own.
            match line.unwrap().as_str() {
                "asks" => asked += 1,
                "has" => got += 1,
                _ => {}
            }
            if got == enough {
                // SIGKILL; what it has said until then is still read.
                victim.0.kill().unwrap();
            }
        }
        assert!(got >= enough, "the victim ended by itself");
        drop(victim);
        let store = LocalStore::open(&path, &owner(), TIMEOUT).unwrap();
        let ledger = store
            .learn(entitlement(1), view(5, GRANTED, 0))
            .await
            .unwrap();
        let used = ledger.used.0;
        assert!(
            got <= used,
            "round {round}: {got} were served, {used} count"
        );
        assert!(used <= asked, "round {round}: {asked} asked, {used} count");
        assert_eq!(ledger.reserved.0, 0);
        // What was counted without being served can be told no longer.
        got = used;
        asked = used;
    }
}

#[tokio::test]
async fn a_file_has_one_user_and_one_owner() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("credits.redb");
    let store = LocalStore::open(&path, &owner(), TIMEOUT).unwrap();
    let second = LocalStore::open(&path, &owner(), TIMEOUT);
    assert!(matches!(second, Err(OpenError::InUse { .. })));
    drop(store);
    let mut other = owner();
    other.merchant = entitlement(99);
    let stranger = LocalStore::open(&path, &other, TIMEOUT);
    assert!(matches!(stranger, Err(OpenError::OtherOwner { .. })));
    assert!(LocalStore::open(&path, &owner(), TIMEOUT).is_ok());
    std::fs::write(&path, b"not a database at all").unwrap();
    let damaged = LocalStore::open(&path, &owner(), TIMEOUT);
    assert!(matches!(damaged, Err(OpenError::Unusable { .. })));
}
