//! Everything of `[credits]`, put together.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tollgate_client::Credits;
use tracing::{info, warn};

use super::booking::{Booker, BookingLimits};
use super::local::{LocalStore, OpenError};
use super::meter::Meter;
use super::owner::Owner;
use super::settling::Settling;
use super::shared::SharedStore;
use super::store::CreditStore;
use super::tally::Tally;
use super::wake::Wake;
use crate::chain::Pool;
use crate::config::{CreditStoreConfig, CreditsConfig};
use crate::foundation::Task;
use crate::metrics::{Sample, SampleSource, SampleValue};
use crate::redis_client::{Keeps, RedisClient, Unfit, Unusable};
use crate::start_error::StartCode;

/// The shortest time after which a reservation in a shared store counts as used.
const SHORTEST_HOLD: Duration = Duration::from_secs(900);

/// What the service needs beside its section of the configuration.
pub(crate) struct Surroundings {
    pub(crate) pool: Arc<Pool>,
    pub(crate) owner: Owner,
    /// The client of the configured Redis server, where others use it too.
    pub(crate) redis: Option<Arc<RedisClient>>,
    /// How long a request may take until its upstream has answered.
    pub(crate) longest_request: Duration,
    /// True once the service is going away.
    pub(crate) stopping: watch::Receiver<bool>,
}

/// Why credits cannot be counted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CreditsError {
    #[error("credits.path: {0}")]
    Local(#[from] OpenError),
    #[error("credits: {0}")]
    Url(#[from] Unusable),
    #[error("credits: {0}")]
    Unfit(#[from] Unfit),
}

impl CreditsError {
    /// Stable code.
    pub(crate) fn code(&self) -> StartCode {
        match self {
            Self::Local(OpenError::InUse { .. }) => StartCode::CreditsStoreInUse,
            Self::Local(OpenError::OtherOwner { .. }) => StartCode::CreditsStoreOtherOwner,
            Self::Local(OpenError::Unusable { .. }) => StartCode::CreditsStoreUnusable,
            Self::Url(_) => StartCode::CreditsStoreUrl,
            Self::Unfit(_) => StartCode::CreditsStoreUnfit,
        }
    }
}

/// The meter and the tasks behind it. Ends with its owner.
#[derive(Debug)]
pub(crate) struct CreditService {
    pub(crate) meter: Meter,
    booker: Option<Arc<Booker>>,
    settling: Settling,
    _tasks: Vec<Task<()>>,
}

impl CreditService {
    /// Opens the store and begins to book.
    ///
    /// # Errors
    /// [`CreditsError`]; not for a shared store that cannot be reached now.
    pub(crate) async fn start(
        config: &CreditsConfig,
        around: Surroundings,
    ) -> Result<Self, CreditsError> {
        let store = open(config, &around).await?;
        let tally = Arc::new(Tally::default());
        let wake = Arc::new(Wake::new(Credits(config.booking_threshold)));
        let (settling, settle) =
            Settling::new(Arc::clone(&store), Arc::clone(&tally), Arc::clone(&wake));
        let mut tasks = vec![Task(tokio::spawn(settle))];
        let booker = booker(config, &around, &store, (Arc::clone(&tally), wake));
        match &booker {
            Some(booker) => {
                let booking = Arc::clone(booker).run(around.stopping);
                tasks.push(Task(tokio::spawn(booking)));
            }
            None => warn!(
                "used credits are counted but not booked on chain: \
                 credits.operator_key_file or credits.operator_key_env is not configured"
            ),
        }
        Ok(Self {
            meter: Meter::new(store, settling.clone(), tally),
            booker,
            settling,
            _tasks: tasks,
        })
    }

    /// Settles what is in flight and books what is used, for `deadline` at most.
    /// What remains stays counted, and a later start books it.
    pub(crate) async fn flush(&self, deadline: Duration) {
        let flushing = async {
            self.settling.settled().await;
            if let Some(booker) = &self.booker {
                booker.book().await;
            }
        };
        if tokio::time::timeout(deadline, flushing).await.is_err() {
            info!("not all used credits are booked; a later start goes on");
        }
    }
}

impl SampleSource for CreditService {
    fn samples(&self) -> Vec<Sample> {
        let counts = self.meter.tally().counts();
        counts
            .into_iter()
            .map(|(name, value)| Sample {
                name,
                help: super::tally::meaning(name),
                value: SampleValue::Counter(value),
            })
            .collect()
    }
}

pub(super) async fn open(
    config: &CreditsConfig,
    around: &Surroundings,
) -> Result<Arc<dyn CreditStore>, CreditsError> {
    let timeout = config.store_timeout;
    match &config.store {
        CreditStoreConfig::Local(path) => {
            let store = LocalStore::open(path, &around.owner, timeout)?;
            Ok(Arc::new(store))
        }
        CreditStoreConfig::Shared(redis) => {
            let client = match &around.redis {
                Some(client) => Arc::clone(client),
                None => Arc::new(RedisClient::new(redis, Keeps::Lasting)?),
            };
            client.check(timeout, "metered requests get 503").await?;
            let hold = around.longest_request.saturating_mul(2).max(SHORTEST_HOLD);
            let store = SharedStore::new(client, &around.owner, timeout, hold);
            Ok(Arc::new(store))
        }
    }
}

pub(super) fn booker(
    config: &CreditsConfig,
    around: &Surroundings,
    store: &Arc<dyn CreditStore>,
    shared: (Arc<Tally>, Arc<Wake>),
) -> Option<Arc<Booker>> {
    let operator = config.operator.as_ref()?.expose();
    Some(Arc::new(Booker::new(
        Arc::clone(store),
        Arc::clone(&around.pool),
        (operator, around.owner.merchant),
        BookingLimits {
            interval: config.booking_interval,
            per_round: config.bookings_per_round,
            compute_unit_price: config.compute_unit_price,
        },
        shared,
    )))
}
