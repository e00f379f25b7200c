//! What surrounds the callers: the chain, replicas with their ways to it, a balancer
//! and the upstream.

mod balancer;
mod relay;
mod truth;
mod upstream;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use tollgate_cli::stack::{LocalMerchant, configure_for, publish};
use tollgate_client::{Amount, Chain};
use tollgate_e2e_tests::{Cluster, local};
use tollgate_localnet::Localnet;
use tollgate_verifier::config::{PreviousSecret, Push, RateLimit, Secret, SecretUrl, Secrets};
use tollgate_verifier::{Config, ReloadError, RunningVerifier, Verifier};

use crate::history::{Bounds, Event, Limit, Moment, Recorder};
use balancer::Balancer;
pub(crate) use relay::{Fault, Relay};
use truth::Truth;
use upstream::Upstream;

/// The paid resource.
pub(crate) const PATH: &str = "/v1/report";
/// The header by which the upstream recognises a request.
pub(crate) const REQUEST_NUMBER: &str = "x-sim-request";
/// What the report costs.
pub(crate) const PRICE: u64 = 10_000;
/// What a wallet begins with.
pub(crate) const FUNDS: u64 = 10_000_000;

/// How old an answer from a replica's memory may be.
const MAX_STALENESS: Duration = Duration::from_millis(500);
/// How much longer while nothing can be read.
const OUTAGE_GRACE: Duration = Duration::from_millis(300);
/// How long "has no access" may be remembered: one slot of the real cluster.
const NEGATIVE: Duration = Duration::from_millis(400);
/// The most readings of one replica at once.
const MAX_IN_FLIGHT: usize = 4;
/// What a replica asks the chain besides: its catalogue and its health.
const OTHER_CALLS: usize = 4;
/// Short slots, so that much happens in little time.
const SLOT: Duration = Duration::from_millis(60);

/// Everything but the callers.
pub(crate) struct World {
    pub(crate) localnet: Arc<Localnet>,
    pub(crate) cluster: Cluster,
    pub(crate) chain: Chain,
    pub(crate) merchant: LocalMerchant,
    pub(crate) wallets: Vec<Keypair>,
    pub(crate) recorder: Recorder,
    _truth: Truth,
    replicas: Vec<Replica>,
    balancer: Balancer,
    _upstream: Upstream,
}

/// One verifier with its own way to the chain.
struct Replica {
    relay: Relay,
    /// Whether changes are pushed to it.
    pushed: bool,
    /// The configuration in force.
    config: Mutex<Config>,
    verifier: tokio::sync::Mutex<Option<RunningVerifier>>,
    address: Mutex<SocketAddr>,
}

impl World {
    /// Starts it with so many replicas and callers.
    pub(crate) async fn start(replicas: usize, callers: usize) -> Arc<Self> {
        let recorder = Recorder::start();
        let (localnet, cluster) = local(SLOT).await;
        let localnet = Arc::new(localnet);
        let owner = cluster.wallet(1_000_000_000, Amount(0)).await;
        let chain = cluster.chain();
        let merchant = publish(&chain, owner, Keypair::new(), cluster.mint)
            .await
            .unwrap();
        let mut wallets = Vec::new();
        for _ in 0..callers {
            wallets.push(cluster.wallet(1_000_000_000, Amount(FUNDS)).await);
        }
        let keys: Vec<Pubkey> = wallets.iter().map(solana_signer::Signer::pubkey).collect();
        let upstream = Upstream::start(recorder.clone(), keys.clone()).await;
        let balancer = Balancer::start().await;
        let genesis = chain.genesis_hash().await.unwrap();
        let mut started = Vec::new();
        // Replicas share their secrets, as merchants' do, whichever is in use. Not random
        // ones: one pair in 256 could not be used together.
        let secret = |byte| Secret::new(vec![byte; 32]).unwrap();
        let secrets = Secrets {
            current: secret(1),
            previous: vec![PreviousSecret::new(secret(2))],
        };
        for _ in 0..replicas {
            let relay = Relay::start(localnet.rpc_address()).await;
            let mut config =
                configure_for(&relay.url(), genesis, merchant.address, upstream.address, 0)
                    .unwrap();
            config.secrets = secrets.clone();
            // Callers know the service by its balancer.
            config.server.public_url = balancer.url().parse().unwrap();
            config.server.shutdown_deadline = Duration::from_secs(2);
            config.chain.push = match started.len() % 2 {
                0 => Push::Off,
                _ => Push::At(SecretUrl::parse_websocket(&localnet.websocket_url()).unwrap()),
            };
            config.chain.max_staleness = MAX_STALENESS;
            config.chain.max_outage_grace = OUTAGE_GRACE;
            config.chain.max_in_flight = MAX_IN_FLIGHT;
            config.chain.request_timeout = Duration::from_millis(400);
            config.chain.refresh_interval = Duration::from_millis(300);
            config.chain.ready_within = Duration::from_secs(3);
            let verifier = Verifier::start(config.clone()).await.unwrap();
            started.push(Replica {
                relay,
                pushed: config.chain.push != Push::Off,
                config: Mutex::new(config),
                address: Mutex::new(verifier.local_addr()),
                verifier: tokio::sync::Mutex::new(Some(verifier)),
            });
        }
        let truth = Truth::start(&localnet, &recorder, &merchant.day_pass, &keys);
        let world = Arc::new(Self {
            localnet,
            cluster,
            chain,
            merchant,
            wallets,
            recorder,
            _truth: truth,
            replicas: started,
            balancer,
            _upstream: upstream,
        });
        world.tell_balancer();
        world
    }

    /// What this world declares.
    pub(crate) fn bounds() -> Bounds {
        Bounds {
            staleness: MAX_STALENESS + OUTAGE_GRACE + relay::LAG,
            negative: NEGATIVE + relay::LAG,
            lag: relay::LAG,
            in_flight: MAX_IN_FLIGHT + OTHER_CALLS,
            price: PRICE,
        }
    }

    /// The URL of the paid resource behind the balancer.
    pub(crate) fn url(&self) -> String {
        format!("{}{PATH}", self.balancer.url())
    }

    /// The URL of the paid resource at one replica.
    pub(crate) fn url_of(&self, replica: usize) -> String {
        format!(
            "http://{}{PATH}",
            self.replicas[replica].address.lock().unwrap()
        )
    }

    /// Where a replica says whether it is ready.
    pub(crate) fn ready_url_of(&self, replica: usize) -> String {
        format!(
            "http://{}/health/ready",
            self.replicas[replica].address.lock().unwrap()
        )
    }

    /// How many replicas there are.
    pub(crate) fn replicas(&self) -> usize {
        self.replicas.len()
    }

    /// Breaks or mends a replica's way to the chain.
    pub(crate) fn set_fault(&self, replica: usize, fault: Option<Fault>) {
        // A replica that changes are pushed to may know what it cannot read.
        let works = self.replicas[replica].pushed || fault.is_none_or(Fault::works);
        let record = || {
            self.recorder.add(Event::Rpc {
                at: self.recorder.now(),
                replica,
                works,
            });
        };
        // A replica is called blind only while it certainly is.
        if works {
            record();
        }
        self.replicas[replica].relay.set(fault);
        if !works {
            record();
        }
    }

    /// Stops a replica in order and starts it again with nothing in its memory.
    pub(crate) async fn restart(&self, replica: usize) {
        let place = &self.replicas[replica];
        let mut verifier = place.verifier.lock().await;
        if let Some(running) = verifier.take() {
            running.shutdown().await;
        }
        let from = self.recorder.now();
        let config = place.config.lock().unwrap().clone();
        let limit = limit_of(&config);
        let running = Verifier::start(config).await.unwrap();
        self.limited(replica, from, limit);
        *place.address.lock().unwrap() = running.local_addr();
        *verifier = Some(running);
        self.tell_balancer();
    }

    /// Puts another limit in force at a replica, and the other secret in use if
    /// `rotate`. Whether the replica could check it.
    pub(crate) async fn reload(&self, replica: usize, limit: Option<Limit>, rotate: bool) -> bool {
        let place = &self.replicas[replica];
        let verifier = place.verifier.lock().await;
        let running = verifier.as_ref().expect("it runs");
        let mut config = place.config.lock().unwrap().clone();
        config.limits.payer = limit.map_or_else(RateLimit::default, |limit| RateLimit {
            requests_per_minute: limit.per_minute,
            burst: limit.burst,
        });
        if rotate {
            let Secrets { current, previous } = &mut config.secrets;
            std::mem::swap(current, &mut previous[0].secret);
        }
        let from = self.recorder.now();
        match running.reload(config.clone()).await {
            Ok(()) => {
                self.limited(replica, from, limit);
                *place.config.lock().unwrap() = config;
                true
            }
            // Nobody knows now what the routes sell.
            Err(ReloadError::ChainUnavailable) => false,
            Err(error) => panic!("a good configuration is refused: {error}"),
        }
    }

    fn limited(&self, replica: usize, from: Moment, limit: Option<Limit>) {
        let at = self.recorder.now();
        self.recorder.add(Event::Limit {
            from,
            at,
            replica,
            limit,
        });
    }

    fn tell_balancer(&self) {
        let addresses = self.replicas.iter();
        self.balancer.set(
            addresses
                .map(|replica| *replica.address.lock().unwrap())
                .collect(),
        );
    }

    /// Stops the replicas and writes down what waited at most.
    pub(crate) async fn stop(&self) {
        for (number, replica) in self.replicas.iter().enumerate() {
            if let Some(running) = replica.verifier.lock().await.take() {
                running.shutdown().await;
            }
            self.recorder.add(Event::InFlight {
                replica: number,
                most: replica.relay.most_in_flight(),
            });
        }
    }
}

/// The limit that a configuration sets.
fn limit_of(config: &Config) -> Option<Limit> {
    let RateLimit {
        requests_per_minute: per_minute,
        burst,
    } = config.limits.payer;
    (per_minute > 0).then_some(Limit { per_minute, burst })
}
