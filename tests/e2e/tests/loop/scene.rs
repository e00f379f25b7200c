//! What every test starts from.

use solana_keypair::Keypair;
use solana_signer::Signer;
use std::time::Duration;
use tollgate_agent::{Fetched, HowServed, PayError, PayingClient};
use tollgate_client::Amount;
use tollgate_client::chain::SubmitLimits;
use tollgate_e2e_tests::{Cluster, Service, local};
use tollgate_localnet::Localnet;

/// Fast slots.
pub const SLOT: Duration = Duration::from_millis(40);
/// What a wallet begins with.
pub const FUNDS: Amount = Amount(1_000_000);
/// What the report costs.
pub const PRICE: u64 = 10_000;

/// A chain, a service and a funded wallet with an agent.
pub struct Scene {
    pub localnet: Localnet,
    pub cluster: Cluster,
    pub service: Service,
    pub wallet: Keypair,
    pub journal: tempfile::TempDir,
}

impl Scene {
    pub async fn set() -> Self {
        let (localnet, cluster) = local(SLOT).await;
        let service = Service::start(&cluster, &cluster.rpc_url).await;
        let wallet = cluster.wallet(100_000_000, FUNDS).await;
        Self {
            localnet,
            cluster,
            service,
            wallet,
            journal: tempfile::tempdir().unwrap(),
        }
    }

    pub fn agent(&self) -> PayingClient {
        self.service
            .agent(&self.cluster, &self.wallet, self.journal.path())
    }

    /// What comes of the agent's request for the report.
    pub async fn fetch(&self) -> Result<Fetched, PayError> {
        self.agent().fetch(&self.service.report(), None).await
    }

    /// The agent pays, but stops waiting before it knows the payment's fate.
    pub async fn agent_gives_up(&self) {
        let agent = self.agent().with_limits(SubmitLimits {
            deadline: Duration::from_millis(500),
            ..SubmitLimits::default()
        });
        let outcome = agent.fetch(&self.service.report(), None).await;
        assert!(
            matches!(outcome, Err(PayError::Unknown { .. })),
            "{outcome:?}"
        );
    }

    /// A new agent with the same journal is served, and all in all one payment was made.
    pub async fn is_served_for_one_payment(&self) {
        let fetched = self.fetch().await.unwrap();
        let how = fetched.how;
        assert!(matches!(how, HowServed::Paid(_)), "{how:?}");
        assert_eq!(self.spent().await, PRICE);
    }

    pub async fn spent(&self) -> u64 {
        FUNDS.0 - self.cluster.balance(&self.wallet.pubkey()).await.0
    }

    pub async fn strike(self) {
        self.service.shutdown().await;
        self.localnet.shutdown().await;
    }
}
