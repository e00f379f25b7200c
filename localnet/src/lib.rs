//! A Solana chain inside your process: real programs on a real virtual machine, real RPC and
//! WebSocket, no validator.
//!
//! [LiteSVM](https://docs.rs/litesvm) executes the transactions; this crate adds what makes it a
//! cluster to its clients: blocks and blockhashes that expire, signatures and duplicates checked,
//! commitment that follows the slots, subscriptions, and JSON-RPC in the very shapes of an Agave
//! node. The Rust and JavaScript clients of Solana work with it unchanged.
//!
//! ```no_run
//! # async fn example() -> Result<(), tollgate_localnet::LocalnetError> {
//! use tollgate_localnet::{Localnet, test_keypair};
//! use solana_signer::Signer;
//!
//! let localnet = Localnet::builder().start().await?;
//! let buyer = test_keypair("buyer").pubkey();
//! localnet.airdrop(&buyer, 1_000_000_000)?;
//! let _token_account = localnet.mint_test_usdc(&buyer, 25_000_000)?;
//! localnet.finalize();
//! println!("{} {}", localnet.rpc_url(), localnet.websocket_url());
//! localnet.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! # What it is like
//! * It reports devnet's genesis hash and has a mint at devnet's USDC address ([`USDC_MINT`]),
//!   whose authority is a test key. It listens on 127.0.0.1 only.
//! * A transaction lands in the open slot and is `processed` at once. It is `confirmed` and
//!   `finalized` [`CommitmentDepths`] slots later; reads and preflight checks at these levels
//!   see the state as of their slot, and notifications come when the slot gets there.
//! * Blockhashes are usable for 150 blocks. A transaction naming another, one that has landed
//!   before, one with a bad signature or an empty fee payer is refused as by a cluster: with
//!   error -32002 by the preflight check; without that check it never lands.
//! * Chain time is the machine's, in whole seconds, and can be set.
//!
//! # What it is not
//! * There is one node and no consensus: no forks, no votes, no skipped slots, no stake.
//! * A transaction that cannot land when it is sent is not tried again later.
//! * Durable nonces are refused like unknown blockhashes.
//! * `simulateTransaction` does not say how many bytes of accounts were loaded.
//! * A program that is deployed, upgraded or replaced runs at once and at every commitment
//!   level; on a cluster it does so from the next slot on.
//! * Unsubscribing from what is not subscribed to answers `false` instead of an error.
//! * Block contents (`getBlock`), stake and votes are not served.

mod builder;
mod chain;
mod connections;
mod devnet;
mod error;
mod faucet;
mod faults;
mod handle;
mod pubsub;
mod rpc;
mod server;
mod time;

pub use builder::LocalnetBuilder;
pub use chain::CommitmentDepths;
pub use devnet::{
    DEVNET_GENESIS_HASH, USDC_DECIMALS, USDC_MINT, test_keypair, usdc_mint_authority,
};
pub use error::LocalnetError;
pub use faults::Faults;
pub use handle::{Localnet, MAX_WARP_SLOTS};

/// The chain, shared by the server, the timer and the handle.
type SharedChain = std::sync::Arc<parking_lot::Mutex<chain::Chain>>;
