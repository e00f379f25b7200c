//! A key with a policy and a journal: makes sure that it is entitled.

use crate::challenge::Challenge;
use crate::journal::{Books, Entry, State, Turn};
use crate::{HowServed, Journal, PayError, Payment, SpendingPolicy};
use solana_hash::Hash;
use solana_signer::Signer;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::time::Instant;
use tollgate_client::chain::{Submission, SubmitLimits};
use tollgate_client::transaction::{self, ComputeBudget, PURCHASE_UNITS};
use tollgate_client::{
    Addresses, Amount, Chain, ChainError, EntitlementReading, Product, Pubkey, Purchase,
    UnixSeconds, amounts,
};
use tollgate_gate::Network;
use url::Url;

/// How long the intent of a purchase may be paid. Its transaction dies with its
/// blockhash after about a minute, so this only has to outlast that.
const INTENT_LIFETIME: i64 = 600;

/// Becomes entitled for one key. Clones share the chain and the journal.
#[derive(Clone)]
pub(crate) struct Agent {
    /// Pays and signs in.
    pub(crate) signer: Arc<dyn Signer + Send + Sync>,
    /// The cluster, as the agent sees it: the server's word alone is not enough.
    pub(crate) chain: Arc<Chain>,
    /// What may be spent.
    pub(crate) policy: SpendingPolicy,
    /// What was signed.
    pub(crate) journal: Journal,
    /// Price of a compute unit in millionths of a lamport.
    pub(crate) priority_price: u64,
    /// How long to wait for a payment's fate.
    pub(crate) limits: SubmitLimits,
    /// The latest slot that holds one of its payments.
    paid_slot: Arc<AtomicU64>,
}

/// That the key is entitled, and why.
pub(crate) enum Standing {
    /// By what it had, or what somebody else paid in the meantime.
    Entitled,
    /// By this payment. Its [`Turn`] is kept until the payer was served: of bought
    /// credits the first belongs to the buyer.
    Paid(Payment, Turn),
}

impl Standing {
    /// Why a server will serve, and what keeps others waiting until it has.
    pub(crate) fn split(self) -> (HowServed, Option<Turn>) {
        match self {
            Self::Entitled => (HowServed::Entitled, None),
            Self::Paid(payment, turn) => (HowServed::Paid(payment), Some(turn)),
        }
    }
}

impl Agent {
    /// An agent that may not spend anything yet and remembers in memory.
    pub(crate) fn new(signer: Arc<dyn Signer + Send + Sync>, chain: Arc<Chain>) -> Self {
        Self {
            signer,
            chain,
            policy: SpendingPolicy::nothing(),
            journal: Journal::in_memory(),
            priority_price: 0,
            limits: SubmitLimits::default(),
            paid_slot: Arc::default(),
        }
    }

    /// The key.
    ///
    /// # Errors
    /// [`PayError::Signer`] when the signer cannot say.
    pub(crate) fn key(&self) -> Result<Pubkey, PayError> {
        Ok(self.signer.try_pubkey()?)
    }

    /// Makes sure that the key holds a usable entitlement; pays at most once, and one
    /// payment for a product at a time. Cancelling it loses nothing: the journal holds
    /// what was signed.
    ///
    /// # Errors
    /// [`PayError`].
    pub(crate) async fn become_entitled(
        &self,
        url: &Url,
        challenge: &Challenge,
    ) -> Result<Standing, PayError> {
        let payer = self.key()?;
        let turn = self.journal.turn(payer, challenge.product).await;
        let books = self.journal.open(&turn).await?;
        if let Some(entry) = books.unfinished(payer, challenge.product).await?
            && let Some(payment) = self.settle(&books, entry).await?
        {
            return Ok(Standing::Paid(payment, turn));
        }
        let reading = self.reading(&challenge.product, &payer).await?;
        let usable = reading
            .entitlement
            .as_ref()
            .is_some_and(|held| held.is_usable(reading.chain_time));
        // Used credits are booked on chain later, so that the server knows better. It
        // proposes the same payment id until a payment has landed: paying twice for
        // the same exhaustion fails, and is not tried if another task was quicker.
        if usable && (!challenge.credits_exhausted || self.is_bought(challenge, &payer).await?) {
            return Ok(Standing::Entitled);
        }
        let product = self.agreed_product(challenge, &payer).await?;
        let entry = self
            .sign_purchase(url, challenge, &product, reading.chain_time)
            .await?;
        // From here on a crash leaves a trace of what was signed.
        books
            .begin(
                entry.clone(),
                self.policy.clone(),
                product.price,
                product.decimals,
            )
            .await?;
        match self.settle(&books, entry).await? {
            Some(payment) => Ok(Standing::Paid(payment, turn)),
            None => Err(PayError::Expired),
        }
    }

    /// What the chain says of the entitlement, no earlier than the last payment: a
    /// server that is behind would have it paid again.
    async fn reading(
        &self,
        product: &Pubkey,
        payer: &Pubkey,
    ) -> Result<EntitlementReading, PayError> {
        let started = Instant::now();
        loop {
            let reading = self.chain.entitlement(product, payer).await?;
            if reading.slot >= self.paid_slot.load(Ordering::SeqCst) {
                return Ok(reading);
            }
            if started.elapsed() >= self.limits.deadline {
                return Err(PayError::ChainBehind);
            }
            tokio::time::sleep(self.limits.poll_every).await;
        }
    }

    /// The product on chain, if the challenge tells the truth about it and the
    /// policy allows its price.
    async fn agreed_product(
        &self,
        challenge: &Challenge,
        payer: &Pubkey,
    ) -> Result<Product, PayError> {
        let product = self
            .chain
            .product(&challenge.product)
            .await?
            .ok_or(PayError::TermsMismatch("the product does not exist"))?;
        let agreed = product.price == challenge.amount
            && product.mint == challenge.mint
            && product.merchant == challenge.merchant
            && product.access == challenge.access
            && product.credits == challenge.credits;
        if !agreed {
            return Err(PayError::TermsMismatch("the product has other terms"));
        }
        self.policy
            .check(product.price, &product.mint, product.decimals)?;
        let purse = Addresses::token_account(payer, &product.mint);
        let available = self.chain.token_balance(&purse).await?.unwrap_or(Amount(0));
        if available < product.price {
            return Err(PayError::InsufficientFunds {
                available: amounts::format(available, product.decimals),
                price: amounts::format(product.price, product.decimals),
            });
        }
        Ok(product)
    }

    async fn sign_purchase(
        &self,
        url: &Url,
        challenge: &Challenge,
        product: &Product,
        now: UnixSeconds,
    ) -> Result<Entry, PayError> {
        let payer = self.key()?;
        let expires_at = UnixSeconds(now.0.saturating_add(INTENT_LIFETIME));
        let purchase = Purchase::of_product(
            challenge.product,
            product,
            payer,
            challenge.payment_id,
            expires_at,
        );
        let mut instructions = ComputeBudget {
            units: PURCHASE_UNITS,
            price: self.priority_price,
        }
        .instructions();
        instructions.extend(purchase.instructions(&self.chain.addresses()));
        let (blockhash, last_valid_block_height) = self.chain.latest_blockhash().await?;
        let signed = transaction::sign(&instructions, blockhash, self.signer.as_ref(), &[])
            .map_err(ChainError::from)?;
        let bytes = transaction::to_bytes(&signed).map_err(ChainError::from)?;
        // What would fail is found out before it costs a fee.
        self.chain.simulate(&signed).await?;
        Ok(Entry {
            state: State::Signed,
            url: url.to_string(),
            payment_id: challenge.payment_id.to_string(),
            payer: payer.to_string(),
            product: challenge.product.to_string(),
            intent: purchase.intent(&self.chain.addresses()).to_string(),
            amount: product.price.to_string(),
            mint: product.mint.to_string(),
            signature: signed
                .signatures
                .first()
                .map(ToString::to_string)
                .unwrap_or_default(),
            transaction: Entry::encode(&bytes),
            last_valid_block_height,
        })
    }

    /// Sends what the journal holds until its fate is known, and records it.
    /// `None`: it never landed and never can, so paying anew is safe.
    async fn settle(&self, books: &Books, entry: Entry) -> Result<Option<Payment>, PayError> {
        let signed = entry
            .decode()
            .ok_or_else(|| unreadable("an open payment holds no transaction"))?;
        let submission = self
            .chain
            .resume(&signed, entry.last_valid_block_height, self.limits)
            .await;
        match submission {
            Submission::Landed { slot, .. } => {
                self.paid_slot.fetch_max(slot, Ordering::SeqCst);
                landed(books, entry, Some(slot)).await.map(Some)
            }
            Submission::Failed {
                signature,
                error,
                program_error,
            } => {
                books.finish(entry, State::Failed).await?;
                Err(PayError::Failed {
                    signature: signature.to_string(),
                    error: error.to_string(),
                    program_error,
                })
            }
            // A server may have forgotten an old transaction; the chain has not.
            Submission::Expired if self.is_paid(&intent_of(&entry)?).await? => {
                landed(books, entry, None).await.map(Some)
            }
            Submission::Expired => {
                books.finish(entry, State::Expired).await?;
                Ok(None)
            }
            Submission::Unknown => Err(PayError::Unknown {
                signature: entry.signature,
                payment_id: entry.payment_id,
            }),
        }
    }

    /// Whether the purchase that the challenge proposes was made already.
    async fn is_bought(&self, challenge: &Challenge, payer: &Pubkey) -> Result<bool, PayError> {
        let addresses = self.chain.addresses();
        let intent = addresses.intent(&challenge.merchant, payer, &challenge.payment_id);
        self.is_paid(&intent).await
    }

    /// Whether the intent stands on chain and was paid.
    async fn is_paid(&self, intent: &Pubkey) -> Result<bool, PayError> {
        let intent = self.chain.intent(intent).await?;
        Ok(intent.is_some_and(|intent| intent.paid_at != UnixSeconds(0)))
    }

    /// Refuses a challenge for another cluster or program than the agent's own.
    ///
    /// # Errors
    /// [`PayError::TermsMismatch`], [`PayError::Chain`].
    pub(crate) async fn require_same_chain(&self, challenge: &Challenge) -> Result<(), PayError> {
        let genesis: Hash = self.chain.genesis_hash().await?;
        let network = Network::from_genesis_hash(&genesis.to_string())
            .map_err(|_| PayError::TermsMismatch("the agent's cluster is unknown"))?;
        if challenge.network != network.caip2() {
            return Err(PayError::TermsMismatch("it is for another cluster"));
        }
        if challenge.program_id != self.chain.options().program_id {
            return Err(PayError::TermsMismatch("it names another program"));
        }
        Ok(())
    }
}

async fn landed(books: &Books, entry: Entry, slot: Option<u64>) -> Result<Payment, PayError> {
    let payment = Payment {
        signature: entry.signature.clone(),
        payment_id: entry.payment_id.clone(),
        amount: Amount(entry.amount.parse().unwrap_or_default()),
        slot,
    };
    books.finish(entry, State::Landed).await?;
    Ok(payment)
}

fn intent_of(entry: &Entry) -> Result<Pubkey, PayError> {
    let intent = entry.intent.parse();
    intent.map_err(|_| unreadable("an open payment names no intent"))
}

fn unreadable(why: &'static str) -> PayError {
    PayError::Journal {
        path: "open".into(),
        source: std::io::Error::other(why),
    }
}
