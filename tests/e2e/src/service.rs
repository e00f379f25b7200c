//! A merchant on a cluster, an upstream and a verifier.

use crate::Cluster;
use solana_keypair::Keypair;
use solana_signer::Signer;
use std::path::Path;
use std::time::Duration;
use tollgate_agent::{Journal, PayingClient, SpendingPolicy};
use tollgate_cli::stack::{LocalMerchant, RunningUpstream, configure_for, publish, start_upstream};
use tollgate_client::Amount;
use tollgate_client::chain::SubmitLimits;
use tollgate_verifier::{Config, RunningVerifier, Verifier};

/// A running service.
pub struct Service {
    /// Whose service it is.
    pub merchant: LocalMerchant,
    /// The API behind the verifier.
    pub upstream: RunningUpstream,
    /// The verifier.
    pub verifier: RunningVerifier,
    /// Where callers reach it.
    pub url: String,
}

impl Service {
    /// Publishes a merchant on `cluster` and starts a verifier that reads the chain
    /// at `verifier_rpc`, which may be another door to the same chain.
    pub async fn start(cluster: &Cluster, verifier_rpc: &str) -> Self {
        Self::start_with(cluster, verifier_rpc, |_| {}).await
    }

    /// The same with a changed configuration.
    pub async fn start_with(
        cluster: &Cluster,
        verifier_rpc: &str,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        Self::start_as(cluster, verifier_rpc, Keypair::new(), change).await
    }

    /// The same for a merchant with this operator key.
    pub async fn start_as(
        cluster: &Cluster,
        verifier_rpc: &str,
        operator: Keypair,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let chain = cluster.chain();
        let owner = cluster.wallet(1_000_000_000, Amount(0)).await;
        let merchant = publish(&chain, owner, operator, cluster.mint)
            .await
            .unwrap();
        let upstream = start_upstream().await.unwrap();
        let genesis = chain.genesis_hash().await.unwrap();
        let mut config =
            configure_for(verifier_rpc, genesis, merchant.address, upstream.address, 0).unwrap();
        change(&mut config);
        let verifier = Verifier::start(config).await.unwrap();
        let url = format!("http://{}", verifier.local_addr());
        Self {
            merchant,
            upstream,
            verifier,
            url,
        }
    }

    /// The paid resource.
    pub fn report(&self) -> String {
        format!("{}/v1/report", self.url)
    }

    /// An agent with this wallet and at most 0.10 USDC a payment.
    pub fn agent(&self, cluster: &Cluster, wallet: &Keypair, journal: &Path) -> PayingClient {
        let http = reqwest::Client::builder();
        PayingClient::new(http, wallet.insecure_clone(), cluster.chain())
            .unwrap()
            .with_policy(SpendingPolicy::usdc("0.10").with_mint(cluster.mint))
            .with_journal(Journal::folder(journal))
            .with_limits(SubmitLimits {
                deadline: Duration::from_secs(60),
                poll_every: Duration::from_millis(100),
                resend_every: Duration::from_secs(1),
            })
    }

    /// Asks the verifier whether `wallet` has access.
    pub async fn check(&self, wallet: &Keypair) -> (u16, serde_json::Value) {
        let question = serde_json::json!({
            "product": self.merchant.day_pass.to_string(),
            "wallet": wallet.pubkey().to_string(),
        });
        let answer = reqwest::Client::new()
            .post(format!("{}/v1/access/entitlements/check", self.url))
            .json(&question)
            .send()
            .await
            .unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// Another verifier takes the place of this one, as after a crash: it knows nothing.
    pub async fn restart(&mut self, config: Config) {
        let verifier = Verifier::start(config).await.unwrap();
        self.url = format!("http://{}", verifier.local_addr());
        // The old one is not asked to finish anything.
        self.verifier = verifier;
    }

    /// Stops the verifier and the upstream.
    pub async fn shutdown(self) {
        self.verifier.shutdown().await;
        self.upstream.shutdown().await;
    }
}
