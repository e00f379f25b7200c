//! Products whose calls are counted: bought, used up, renewed, refunded, revoked,
//! counted through crashes and booked on chain.

mod bookings;
mod calls;
mod history;
mod killed;
#[path = "../../../../../verifier/tests/redis_server/mod.rs"]
mod redis_server;
mod replicas;
mod sale;
mod shop;
mod upstream;
mod ways_in;
