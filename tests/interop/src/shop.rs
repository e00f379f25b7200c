//! A merchant with a verifier in front of its API, and a customer.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use tempfile::TempDir;
use tollgate_client::accounts::decode;
use tollgate_client::{Addresses, Amount, Entitlement, IntentStatus, PaymentIntent, Rail};
use tollgate_e2e_tests::{Cluster, Service, local};
use tollgate_localnet::Localnet;
use tollgate_verifier::Config;

use crate::child::{self, PATIENCE};
use crate::installation::{HOME, Needs};
use crate::rails::{Offered, Relay};

/// What a customer begins with.
pub const FUNDS: Amount = Amount(1_000_000);
/// What the report costs.
pub const PRICE: Amount = Amount(10_000);
/// What a payment for calls costs.
pub const CALLS_PRICE: Amount = Amount(50_000);
/// How many of the metered shop's calls it pays for.
pub const CALLS_PER_PAYMENT: u64 = 2;
/// What the product grants.
const CREDITS_PER_PAYMENT: u64 = 100;
/// What a relay begins with.
const RELAY_LAMPORTS: u64 = 1_000_000_000;
/// Short slots; a blockhash still lives for fifteen seconds, which a client needs on a
/// busy machine.
const SLOT: Duration = Duration::from_millis(100);
/// How a task reaches its script.
const TASK: &str = "TOLLGATE_INTEROP";
/// The seed of the key that signs receipts, in hexadecimal. Of no value.
const RECEIPT_SEED: &str = "0707070707070707070707070707070707070707070707070707070707070707";

/// Everything that a client needs to find.
pub struct Shop {
    /// The chain, with its faults.
    pub localnet: Localnet,
    /// The same, reached by its URL.
    pub cluster: Cluster,
    /// Merchant, API, verifier.
    pub service: Service,
    /// Whose money is spent.
    pub customer: Keypair,
    /// Files of the verifier and of clients.
    pub folder: TempDir,
}

impl Shop {
    /// A verifier without a relay: only the scheme `entitlement` is offered.
    pub async fn open() -> Self {
        Self::open_as(Keypair::new(), |_| String::new()).await
    }

    /// A verifier that also sells quotes by the call, [`CALLS_PER_PAYMENT`] for
    /// [`CALLS_PRICE`].
    pub async fn open_metered() -> Self {
        Self::open_as(Keypair::new(), |folder| {
            let store = folder.join("credits.redb");
            let cost = CREDITS_PER_PAYMENT / CALLS_PER_PAYMENT;
            format!(
                r#"
                [credits]
                path = "{}"
                [[routes]]
                path = "/v1/quotes/{{symbol}}"
                product = "hundred-calls"
                credits = {cost}
                "#,
                store.display()
            )
        })
        .await
    }

    /// A verifier that offers a rail of stock clients.
    pub async fn open_with(relay: &Relay, offered: Offered) -> Self {
        let operator = relay.operator.insecure_clone();
        let shop = Self::open_as(operator, |folder| relay.sections(offered, folder)).await;
        for key in [&relay.fee_payer, &relay.operator] {
            let (cluster, address) = (&shop.cluster, key.pubkey());
            cluster.fund(&address, RELAY_LAMPORTS, Amount(0)).await;
        }
        shop
    }

    async fn open_as(operator: Keypair, sections: impl FnOnce(&Path) -> String) -> Self {
        let (localnet, cluster) = local(SLOT).await;
        let folder = tempfile::tempdir().unwrap();
        let sections = sections(folder.path());
        let service = Service::start_as(&cluster, &cluster.rpc_url, operator, |config| {
            *config = configured(config, &sections, folder.path());
        })
        .await;
        let customer = cluster.wallet(100_000_000, FUNDS).await;
        Self {
            localnet,
            cluster,
            service,
            customer,
            folder,
        }
    }

    /// Runs a client's script with what it needs to know, and `more` besides.
    ///
    /// # Panics
    /// When it fails, does not end, or says something else than JSON at last.
    pub async fn run(&self, needs: Needs, script: &str, more: Value) -> Value {
        let program = needs.program().unwrap();
        let mut task = json!({
            "url": self.service.report(),
            "rpcUrl": self.cluster.rpc_url,
            "secretKey": self.customer.to_bytes().to_vec(),
            "product": self.service.merchant.day_pass.to_string(),
            "folder": self.folder.path().join("client"),
        });
        let task_fields = task.as_object_mut().unwrap();
        task_fields.extend(more.as_object().cloned().unwrap_or_default());
        let script = Path::new(HOME).join("clients").join(script);
        let said = child::run(&program, &[&script], (TASK, &task.to_string()), PATIENCE)
            .await
            .unwrap();
        let last = said.output.lines().last().unwrap_or_default();
        match serde_json::from_str(last) {
            Ok(value) if said.succeeded => value,
            _ => panic!(
                "{} failed: {}\n{}",
                script.display(),
                said.output,
                said.errors
            ),
        }
    }

    /// The customer's public key.
    pub fn customer_key(&self) -> Pubkey {
        self.customer.pubkey()
    }

    /// The customer's key, as texts name it.
    pub fn customer_address(&self) -> String {
        self.customer.pubkey().to_string()
    }

    /// What the customer has spent.
    pub async fn spent(&self) -> Amount {
        let left = self.cluster.balance(&self.customer.pubkey()).await;
        Amount(FUNDS.0 - left.0)
    }

    /// The customer's lamports, before anything is confirmed.
    pub fn customer_lamports(&self) -> u64 {
        let account = self.localnet.account(&self.customer.pubkey());
        account.map_or(0, |account| account.lamports)
    }

    /// What the customer paid since, beyond the rent of its entitlement and of the
    /// intent behind it, before anything is confirmed; `None`: there is none yet.
    pub fn fees_paid_since(&self, before: u64) -> Option<u64> {
        let addresses = Addresses::default();
        let product = self.service.merchant.day_pass;
        let address = addresses.entitlement(&product, &self.customer.pubkey());
        let account = self.localnet.account(&address)?;
        let entitlement: Entitlement = decode(&addresses, &address, &account).unwrap();
        let intent = self.localnet.account(&entitlement.last_intent)?;
        let rent = account.lamports + intent.lamports;
        (before - self.customer_lamports()).checked_sub(rent)
    }

    /// What `beneficiary` holds of the product, which has to be usable, and the intent
    /// that was paid for it.
    pub async fn held_by(&self, beneficiary: &Pubkey) -> (Entitlement, PaymentIntent) {
        let chain = self.cluster.chain();
        let product = self.service.merchant.day_pass;
        let reading = chain.entitlement(&product, beneficiary).await.unwrap();
        let entitlement = reading.entitlement.expect("an entitlement stands");
        assert!(entitlement.is_usable(reading.chain_time));
        let intent = chain.intent(&entitlement.last_intent).await.unwrap();
        (entitlement, intent.expect("the intent stands"))
    }

    /// The customer paid the price once, by `rail`, and holds what it paid for.
    pub async fn was_paid_once(&self, rail: Rail) -> PaymentIntent {
        assert_eq!(self.spent().await, PRICE);
        let (entitlement, intent) = self.held_by(&self.customer.pubkey()).await;
        assert_eq!(entitlement.payments, 1);
        assert_eq!((intent.status, intent.rail), (IntentStatus::Paid, rail));
        assert_eq!(intent.amount, PRICE);
        intent
    }

    /// Stops everything.
    pub async fn close(self) {
        self.service.shutdown().await;
        self.localnet.shutdown().await;
    }
}

/// The configuration as an operator would write it, so that its reading is a part of
/// what is tested.
fn configured(config: &Config, sections: &str, folder: &Path) -> Config {
    std::fs::write(folder.join("secret.key"), "11".repeat(32)).unwrap();
    std::fs::write(folder.join("receipts.key"), RECEIPT_SEED).unwrap();
    let tollgate_verifier::config::MerchantId::Address(merchant) = &config.merchant.merchant else {
        panic!("the merchant is known by its address")
    };
    let text = format!(
        r#"
        [server]
        listen = "127.0.0.1:0"
        public_url = "http://127.0.0.1:0"
        [chain]
        rpc_url = "{rpc}"
        program_id = "{program}"
        genesis_hash = "{genesis}"
        [merchant]
        address = "{merchant}"
        name = "Lemonade"
        [secrets]
        key_file = "secret.key"
        [receipts]
        signing_key_file = "receipts.key"
        [upstream]
        url = "{upstream}"
        [[routes]]
        path = "/v1/report"
        product = "day-pass"
        title = "Market report"
        mime_type = "application/json"
        {sections}
        "#,
        rpc = config.chain.rpc_url.expose(),
        program = config.chain.program_id,
        genesis = config.chain.genesis_hash,
        upstream = config.upstream.as_ref().unwrap().url,
    );
    Config::parse(&text, "interop.toml", folder, &|_| None).unwrap()
}
