//! The reverse proxy: what the gate let through goes to the one configured
//! upstream, and nowhere else. Redirects are passed on, never followed.

mod body;
mod client;
mod forwarded;
mod transport;
mod websocket;

pub(crate) use self::body::{BodyFault, BoundedBody, FaultRecord};
pub(crate) use self::client::{Proxy, ProxyRequest};
pub(crate) use self::websocket::Lifetime;
