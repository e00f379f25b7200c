//! The merchant's operator and the world's malice.

use std::sync::Arc;
use std::time::Duration;

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use solana_instruction::Instruction;
use solana_signer::Signer;
use tollgate_cli::commands::send::send_signed_by;
use tollgate_client::{Addresses, Entitlement};

use crate::history::{Deed, Event, Limit};
use crate::world::{Fault, World};

/// More than the product's access: everything that was paid is over.
const MORE_THAN_A_DAY: Duration = Duration::from_secs(90_000);
/// How long the operator waits for a transaction of its own.
const PATIENCE: Duration = Duration::from_secs(3);

/// What can be done to the world.
#[derive(Clone, Copy)]
enum Act {
    Break,
    Mend,
    Restart,
    Reload,
    Revoke,
    Refund,
    TroubleAgents,
    Jump,
}

/// The acts are dealt like cards: in another order for each seed, but all of them
/// before any comes again.
const DECK: [Act; 14] = [
    Act::Break,
    Act::Break,
    Act::Break,
    Act::Break,
    Act::Mend,
    Act::Mend,
    Act::Restart,
    Act::Reload,
    Act::Reload,
    Act::Reload,
    Act::Revoke,
    Act::Refund,
    Act::TroubleAgents,
    Act::Jump,
];

/// How often payers may ask, by the configurations that are put in force.
const LIMITS: [Option<Limit>; 3] = [
    None,
    Some(TIGHT),
    Some(Limit {
        per_minute: 300,
        burst: 4,
    }),
];

/// A limit that whoever asks a few times in a row meets.
pub(crate) const TIGHT: Limit = Limit {
    per_minute: 20,
    burst: 2,
};

/// Does to the world what happens to worlds.
pub(crate) struct Operator {
    world: Arc<World>,
    cards: Vec<Act>,
}

impl Operator {
    pub(crate) fn new(world: &Arc<World>) -> Self {
        Self {
            world: Arc::clone(world),
            cards: Vec::new(),
        }
    }

    /// How many steps it takes until everything was done at least once.
    pub(crate) const fn round() -> usize {
        DECK.len()
    }

    /// Does something, whatever it may be.
    pub(crate) async fn step(&mut self, random: &mut StdRng) {
        if self.cards.is_empty() {
            self.cards = DECK.to_vec();
            self.cards.shuffle(random);
        }
        let replica = random.random_range(0..self.world.replicas());
        let mut callers: Vec<usize> = (0..self.world.wallets.len()).collect();
        callers.shuffle(random);
        match self.cards.pop().expect("there is one") {
            Act::Break => {
                let fault = Fault::ALL.choose(random).copied();
                self.world.set_fault(replica, fault);
            }
            Act::Mend => self.world.set_fault(replica, None),
            Act::Restart => {
                self.world.restart(replica).await;
                self.record(Deed::Restarted(replica));
            }
            Act::Reload => {
                let limit = LIMITS.choose(random).copied().flatten();
                let rotate = random.random_bool(0.5);
                let done = self.world.reload(replica, limit, rotate).await;
                self.record(if done {
                    Deed::Reloaded(replica)
                } else {
                    Deed::NotReloaded(replica)
                });
            }
            Act::Revoke => {
                for caller in callers {
                    if self.revoke(caller).await {
                        break;
                    }
                }
            }
            Act::Refund => {
                for caller in callers {
                    if self.refund(caller).await {
                        break;
                    }
                }
            }
            Act::TroubleAgents => self.trouble_agents(random).await,
            Act::Jump => {
                self.world.localnet.advance_time(MORE_THAN_A_DAY);
                self.record(Deed::Jumped);
            }
        }
        let pause = Duration::from_millis(random.random_range(50..400));
        tokio::time::sleep(pause).await;
    }

    /// Mends everything.
    pub(crate) fn heal(&self) {
        for replica in 0..self.world.replicas() {
            self.world.set_fault(replica, None);
        }
        self.world.localnet.faults().clear();
    }

    /// Puts a limit in force at every replica, however often it takes.
    pub(crate) async fn limit(&self, limit: Option<Limit>) {
        for replica in 0..self.world.replicas() {
            while !self.world.reload(replica, limit, false).await {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            self.record(Deed::Reloaded(replica));
        }
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

    /// Ends a caller's entitlement; whether there was one.
    async fn revoke(&self, caller: usize) -> bool {
        let Some(held) = self.held(caller).await else {
            return false;
        };
        let merchant = &self.world.merchant;
        let addresses = self.world.chain.addresses();
        let address = addresses.entitlement(&held.product, &held.beneficiary);
        let operator = merchant.operator.pubkey();
        let instruction = addresses.revoke(operator, merchant.address, address);
        self.carry_out(instruction, Deed::Revoked(caller)).await
    }

    /// Pays a caller's last payment back; whether there was one.
    async fn refund(&self, caller: usize) -> bool {
        let Some(held) = self.held(caller).await else {
            return false;
        };
        let world = &self.world;
        let address = held.last_intent;
        let Ok(Some(intent)) = world.chain.intent(&address).await else {
            return false;
        };
        let instruction = world.chain.addresses().refund(
            world.merchant.operator.pubkey(),
            address,
            &intent,
            Addresses::token_account(&held.beneficiary, &world.cluster.mint),
            intent.amount,
        );
        self.carry_out(instruction, Deed::Refunded(caller)).await
    }

    /// The caller's entitlement, if it is usable.
    async fn held(&self, caller: usize) -> Option<Entitlement> {
        let key = self.world.wallets[caller].pubkey();
        let product = &self.world.merchant.day_pass;
        let reading = self.world.chain.entitlement(product, &key).await.ok()?;
        let now = reading.chain_time;
        reading.entitlement.filter(|held| held.is_usable(now))
    }

    /// Sends an instruction of the operator, whose fees the owner pays; whether it is
    /// known to have taken effect.
    async fn carry_out(&self, instruction: Instruction, deed: Deed) -> bool {
        let merchant = &self.world.merchant;
        let instructions = [instruction];
        let others = [&merchant.operator];
        let sending = send_signed_by(&self.world.chain, &instructions, &merchant.owner, &others);
        let done = matches!(tokio::time::timeout(PATIENCE, sending).await, Ok(Ok(_)));
        if done {
            self.record(deed);
        }
        done
    }

    fn record(&self, deed: Deed) {
        let at = self.world.recorder.now();
        self.world.recorder.add(Event::Deed { at, deed });
    }
}
