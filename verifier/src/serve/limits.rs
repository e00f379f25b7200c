//! What one listener bears.

use std::time::Duration;

use crate::api::BODY_DEADLINE;
use crate::config::Config;

/// The largest request head, in bytes: room for a session token, a sign-in and
/// a payment, each a few KiB at most.
pub(crate) const MAX_HEAD_BYTES: usize = 16 * 1024;

/// The most header lines of a request.
pub(crate) const MAX_HEADERS: usize = 64;

/// How much of one HTTP/1 connection hyper buffers. Must not be smaller than
/// [`MAX_HEAD_BYTES`], or the answer to a large head would depend on its packets.
pub(crate) const MAX_BUFFER_BYTES: usize = 64 * 1024;

/// The most requests at the same time on one HTTP/2 connection.
pub(crate) const MAX_CONCURRENT_STREAMS: u32 = 100;

/// How often an HTTP/2 peer is asked for a sign of life, and how long it may
/// take to give one: without it, a peer that vanished would keep its place.
pub(crate) const PING_INTERVAL: Duration = Duration::from_secs(20);
pub(crate) const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// How long the handlers of an embedding program may take or pause: theirs to
/// limit, not ours.
const UNKNOWN_HANDLER: Duration = Duration::from_secs(3600);

/// The configured part.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) max_connections: usize,
    pub(crate) max_connections_per_address: usize,
    pub(crate) header_read_timeout: Duration,
    pub(crate) idle_timeout: Duration,
    pub(crate) stall_timeout: Duration,
    /// How long the requests of a connection may not move at all.
    pub(crate) quiet_timeout: Duration,
    pub(crate) shutdown_deadline: Duration,
}

impl From<&Config> for Limits {
    fn from(config: &Config) -> Self {
        let server = &config.server;
        let behind = match &config.upstream {
            Some(upstream) => upstream.response_timeout.max(upstream.idle_timeout),
            None => UNKNOWN_HANDLER,
        };
        Self {
            max_connections: server.max_connections,
            max_connections_per_address: server.max_connections_per_address,
            header_read_timeout: server.header_read_timeout,
            idle_timeout: server.idle_timeout,
            stall_timeout: server.stall_timeout,
            // Everything that may rightly take its time, one after the other: a
            // small body, two readings of the chain, each with a second opinion, the
            // upstream, the client.
            quiet_timeout: BODY_DEADLINE
                + config.chain.request_timeout * 4
                + behind
                + server.stall_timeout,
            shutdown_deadline: server.shutdown_deadline,
        }
    }
}
