//! The chain: one virtual machine, its blocks, and what each commitment level sees.
//!
//! [`Chain`] owns all state and is used behind one lock. Nothing in here waits, reads the clock
//! of the machine or touches a socket: time comes in as an argument, news go out as events.

pub(crate) mod balances;
mod blocks;
mod commitment;
mod events;
mod execute;
mod landed;
mod versions;
mod view;

pub use commitment::CommitmentDepths;
pub(crate) use commitment::CommitmentSlots;
pub(crate) use events::{Changes, Event};
pub(crate) use execute::{Simulation, Submission, is_signed};
pub(crate) use landed::LandedTransaction;
pub(crate) use view::View;

use crate::{LocalnetError, devnet};
use agave_feature_set::FeatureSet;
use agave_reserved_account_keys::ReservedAccountKeys;
use blocks::Blocks;
use landed::History;
use litesvm::LiteSVM;
use solana_account::{Account, AccountSharedData};
use solana_address::Address;
use solana_clock::{Clock, Slot, UnixTimestamp};
use solana_commitment_config::CommitmentLevel;
use solana_epoch_schedule::EpochSchedule;
use solana_hash::Hash;
use solana_program_pack::Pack;
use solana_rpc_client_api::response::SlotInfo;
use solana_sdk_ids::{system_program, sysvar};
use solana_signer::Signer;
use solana_slot_hashes::{MAX_ENTRIES, SlotHashes};
use std::{collections::HashSet, sync::Arc};
use tokio::sync::broadcast;
use versions::AccountVersions;

/// The faucet's balance at genesis, in lamports: half a billion SOL.
const FAUCET_LAMPORTS: u64 = 500_000_000 * 1_000_000_000;

/// How many blocks may wait for finality. A cluster that cannot finalize stops making blocks,
/// and so does this one: the state of each of these blocks is kept in memory.
const MAX_UNFINALIZED_SLOTS: u64 = 20_000;

/// What a chain is made from.
pub(crate) struct ChainSettings {
    pub(crate) depths: CommitmentDepths,
    /// How many landed transactions are remembered.
    pub(crate) transaction_history: usize,
    pub(crate) genesis_hash: Hash,
    pub(crate) genesis_time: UnixTimestamp,
    pub(crate) seed: [u8; 32],
}

/// The whole state of the local chain.
pub(crate) struct Chain {
    vm: LiteSVM,
    features: FeatureSet,
    reserved_keys: Arc<HashSet<Address>>,
    genesis_hash: Hash,
    depths: CommitmentDepths,
    slots: CommitmentSlots,
    commitment_frozen: bool,
    blocks: Blocks,
    versions: AccountVersions,
    history: History,
    transaction_count: u64,
    events: broadcast::Sender<Event>,
}

impl Chain {
    /// A chain in slot 0 with the standard programs, a funded faucet and the USDC mint.
    pub(crate) fn new(settings: ChainSettings) -> Result<Self, LocalnetError> {
        // Signatures, blockhashes and duplicates are checked here, because the virtual machine
        // knows only one recent blockhash and offers no simulation without signatures.
        let mut vm = LiteSVM::default()
            .with_mainnet_features()
            .with_builtins()
            .with_sysvars()
            .with_sigverify(false)
            .with_blockhash_check(false)
            .with_transaction_history(0);
        // Before the programs are loaded: they are visible only after the slot of their loading.
        vm.warp_to_slot(0);
        let vm = vm.with_feature_accounts().with_default_programs();
        let mut chain = Self {
            features: LiteSVM::mainnet_feature_set(),
            reserved_keys: Arc::new(ReservedAccountKeys::new_all_activated().active),
            genesis_hash: settings.genesis_hash,
            depths: settings.depths,
            slots: CommitmentSlots {
                processed: 0,
                confirmed: 0,
                finalized: 0,
            },
            commitment_frozen: false,
            blocks: Blocks::new(settings.genesis_hash, settings.genesis_time, settings.seed),
            versions: AccountVersions::default(),
            history: History::new(settings.transaction_history),
            transaction_count: 0,
            events: broadcast::Sender::new(events::EVENT_BUFFER),
            vm,
        };
        let rent = chain
            .vm
            .minimum_balance_for_rent_exemption(spl_token_interface::state::Mint::LEN);
        chain.set_account(devnet::USDC_MINT, devnet::usdc_mint_account(rent))?;
        chain.set_account(
            devnet::faucet().pubkey(),
            Account::new(FAUCET_LAMPORTS, 0, &system_program::ID),
        )?;
        chain.set_time(settings.genesis_time);
        Ok(chain)
    }

    /// Ticks until genesis is finalized and a few blockhashes exist.
    pub(crate) fn settle_genesis(&mut self, now: UnixTimestamp) {
        for _ in 0..=self.depths.finalized {
            self.tick(now);
        }
    }

    /// Ends the open block and begins the next slot, at chain time `now`.
    pub(crate) fn tick(&mut self, now: UnixTimestamp) {
        if self.slots.processed.saturating_sub(self.slots.finalized) >= MAX_UNFINALIZED_SLOTS {
            return;
        }
        let before = self.slots;
        self.blocks.advance(now);
        self.slots = before.next(self.depths, self.commitment_frozen);
        self.write_clock(now);
        self.write_slot_hashes();
        self.history.forget_expired_messages(self.slots.processed);
        self.announce(Event::Slot(SlotInfo {
            slot: self.slots.processed,
            parent: before.processed,
            root: self.slots.finalized,
        }));
        self.announce_processed(vec![sysvar::clock::ID, sysvar::slot_hashes::ID], Vec::new());
        for slot in before.confirmed.saturating_add(1)..=self.slots.confirmed {
            self.announce_block(CommitmentLevel::Confirmed, slot);
        }
        for slot in before.finalized.saturating_add(1)..=self.slots.finalized {
            self.announce_block(CommitmentLevel::Finalized, slot);
            self.announce(Event::Root(slot));
        }
        for slot in before.finalized.saturating_add(1)..=self.slots.finalized {
            if let Some(block) = self.blocks.get_mut(slot) {
                let changed = std::mem::take(&mut block.changed);
                block.landed = Vec::new();
                self.versions.prune(&changed, self.slots.finalized);
            }
        }
    }

    /// Stops or resumes the advance of `confirmed` and `finalized`.
    pub(crate) fn freeze_commitment(&mut self, frozen: bool) {
        self.commitment_frozen = frozen;
    }

    /// Sets the chain's time in the open block.
    pub(crate) fn set_time(&mut self, now: UnixTimestamp) {
        self.blocks.open().time = now;
        self.write_clock(now);
        self.announce_processed(vec![sysvar::clock::ID], Vec::new());
    }

    /// Writes an account as if the open block had done so.
    pub(crate) fn set_account(
        &mut self,
        address: Address,
        account: Account,
    ) -> Result<(), LocalnetError> {
        self.write(address, account)?;
        self.announce_processed(vec![address], Vec::new());
        Ok(())
    }

    /// Loads or replaces a program, in the account shape of the upgradeable loader.
    pub(crate) fn add_program(
        &mut self,
        program: Address,
        elf: &[u8],
    ) -> Result<(), LocalnetError> {
        let loader = solana_sdk_ids::bpf_loader_upgradeable::ID;
        let (data, _) = Address::find_program_address(&[program.as_ref()], &loader);
        let before = [data, program].map(|address| (address, self.live_account(&address)));
        if let Err(error) = self.vm.add_program(program, elf) {
            // The virtual machine has written the accounts before it looked at the program.
            for (address, account) in before {
                self.put(address, account);
            }
            return Err(LocalnetError::Program {
                program,
                reason: error.to_string(),
            });
        }
        for (address, before) in before {
            let after = self.live_account(&address);
            self.note_change(address, before, after);
        }
        self.announce_processed(vec![program, data], Vec::new());
        Ok(())
    }

    /// The newest slot at each commitment level.
    pub(crate) fn slots(&self) -> CommitmentSlots {
        self.slots
    }

    /// How far the commitment levels are apart.
    pub(crate) fn depths(&self) -> CommitmentDepths {
        self.depths
    }

    /// The genesis hash that the chain reports.
    pub(crate) fn genesis_hash(&self) -> Hash {
        self.genesis_hash
    }

    /// The oldest slot whose block is remembered.
    pub(crate) fn first_block(&self) -> Slot {
        self.blocks.first()
    }

    /// The time of the block in `slot`, if it is remembered.
    pub(crate) fn block_time(&self, slot: Slot) -> Option<UnixTimestamp> {
        self.blocks.get(slot).map(|block| block.time)
    }

    /// The chain as seen at a commitment level.
    pub(crate) fn view(&self, level: CommitmentLevel) -> View<'_> {
        self.view_at(self.slots.at(level))
    }

    /// The chain as of the end of `slot`, which must not be older than the finalized one.
    pub(crate) fn view_at(&self, slot: Slot) -> View<'_> {
        View { chain: self, slot }
    }

    /// Everything that happens from now on.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    /// The remembered transactions, newest first.
    pub(crate) fn transactions(&self) -> impl Iterator<Item = &Arc<LandedTransaction>> {
        self.history.newest_first()
    }

    fn write_clock(&mut self, now: UnixTimestamp) {
        let schedule: EpochSchedule = self.vm.get_sysvar();
        let mut clock: Clock = self.vm.get_sysvar();
        let slot = self.slots.processed;
        let epoch = schedule.get_epoch(slot);
        if slot == 0 || epoch != clock.epoch {
            clock.epoch_start_timestamp = now;
        }
        clock.slot = slot;
        clock.epoch = epoch;
        clock.leader_schedule_epoch = schedule.get_leader_schedule_epoch(slot);
        clock.unix_timestamp = now;
        let before = self.live_account(&sysvar::clock::ID);
        self.vm.set_sysvar(&clock);
        let after = self.live_account(&sysvar::clock::ID);
        self.note_change(sysvar::clock::ID, before, after);
    }

    fn write_slot_hashes(&mut self) {
        let hashes: SlotHashes = self.blocks.slot_hashes().take(MAX_ENTRIES).collect();
        let before = self.live_account(&sysvar::slot_hashes::ID);
        self.vm.set_sysvar(&hashes);
        let after = self.live_account(&sysvar::slot_hashes::ID);
        self.note_change(sysvar::slot_hashes::ID, before, after);
    }

    fn write(&mut self, address: Address, account: Account) -> Result<(), LocalnetError> {
        let before = self.live_account(&address);
        self.vm
            .set_account(address, account)
            .map_err(|error| LocalnetError::Account {
                address,
                reason: error.to_string(),
            })?;
        let after = self.live_account(&address);
        self.note_change(address, before, after);
        Ok(())
    }

    fn live_account(&self, address: &Address) -> Option<AccountSharedData> {
        self.vm.accounts_db().get_account(address)
    }

    fn note_change(
        &mut self,
        address: Address,
        before: Option<AccountSharedData>,
        after: Option<AccountSharedData>,
    ) {
        if before == after {
            return;
        }
        self.versions
            .record(self.blocks.head(), address, before, after);
        self.blocks.open().changed.insert(address);
    }

    /// Puts back a state that this virtual machine has held before, which it cannot refuse.
    fn put(&mut self, address: Address, account: Option<AccountSharedData>) {
        let account = account.unwrap_or_default();
        if let Err(error) = self.vm.set_account(address, account.into()) {
            tracing::error!(%address, %error, "an earlier state of an account was refused");
        }
    }

    /// Tells the subscribers at `processed` about changes in the open block.
    fn announce_processed(&self, changed: Vec<Address>, transactions: Vec<Arc<LandedTransaction>>) {
        let accounts = changed
            .into_iter()
            .map(|address| (address, self.live_account(&address)))
            .collect();
        self.announce(Event::Changes(Arc::new(Changes {
            level: CommitmentLevel::Processed,
            slot: self.blocks.head(),
            accounts,
            transactions,
        })));
    }

    /// Tells the subscribers at `level` that the block of `slot` has reached it.
    fn announce_block(&self, level: CommitmentLevel, slot: Slot) {
        let Some(block) = self.blocks.get(slot) else {
            return;
        };
        let view = self.view_at(slot);
        let accounts = block
            .changed
            .iter()
            .map(|address| (*address, view.account(address).cloned()))
            .collect();
        self.announce(Event::Changes(Arc::new(Changes {
            level,
            slot,
            accounts,
            transactions: block.landed.clone(),
        })));
    }

    fn announce(&self, event: Event) {
        // Without subscribers there is nobody to tell.
        let _ = self.events.send(event);
    }
}
