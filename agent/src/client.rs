//! A reqwest client that pays.

use crate::agent::Agent;
use crate::errand::Errand;
use crate::sessions::Sessions;
use crate::{Answer, Fetched, Journal, PayError, PayingRequest, SpendingPolicy};
use http::Method;
use reqwest::{IntoUrl, Request, Response};
use solana_signer::Signer;
use std::sync::Arc;
use tollgate_client::Chain;
use tollgate_client::chain::SubmitLimits;

/// A [`reqwest::Client`] that follows 402s for one key. Clones share the journal, the
/// sessions and the connections; they may be used by any number of tasks at once.
///
/// * A payment is made for the URL that was named: redirects are not followed but
///   returned, so that no proof, token or payment goes to another origin.
/// * An answer carries [`crate::HowServed`] among its extensions.
/// * A request may be sent several times: without a proof, with it, and again where the
///   server has not seen the payment yet. The gate asks for payment before anything
///   behind it sees the request.
/// * No time limit is set: [`reqwest::ClientBuilder::timeout`] is the caller's choice.
#[derive(Clone)]
pub struct PayingClient {
    pub(crate) http: reqwest::Client,
    pub(crate) agent: Agent,
    pub(crate) sessions: Arc<Sessions>,
}

impl PayingClient {
    /// A client that pays with `signer` on `chain`. It may not spend anything yet
    /// ([`PayingClient::with_policy`]) and forgets with the process
    /// ([`PayingClient::with_journal`]).
    ///
    /// It takes a builder because a finished [`reqwest::Client`] follows redirects or
    /// not, whatever a request would need.
    ///
    /// # Errors
    /// [`PayError::Request`] when the client cannot be built.
    pub fn new(
        http: reqwest::ClientBuilder,
        signer: impl Signer + Send + Sync + 'static,
        chain: impl Into<Arc<Chain>>,
    ) -> Result<Self, PayError> {
        let http = http.redirect(reqwest::redirect::Policy::none()).build();
        Ok(Self {
            http: http.map_err(invalid)?,
            agent: Agent::new(Arc::new(signer), chain.into()),
            sessions: Arc::default(),
        })
    }

    /// Allows spending.
    #[must_use]
    pub fn with_policy(mut self, policy: SpendingPolicy) -> Self {
        self.agent.policy = policy;
        self
    }

    /// Remembers payments in `journal`.
    #[must_use]
    pub fn with_journal(mut self, journal: Journal) -> Self {
        self.agent.journal = journal;
        self
    }

    /// How long to wait for a payment's fate; after that it is
    /// [`PayError::Unknown`].
    #[must_use]
    pub fn with_limits(mut self, limits: SubmitLimits) -> Self {
        self.agent.limits = limits;
        self
    }

    /// Price of a compute unit in millionths of a lamport.
    #[must_use]
    pub fn with_priority_price(mut self, price: u64) -> Self {
        self.agent.priority_price = price;
        self
    }

    /// What may be spent.
    pub fn policy(&self) -> &SpendingPolicy {
        &self.agent.policy
    }

    /// A GET request.
    pub fn get(&self, url: impl IntoUrl) -> PayingRequest {
        self.request(Method::GET, url)
    }

    /// A POST request.
    pub fn post(&self, url: impl IntoUrl) -> PayingRequest {
        self.request(Method::POST, url)
    }

    /// A request of any method.
    pub fn request(&self, method: Method, url: impl IntoUrl) -> PayingRequest {
        PayingRequest::new(self.clone(), self.http.request(method, url))
    }

    /// Makes a request, paying if it has to. It may be cancelled at any point: a payment
    /// that was signed is in the journal and settled before the next.
    ///
    /// # Errors
    /// [`PayError`].
    pub async fn execute(&self, request: Request) -> Result<Response, PayError> {
        let mut errand = Errand::new(request, &self.http)?;
        let token = self.sessions.token_for(errand.url());
        let visit = self.agent.visit(&mut errand, token, &self.sessions).await?;
        Ok(visit.into_answer())
    }

    /// One GET for somebody who keeps the session token: only `session` is tried, and
    /// the answer is read to its end.
    ///
    /// # Errors
    /// [`PayError`].
    pub async fn fetch(&self, url: &str, session: Option<&str>) -> Result<Fetched, PayError> {
        let url = url::Url::parse(url).map_err(|_| PayError::Url(url.to_owned()))?;
        let request = Request::new(Method::GET, url);
        let mut errand = Errand::new(request, &self.http)?;
        let (token, sessions) = (session.map(ToOwned::to_owned), Sessions::default());
        let visit = self.agent.visit(&mut errand, token, &sessions).await?;
        Ok(Fetched {
            answer: Answer::read(visit.answer).await?,
            how: visit.how,
            session: visit.session,
        })
    }
}

impl std::fmt::Debug for PayingClient {
    // The signer, the chain's URL and the tokens are secrets.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("PayingClient")
            .field("policy", &self.agent.policy)
            .finish_non_exhaustive()
    }
}

pub(crate) fn invalid(error: reqwest::Error) -> PayError {
    PayError::Request(Box::new(error.without_url()))
}
