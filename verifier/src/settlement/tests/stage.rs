//! A merchant with its products on a local chain, stock clients, and the books.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use solana_hash::Hash;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_signer::Signer;
use tokio::sync::watch;
use tollgate_client::chain::{Submission, SubmitLimits};
use tollgate_client::instructions::{NewProduct, create_token_account};
use tollgate_client::transaction::to_bytes;
use tollgate_client::{
    Addresses, Amount, Chain, ChainOptions, Credits, DurationSeconds, PaymentId, Pubkey, Purchase,
    QuotedPurchase, Slug, UnixSeconds, random_payment_id,
};
use tollgate_gate::Metering;
use tollgate_gate::exact::{FeePayer, Policy, Requirement, TOKEN_PROGRAM, verify};
use tollgate_localnet::{DEVNET_GENESIS_HASH, Localnet, USDC_MINT, test_keypair};

use super::client::{signed_by_payer, stock_instructions};
use super::door::Door;
use crate::chain::Pool;
use crate::config::{
    ChainConfig, CreditStoreConfig, CreditsConfig, OperatorKey, RelayConfig, SecretUrl,
    Settlement as Way,
};
use crate::credits::{CreditService, Metered, Owner, Surroundings};
use crate::settlement::{Claim, Outcome, PushedTransfer, Settlement};

/// The price of the day pass.
pub const PRICE: Amount = Amount(10_000);
/// The price of one call.
pub const CALL_PRICE: Amount = Amount(700);
/// What a wallet begins with.
pub const FUNDS: Amount = Amount(1_000_000);
/// What the relay begins with.
pub const RELAY_FUNDS: u64 = 10_000_000_000;
/// The chain with a merchant that sells a day pass and single calls.
pub struct Stage {
    pub localnet: Localnet,
    pub chain: Chain,
    pub owner: Keypair,
    pub relay: Keypair,
    pub operator: Keypair,
    pub merchant: Pubkey,
    pub day_pass: Pubkey,
    pub call: Pubkey,
    /// Lamports of the relay before the first settlement.
    pub relay_funds: u64,
}

/// What a test changes of the configuration.
pub type Change = fn(&mut RelayConfig);

impl Stage {
    pub async fn new() -> Self {
        let localnet = Localnet::builder()
            .slot_duration(Duration::from_millis(100))
            .program(tollgate_client::PROGRAM_ID, tollgate::ELF)
            .start()
            .await
            .unwrap();
        let chain = Chain::new(localnet.rpc_url(), ChainOptions::default());
        let owner = test_keypair("settlement owner");
        let relay = test_keypair("settlement relay");
        let operator = test_keypair("settlement operator");
        localnet.airdrop(&owner.pubkey(), 10_000_000_000).unwrap();
        localnet.airdrop(&relay.pubkey(), RELAY_FUNDS).unwrap();
        localnet.finalize();
        let addresses = chain.addresses();
        let key = owner.pubkey();
        let merchant = addresses.merchant(&key);
        let product = |name: &str, price, access, credits| {
            let new = NewProduct {
                slug: Slug::new(name).unwrap(),
                mint: USDC_MINT,
                price,
                access: DurationSeconds(access),
                credits: Credits(credits),
                refund_window: DurationSeconds(0),
            };
            (
                addresses.product(&merchant, &new.slug),
                addresses.create_product(key, key, merchant, &new),
            )
        };
        let (day_pass, create_day_pass) = product("day-pass", PRICE, 86_400, 0);
        let (call, create_call) = product("call", CALL_PRICE, 0, 1);
        let stage = Self {
            localnet,
            chain,
            owner,
            relay,
            operator,
            merchant,
            day_pass,
            call,
            relay_funds: RELAY_FUNDS,
        };
        let operator = stage.operator.pubkey();
        let setup = [
            addresses.create_merchant(key, key, operator),
            addresses.create_vault(key, merchant, USDC_MINT),
            create_day_pass,
            create_call,
        ];
        stage.send(&setup, &stage.owner, &[]).await;
        stage
    }

    /// Sends a transaction of somebody's own.
    pub async fn send(&self, instructions: &[Instruction], payer: &Keypair, others: &[&Keypair]) {
        let (blockhash, last_valid) = self.chain.latest_blockhash().await.unwrap();
        let transaction =
            tollgate_client::transaction::sign(instructions, blockhash, payer, others).unwrap();
        let limits = SubmitLimits {
            poll_every: Duration::from_millis(30),
            ..SubmitLimits::default()
        };
        let fate = self.chain.submit(&transaction, last_valid, limits).await;
        assert!(matches!(fate, Ok(Submission::Landed { .. })), "{fate:?}");
    }

    /// A new wallet with tokens and no lamports: a stock client needs none.
    pub fn wallet(&self) -> Keypair {
        let wallet = Keypair::new();
        self.localnet
            .mint_test_usdc(&wallet.pubkey(), FUNDS.0)
            .unwrap();
        self.localnet.finalize();
        wallet
    }

    pub fn addresses(&self) -> Addresses {
        self.chain.addresses()
    }

    /// An engine with empty memory that reaches the chain by `url`.
    pub fn settlement_at(
        &self,
        url: &str,
        credits: Option<Arc<CreditService>>,
        change: Change,
    ) -> Arc<Settlement> {
        let genesis: Hash = DEVNET_GENESIS_HASH.parse().unwrap();
        let mut chain = ChainConfig::new(
            SecretUrl::parse(url).unwrap(),
            tollgate_client::PROGRAM_ID,
            genesis,
        );
        // A busy machine must not look like a dead server.
        chain.request_timeout = Duration::from_secs(8);
        let pool = Arc::new(Pool::of(&chain, None).unwrap());
        let mut config = RelayConfig::new(OperatorKey::new(self.relay.insecure_clone()));
        config.operator = OperatorKey::new(self.operator.insecure_clone());
        change(&mut config);
        Arc::new(Settlement::new(&config, pool, self.merchant, credits))
    }

    /// A meter of used credits with nothing in it.
    pub async fn credits(&self) -> (Arc<CreditService>, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credits.redb");
        let config = CreditsConfig::new(CreditStoreConfig::Local(path));
        let genesis: Hash = DEVNET_GENESIS_HASH.parse().unwrap();
        let url = SecretUrl::parse(&self.localnet.rpc_url()).unwrap();
        let chain = ChainConfig::new(url, tollgate_client::PROGRAM_ID, genesis);
        let around = Surroundings {
            pool: Arc::new(Pool::of(&chain, None).unwrap()),
            owner: Owner {
                genesis_hash: genesis,
                merchant: self.merchant,
            },
            longest_request: Duration::from_secs(60),
            redis: None,
            stopping: watch::Sender::new(false).subscribe(),
        };
        let service = CreditService::start(&config, around).await.unwrap();
        (Arc::new(service), folder)
    }

    /// Uses one call of a payer, as admission does.
    pub async fn use_call(&self, credits: &CreditService, payer: &Pubkey) -> bool {
        let address = self.addresses().entitlement(&self.call, payer);
        self.localnet.finalize();
        let slot = self.localnet.slot();
        let entitlement = self.entitlement(&self.call, payer).unwrap();
        let metering = Metering::ONE_CREDIT;
        let taken = credits
            .meter
            .take(address, &entitlement, slot, metering)
            .await;
        match taken.unwrap() {
            Metered::Taken(reservation) => {
                reservation.admit();
                reservation.end(tollgate_gate::Outcome::Answered(http::StatusCode::OK));
                true
            }
            Metered::Short { .. } => false,
        }
    }

    pub fn settlement(&self, door: &Door) -> Arc<Settlement> {
        self.settlement_at(&door.url(), None, |_| {})
    }

    /// A payment into the deposit of the purchase `id`, as a stock client makes it.
    pub async fn deposit(&self, payer: &Keypair, id: PaymentId) -> Claim {
        let pay_to = self.addresses().quoted_intent(&self.merchant, &id);
        let memo = format!("tollgate:{id}");
        Claim {
            payment: self.pay(payer, pay_to, PRICE, Some(memo)).await,
            way: Way::Deposit,
            product: self.day_pass,
            payment_id: Some(id),
            cost: Credits(1),
        }
    }

    /// A payment of one call to the vault, as a v1 client makes it: without a memo.
    pub async fn call(&self, payer: &Keypair) -> Claim {
        Claim {
            payment: self.pay(payer, self.merchant, CALL_PRICE, None).await,
            way: Way::Vault,
            product: self.call,
            payment_id: None,
            cost: Credits(1),
        }
    }

    async fn pay(
        &self,
        payer: &Keypair,
        pay_to: Pubkey,
        amount: Amount,
        memo: Option<String>,
    ) -> tollgate_gate::exact::ExactPayment {
        let (blockhash, _) = self.chain.latest_blockhash().await.unwrap();
        let relay = self.relay.pubkey();
        let destination = Addresses::token_account(&pay_to, &USDC_MINT);
        let instructions =
            stock_instructions(&payer.pubkey(), destination, amount, memo.as_deref());
        let transaction = signed_by_payer(&instructions, blockhash, &relay, payer);
        let requirement = Requirement {
            mint: USDC_MINT,
            pay_to,
            amount,
            fee_payer: FeePayer::Managed(relay),
            memo,
            token_program: Some(TOKEN_PROGRAM),
        };
        let encoded = STANDARD.encode(to_bytes(&transaction).unwrap());
        verify(&encoded, &requirement, &Policy::x402_v2(vec![relay])).unwrap()
    }

    /// A transfer to the vault that its payer sends alone.
    pub async fn push(&self, payer: &Keypair, id: PaymentId, amount: Amount) -> PushedTransfer {
        self.give_lamports(payer);
        let vault = self.addresses().vault(&self.merchant, &USDC_MINT);
        let memo = format!("tollgate:{id}");
        let instructions = stock_instructions(&payer.pubkey(), vault, amount, Some(&memo));
        let (blockhash, last_valid) = self.chain.latest_blockhash().await.unwrap();
        let transaction =
            tollgate_client::transaction::sign(&instructions, blockhash, payer, &[]).unwrap();
        let signature = transaction.signatures[0];
        let limits = SubmitLimits::default();
        let fate = self.chain.submit(&transaction, last_valid, limits).await;
        assert!(matches!(fate, Ok(Submission::Landed { .. })), "{fate:?}");
        PushedTransfer {
            signature,
            product: self.call,
            payment_id: id,
            amount: CALL_PRICE,
            mint: USDC_MINT,
            cost: Credits(1),
        }
    }

    /// What a process has done that died before it co-signed: the open intent of a
    /// deposit, with its token account. It is payable until `expires_in` seconds from now.
    pub async fn open_intent(&self, payer: &Pubkey, id: PaymentId, expires_in: i64) -> Pubkey {
        let addresses = self.addresses();
        let product = self.chain.product(&self.day_pass).await.unwrap().unwrap();
        let now = self.chain.time().await.unwrap();
        let (operator, relay) = (self.operator.pubkey(), self.relay.pubkey());
        let quoted = QuotedPurchase::of_product(
            (self.day_pass, &product),
            (operator, relay),
            (*payer, id),
            DurationSeconds(3_600),
            UnixSeconds(now.0 + expires_in),
        );
        let intent = quoted.intent(&addresses);
        let account = create_token_account(relay, intent, USDC_MINT);
        let create = [quoted.create(&addresses), account];
        self.send(&create, &self.relay, &[&self.operator]).await;
        intent
    }

    /// A wallet's own transfer to a token account.
    pub async fn transfer(&self, payer: &Keypair, to: Pubkey, amount: Amount) {
        self.give_lamports(payer);
        let instructions = stock_instructions(&payer.pubkey(), to, amount, None);
        self.send(&instructions, payer, &[]).await;
    }

    /// The program's own payment, by a wallet that pays its fee.
    pub async fn pay_natively(&self, payer: &Keypair, id: PaymentId) {
        self.give_lamports(payer);
        let product = self.chain.product(&self.day_pass).await.unwrap().unwrap();
        let now = self.chain.time().await.unwrap();
        let expires_at = UnixSeconds(now.0 + 600);
        let purchase =
            Purchase::of_product(self.day_pass, &product, payer.pubkey(), id, expires_at);
        self.send(&purchase.instructions(&self.addresses()), payer, &[])
            .await;
    }

    fn give_lamports(&self, payer: &Keypair) {
        self.localnet
            .airdrop(&payer.pubkey(), 1_000_000_000)
            .unwrap();
        self.localnet.finalize();
    }
}

/// A new purchase's name.
pub fn new_id() -> PaymentId {
    random_payment_id()
}

/// The payer's access stands; whether this transaction paid for it.
pub fn served(outcome: &Outcome) -> Option<bool> {
    match outcome {
        Outcome::Paid(paid) => Some(paid.signature.is_some()),
        _ => None,
    }
}
