//! The accept loop.
//!
//! `axum::serve` has neither a limit on the time nor on the size of a request's
//! head (version 0.8), and hyper accepts some requests that a proxy must not pass
//! on. So connections are accepted here: their number is capped, in all and for
//! each peer; the first bytes and every request head have a deadline and a size;
//! a client that stops reading is let go; shutting down waits for requests in
//! flight, but not for ever.

mod activity;
mod client_stream;
mod connection;
mod current;
mod framing;
mod limits;
mod listener;
mod switching;

pub(crate) use self::connection::ConnectionFacts;
pub(crate) use self::current::{ConnectionEvents, Current, Served};
pub(crate) use self::limits::Limits;
pub(crate) use self::listener::{Drained, run};
pub(crate) use self::switching::Switching;
