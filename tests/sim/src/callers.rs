//! Whoever asks.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::HeaderValue;
use rand::Rng;
use rand::rngs::StdRng;
use serde_json::Value;
use solana_keypair::Keypair;
use tollgate_agent::{Journal, PayingClient, SpendingPolicy};
use tollgate_client::chain::SubmitLimits;
use tollgate_e2e_tests::proof::sign_in;

use crate::history::{Answer, CallerId, Deed, Event, Exchange, Proof};
use crate::world::{REQUEST_NUMBER, World};

/// How long a caller waits for an answer: longer than anything that a replica waits
/// for, so that a caller who gives up is rare.
const PATIENCE: Duration = Duration::from_secs(10);

/// The same for an agent.
const AGENT_TIMEOUT: Duration = Duration::from_secs(60);

/// Numbers of requests, over all callers.
static NEXT_REQUEST: AtomicU64 = AtomicU64::new(1);

/// One caller: a wallet, a journal, perhaps a session.
pub(crate) struct Caller {
    world: Arc<World>,
    id: CallerId,
    wallet: Keypair,
    agent: PayingClient,
    journal: tempfile::TempDir,
    http: reqwest::Client,
    session: Option<String>,
    /// The resource behind the balancer.
    url: String,
}

/// An agent in a hurry, but for `deadline`.
fn limits(deadline: Duration) -> SubmitLimits {
    SubmitLimits {
        deadline,
        poll_every: Duration::from_millis(40),
        resend_every: Duration::from_millis(200),
    }
}

impl Caller {
    pub(crate) fn new(world: &Arc<World>, id: CallerId) -> Self {
        let wallet = world.wallets[id].insecure_clone();
        let journal = tempfile::tempdir().unwrap();
        let agent = reqwest::Client::builder().timeout(AGENT_TIMEOUT);
        let agent = PayingClient::new(agent, wallet.insecure_clone(), world.cluster.chain())
            .unwrap()
            .with_policy(SpendingPolicy::usdc("0.10").with_mint(world.cluster.mint))
            .with_journal(Journal::folder(journal.path()))
            .with_limits(limits(Duration::from_secs(2)));
        let http = reqwest::Client::builder()
            .pool_max_idle_per_host(0)
            .timeout(PATIENCE)
            .build()
            .unwrap();
        Self {
            world: Arc::clone(world),
            id,
            wallet,
            agent,
            journal,
            http,
            session: None,
            url: world.url(),
        }
    }

    /// The folder of the journal.
    pub(crate) fn journal(&self) -> &Path {
        self.journal.path()
    }

    /// Does something, whatever it may be.
    pub(crate) async fn step(&mut self, random: &mut StdRng) {
        let replica = random.random_range(0..self.world.replicas());
        match random.random_range(0..10) {
            0 => drop(self.ask(replica, Proof::None, None).await),
            1..=4 => self.use_session(replica).await,
            5 | 6 => self.sign_in(replica).await,
            7 | 8 => {
                let life = Duration::from_millis(random.random_range(50..2_500));
                self.pay(life).await;
            }
            _ => {
                let pause = Duration::from_millis(random.random_range(0..400));
                tokio::time::sleep(pause).await;
            }
        }
    }

    /// Asks with the session token, if there is one.
    pub(crate) async fn use_session(&mut self, replica: usize) {
        let Some(token) = self.session.clone() else {
            return self.sign_in(replica).await;
        };
        let header = HeaderValue::try_from(format!("Bearer {token}")).unwrap();
        let proof = Some(("authorization", header));
        let answer = self.ask(replica, Proof::Session, proof).await;
        if answer.is_some_and(|answer| answer.status() == 401) {
            self.session = None;
        }
    }

    /// Asks with a signature under a fresh challenge.
    pub(crate) async fn sign_in(&mut self, replica: usize) {
        let Some(challenge) = self.ask(replica, Proof::None, None).await else {
            return;
        };
        let Some(header) = challenge.headers().get("payment-required") else {
            return;
        };
        let proof = Some(("sign-in-with-x", sign_in(&self.wallet, header)));
        let Some(answer) = self.ask(replica, Proof::SignIn, proof).await else {
            return;
        };
        if let Some(token) = answer.headers().get("tollgate-session") {
            self.session = Some(token.to_str().unwrap().to_owned());
        }
    }

    /// Lets the agent fetch the resource through the balancer, paying if it has to, and
    /// kills it after `life`: the next one has only the journal. Its payments are judged
    /// by the journal and the chain.
    async fn pay(&mut self, life: Duration) {
        let fetching = self.agent.fetch(self.url.as_str(), None);
        match tokio::time::timeout(life, fetching).await {
            Ok(Ok(fetched)) => self.session = fetched.session.or(self.session.take()),
            Ok(Err(_)) => {}
            Err(_) => {
                let at = self.world.recorder.now();
                let deed = Deed::AgentKilled(self.id);
                self.world.recorder.add(Event::Deed { at, deed });
            }
        }
    }

    /// Finds out what became of payments that are still open, once nothing is broken.
    pub(crate) async fn settle(&mut self) {
        let patient = limits(Duration::from_secs(30));
        let agent = self.agent.clone().with_limits(patient);
        let _ = agent.fetch(&self.url, None).await;
    }

    /// One request and its record.
    async fn ask(
        &self,
        replica: usize,
        proof: Proof,
        header: Option<(&'static str, HeaderValue)>,
    ) -> Option<reqwest::Response> {
        let number = NEXT_REQUEST.fetch_add(1, Ordering::Relaxed);
        let mut request = self
            .http
            .get(self.world.url_of(replica))
            .header(REQUEST_NUMBER, number.to_string());
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        let recorder = &self.world.recorder;
        let sent = recorder.now();
        let mut exchange = Exchange {
            request: number,
            caller: self.id,
            proof,
            sent,
            answered: sent,
            replica: Some(replica),
            answer: None,
        };
        let response = request.send().await;
        exchange.answered = recorder.now();
        let Ok(response) = response else {
            recorder.add(Event::Exchange(exchange));
            return None;
        };
        let text = |name: &str| {
            let values = response.headers().get_all(name).iter();
            let values: Vec<_> = values.filter_map(|value| value.to_str().ok()).collect();
            values.join(",").to_lowercase()
        };
        let status = response.status().as_u16();
        let cache_control = text("cache-control");
        let retry_after = response.headers().contains_key("retry-after");
        let (head, body) = http::Response::<reqwest::Body>::from(response).into_parts();
        let body = http_body_util::BodyExt::collect(body).await;
        exchange.answered = recorder.now();
        let Ok(body) = body else {
            recorder.add(Event::Exchange(exchange));
            return None;
        };
        let body = body.to_bytes();
        let code = serde_json::from_slice::<Value>(&body)
            .ok()
            .and_then(|body| Some(body["error"].as_str()?.to_owned()))
            .unwrap_or_default();
        exchange.answer = Some(Answer {
            status,
            code,
            cache_control,
            retry_after,
        });
        recorder.add(Event::Exchange(exchange));
        Some(http::Response::from_parts(head, body).into())
    }
}
