//! Reading the facts.

use solana_account::Account;
use tokio::time::Instant;
use tollgate_client::chain::CLOCK;
use tollgate_client::{
    Addresses, Amount, Credits, Entitlement, IntentSearch, IntentStatus, Merchant, PaymentIntent,
    Product, Pubkey, TokenAccount, UnixSeconds,
};

use super::facts::{Deposit, Facts, Fate, Life, Rival};
use super::transactions::Destination;
use super::{Job, Settlement};
use crate::chain::{RpcFailure, Seen, chain_time};

/// Why the facts are not known.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unknown {
    /// The chain did not say.
    #[error(transparent)]
    Chain(#[from] RpcFailure),
    /// How many credits are used is not known.
    #[error("the store of used credits does not answer")]
    Credits,
    /// The merchant or the product is gone.
    #[error("the {0} account is not there")]
    Missing(&'static str),
    /// The configured key may not make quotes.
    #[error("the merchant's operator is {expected}, the configured key is {actual}")]
    NotOperator {
        /// Whom the merchant account names.
        expected: Pubkey,
        /// Whose key is configured.
        actual: Pubkey,
    },
}

impl Unknown {
    /// Stable code for logs.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Chain(failure) => failure.code(),
            Self::Credits => "credits_unavailable",
            Self::Missing(_) => "account_missing",
            Self::NotOperator { .. } => "not_operator",
        }
    }
}

/// The facts with what is needed to act on them.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    pub(super) facts: Facts,
    /// The view that the accounts are of.
    pub(super) slot: u64,
    /// When reading began.
    pub(super) began: Instant,
    pub(super) product: Product,
    /// Whether the payer holds an entitlement account already.
    pub(super) has_entitlement: bool,
    /// Where the payer's money goes back to.
    pub(super) destination: Destination,
}

impl Settlement {
    /// Reads everything about a job, in views of `since` or later.
    ///
    /// The transaction is looked for first: where it is found, the accounts are read in
    /// a view that has its effects.
    pub(super) async fn read(&self, job: &Job, since: u64) -> Result<Reading, Unknown> {
        let began = Instant::now();
        let (fate, since) = self.fate(job, since).await?;
        let addresses = self.pool.addresses();
        let order = &job.order;
        let entitlement_address = addresses.entitlement(&order.product, &order.payer);
        let native = job
            .payment_id
            .map(|id| addresses.intent(&self.merchant, &order.payer, &id));
        let asked = [
            order.intent,
            addresses.deposit(&order.intent, &job.mint),
            entitlement_address,
            native.unwrap_or(order.intent),
            job.source,
            self.merchant,
            order.product,
            CLOCK,
        ];
        let (slot, found) = self.pool.accounts_since(&asked, since).await?;
        let mut found = found.into_iter();
        let mut next = || found.next().flatten();
        let intent: Option<PaymentIntent> = self.pool.decode(&order.intent, next())?;
        let deposit = deposit_of(next(), &order.intent, &job.mint);
        let entitlement: Option<Entitlement> = self.pool.decode(&entitlement_address, next())?;
        let native = match native {
            Some(address) => self.pool.decode::<PaymentIntent>(&address, next())?,
            None => {
                next();
                None
            }
        };
        let source = next().and_then(|account| TokenAccount::read(&account));
        let merchant: Merchant = self
            .pool
            .decode(&self.merchant, next())?
            .ok_or(Unknown::Missing("merchant"))?;
        let product: Product = self
            .pool
            .decode(&order.product, next())?
            .ok_or(Unknown::Missing("product"))?;
        let now = chain_time(next())?;
        let holds_access = self
            .would_serve(
                &entitlement_address,
                entitlement.as_ref(),
                slot,
                now,
                job.cost,
            )
            .await?;
        let facts = Facts {
            now,
            for_sale: product.active
                && !merchant.paused
                && product.price == order.amount
                && product.mint == job.mint,
            intent,
            deposit,
            holds_access,
            native: native.map(|intent| shown_status(&intent, now)),
            funds: source.map_or(Amount(0), |source| spendable(&source, &job.mint)),
            fate,
            rivals: None,
        };
        Ok(Reading {
            facts,
            slot,
            began,
            product,
            has_entitlement: entitlement.is_some(),
            destination: destination(source, job.source, &order.payer, &job.mint),
        })
    }

    /// What became of the client's transaction, and the slot from which on its effects
    /// are seen.
    async fn fate(&self, job: &Job, since: u64) -> Result<(Fate, u64), Unknown> {
        // The blockhash first: what is absent from a later look than its end is absent
        // for good.
        let life = self.pool.blockhash_life(&job.blockhash(), since).await?;
        let fate = match self.pool.seen(&job.order.signature).await? {
            Seen::Settled { slot, succeeded } => {
                let fate = if succeeded {
                    Fate::Landed
                } else {
                    Fate::Failed
                };
                return Ok((fate, since.max(slot)));
            }
            Seen::OnItsWay => Fate::OnItsWay,
            Seen::Nowhere if life.valid => Fate::Unseen(Life::Usable),
            Seen::Nowhere if life.valid_when_finalized => Fate::Unseen(Life::Expiring),
            Seen::Nowhere => Fate::Unseen(Life::Over),
        };
        Ok((fate, since))
    }

    /// Whether the payer would be served by what stands, used credits taken off.
    pub(super) async fn would_serve(
        &self,
        address: &Pubkey,
        entitlement: Option<&Entitlement>,
        slot: u64,
        now: UnixSeconds,
        cost: Credits,
    ) -> Result<bool, Unknown> {
        let Some(entitlement) = entitlement.filter(|entitlement| entitlement.is_usable(now)) else {
            return Ok(false);
        };
        if !entitlement.metered {
            return Ok(true);
        }
        let Some(credits) = &self.credits else {
            return Err(Unknown::Credits);
        };
        credits
            .meter
            .remaining(*address, entitlement, slot)
            .await
            .map(|remaining| remaining >= cost)
            .map_err(|_| Unknown::Credits)
    }

    /// The other purchases of the same product by the same payer, in a view of `since`
    /// or later.
    pub(super) async fn rivals(&self, job: &Job, since: u64) -> Result<Vec<Rival>, Unknown> {
        let order = &job.order;
        let search = IntentSearch::default()
            .of_product(&order.product)
            .for_beneficiary(&order.payer)
            .rented_by(&order.relay);
        let mut found = self.pool.intents_since(&search, since).await?;
        found.retain(|(address, intent)| {
            *address != order.intent && intent.status == IntentStatus::Open
        });
        // The oldest are the first to be respected; more than these do not fit into one
        // question, and a payer who has more waits.
        found.sort_by_key(|(_, intent)| intent.created_at);
        found.truncate(MOST_RIVALS);
        let addresses = self.pool.addresses();
        let deposits: Vec<Pubkey> = found
            .iter()
            .map(|(address, intent)| addresses.deposit(address, &intent.mint))
            .collect();
        if deposits.is_empty() {
            return Ok(Vec::new());
        }
        let (_, accounts) = self.pool.accounts_since(&deposits, since).await?;
        Ok(found
            .into_iter()
            .zip(accounts)
            .map(|((address, intent), account)| Rival {
                address,
                intent,
                deposit: deposit_of(account, &address, &intent.mint),
            })
            .collect())
    }
}

/// Most rivals that are looked at in one question.
const MOST_RIVALS: usize = 90;

/// An intent's token account; one that somebody else may spend from counts for nothing.
pub(super) fn deposit_of(account: Option<Account>, intent: &Pubkey, mint: &Pubkey) -> Deposit {
    account
        .and_then(|account| TokenAccount::read(&account))
        .filter(|deposit| deposit.owner == *intent && deposit.mint == *mint)
        .map_or(Deposit::Absent, |deposit| {
            let usable = !deposit.frozen && !deposit.encumbered;
            Deposit::Holds(if usable { deposit.amount } else { Amount(0) })
        })
}

/// An open intent past its expiry is as good as cancelled.
fn shown_status(intent: &PaymentIntent, now: UnixSeconds) -> IntentStatus {
    if intent.status == IntentStatus::Open && now >= intent.expires_at {
        return IntentStatus::Cancelled;
    }
    intent.status
}

fn spendable(source: &TokenAccount, mint: &Pubkey) -> Amount {
    if source.mint == *mint && !source.frozen {
        source.amount
    } else {
        Amount(0)
    }
}

/// The account that was paid from, where it is the payer's own; else the payer's
/// associated one.
fn destination(
    source: Option<TokenAccount>,
    address: Pubkey,
    payer: &Pubkey,
    mint: &Pubkey,
) -> Destination {
    let own = source.is_some_and(|source| source.owner == *payer && source.mint == *mint);
    if own {
        return Destination {
            account: address,
            create: false,
        };
    }
    Destination {
        account: Addresses::token_account(payer, mint),
        create: true,
    }
}
