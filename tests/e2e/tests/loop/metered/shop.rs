//! A merchant who sells calls, and callers who buy them.

use super::upstream::Upstream;
use crate::scene::SLOT;
use serde_json::Value;
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;
use tollgate_agent::{Journal, PayingClient, SpendingPolicy};
use tollgate_cli::commands::send::send;
use tollgate_cli::stack::{LocalMerchant, configure_for, publish};
use tollgate_client::chain::SubmitLimits;
use tollgate_client::instructions::NewProduct;
use tollgate_client::{
    Amount, Chain, Credits, DurationSeconds, Entitlement, Purchase, Slug, UnixSeconds,
    random_payment_id,
};
use tollgate_e2e_tests::Cluster;
use tollgate_e2e_tests::local;
use tollgate_gate::{Charge, Metering};
use tollgate_localnet::Localnet;
use tollgate_verifier::config::{
    CreditStoreConfig, CreditsConfig, OperatorKey, RouteConfig, Secret,
};
use tollgate_verifier::{Config, RunningVerifier, Verifier};

/// What the calls cost.
pub const PRICE: Amount = Amount(1_000);
/// The product that sells them.
const SLUG: &str = "calls";

/// The chain, the merchant and the API; verifiers are started by the tests.
pub struct Shop {
    pub localnet: Localnet,
    pub cluster: Cluster,
    pub merchant: LocalMerchant,
    pub product: Pubkey,
    pub upstream: Upstream,
    pub folder: TempDir,
    secret: Secret,
}

impl Shop {
    /// A shop whose product has this many calls.
    pub async fn open(calls: u64) -> Self {
        let (localnet, cluster) = local(SLOT).await;
        let chain = cluster.chain();
        let owner = cluster.wallet(1_000_000_000, Amount(0)).await;
        let operator = cluster.wallet(1_000_000_000, Amount(0)).await;
        let merchant = publish(&chain, owner, operator, cluster.mint)
            .await
            .unwrap();
        let key = merchant.owner.pubkey();
        let slug = Slug::new(SLUG).unwrap();
        let new = NewProduct {
            slug,
            mint: cluster.mint,
            price: PRICE,
            access: DurationSeconds(0),
            credits: Credits(calls),
            refund_window: DurationSeconds(3_600),
        };
        let create = chain
            .addresses()
            .create_product(key, key, merchant.address, &new);
        send(&chain, &[create], &merchant.owner).await.unwrap();
        Self {
            product: chain.addresses().product(&merchant.address, &slug),
            upstream: Upstream::start().await,
            folder: tempfile::tempdir().unwrap(),
            secret: Secret::random(),
            localnet,
            cluster,
            merchant,
        }
    }

    pub fn chain(&self) -> Chain {
        self.cluster.chain()
    }

    pub fn store(&self) -> PathBuf {
        self.folder.path().join("credits.redb")
    }

    /// Counts in a file, and books with the operator's key at once.
    pub async fn config(&self) -> Config {
        let genesis = self.chain().genesis_hash().await.unwrap();
        let merchant = self.merchant.address;
        let mut config = configure_for(
            &self.cluster.rpc_url,
            genesis,
            merchant,
            self.upstream.address,
            0,
        )
        .unwrap();
        config.secrets.current = self.secret.clone();
        config.chain.max_staleness = Duration::from_millis(500);
        config.server.shutdown_deadline = Duration::from_secs(60);
        config.upstream.as_mut().unwrap().response_timeout = Duration::from_millis(700);
        let mut credits = CreditsConfig::new(CreditStoreConfig::Local(self.store()));
        // The busiest machine must not turn a slow answer into a 503.
        credits.store_timeout = Duration::from_secs(30);
        credits.operator = Some(OperatorKey::new(self.merchant.operator.insecure_clone()));
        credits.booking_interval = Duration::from_secs(1);
        config.credits = Some(credits);
        let route = |path: &str, cost: u64, charge: Charge| {
            let mut route = RouteConfig::paid(path, SLUG);
            route.metering = Metering {
                cost: Credits(cost),
                charge,
            };
            route
        };
        config.routes = vec![
            route("/v1/call", 1, Charge::OnAnswer),
            route("/v1/heavy", 3, Charge::OnAnswer),
            route("/v1/careful", 1, Charge::OnSuccess),
            route("/v1/always", 1, Charge::Always),
        ];
        config
    }

    /// Counts, but does not book while it runs.
    pub async fn quiet_config(&self) -> Config {
        let mut config = self.config().await;
        config.credits.as_mut().unwrap().booking_interval = Duration::from_secs(86_400);
        config
    }

    /// A verifier with this configuration. A file that an earlier one is about to
    /// let go of is waited for.
    pub async fn verifier(&self, config: &Config) -> RunningVerifier {
        for _ in 0..600 {
            match Verifier::start(config.clone()).await {
                Ok(verifier) => return verifier,
                Err(error) if error.code() == "credits_store_in_use" => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                Err(error) => panic!("{error}"),
            }
        }
        panic!("the store is never let go of");
    }

    /// A wallet that has bought the product this often.
    pub async fn customer(&self, purchases: u64) -> Customer {
        let wallet = self.cluster.wallet(1_000_000_000, Amount(1_000_000)).await;
        let customer = Customer {
            wallet,
            journal: tempfile::tempdir().unwrap(),
            http: reqwest::Client::new(),
        };
        for _ in 0..purchases {
            self.sell(&customer).await;
        }
        customer
    }

    /// One purchase, straight on chain; returns its intent.
    pub async fn sell(&self, customer: &Customer) -> Pubkey {
        let chain = self.chain();
        let product = chain.product(&self.product).await.unwrap().unwrap();
        let payer = customer.wallet.pubkey();
        let id = random_payment_id();
        let expires_at = UnixSeconds(self.localnet.time() + 600);
        let purchase = Purchase::of_product(self.product, &product, payer, id, expires_at);
        let instructions = purchase.instructions(&chain.addresses());
        send(&chain, &instructions, &customer.wallet).await.unwrap();
        purchase.intent(&chain.addresses())
    }

    /// Takes a whole purchase back.
    pub async fn refund(&self, customer: &Customer, intent: Pubkey) {
        let chain = self.chain();
        let account = chain.intent(&intent).await.unwrap().unwrap();
        let purse =
            tollgate_client::Addresses::token_account(&customer.wallet.pubkey(), &account.mint);
        let operator = self.merchant.operator.pubkey();
        let refund = chain
            .addresses()
            .refund(operator, intent, &account, purse, PRICE);
        send(&chain, &[refund], &self.merchant.operator)
            .await
            .unwrap();
    }

    pub async fn revoke(&self, customer: &Customer) {
        let chain = self.chain();
        let address = self.entitlement_address(customer);
        let operator = self.merchant.operator.pubkey();
        let revoke = chain
            .addresses()
            .revoke(operator, self.merchant.address, address);
        send(&chain, &[revoke], &self.merchant.operator)
            .await
            .unwrap();
    }

    pub fn entitlement_address(&self, customer: &Customer) -> Pubkey {
        let owner = customer.wallet.pubkey();
        self.chain().addresses().entitlement(&self.product, &owner)
    }

    pub async fn entitlement(&self, customer: &Customer) -> Entitlement {
        let owner = customer.wallet.pubkey();
        let reading = self.chain().entitlement(&self.product, &owner).await;
        reading.unwrap().entitlement.unwrap()
    }

    /// Credits that the chain has as used.
    pub async fn booked(&self, customer: &Customer) -> u64 {
        self.entitlement(customer).await.credits_used.0
    }

    /// What the verifier says about a customer to anybody who asks.
    pub async fn check(&self, url: &str, customer: &Customer) -> Value {
        let question = serde_json::json!({
            "product": self.product.to_string(),
            "wallet": customer.wallet.pubkey().to_string(),
        });
        let answer = customer
            .http
            .post(format!("{url}/v1/access/entitlements/check"))
            .json(&question)
            .send()
            .await
            .unwrap();
        answer.json().await.unwrap()
    }
}

/// Somebody who buys and calls.
pub struct Customer {
    pub wallet: Keypair,
    journal: TempDir,
    pub http: reqwest::Client,
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Called {
    pub status: u16,
    /// The `error` of a refusal.
    pub error: String,
    /// `tollgate-credits-remaining`.
    pub remaining: Option<u64>,
}

impl Called {
    /// Served, with so much left.
    pub fn served(remaining: u64) -> Self {
        Self {
            status: 200,
            error: String::new(),
            remaining: Some(remaining),
        }
    }
}

impl Customer {
    /// An agent for this wallet.
    pub fn agent(&self, shop: &Shop) -> PayingClient {
        let http = reqwest::Client::builder();
        PayingClient::new(http, self.wallet.insecure_clone(), shop.chain())
            .unwrap()
            .with_policy(SpendingPolicy::usdc("0.10").with_mint(shop.cluster.mint))
            .with_journal(Journal::folder(self.journal.path()))
            .with_limits(SubmitLimits {
                deadline: Duration::from_secs(60),
                poll_every: Duration::from_millis(100),
                resend_every: Duration::from_secs(1),
            })
    }

    /// A session token, for which one call is made, and served.
    pub async fn sign_in(&self, shop: &Shop, url: &str) -> String {
        let fetched = self
            .agent(shop)
            .fetch(&format!("{url}/v1/call"), None)
            .await;
        let fetched = fetched.unwrap();
        assert_eq!(fetched.answer.status.as_u16(), 200);
        fetched.session.unwrap()
    }

    /// One call with a session token.
    pub async fn call(&self, url: &str, path: &str, session: &str) -> Called {
        let answer = self
            .http
            .get(format!("{url}{path}"))
            .bearer_auth(session)
            .send()
            .await
            .unwrap();
        let status = answer.status().as_u16();
        let remaining = answer
            .headers()
            .get("tollgate-credits-remaining")
            .map(|value| value.to_str().unwrap().parse().unwrap());
        let body: Value = answer.json().await.unwrap_or_default();
        Called {
            status,
            error: body["error"].as_str().unwrap_or_default().to_owned(),
            remaining,
        }
    }
}

/// Waits until `holds`, for a minute at most.
pub async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting)
        .await
        .unwrap_or_else(|_| panic!("it never came to hold: {what}"));
}
