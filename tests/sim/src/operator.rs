//! The merchant's operator and the world's malice.

use std::sync::Arc;
use std::time::Duration;

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use solana_signer::Signer;
use tollgate_cli::commands::send::{send, send_signed_by};
use tollgate_client::{Addresses, IntentStatus};

use crate::world::{Fault, World};

/// More than the product's access: everything that was paid is over.
const MORE_THAN_A_DAY: Duration = Duration::from_secs(90_000);
/// So often the clock may jump: sign-ins and intents live by it too.
const JUMPS: u32 = 2;

/// Does to the world what happens to worlds.
pub(crate) struct Operator {
    world: Arc<World>,
    jumps: u32,
    /// What was paid back to each caller, in atomic units.
    pub(crate) refunded: Vec<u64>,
}

impl Operator {
    pub(crate) fn new(world: &Arc<World>) -> Self {
        Self {
            world: Arc::clone(world),
            jumps: 0,
            refunded: vec![0; world.wallets.len()],
        }
    }

    /// Does something, whatever it may be.
    pub(crate) async fn step(&mut self, random: &mut StdRng) {
        let replica = random.random_range(0..self.world.replicas());
        let caller = random.random_range(0..self.world.wallets.len());
        match random.random_range(0..12) {
            0..=3 => {
                let fault = Fault::ALL.choose(random).copied();
                self.world.set_fault(replica, fault);
            }
            4 | 5 => self.world.set_fault(replica, None),
            6 => self.world.restart(replica).await,
            7 => self.revoke(caller).await,
            8 => self.refund(caller).await,
            9 => self.trouble_agents(random).await,
            10 if self.jumps < JUMPS => {
                self.jumps += 1;
                self.world.localnet.advance_time(MORE_THAN_A_DAY);
            }
            _ => {}
        }
        let pause = Duration::from_millis(random.random_range(50..500));
        tokio::time::sleep(pause).await;
    }

    /// Mends everything.
    pub(crate) fn heal(&self) {
        for replica in 0..self.world.replicas() {
            self.world.set_fault(replica, None);
        }
        self.world.localnet.faults().clear();
    }

    /// What the agents' own way to the chain suffers.
    async fn trouble_agents(&self, random: &mut StdRng) {
        let faults = self.world.localnet.faults();
        match random.random_range(0..3) {
            0 => faults.drop_send_transaction_replies(2),
            1 => faults.cut_connections(),
            _ => {
                faults.freeze_commitment(true);
                let pause = Duration::from_millis(random.random_range(100..600));
                tokio::time::sleep(pause).await;
                faults.freeze_commitment(false);
            }
        }
    }

    /// Ends a caller's entitlement. Whoever has none cannot be deprived of it.
    async fn revoke(&self, caller: usize) {
        let merchant = &self.world.merchant;
        let addresses = self.world.chain.addresses();
        let entitlement =
            addresses.entitlement(&merchant.day_pass, &self.world.wallets[caller].pubkey());
        let owner = merchant.owner.pubkey();
        let instruction = addresses.revoke(owner, merchant.address, entitlement);
        let _ = send(&self.world.chain, &[instruction], &merchant.owner).await;
    }

    /// Pays a caller's last payment back.
    async fn refund(&mut self, caller: usize) {
        let world = &self.world;
        let key = world.wallets[caller].pubkey();
        let Ok(reading) = world.chain.entitlement(&world.merchant.day_pass, &key).await else {
            return;
        };
        let Some(entitlement) = reading.entitlement else {
            return;
        };
        let address = entitlement.last_intent;
        let Ok(Some(intent)) = world.chain.intent(&address).await else {
            return;
        };
        if intent.status != IntentStatus::Paid {
            return;
        }
        let merchant = &world.merchant;
        let instruction = world.chain.addresses().refund(
            merchant.owner.pubkey(),
            address,
            &intent,
            Addresses::token_account(&key, &world.cluster.mint),
            intent.amount,
        );
        let sent = send_signed_by(&world.chain, &[instruction], &merchant.owner, &[]).await;
        if sent.is_ok() {
            self.refunded[caller] += intent.amount.0;
        }
    }
}
