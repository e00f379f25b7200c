//! Finishing what nobody asks for again, and bringing rent back.
//!
//! Everything that a settlement has begun stands on chain under the relay's name: its
//! intents are found by their rent payer, the transfers to the vault among the relay's
//! own transactions. Several processes may do the same chores; the program lets each be
//! done once.

pub(super) mod plan;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use solana_instruction::Instruction;
use tokio::sync::watch;
use tokio::time::Instant;
use tollgate_client::chain::CLOCK;
use tollgate_client::{
    Addresses, Credits, Entitlement, IntentSearch, IntentStatus, Merchant, PaymentId,
    PaymentIntent, Pubkey, UnixSeconds, transfer_payment_id,
};
use tracing::{debug, info, warn};

use self::plan::{Chore, Known, Transfer, chore, is_due};
use super::facts::Deposit;
use super::reading::{Unknown, deposit_of};
use super::transactions::Destination;
use super::{Performed, Settlement, Turns};
use crate::chain::{Trace, chain_time};

/// Intents that are looked at in one question: four accounts each, less than a hundred.
const AT_ONCE: usize = 24;
/// Most chores of one round; what is left has its turn in the next.
const MOST_CHORES: usize = 64;
/// Transactions of the relay in one answer, and most answers of one round.
const TRACES: usize = 1_000;
const MOST_PAGES: usize = 5;
/// How long one transaction is followed.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a round did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Round {
    /// Chores that were done.
    pub(crate) done: usize,
    /// Chores that the program refused, or whose fate is not known.
    pub(crate) open: usize,
}

/// The relay's transactions, as far back as they matter.
struct History {
    by_id: HashMap<PaymentId, Trace>,
    /// Everything since then is in it; `None`: nothing is certain.
    complete_since: Option<UnixSeconds>,
}

/// An intent that may need something, and what is known of it.
struct Case {
    address: Pubkey,
    intent: PaymentIntent,
    known: Known,
    /// The token account that [`Known::deposit`] speaks of: the intent's associated one,
    /// or its alias's, whichever holds more.
    deposit: Pubkey,
    /// Whether the intent has the other one as well.
    has_another: bool,
}

impl History {
    /// Nothing is known of it.
    fn unknown() -> Self {
        Self {
            by_id: HashMap::new(),
            complete_since: None,
        }
    }

    /// The transfer that an intent of the vault waits for.
    fn transfer(&self, intent: &PaymentIntent) -> Transfer {
        match self.by_id.get(&intent.payment_id) {
            Some(trace) if trace.succeeded => Transfer::Landed(trace.signature),
            Some(_) => Transfer::None,
            None => match self.complete_since {
                Some(since) if since < intent.created_at => Transfer::None,
                _ => Transfer::Unknown,
            },
        }
    }
}

impl Settlement {
    /// A round at once, and one after each interval, until `stop`.
    pub(crate) async fn recover(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        loop {
            match self.round().await {
                Ok(Round { done: 0, open: 0 }) => debug!("nothing was left unfinished"),
                Ok(round) => info!(
                    done = round.done,
                    open = round.open,
                    "unfinished purchases were looked after"
                ),
                Err(unknown) => {
                    warn!(code = unknown.code(), %unknown, "unfinished purchases could not be looked after; it is tried again");
                }
            }
            tokio::select! {
                _ = stop.wait_for(|stopped| *stopped) => return,
                () = tokio::time::sleep(self.recovery_interval) => {}
            }
        }
    }

    /// One round.
    ///
    /// # Errors
    /// When the chain does not say what there is.
    pub(super) async fn round(&self) -> Result<Round, Unknown> {
        let relay = self.relay.address();
        self.relay.saw_balance(self.pool.lamports(&relay).await?);
        if !self.relay.is_funded() {
            warn!(%relay, balance = self.relay.balance(), "the relay is low on funds: plain transfers are not offered");
        }
        self.require_operator().await?;
        let search = IntentSearch::default()
            .of_merchant(&self.merchant)
            .rented_by(&relay);
        let (_, now) = self.pool.clock().await?;
        let mut intents = self.pool.intents_since(&search, 0).await?;
        intents.retain(|(_, intent)| is_due(intent, now));
        // Those that wait longest come first.
        intents.sort_by_key(|(_, intent)| intent.created_at);
        let history = self.history(&intents).await?;
        let mut round = Round::default();
        for group in intents.chunks(AT_ONCE) {
            for case in self.known(group, &history).await? {
                let Some(chore) = chore(&case.intent, &case.known) else {
                    continue;
                };
                let intent = &case.intent;
                if round.done.saturating_add(round.open) >= MOST_CHORES {
                    return Ok(round);
                }
                // Whoever settles for this payer now sees to it.
                let turn = Turns::try_take(&self.turns, intent.beneficiary, intent.product);
                let Some(_turn) = turn else {
                    continue;
                };
                let attended = self.attend(&case, chore).await;
                self.tally.recovered(attended);
                if attended {
                    round.done = round.done.saturating_add(1);
                } else {
                    round.open = round.open.saturating_add(1);
                }
            }
        }
        // What was refused is not a reason to wait: the next round sees to it.
        self.recovered.store(true, Ordering::Release);
        Ok(round)
    }

    /// Everything here is done in the name of the merchant's operator.
    async fn require_operator(&self) -> Result<(), Unknown> {
        let found = self.pool.decoded::<Merchant>(&[self.merchant]).await?;
        let merchant = found
            .into_iter()
            .next()
            .flatten()
            .ok_or(Unknown::Missing("merchant"))?;
        let actual = self.relay.operator();
        if merchant.operator == actual {
            return Ok(());
        }
        Err(Unknown::NotOperator {
            expected: merchant.operator,
            actual,
        })
    }

    /// What is known of some intents, from one answer.
    async fn known(
        &self,
        group: &[(Pubkey, PaymentIntent)],
        history: &History,
    ) -> Result<Vec<Case>, Unknown> {
        let addresses = self.pool.addresses();
        let asked: Vec<Pubkey> = group
            .iter()
            .flat_map(|(address, intent)| {
                let owner = intent.beneficiary;
                [
                    addresses.deposit(address, &intent.mint),
                    self.alias_account(address, &intent.mint),
                    addresses.entitlement(&intent.product, &owner),
                    addresses.intent(&self.merchant, &owner, &intent.payment_id),
                ]
            })
            .chain([CLOCK])
            .collect();
        let (slot, mut found) = self.pool.accounts_since(&asked, 0).await?;
        let now = chain_time(found.pop().flatten())?;
        let mut found = found.into_iter().zip(asked);
        let mut known = Vec::with_capacity(group.len());
        for (address, intent) in group {
            let mut next = || found.next().unwrap_or_default();
            let (deposit, associated) = next();
            let (aliased, alias) = next();
            let deposit = deposit_of(deposit, address, &intent.mint);
            let aliased = deposit_of(aliased, address, &intent.mint);
            let has_another = deposit != Deposit::Absent && aliased != Deposit::Absent;
            let (deposit, account) =
                if deposit == Deposit::Absent || aliased.amount() > deposit.amount() {
                    (aliased, alias)
                } else {
                    (deposit, associated)
                };
            let (entitlement, entitlement_address) = next();
            let (native, native_address) = next();
            let entitlement: Option<Entitlement> =
                self.pool.decode(&entitlement_address, entitlement)?;
            let native: Option<PaymentIntent> = self.pool.decode(&native_address, native)?;
            let holds_access = self
                .would_serve(
                    &entitlement_address,
                    entitlement.as_ref(),
                    slot,
                    now,
                    Credits(1),
                )
                .await?;
            let facts = Known {
                now,
                deposit,
                holds_access,
                native: native.map(|native| native.status),
                transfer: history.transfer(intent),
            };
            known.push(Case {
                address: *address,
                intent: *intent,
                known: facts,
                deposit: account,
                has_another,
            });
        }
        Ok(known)
    }

    /// The relay's transactions since the oldest intent that may wait for one.
    async fn history(&self, intents: &[(Pubkey, PaymentIntent)]) -> Result<History, Unknown> {
        let mut history = History::unknown();
        let unpaid = |status| matches!(status, IntentStatus::Open | IntentStatus::Cancelled);
        let oldest = intents
            .iter()
            .filter(|(_, intent)| unpaid(intent.status))
            .map(|(_, intent)| intent.created_at)
            .min();
        let Some(oldest) = oldest else {
            return Ok(history);
        };
        let relay = self.relay.address();
        let mut before = None;
        for _ in 0..MOST_PAGES {
            let traces = self.pool.traces(&relay, before, TRACES).await?;
            for trace in &traces {
                let id = transfer_payment_id(trace.signature.as_array());
                history.by_id.insert(id, *trace);
            }
            let last = traces.last().copied();
            if traces.len() < TRACES {
                // That is all there is.
                history.complete_since = Some(UnixSeconds(i64::MIN));
                break;
            }
            history.complete_since = last.and_then(|trace| trace.time);
            if history.complete_since.is_some_and(|since| since < oldest) {
                break;
            }
            before = last.map(|trace| trace.signature);
        }
        Ok(history)
    }

    /// Does what a purchase needs now, if anything, without waiting for the next round;
    /// says whether money has come for it.
    ///
    /// # Errors
    /// When the chain does not say.
    pub(super) async fn look_after(
        &self,
        address: Pubkey,
        intent: &PaymentIntent,
    ) -> Result<bool, Unknown> {
        let found = self
            .known(&[(address, *intent)], &History::unknown())
            .await?;
        let Some(case) = found.into_iter().next() else {
            return Ok(false);
        };
        let turn = Turns::try_take(&self.turns, intent.beneficiary, intent.product);
        if let (Some(_turn), Some(chore)) = (turn, chore(intent, &case.known)) {
            self.tally.recovered(self.attend(&case, chore).await);
        }
        Ok(!case.known.deposit.amount().is_zero())
    }

    /// Does one chore; says whether it is done.
    async fn attend(&self, case: &Case, chore: Chore) -> bool {
        let address = case.address;
        let instructions = self.chore_instructions(case, chore);
        let performed = self
            .perform(&instructions, 0, Instant::now() + PATIENCE)
            .await;
        match performed {
            Ok(Performed::Landed(_)) => {
                info!(?chore, intent = %address, "an unfinished purchase was looked after");
                true
            }
            Ok(Performed::Refused(reason)) => {
                warn!(?chore, intent = %address, %reason, "a purchase could not be finished");
                false
            }
            Ok(Performed::Open) | Err(_) => false,
        }
    }

    fn chore_instructions(&self, case: &Case, chore: Chore) -> Vec<Instruction> {
        let (address, intent, now) = (case.address, &case.intent, case.known.now);
        let (own, deposit) = ((address, intent), case.deposit);
        let builder = self.builder();
        // From where it was paid is not known here.
        let destination = Destination {
            account: Addresses::token_account(&intent.deposit_owner(), &intent.mint),
            create: true,
        };
        match chore {
            Chore::Settle => builder.sweep_from(deposit, own, destination),
            Chore::GiveBack => {
                let mut instructions = vec![builder.cancel(address, intent)];
                instructions.extend(builder.give_back_from(deposit, own, destination));
                instructions
            }
            Chore::Reclaim { close } => {
                let mut instructions = builder.give_back_from(deposit, own, destination);
                if close && !case.has_another {
                    instructions.push(builder.addresses.close_intent(address, intent));
                }
                instructions
            }
            Chore::Close => vec![builder.addresses.close_intent(address, intent)],
            Chore::Refund => builder.refund(own, destination),
            Chore::Record { signature, renew } if renew => {
                builder.record_anew(own, destination, now, &signature)
            }
            Chore::Record { signature, .. } => {
                let of = (intent.merchant, intent.product);
                vec![builder.record(address, of, intent.payer, &signature)]
            }
        }
    }
}
