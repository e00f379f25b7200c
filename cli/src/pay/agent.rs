//! An agent with a key, a policy and a journal.

use super::challenge::Challenge;
use super::journal::{Entry, Journal, State};
use super::{Answer, Browser, PayError, SpendingPolicy, sign_in};
use crate::amounts;
use ::http::{HeaderValue, StatusCode, header::AUTHORIZATION};
use solana_hash::Hash;
use solana_keypair::Keypair;
use solana_signer::Signer;
use std::path::PathBuf;
use std::time::Duration;
use tollgate_client::chain::{Submission, SubmitLimits};
use tollgate_client::transaction::{self, ComputeBudget, PURCHASE_UNITS};
use tollgate_client::{Addresses, Amount, Chain, Product, Purchase, UnixSeconds};
use tollgate_gate::Network;
use tollgate_gate::headers::{PAID_SLOT, SESSION, SIGN_IN_WITH_X};
use url::Url;

/// How long the intent of a purchase may be paid. Its transaction dies with its
/// blockhash after about a minute, so this only has to outlast that.
const INTENT_LIFETIME: i64 = 600;
/// How often a server that has not seen the payment yet is asked again.
const SIGN_IN_ATTEMPTS: u32 = 8;

/// A payment that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// The transaction.
    pub signature: String,
    /// The payment id, base58.
    pub payment_id: String,
    /// The amount.
    pub amount: Amount,
    /// The slot that holds it, if a server still knew.
    pub slot: Option<u64>,
}

/// Why the server served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HowServed {
    /// It asked for nothing.
    Free,
    /// With a session token of an earlier sign-in.
    Session,
    /// The key was entitled already.
    Entitled,
    /// After this payment.
    Paid(Payment),
}

/// What was fetched.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// The answer: any status but 402.
    pub answer: Answer,
    /// How it was had.
    pub how: HowServed,
    /// A session token for the next request, if the server gave one.
    pub session: Option<String>,
}

/// Follows 402s for one key.
pub struct Agent {
    /// Pays and signs in.
    pub keypair: Keypair,
    /// The cluster, as the agent sees it: the server's word alone is not enough.
    pub chain: Chain,
    /// What may be spent.
    pub policy: SpendingPolicy,
    /// Folder of the journal.
    pub journal: PathBuf,
    /// Price of a compute unit in millionths of a lamport.
    pub priority_price: u64,
    /// How long to wait for a payment's fate.
    pub limits: SubmitLimits,
    /// Fetches.
    pub browser: Browser,
}

impl Agent {
    /// Fetches `url`, paying if it has to. With `session` that token is tried first.
    ///
    /// # Errors
    /// [`PayError`]. Only [`PayError::Unknown`] leaves open whether money moved,
    /// and calling again then finds out before anything else.
    pub async fn fetch(&self, url: &str, session: Option<&str>) -> Result<Fetched, PayError> {
        let url = Url::parse(url)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https"))
            .ok_or_else(|| PayError::Url(url.to_owned()))?;
        let token = session.and_then(|token| HeaderValue::try_from(format!("Bearer {token}")).ok());
        let mut by_session = token.is_some();
        let token = token.map(|token| (AUTHORIZATION, token));
        let mut answer = self.browser.get(&url, token).await?;
        if by_session && answer.status == StatusCode::UNAUTHORIZED {
            // The token is over or for something else; the key may still be good.
            by_session = false;
            answer = self.browser.get(&url, None).await?;
        }
        if answer.status != StatusCode::PAYMENT_REQUIRED {
            let how = if by_session {
                HowServed::Session
            } else {
                HowServed::Free
            };
            return Ok(Fetched {
                answer,
                how,
                session: None,
            });
        }
        let challenge = Challenge::of(&answer)?;
        self.require_same_chain(&challenge).await?;
        let payment = self.become_entitled(&url, &challenge).await?;
        let how = payment.map_or(HowServed::Entitled, HowServed::Paid);
        self.sign_in(&url, challenge, how).await
    }

    /// Makes sure that the key holds a usable entitlement; pays at most once.
    async fn become_entitled(
        &self,
        url: &Url,
        challenge: &Challenge,
    ) -> Result<Option<Payment>, PayError> {
        let journal = Journal::open(&self.journal)?;
        let payer = self.keypair.pubkey();
        if let Some(entry) = journal.unfinished(&payer, &challenge.product)?
            && let Some(payment) = self.settle(&journal, entry).await?
        {
            return Ok(Some(payment));
        }
        let reading = self.chain.entitlement(&challenge.product, &payer).await?;
        let usable = reading
            .entitlement
            .as_ref()
            .is_some_and(|held| held.is_usable(reading.chain_time));
        // Used credits are booked on chain later, so that the server knows better. It
        // proposes the same payment id until a payment has landed: paying twice for
        // the same exhaustion fails.
        if usable && !challenge.credits_exhausted {
            return Ok(None);
        }
        let product = self.agreed_product(challenge).await?;
        let entry = self
            .sign_purchase(url, challenge, &product, reading.chain_time)
            .await?;
        // From here on a crash leaves a trace of what was signed.
        journal.begin(&entry)?;
        match self.settle(&journal, entry).await? {
            Some(payment) => Ok(Some(payment)),
            None => Err(PayError::Expired),
        }
    }

    /// The product on chain, if the challenge tells the truth about it and the
    /// policy allows its price.
    async fn agreed_product(&self, challenge: &Challenge) -> Result<Product, PayError> {
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
        let purse = Addresses::token_account(&self.keypair.pubkey(), &product.mint);
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
        let payer = self.keypair.pubkey();
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
        let signed = transaction::sign(&instructions, blockhash, &self.keypair, &[])
            .map_err(tollgate_client::ChainError::from)?;
        let bytes = transaction::to_bytes(&signed).map_err(tollgate_client::ChainError::from)?;
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
    async fn settle(&self, journal: &Journal, entry: Entry) -> Result<Option<Payment>, PayError> {
        let signed = entry.decode().ok_or_else(|| PayError::Journal {
            path: self.journal.clone(),
            source: std::io::Error::other("an open payment holds no transaction"),
        })?;
        let submission = self
            .chain
            .resume(&signed, entry.last_valid_block_height, self.limits)
            .await;
        match submission {
            Submission::Landed { slot, .. } => self.landed(journal, entry, Some(slot)).map(Some),
            Submission::Failed {
                signature,
                error,
                program_error,
            } => {
                journal.finish(entry, State::Failed)?;
                Err(PayError::Failed {
                    signature: signature.to_string(),
                    error: error.to_string(),
                    program_error,
                })
            }
            // A server may have forgotten an old transaction; the chain has not.
            Submission::Expired if self.is_paid(&entry).await? => {
                self.landed(journal, entry, None).map(Some)
            }
            Submission::Expired => {
                journal.finish(entry, State::Expired)?;
                Ok(None)
            }
            Submission::Unknown => Err(PayError::Unknown {
                signature: entry.signature,
            }),
        }
    }

    fn landed(
        &self,
        journal: &Journal,
        entry: Entry,
        slot: Option<u64>,
    ) -> Result<Payment, PayError> {
        let payment = Payment {
            signature: entry.signature.clone(),
            payment_id: entry.payment_id.clone(),
            amount: Amount(entry.amount.parse().unwrap_or_default()),
            slot,
        };
        journal.finish(entry, State::Landed)?;
        Ok(payment)
    }

    /// Whether the intent of an entry stands on chain and was paid.
    async fn is_paid(&self, entry: &Entry) -> Result<bool, PayError> {
        let address = entry.intent.parse().map_err(|_| PayError::Journal {
            path: self.journal.clone(),
            source: std::io::Error::other("an open payment names no intent"),
        })?;
        let intent = self.chain.intent(&address).await?;
        Ok(intent.is_some_and(|intent| intent.paid_at != UnixSeconds(0)))
    }

    /// Fetches with proof of the key. A server may see the payment a moment after
    /// the agent does; it is asked again, with a fresh challenge, and never paid again.
    async fn sign_in(
        &self,
        url: &Url,
        first: Challenge,
        mut how: HowServed,
    ) -> Result<Fetched, PayError> {
        let mut challenge = first;
        let mut pause = Duration::from_millis(200);
        let mut last = None;
        for _ in 0..SIGN_IN_ATTEMPTS {
            let sign_in = challenge
                .sign_in
                .as_ref()
                .ok_or_else(|| PayError::Challenge("it offers no way to sign in".to_owned()))?;
            let header = sign_in::header(sign_in, &challenge.network, &self.keypair, url)?;
            // A server that has not seen that slot must not say that nothing was paid.
            let paid_in = match &how {
                HowServed::Paid(payment) => payment.slot,
                HowServed::Free | HowServed::Session | HowServed::Entitled => None,
            };
            let claim = paid_in.map(|slot| (PAID_SLOT, HeaderValue::from(slot)));
            let headers = claim.into_iter().chain([(SIGN_IN_WITH_X, header)]);
            let answer = self.browser.get(url, headers).await?;
            match answer.status {
                StatusCode::PAYMENT_REQUIRED => {
                    challenge = Challenge::of(&answer)?;
                    if challenge.credits_exhausted && how == HowServed::Entitled {
                        // Only now that it knows who asks can the server say so.
                        let payment = self.become_entitled(url, &challenge).await?;
                        how = payment.map_or(how, HowServed::Paid);
                    }
                }
                StatusCode::SERVICE_UNAVAILABLE | StatusCode::UNAUTHORIZED => {
                    let again = self.browser.get(url, None).await?;
                    if again.status == StatusCode::PAYMENT_REQUIRED {
                        challenge = Challenge::of(&again)?;
                    }
                }
                _ => {
                    let session = answer.header(&SESSION).map(ToOwned::to_owned);
                    return Ok(Fetched {
                        answer,
                        how,
                        session,
                    });
                }
            }
            last = Some(answer);
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(2));
        }
        let (status, detail) = last.map_or((0, String::new()), |answer| {
            (answer.status.as_u16(), answer.text())
        });
        Err(PayError::NotServed {
            status,
            detail: detail.chars().take(300).collect(),
        })
    }

    /// Refuses a challenge for another cluster or program than the agent's own.
    async fn require_same_chain(&self, challenge: &Challenge) -> Result<(), PayError> {
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
