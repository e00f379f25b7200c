//! The client of a Redis server (7.0 or later) that replicas share: for used credits
//! and for used sign-ins.
//!
//! Questions are bounded in number and time, and a connection that broke is made
//! anew. A server that could lose or evict what it was told is refused.

mod connect;
mod fitness;

use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{FromRedisValue, RedisError, RedisResult, cmd};
use tokio::sync::{Mutex, Semaphore};
use tracing::warn;

pub(crate) use self::connect::Unusable;
use self::connect::{Connected, Endpoint};
pub(crate) use self::fitness::{Keeps, Unfit};
use crate::config::RedisConfig;

/// How many questions may wait for the server.
const MAX_WAITING: usize = 4096;

/// Why a question has no answer. What was asked for may have happened all the same,
/// unless it was never sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoAnswer {
    /// The server cannot be reached, failed, or took too long.
    #[error("the Redis server does not answer")]
    Unavailable,
    /// Too many questions wait for it; this one was not sent.
    #[error("too many questions wait for the Redis server")]
    Overloaded,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
enum ConnectError {
    #[error(transparent)]
    Redis(#[from] RedisError),
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    Unfit(#[from] Unfit),
}

/// One server, and the connection to it.
pub(crate) struct RedisClient {
    endpoint: Endpoint,
    keeps: Keeps,
    waiting: Semaphore,
    current: Mutex<Option<Arc<Connected>>>,
}

impl RedisClient {
    /// The client of a server that has to keep what `keeps` says. Connects at the
    /// first question.
    ///
    /// # Errors
    /// [`Unusable`], when the settings are those of no server.
    pub(crate) fn new(config: &RedisConfig, keeps: Keeps) -> Result<Self, Unusable> {
        Ok(Self {
            endpoint: Endpoint::new(config)?,
            keeps,
            waiting: Semaphore::new(MAX_WAITING),
            current: Mutex::new(None),
        })
    }

    /// Whether the server is fit, if it can be reached within `timeout`.
    ///
    /// # Errors
    /// [`Unfit`]; a server that cannot be reached is none, which is worth a warning
    /// with `consequence`.
    pub(crate) async fn check(&self, timeout: Duration, consequence: &str) -> Result<(), Unfit> {
        match tokio::time::timeout(timeout, self.connected()).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(ConnectError::Unfit(unfit))) => Err(unfit),
            Ok(Err(error)) => {
                warn!(%error, "starting without the Redis server: {consequence}");
                Ok(())
            }
            Err(_) => {
                warn!("starting without the Redis server, which takes too long: {consequence}");
                Ok(())
            }
        }
    }

    /// Asks one question, for `timeout` at most.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub(crate) async fn ask<T: FromRedisValue>(
        &self,
        timeout: Duration,
        question: impl AsyncFnOnce(&mut MultiplexedConnection) -> RedisResult<T>,
    ) -> Result<T, NoAnswer> {
        let _place = self
            .waiting
            .try_acquire()
            .map_err(|_| NoAnswer::Overloaded)?;
        let asking = async {
            let connected = self.connected().await.map_err(|error| {
                warn!(%error, "no connection to the Redis server");
                NoAnswer::Unavailable
            })?;
            let answer = question(&mut connected.connection()).await;
            answer.map_err(|error| {
                warn!(%error, "the Redis server did not do what it was asked");
                if error.is_io_error() || error.is_timeout() || error.is_unrecoverable_error() {
                    self.forget();
                }
                NoAnswer::Unavailable
            })
        };
        match tokio::time::timeout(timeout, asking).await {
            Ok(answer) => answer,
            Err(_) => {
                self.forget();
                Err(NoAnswer::Unavailable)
            }
        }
    }

    /// The connection, a new one if need be. All who wait share it.
    async fn connected(&self) -> Result<Arc<Connected>, ConnectError> {
        let mut current = self.current.lock().await;
        if let Some(connected) = current.as_ref() {
            return Ok(Arc::clone(connected));
        }
        let connected = Arc::new(self.endpoint.connect().await?);
        // Another server may answer than before, after a restart or a failover.
        let asking = cmd("INFO");
        let information: String = asking.query_async(&mut connected.connection()).await?;
        self.keeps.require(&information)?;
        *current = Some(Arc::clone(&connected));
        Ok(connected)
    }

    /// Makes the next question connect anew. Does not wait: while the lock is taken,
    /// somebody else is connecting already.
    fn forget(&self) {
        if let Ok(mut current) = self.current.try_lock() {
            *current = None;
        }
    }
}

/// The name only: the rest holds a password.
impl std::fmt::Debug for RedisClient {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("RedisClient")
    }
}
