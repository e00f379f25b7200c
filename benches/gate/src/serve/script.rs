//! What the scripted chain has to say: recorded accounts, callers made up after them,
//! and slots that go on by themselves.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tollgate_client::Pubkey;

use crate::stage::{Mold, Recorded, Stage};

/// The length of a slot.
pub(super) const SLOT: Duration = Duration::from_millis(400);
const CLOCK: &str = "SysvarC1ock11111111111111111111111111111111";
const SYSVAR: &str = "Sysvar1111111111111111111111111111111111111";

/// A chain by heart.
pub(super) struct Script {
    pub(super) genesis_hash: String,
    recorded: BTreeMap<String, Recorded>,
    mold: Mold,
    /// Where the made-up callers' entitlements are, by their numbers.
    places: Vec<(Pubkey, u8)>,
    numbers: HashMap<Pubkey, usize>,
    entitlement: String,
    calls: Mutex<BTreeMap<String, u64>>,
}

impl Script {
    /// The recording, and so many callers more.
    pub(super) fn new(stage: &Path, made_up: u64) -> Self {
        let stage = Stage::read(stage);
        let mold = stage.mold();
        let places = places(&mold, made_up);
        Self {
            numbers: (0..)
                .zip(&places)
                .map(|(number, place)| (place.0, number))
                .collect(),
            places,
            mold,
            genesis_hash: stage.genesis_hash,
            recorded: stage.accounts,
            entitlement: stage.entitlement,
            calls: Mutex::default(),
        }
    }

    /// Counts a call.
    pub(super) fn called(&self, method: &str) {
        let mut calls = self.calls.lock().unwrap();
        *calls.entry(method.to_owned()).or_default() += 1;
    }

    /// How often each method was called.
    pub(super) fn calls(&self) -> Value {
        json!(*self.calls.lock().unwrap())
    }

    /// The account at an address as JSON-RPC shows it.
    pub(super) fn account(&self, address: &str) -> Value {
        if address == CLOCK {
            return clock();
        }
        if let Some(recorded) = self.recorded.get(address) {
            return shown(recorded);
        }
        let number = address
            .parse()
            .ok()
            .and_then(|key: Pubkey| self.numbers.get(&key));
        number.map_or(Value::Null, |number| self.made_up(*number))
    }

    /// Entitlements with their addresses, as JSON between commas: those of the made-up
    /// callers from `first` on, `most` at most; the recorded one before the first.
    /// `None` behind the last.
    pub(super) fn entitlements(&self, first: usize, most: usize) -> Option<String> {
        let last = first.saturating_add(most).min(self.places.len());
        let mut all = Vec::new();
        if first == 0 {
            all.push(keyed(&self.entitlement, &self.account(&self.entitlement)));
        } else if first >= self.places.len() {
            return None;
        }
        all.extend(
            (first..last)
                .map(|number| keyed(&self.places[number].0.to_string(), &self.made_up(number))),
        );
        Some(all.join(","))
    }

    fn made_up(&self, number: usize) -> Value {
        let bump = self.places[number].1;
        shown(&self.mold.account(u64::try_from(number).unwrap(), bump))
    }
}

fn keyed(address: &str, account: &Value) -> String {
    json!({ "pubkey": address, "account": account }).to_string()
}

/// Finding addresses is most of the work: all processors do it.
fn places(mold: &Mold, count: u64) -> Vec<(Pubkey, u8)> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = count.div_ceil(u64::try_from(threads).unwrap()).max(1);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..count)
            .step_by(usize::try_from(share).unwrap())
            .map(|first| {
                let numbers = first..(first + share).min(count);
                scope.spawn(move || numbers.map(|number| mold.place(number)).collect::<Vec<_>>())
            })
            .collect();
        let shares = workers.into_iter().map(|worker| worker.join().unwrap());
        shares.flatten().collect()
    })
}

/// The Clock sysvar now.
pub(super) fn clock() -> Value {
    let mut clock = slot().to_le_bytes().to_vec();
    clock.extend_from_slice(&[0; 24]);
    clock.extend_from_slice(&i64::try_from(now().as_secs()).unwrap().to_le_bytes());
    shown(&Recorded {
        owner: SYSVAR.to_owned(),
        lamports: 1_169_280,
        data: STANDARD.encode(clock),
    })
}

/// The slot now.
pub(super) fn slot() -> u64 {
    u64::try_from(now().as_millis() / SLOT.as_millis()).unwrap()
}

fn shown(account: &Recorded) -> Value {
    json!({
        "owner": account.owner,
        "lamports": account.lamports,
        "data": [account.data, "base64"],
        "executable": false,
        "rentEpoch": 0,
        "space": account.data.len() / 4 * 3,
    })
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}
