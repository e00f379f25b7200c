//! Settings of a local chain, and its start.

use crate::{
    CommitmentDepths, Localnet, LocalnetError,
    chain::{Chain, ChainSettings},
    connections::Connections,
    devnet::DEVNET_GENESIS_HASH,
    faults::Faults,
    rpc::{self, Rpc},
    server::{Limits, Server},
    time::ChainTime,
};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use solana_account::Account;
use solana_address::Address;
use solana_hash::Hash;
use std::{sync::Arc, time::Duration};
use tokio::{
    task::JoinHandle,
    time::{Instant, MissedTickBehavior, interval_at},
};

/// The shortest slot: below that, the blocks leave no time for transactions.
const SHORTEST_SLOT: Duration = Duration::from_millis(5);

/// Settings of a [`Localnet`] that is about to start.
#[derive(Clone)]
#[must_use]
pub struct LocalnetBuilder {
    port: u16,
    slot_duration: Duration,
    depths: CommitmentDepths,
    transaction_history: usize,
    max_connections: usize,
    max_subscriptions: usize,
    max_subscriptions_per_connection: u32,
    programs: Vec<(Address, Vec<u8>)>,
    accounts: Vec<(Address, Account)>,
}

impl Default for LocalnetBuilder {
    fn default() -> Self {
        Self {
            port: 0,
            slot_duration: Duration::from_millis(400),
            depths: CommitmentDepths::default(),
            transaction_history: 10_000,
            max_connections: 512,
            max_subscriptions: 10_000,
            max_subscriptions_per_connection: 1_000,
            programs: Vec::new(),
            accounts: Vec::new(),
        }
    }
}

impl LocalnetBuilder {
    /// The port of the RPC interface on 127.0.0.1; WebSockets are served there and on the next
    /// port, where JavaScript clients look for them. The default, 0, takes two free ports.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// How long a slot lasts; 400 ms by default, at least 5 ms.
    pub fn slot_duration(mut self, slot_duration: Duration) -> Self {
        self.slot_duration = slot_duration;
        self
    }

    /// How many slots a transaction takes to be confirmed and finalized.
    pub fn commitment_depths(mut self, depths: CommitmentDepths) -> Self {
        self.depths = depths;
        self
    }

    /// How many transactions are remembered for `getTransaction` and the like; 10,000 by
    /// default. However few, none can land twice.
    pub fn transaction_history(mut self, transactions: usize) -> Self {
        self.transaction_history = transactions;
        self
    }

    /// How many connections may be open at the same time; 512 by default.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = connections;
        self
    }

    /// How many subscriptions may exist in all (10,000 by default) and on one connection
    /// (1,000).
    pub fn max_subscriptions(mut self, all: usize, per_connection: u32) -> Self {
        self.max_subscriptions = all;
        self.max_subscriptions_per_connection = per_connection;
        self
    }

    /// A program that is there from genesis: its address and its ELF file.
    pub fn program(mut self, program: Address, elf: impl Into<Vec<u8>>) -> Self {
        self.programs.push((program, elf.into()));
        self
    }

    /// An account that is there from genesis.
    pub fn account(mut self, address: Address, account: Account) -> Self {
        self.accounts.push((address, account));
        self
    }

    /// Starts the chain and its server on the current Tokio runtime.
    ///
    /// # Errors
    /// [`LocalnetError::Settings`], [`LocalnetError::Program`], [`LocalnetError::Account`] for
    /// what was set, [`LocalnetError::Listen`] when a port is taken.
    pub async fn start(self) -> Result<Localnet, LocalnetError> {
        if self.slot_duration < SHORTEST_SLOT {
            return Err(LocalnetError::Settings("a slot must last at least 5 ms"));
        }
        let time = ChainTime::default();
        let genesis_hash = DEVNET_GENESIS_HASH
            .parse::<Hash>()
            .map_err(|_| LocalnetError::Settings("the genesis hash is not a hash"))?;
        let mut chain = Chain::new(ChainSettings {
            depths: self.depths.check()?,
            transaction_history: self.transaction_history,
            genesis_hash,
            genesis_time: time.now(),
            seed: seed(),
        })?;
        for (program, elf) in &self.programs {
            chain.add_program(*program, elf)?;
        }
        for (address, account) in self.accounts {
            chain.set_account(address, account)?;
        }
        chain.settle_genesis(time.now());
        let chain = Arc::new(Mutex::new(chain));
        let connections = Connections::new(self.max_connections);
        let faults = Faults::new(Arc::clone(&chain), Arc::clone(&connections));
        let module = rpc::module(Rpc::new(
            Arc::clone(&chain),
            faults.clone(),
            self.max_subscriptions,
        ))?;
        let limits = Limits {
            subscriptions_per_connection: self.max_subscriptions_per_connection,
        };
        let server = Server::start(self.port, limits, module, faults.clone(), connections).await?;
        let ticker = tick(
            Arc::clone(&chain),
            time.clone(),
            faults.clone(),
            self.slot_duration,
        );
        Ok(Localnet::new(chain, time, faults, server, ticker))
    }
}

/// Makes the blockhashes of this run its own.
fn seed() -> [u8; 32] {
    let since_1970 = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    let mut hasher = Sha256::new();
    hasher.update(since_1970.as_nanos().to_le_bytes());
    hasher.update(std::process::id().to_le_bytes());
    hasher.finalize().into()
}

fn tick(
    chain: crate::SharedChain,
    time: ChainTime,
    faults: Faults,
    slot_duration: Duration,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut slots = interval_at(Instant::now() + slot_duration, slot_duration);
        // A machine that was busy makes late slots, not many at once.
        slots.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            slots.tick().await;
            // Asked under the lock: whoever has halted the slots and then looks at the chain sees
            // the last one.
            let mut chain = chain.lock();
            if !faults.halts_slots() {
                chain.tick(time.now());
            }
        }
    })
}
