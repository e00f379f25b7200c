//! One run, from its seed to its history.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;
use solana_signer::Signer;

use crate::callers::Caller;
use crate::history::{Event, History, Limit};
use crate::operator::{Operator, TIGHT};
use crate::world::{FUNDS, World};

/// How large a run is.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Decides what everybody tries.
    pub seed: u64,
    /// How many things each caller does.
    pub steps: u32,
    /// Callers.
    pub callers: usize,
    /// Replicas of the verifier.
    pub replicas: usize,
}

impl Settings {
    /// A run with three callers and two replicas.
    #[must_use]
    pub fn new(seed: u64, steps: u32) -> Self {
        Self {
            seed,
            steps,
            callers: 3,
            replicas: 2,
        }
    }
}

/// How long a healed world may take until every replica knows the chain again. Only
/// a run that is broken comes near it.
const HEALING: Duration = Duration::from_secs(30);

/// Lets everybody do what the seed says, heals the world, lets everybody ask once
/// more, and gives what happened.
pub async fn run(settings: Settings) -> History {
    let world = World::start(settings.replicas, settings.callers).await;
    let mut callers = Vec::new();
    for id in 0..settings.callers {
        let mut caller = Caller::new(&world, id);
        let mut random = random(settings.seed, id);
        callers.push(tokio::spawn(async move {
            for _ in 0..settings.steps {
                caller.step(&mut random).await;
            }
            caller
        }));
    }
    let mut operator = Operator::new(&world);
    let mut malice = random(settings.seed, usize::MAX);
    let mut done = Vec::new();
    for _ in 0..Operator::round() {
        operator.step(&mut malice).await;
    }
    for caller in callers {
        while !caller.is_finished() {
            operator.step(&mut malice).await;
        }
        done.push(caller.await.unwrap());
    }
    operator.heal();
    let at = world.recorder.now();
    world.recorder.add(Event::Healed { at });
    recovered(&world).await;
    limit(&operator, None).await;
    for caller in &mut done {
        caller.settle().await;
    }
    // Whatever the seed has brought, everybody meets a limit once.
    limit(&operator, Some(TIGHT)).await;
    for caller in &mut done {
        for _ in 0..2 * TIGHT.burst {
            caller.use_session(0).await;
        }
    }
    limit(&operator, None).await;
    let at = world.recorder.now();
    world.recorder.add(Event::Deadline { at });
    for caller in &mut done {
        for replica in 0..settings.replicas {
            caller.sign_in(replica).await;
            caller.use_session(replica).await;
        }
    }
    account(&world, &done).await;
    world.stop().await;
    // What follows a request belongs to its judgement.
    tokio::time::sleep(Duration::from_millis(50)).await;
    world.recorder.finish(World::bounds())
}

fn random(seed: u64, who: usize) -> StdRng {
    let who = u64::try_from(who).unwrap_or(u64::MAX);
    StdRng::seed_from_u64(seed.wrapping_mul(1_000_003).wrapping_add(who))
}

/// Waits until every replica says that it is ready.
async fn recovered(world: &Arc<World>) {
    let http = reqwest::Client::new();
    let waiting = async {
        for replica in 0..world.replicas() {
            loop {
                let answer = http.get(world.ready_url_of(replica)).send().await;
                if answer.is_ok_and(|answer| answer.status() == 200) {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    };
    // A replica that does not recover is found by what it answers.
    let _ = tokio::time::timeout(HEALING, waiting).await;
}

/// Puts a limit in force everywhere. A replica that does not take it is found by what
/// it answers.
async fn limit(operator: &Operator, limit: Option<Limit>) {
    let _ = tokio::time::timeout(HEALING, operator.limit(limit)).await;
}

/// Writes down what was paid, by the journals and by the chain.
async fn account(world: &Arc<World>, callers: &[Caller]) {
    for (id, caller) in callers.iter().enumerate() {
        let mut refunded = 0;
        for entry in entries(caller.journal()) {
            let text = |field: &str| entry[field].as_str().unwrap().to_owned();
            let landed = text("state") == "landed";
            if landed {
                let intent = world.chain.intent(&text("intent").parse().unwrap()).await;
                let intent = intent.unwrap().expect("nobody closes intents");
                refunded += intent.refunded.0;
            }
            world.recorder.add(Event::Payment {
                caller: id,
                payment_id: text("payment_id"),
                signature: text("signature"),
                landed,
            });
        }
        let left = world.cluster.balance(&world.wallets[id].pubkey()).await;
        world.recorder.add(Event::Spent {
            caller: id,
            amount: FUNDS + refunded - left.0,
        });
    }
}

/// The entries of a journal, whatever their state.
fn entries(journal: &Path) -> Vec<serde_json::Value> {
    let mut entries = Vec::new();
    for folder in ["open", "done"] {
        let Ok(files) = std::fs::read_dir(journal.join(folder)) else {
            continue;
        };
        for file in files {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            entries.push(serde_json::from_str(&text).unwrap());
        }
    }
    entries
}
