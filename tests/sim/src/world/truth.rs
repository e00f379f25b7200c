//! What really stands on chain, sampled all the time past every fault.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use solana_clock::Clock;
use solana_commitment_config::CommitmentLevel;
use solana_pubkey::Pubkey;
use solana_sdk_ids::sysvar::clock;
use tollgate_client::accounts::decode;
use tollgate_client::{Addresses, Entitlement, UnixSeconds};
use tollgate_localnet::Localnet;

use crate::history::{ChainState, Event, Recorder};

/// Between two samples.
const PAUSE: Duration = Duration::from_millis(3);

/// The sampler. A thread of its own, so that a busy runtime does not make gaps.
pub(crate) struct Truth {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Truth {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Truth {
    /// Samples the entitlements of `beneficiaries` to `product`.
    pub(crate) fn start(
        localnet: &Arc<Localnet>,
        recorder: &Recorder,
        product: &Pubkey,
        beneficiaries: &[Pubkey],
    ) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let addresses = Addresses::default();
        let eyes = Eyes {
            localnet: Arc::clone(localnet),
            entitlements: beneficiaries
                .iter()
                .map(|beneficiary| addresses.entitlement(product, beneficiary))
                .collect(),
            addresses,
        };
        let thread = std::thread::spawn({
            let (stop, recorder) = (Arc::clone(&stop), recorder.clone());
            move || {
                while !stop.load(Ordering::SeqCst) {
                    let at = recorder.now();
                    if let Some((slot, usable)) = eyes.look() {
                        recorder.add(Event::Chain(ChainState { at, slot, usable }));
                    }
                    std::thread::sleep(PAUSE);
                }
            }
        });
        Self {
            stop,
            thread: Some(thread),
        }
    }
}

struct Eyes {
    localnet: Arc<Localnet>,
    addresses: Addresses,
    entitlements: Vec<Pubkey>,
}

impl Eyes {
    /// The confirmed slot and whether each entitlement was usable then; `None` when
    /// the slot changed meanwhile.
    fn look(&self) -> Option<(u64, Vec<bool>)> {
        let level = CommitmentLevel::Confirmed;
        let slot = self.localnet.slot_at(level);
        let clock = self.localnet.account_at(&clock::ID, level)?;
        let clock: Clock = bincode::deserialize(&clock.data).ok()?;
        let now = UnixSeconds(clock.unix_timestamp);
        let usable = self
            .entitlements
            .iter()
            .map(|address| {
                let account = self.localnet.account_at(address, level);
                account
                    .and_then(|account| {
                        decode::<Entitlement>(&self.addresses, address, &account).ok()
                    })
                    .is_some_and(|entitlement| entitlement.is_usable(now))
            })
            .collect();
        (self.localnet.slot_at(level) == slot).then_some((slot, usable))
    }
}
