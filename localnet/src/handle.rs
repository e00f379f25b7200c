//! The handle of a running local chain.

use crate::{
    Faults, LocalnetBuilder, LocalnetError, SharedChain, faucet, server::Server, time::ChainTime,
};
use solana_account::Account;
use solana_address::Address;
use solana_clock::{Slot, UnixTimestamp};
use solana_commitment_config::CommitmentLevel;
use solana_signature::Signature;
use std::{net::SocketAddr, time::Duration};
use tokio::task::JoinHandle;

/// The most slots that [`Localnet::warp_slots`] makes at once.
pub const MAX_WARP_SLOTS: u64 = 1_000;

/// A running local chain. It ends with [`Localnet::shutdown`], or when the handle is dropped.
///
/// What the methods change is in the open slot: `processed` at once, `confirmed` and
/// `finalized` when slots go by, of which [`Localnet::finalize`] makes enough.
pub struct Localnet {
    chain: SharedChain,
    time: ChainTime,
    faults: Faults,
    server: Server,
    ticker: JoinHandle<()>,
}

impl Localnet {
    /// The settings of a local chain, to be changed before it starts.
    pub fn builder() -> LocalnetBuilder {
        LocalnetBuilder::default()
    }

    pub(crate) fn new(
        chain: SharedChain,
        time: ChainTime,
        faults: Faults,
        server: Server,
        ticker: JoinHandle<()>,
    ) -> Self {
        Self {
            chain,
            time,
            faults,
            server,
            ticker,
        }
    }

    /// The address of the RPC interface, as in `http://127.0.0.1:8899`. WebSockets are served
    /// there as well.
    pub fn rpc_url(&self) -> String {
        format!("http://{}", self.server.rpc)
    }

    /// The address for subscriptions, as in `ws://127.0.0.1:8900`.
    pub fn websocket_url(&self) -> String {
        format!("ws://{}", self.server.websocket)
    }

    /// The socket address of the RPC interface.
    pub fn rpc_address(&self) -> SocketAddr {
        self.server.rpc
    }

    /// Pays lamports from the faucet.
    ///
    /// # Errors
    /// [`LocalnetError::Transaction`], for instance when fewer lamports are sent to a new
    /// account than keep it alive.
    pub fn airdrop(&self, to: &Address, lamports: u64) -> Result<Signature, LocalnetError> {
        Ok(faucet::airdrop(&mut self.chain.lock(), to, lamports)?)
    }

    /// Mints test USDC to the associated token account of `owner`, which is created if needed
    /// and whose address is returned. `amount` is in base units, of which a USDC has 1,000,000.
    ///
    /// # Errors
    /// [`LocalnetError::Transaction`] when the program refuses.
    pub fn mint_test_usdc(&self, owner: &Address, amount: u64) -> Result<Address, LocalnetError> {
        Ok(faucet::mint_test_usdc(
            &mut self.chain.lock(),
            owner,
            amount,
        )?)
    }

    /// An account in its newest state.
    pub fn account(&self, address: &Address) -> Option<Account> {
        self.account_at(address, CommitmentLevel::Processed)
    }

    /// An account as seen at a commitment level.
    pub fn account_at(&self, address: &Address, level: CommitmentLevel) -> Option<Account> {
        let chain = self.chain.lock();
        let account = chain.view(level).account(address)?;
        Some(account.clone().into())
    }

    /// Writes an account; one with no lamports is removed.
    ///
    /// # Errors
    /// [`LocalnetError::Account`] for a program or sysvar with malformed data.
    pub fn set_account(&self, address: Address, account: Account) -> Result<(), LocalnetError> {
        self.chain.lock().set_account(address, account)
    }

    /// Loads or replaces a program.
    ///
    /// # Errors
    /// [`LocalnetError::Program`] when the bytes are not a program.
    pub fn add_program(&self, program: Address, elf: &[u8]) -> Result<(), LocalnetError> {
        self.chain.lock().add_program(program, elf)
    }

    /// The chain's time in seconds since 1970.
    pub fn time(&self) -> UnixTimestamp {
        self.time.now()
    }

    /// Sets the chain's time, from which it goes on. It holds for the open slot and later ones.
    pub fn set_time(&self, now: UnixTimestamp) {
        let mut chain = self.chain.lock();
        self.time.set(now);
        chain.set_time(now);
    }

    /// Moves the chain's time forward by whole seconds.
    pub fn advance_time(&self, by: Duration) {
        let seconds = UnixTimestamp::try_from(by.as_secs()).unwrap_or(UnixTimestamp::MAX);
        self.set_time(self.time.now().saturating_add(seconds));
    }

    /// The slot that transactions land in.
    pub fn slot(&self) -> Slot {
        self.slot_at(CommitmentLevel::Processed)
    }

    /// The newest slot at a commitment level.
    pub fn slot_at(&self, level: CommitmentLevel) -> Slot {
        self.chain.lock().slots().at(level)
    }

    /// Makes slots without waiting, and returns the new one. Each has a block, so that 151 of
    /// them expire a blockhash. The chain's time does not move.
    ///
    /// # Errors
    /// [`LocalnetError::TooManySlots`] for more than [`MAX_WARP_SLOTS`].
    pub fn warp_slots(&self, count: u64) -> Result<Slot, LocalnetError> {
        if count > MAX_WARP_SLOTS {
            return Err(LocalnetError::TooManySlots {
                asked: count,
                limit: MAX_WARP_SLOTS,
            });
        }
        let mut chain = self.chain.lock();
        for _ in 0..count {
            chain.tick(self.time.now());
        }
        Ok(chain.slots().processed)
    }

    /// Makes as many slots as it takes to finalize everything that has landed so far (nothing is
    /// finalized while commitment is frozen), and returns the newest finalized slot.
    pub fn finalize(&self) -> Slot {
        let mut chain = self.chain.lock();
        for _ in 0..chain.depths().finalized {
            chain.tick(self.time.now());
        }
        chain.slots().finalized
    }

    /// The faults that this chain can be given.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Ends the chain: its ports are free when this returns.
    pub async fn shutdown(mut self) {
        self.ticker.abort();
        self.server.stop().await;
    }
}

impl Drop for Localnet {
    fn drop(&mut self) {
        self.ticker.abort();
        self.server.stop_now();
    }
}

impl std::fmt::Debug for Localnet {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Localnet")
            .field("rpc_url", &self.rpc_url())
            .field("websocket_url", &self.websocket_url())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn can_be_shared<T: Send + Sync>() {}
    fn can_be_sent<T: Send>(_: &T) {}

    #[test]
    fn the_handle_and_its_start_work_across_threads() {
        can_be_shared::<Localnet>();
        can_be_sent(&Localnet::builder().start());
    }
}
