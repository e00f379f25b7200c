//! Stores to try, and the words to talk to them with.

use std::sync::Arc;
use std::time::Duration;

use solana_hash::Hash;
use tollgate_client::{Credits, Pubkey, UnixSeconds};

use super::redis_server::RedisServer;
use crate::config::{RedisConfig, RedisUrl};
use crate::credits::ledger::{ChainView, Life, Reserved};
use crate::credits::local::LocalStore;
use crate::credits::owner::Owner;
use crate::credits::shared::SharedStore;
use crate::credits::store::{CreditStore, Demand, ReservationId, Settled, Settlement, StoreError};
use crate::redis_client::{Keeps, RedisClient};

/// Long enough for the busiest machine.
pub const TIMEOUT: Duration = Duration::from_secs(30);
/// Reservations do not expire within a test unless it says so.
pub const HOLD: Duration = Duration::from_secs(600);

pub fn owner() -> Owner {
    Owner {
        genesis_hash: Hash::new_from_array([7; 32]),
        merchant: Pubkey::new_from_array([8; 32]),
    }
}

pub fn entitlement(number: u8) -> Pubkey {
    Pubkey::new_from_array([number; 32])
}

/// The chain's word in the first generation.
pub fn view(slot: u64, granted: u64, booked: u64) -> ChainView {
    ChainView {
        life: Life {
            created_at: UnixSeconds(1_700_000_000),
            generation: 0,
        },
        slot,
        granted: Credits(granted),
        booked: Credits(booked),
    }
}

/// A store that can be opened again on what it has written.
pub trait Fixture: Send {
    /// A handle; several handles of a shared store are several replicas.
    fn open(&mut self) -> Arc<dyn CreditStore>;

    /// The store dies and comes back. Handles that were opened before are void.
    fn restart(&mut self);

    /// Whether what is in flight outlives [`Fixture::restart`].
    fn keeps_open_reservations(&self) -> bool;
}

/// A redb file.
pub struct Local {
    folder: tempfile::TempDir,
    store: Option<Arc<LocalStore>>,
}

impl Local {
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            store: None,
        }
    }
}

impl Fixture for Local {
    fn open(&mut self) -> Arc<dyn CreditStore> {
        let path = self.folder.path().join("credits.redb");
        let store = self
            .store
            .get_or_insert_with(|| Arc::new(LocalStore::open(&path, &owner(), TIMEOUT).unwrap()));
        Arc::clone(store) as Arc<dyn CreditStore>
    }

    fn restart(&mut self) {
        let store = self.store.take().unwrap();
        assert_eq!(
            Arc::strong_count(&store),
            1,
            "somebody still holds the store"
        );
    }

    fn keeps_open_reservations(&self) -> bool {
        false
    }
}

/// A client of the server at `url`.
pub fn client(url: &str) -> Arc<RedisClient> {
    let config = RedisConfig::new(RedisUrl::parse(url).unwrap());
    Arc::new(RedisClient::new(&config, Keeps::Lasting).unwrap())
}

/// A Redis server.
pub struct Shared {
    pub server: RedisServer,
    pub hold: Duration,
}

impl Shared {
    pub fn new() -> Option<Self> {
        RedisServer::start().map(|server| Self { server, hold: HOLD })
    }

    pub fn client(&self) -> Arc<RedisClient> {
        client(&self.server.url())
    }

    pub fn store(&self) -> SharedStore {
        SharedStore::new(self.client(), &owner(), TIMEOUT, self.hold)
    }
}

impl Fixture for Shared {
    fn open(&mut self) -> Arc<dyn CreditStore> {
        Arc::new(self.store())
    }

    fn restart(&mut self) {
        self.server.start_again();
    }

    fn keeps_open_reservations(&self) -> bool {
        true
    }
}

/// Takes `cost` credits under a new id.
pub async fn take(
    store: &dyn CreditStore,
    entitlement: Pubkey,
    view: ChainView,
    cost: u64,
) -> Result<Option<Settled>, StoreError> {
    let id = ReservationId::random();
    let cost = Credits(cost);
    let demand = Demand {
        entitlement,
        view,
        cost,
        id,
    };
    Ok(match store.reserve(demand).await? {
        Reserved::Short { .. } => None,
        Reserved::Taken { .. } => Some(Settled {
            entitlement,
            life: view.life,
            cost,
            id,
            settlement: Settlement::Commit,
        }),
    })
}

/// Takes and uses `cost` credits.
pub async fn spend(store: &dyn CreditStore, entitlement: Pubkey, view: ChainView, cost: u64) {
    let settled = take(store, entitlement, view, cost).await.unwrap().unwrap();
    store.settle(settled).await.unwrap();
}

/// What is left.
pub async fn left(store: &dyn CreditStore, entitlement: Pubkey, view: ChainView) -> u64 {
    let seen = store.look(entitlement, view).await;
    let learnt = store.learn(entitlement, view).await;
    assert_eq!(seen, learnt, "looking and learning agree");
    learnt.unwrap().remaining().0
}

/// Makes a test of each promise on each store.
macro_rules! promised_by_every_store {
    ($($promise:ident)*) => {
        mod local {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $promise() {
                super::$promise(&mut $crate::credits::tests::fixture::Local::new()).await;
            })*
        }
        mod shared {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $promise() {
                if let Some(mut shared) = $crate::credits::tests::fixture::Shared::new() {
                    super::$promise(&mut shared).await;
                }
            })*
        }
    };
}
pub(super) use promised_by_every_store;
