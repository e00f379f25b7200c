//! The nonces used lately at any of the replicas that share a Redis server.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use redis::{Script, cmd};
use tracing::warn;

use super::{Answer, Booking, LIFETIME, NonceStore, NonceStoreFailure, NonceUse};
use crate::credits::Owner;
use crate::redis_client::{NoAnswer, RedisClient};

/// Deletes a nonce that this very booking has used.
const GIVE_BACK: &str =
    "return redis.call('GET', KEYS[1]) == ARGV[1] and redis.call('DEL', KEYS[1]) or 0";

/// How often giving back is tried, and how long after a failure.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(500);

/// Used nonces in a Redis server: a key for each, which expires with it.
pub(crate) struct SharedNonces {
    server: Arc<Server>,
}

struct Server {
    client: Arc<RedisClient>,
    timeout: Duration,
    /// Begins every key.
    prefix: String,
    give_back: Script,
}

impl SharedNonces {
    /// Those of the replicas that serve `owner`. An answer that takes longer than
    /// `timeout` counts as none.
    pub(crate) fn new(client: Arc<RedisClient>, owner: &Owner, timeout: Duration) -> Self {
        Self {
            server: Arc::new(Server {
                client,
                timeout,
                prefix: format!("tollgate:sign-ins:1:{}", owner.name()),
                give_back: Script::new(GIVE_BACK),
            }),
        }
    }
}

impl NonceStore for SharedNonces {
    fn is_used<'a>(&'a self, nonce: &'a str) -> Answer<'a, bool> {
        self.server.is_used(nonce).boxed()
    }

    fn book<'a>(&'a self, booking: &'a Booking) -> Answer<'a, NonceUse> {
        self.server.book(booking).boxed()
    }

    fn give_back(&self, booking: Booking) -> BoxFuture<'static, ()> {
        let server = Arc::clone(&self.server);
        async move { server.give_back(&booking).await }.boxed()
    }
}

impl Server {
    fn key(&self, nonce: &str) -> String {
        format!("{}:{nonce}", self.prefix)
    }

    async fn is_used(&self, nonce: &str) -> Result<bool, NonceStoreFailure> {
        let mut exists = cmd("EXISTS");
        exists.arg(self.key(nonce));
        let asking = self.client.ask(self.timeout, async |server| {
            exists.query_async(server).await
        });
        Ok(asking.await?)
    }

    async fn book(&self, booking: &Booking) -> Result<NonceUse, NonceStoreFailure> {
        let mut set = cmd("SET");
        set.arg(self.key(&booking.nonce))
            .arg(booking.id)
            .arg("NX")
            .arg("EX")
            .arg(LIFETIME.as_secs());
        let asking = self
            .client
            .ask(self.timeout, async |server| set.query_async(server).await);
        let done: Option<String> = asking.await?;
        Ok(match done {
            Some(_) => NonceUse::First,
            None => NonceUse::Replayed,
        })
    }

    async fn give_back(&self, booking: &Booking) {
        let mut call = self.give_back.prepare_invoke();
        call.key(self.key(&booking.nonce)).arg(booking.id);
        for attempt in 1..=TRIES {
            let asking = self
                .client
                .ask(self.timeout, async |server| call.invoke_async(server).await);
            let answer: Result<u64, NoAnswer> = asking.await;
            match answer {
                Ok(_) => return,
                Err(error) if attempt == TRIES => {
                    warn!(%error, "a sign-in that opened nothing stays used");
                }
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }
}
