//! Running transactions: landing them in the open block, or simulating them at some slot.

use super::{Chain, balances, landed::LandedTransaction};
use litesvm::types::TransactionMetadata;
use solana_account::{AccountSharedData, ReadableAccount, WritableAccount};
use solana_address::Address;
use solana_clock::Slot;
use solana_fee::FeeFeatures;
use solana_runtime_transaction::transaction_meta::TransactionConfiguration;
use solana_sdk_ids::sysvar;
use solana_signature::Signature;
use solana_transaction::{
    sanitized::{MessageHash, SanitizedTransaction},
    versioned::VersionedTransaction,
};
use solana_transaction_error::{TransactionError, TransactionResult};
use solana_transaction_status::{
    TransactionStatusMeta, TransactionTokenBalance, VersionedTransactionWithStatusMeta,
    extract_and_fmt_memos, map_inner_instructions,
};
use std::sync::Arc;

/// The base fee of each signature.
const LAMPORTS_PER_SIGNATURE: u64 = 5_000;

/// A transaction that is well formed and whose lookup tables are resolved.
pub(crate) struct Submission {
    pub(crate) sanitized: SanitizedTransaction,
    pub(crate) versioned: VersionedTransaction,
    /// Whether all its signatures are known to be good; only such a transaction may land.
    /// Checking them takes longer than anything else, so it is done before the chain is locked.
    pub(crate) signed: bool,
}

/// Whether all signatures of a transaction are good.
pub(crate) fn is_signed(transaction: &VersionedTransaction) -> bool {
    transaction
        .verify_with_results()
        .into_iter()
        .all(|good| good)
}

impl Submission {
    /// All accounts the transaction names.
    pub(crate) fn account_keys(&self) -> Vec<Address> {
        self.sanitized
            .message()
            .account_keys()
            .iter()
            .copied()
            .collect()
    }
}

/// Whether a transaction failed because its accounts cannot be loaded. Since SIMD-0082 it pays
/// its fee all the same; what fails even earlier is never part of a block.
fn fails_to_load(error: &TransactionError) -> bool {
    matches!(
        error,
        TransactionError::ProgramAccountNotFound
            | TransactionError::InvalidProgramForExecution
            | TransactionError::MaxLoadedAccountsDataSizeExceeded
    )
}

/// What a simulation found.
pub(crate) struct Simulation {
    pub(crate) result: TransactionResult<()>,
    pub(crate) meta: TransactionMetadata,
    /// What the transaction would cost, if it could be part of a block at all.
    pub(crate) fee: Option<u64>,
    /// The writable accounts after a successful run.
    pub(crate) accounts: Vec<(Address, AccountSharedData)>,
    pub(crate) pre_balances: Vec<u64>,
    pub(crate) post_balances: Vec<u64>,
    pub(crate) pre_token_balances: Vec<TransactionTokenBalance>,
    pub(crate) post_token_balances: Vec<TransactionTokenBalance>,
}

impl Chain {
    /// Checks the form of a transaction and resolves its lookup tables as they were at the end of
    /// `slot`.
    pub(crate) fn sanitize(
        &mut self,
        versioned: VersionedTransaction,
        signed: bool,
        slot: Slot,
    ) -> TransactionResult<Submission> {
        let lookups = versioned
            .message
            .address_table_lookups()
            .unwrap_or_default();
        let tables: Vec<_> = lookups.iter().map(|lookup| lookup.account_key).collect();
        let reserved = Arc::clone(&self.reserved_keys);
        let sanitized = self.with_state_of(slot, &tables, |vm| {
            SanitizedTransaction::try_create(
                versioned.clone(),
                MessageHash::Compute,
                None,
                vm.accounts_db(),
                &reserved,
            )
        })?;
        Ok(Submission {
            sanitized,
            versioned,
            signed,
        })
    }

    /// Whether the transaction could land after `slot` as far as its age goes.
    fn check_age(&self, submission: &Submission, slot: Slot) -> TransactionResult<()> {
        let message = submission.sanitized.message();
        if !self.blocks.is_recent(message.recent_blockhash(), slot) {
            return Err(TransactionError::BlockhashNotFound);
        }
        if self
            .history
            .has_landed(submission.sanitized.message_hash(), slot)
        {
            return Err(TransactionError::AlreadyProcessed);
        }
        Ok(())
    }

    /// The fee of a transaction in lamports; nothing when its compute budget makes no sense.
    pub(crate) fn fee(&self, submission: &Submission) -> Option<u64> {
        Some(solana_fee::calculate_fee(
            submission.sanitized.message(),
            LAMPORTS_PER_SIGNATURE,
            self.budget(submission)?.priority_fee_lamports,
            FeeFeatures::from(&self.features),
        ))
    }

    fn budget(&self, submission: &Submission) -> Option<TransactionConfiguration> {
        let message = submission.sanitized.message();
        TransactionConfiguration::try_from_sanitized_message(message, &self.features).ok()
    }

    /// Executes a transaction in the open block.
    ///
    /// # Errors
    /// When the transaction cannot be part of a block at all: bad signature, expired or unknown
    /// blockhash, a duplicate, a payer who cannot pay the fee. A transaction that fails after
    /// that lands as failed, with its fee charged.
    pub(crate) fn submit(
        &mut self,
        submission: &Submission,
    ) -> TransactionResult<Arc<LandedTransaction>> {
        if !submission.signed {
            return Err(TransactionError::SignatureFailure);
        }
        self.check_age(submission, self.blocks.head())?;
        let keys = submission.account_keys();
        let before: Vec<_> = keys.iter().map(|key| self.live_account(key)).collect();
        let now = self.view_at(self.blocks.head()).unix_timestamp();
        let pre_token_balances = self.token_balances(&keys);

        let (status, meta) = self.run(submission)?;

        let after: Vec<_> = keys.iter().map(|key| self.live_account(key)).collect();
        let slot = self.blocks.head();
        let changed: Vec<Address> = keys
            .iter()
            .zip(before.iter().zip(&after))
            .filter(|(_, (before, after))| before != after)
            .map(|(key, _)| *key)
            .collect();
        let transaction = VersionedTransactionWithStatusMeta {
            transaction: submission.versioned.clone(),
            meta: TransactionStatusMeta {
                status,
                fee: meta.fee,
                pre_balances: balances::lamports(before.iter().map(Option::as_ref)),
                post_balances: balances::lamports(after.iter().map(Option::as_ref)),
                inner_instructions: Some(map_inner_instructions(meta.inner_instructions).collect()),
                log_messages: Some(meta.logs),
                pre_token_balances: Some(balances::as_stored(pre_token_balances)),
                post_token_balances: Some(balances::as_stored(self.token_balances(&keys))),
                rewards: Some(Vec::new()),
                loaded_addresses: submission.sanitized.get_loaded_addresses(),
                return_data: Some(meta.return_data).filter(|returned| !returned.data.is_empty()),
                compute_units_consumed: Some(meta.compute_units_consumed),
                cost_units: None,
            },
        };
        for (key, (before, after)) in keys.iter().zip(before.into_iter().zip(after)) {
            self.note_change(*key, before, after);
        }
        let landed = Arc::new(LandedTransaction {
            signature: *submission.sanitized.signature(),
            slot,
            block_time: now,
            index: u32::try_from(self.blocks.open().landed.len()).unwrap_or(u32::MAX),
            account_keys: keys,
            memo: extract_and_fmt_memos(submission.sanitized.message()),
            transaction,
        });
        let message = submission.sanitized.message();
        let written = landed
            .account_keys
            .iter()
            .enumerate()
            .filter(|(index, _)| message.is_writable(*index))
            .map(|(_, key)| *key);
        let price = self
            .budget(submission)
            .map_or(0, |budget| budget.compute_unit_price_in_microlamports());
        self.blocks.open().note_price(price, written);
        self.blocks.open().landed.push(Arc::clone(&landed));
        self.history
            .add(*submission.sanitized.message_hash(), Arc::clone(&landed));
        self.transaction_count = self.transaction_count.saturating_add(1);
        self.announce_processed(changed, vec![Arc::clone(&landed)]);
        Ok(landed)
    }

    /// Runs the transaction on the newest state and says how it ended, or why it cannot be part
    /// of a block.
    fn run(
        &mut self,
        submission: &Submission,
    ) -> TransactionResult<(TransactionResult<()>, TransactionMetadata)> {
        let failed = match self.vm.send_transaction(submission.versioned.clone()) {
            Ok(meta) => return Ok((Ok(()), meta)),
            Err(failed) => failed,
        };
        let error = self.explain(submission, failed.err);
        // The virtual machine fills in the signature only for transactions that it executed.
        if failed.meta.signature != Signature::default() {
            return Ok((Err(error), failed.meta));
        }
        let payer = *submission.sanitized.message().fee_payer();
        if fails_to_load(&error) && self.charge(&payer, failed.meta.fee) {
            return Ok((Err(error), failed.meta));
        }
        Err(error)
    }

    fn charge(&mut self, payer: &Address, fee: u64) -> bool {
        let Some(mut account) = self.live_account(payer) else {
            return false;
        };
        let Some(rest) = account.lamports().checked_sub(fee) else {
            return false;
        };
        account.set_lamports(rest);
        self.vm.set_account(*payer, account.into()).is_ok()
    }

    /// The virtual machine does not tell a missing program from one that is not executable; a
    /// cluster does.
    fn explain(&self, submission: &Submission, error: TransactionError) -> TransactionError {
        let missing = |submission: &Submission| {
            submission
                .sanitized
                .message()
                .program_instructions_iter()
                .any(|(program, _)| self.vm.accounts_db().get_account_ref(program).is_none())
        };
        if error == TransactionError::InvalidProgramForExecution && missing(submission) {
            return TransactionError::ProgramAccountNotFound;
        }
        error
    }

    /// Runs a transaction on the state as of `slot` without changing anything. The signatures
    /// are the caller's business.
    pub(crate) fn simulate(&mut self, submission: &Submission, slot: Slot) -> Simulation {
        let keys = submission.account_keys();
        let view = self.view_at(slot);
        let pre_balances = balances::lamports(keys.iter().map(|key| view.account(key)));
        let pre_token_balances =
            balances::tokens(&keys, view.unix_timestamp(), |key| view.account(key));
        let (result, meta, accounts) = match self.check_age(submission, slot) {
            Ok(()) => self.with_state_of(slot, &keys, |vm| {
                match vm.simulate_transaction(submission.versioned.clone()) {
                    Ok(simulated) => (Ok(()), simulated.meta, simulated.post_accounts),
                    Err(failed) => (Err(failed.err), failed.meta, Vec::new()),
                }
            }),
            Err(error) => (Err(error), TransactionMetadata::default(), Vec::new()),
        };
        let result = result.map_err(|error| self.explain(submission, error));
        // The virtual machine logs from the first instruction on, so without logs it got nowhere.
        let fee = match &result {
            Err(error) if meta.logs.is_empty() && !fails_to_load(error) => None,
            _ => Some(meta.fee),
        };
        let view = self.view_at(slot);
        let after = |key: &Address| {
            accounts
                .iter()
                .find(|(address, _)| address == key)
                .map(|(_, account)| account)
                .or_else(|| view.account(key))
        };
        let mut post_balances = balances::lamports(keys.iter().map(after));
        if let (Err(_), Some(fee), Some(payer)) = (&result, fee, post_balances.first_mut()) {
            *payer = payer.saturating_sub(fee);
        }
        Simulation {
            result,
            fee,
            post_balances,
            post_token_balances: balances::tokens(&keys, view.unix_timestamp(), after),
            meta,
            pre_balances,
            pre_token_balances,
            accounts,
        }
    }

    /// Calls `run` with the accounts in `keys` and the clock as they were at the end of `slot`.
    fn with_state_of<R>(
        &mut self,
        slot: Slot,
        keys: &[Address],
        run: impl FnOnce(&litesvm::LiteSVM) -> R,
    ) -> R {
        let mut newest = Vec::new();
        for key in keys.iter().chain([&sysvar::clock::ID]) {
            let Some(then) = self.versions.at(key, slot) else {
                continue;
            };
            let then = then.cloned();
            let now = self.live_account(key);
            // A program cannot be swapped without being compiled again; its newest version runs.
            let is_program = |account: &Option<AccountSharedData>| {
                account.as_ref().is_some_and(ReadableAccount::executable)
            };
            if then == now || is_program(&then) || is_program(&now) {
                continue;
            }
            self.put(*key, then);
            newest.push((*key, now));
        }
        let result = run(&self.vm);
        for (key, account) in newest {
            self.put(key, account);
        }
        result
    }

    fn token_balances(&self, keys: &[Address]) -> Vec<TransactionTokenBalance> {
        let view = self.view_at(self.blocks.head());
        balances::tokens(keys, view.unix_timestamp(), |key| view.account(key))
    }
}
