//! The whole of Tollgate in one process: an embedded chain that runs the very ELF
//! that merchants deploy, a merchant with products, an upstream API, and the
//! verifier in front of it. Only consensus is missing.

mod merchant;
mod upstream;

pub use merchant::{CALLS, LocalMerchant, publish};
pub use upstream::{RunningUpstream, start as start_upstream};

use crate::error::CliError;
use solana_hash::Hash;
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;
use tollgate_client::{Chain, ChainOptions, PROGRAM_ID};
use tollgate_localnet::{CommitmentDepths, DEVNET_GENESIS_HASH, Localnet, USDC_MINT};
use tollgate_verifier::config::{
    ChainConfig, LimitsConfig, LogConfig, MerchantConfig, MerchantId, PublicUrl, ReloadConfig,
    RouteConfig, Secret, SecretUrl, Secrets, ServerConfig, SignInsConfig, SourceDigest,
    UpstreamConfig,
};
use tollgate_verifier::{Config, RunningVerifier, Verifier};

/// Lamports of a new local wallet: 1 SOL.
const WALLET_LAMPORTS: u64 = 1_000_000_000;

/// Ports and pace of a local stack.
#[derive(Clone, Copy, Debug)]
pub struct StackOptions {
    /// JSON-RPC port; 0: any free one.
    pub rpc_port: u16,
    /// The verifier's port; 0: any free one.
    pub port: u16,
    /// Length of a slot.
    pub slot: Duration,
}

impl Default for StackOptions {
    fn default() -> Self {
        Self {
            rpc_port: 0,
            port: 0,
            slot: Duration::from_millis(400),
        }
    }
}

/// A running local stack.
pub struct Stack {
    /// The chain.
    pub localnet: Localnet,
    /// The merchant on it.
    pub merchant: LocalMerchant,
    /// The API behind the verifier.
    pub upstream: RunningUpstream,
    /// The verifier.
    pub verifier: RunningVerifier,
    /// Where callers reach the verifier.
    pub url: String,
}

impl Stack {
    /// Starts everything.
    ///
    /// # Errors
    /// [`CliError`], from whichever part could not start.
    pub async fn start(options: StackOptions) -> Result<Self, CliError> {
        let localnet = Localnet::builder()
            .port(options.rpc_port)
            .slot_duration(options.slot)
            .commitment_depths(CommitmentDepths::default())
            .program(PROGRAM_ID, tollgate::ELF)
            .start()
            .await?;
        let owner = tollgate_localnet::test_keypair("local merchant owner");
        let operator = tollgate_localnet::test_keypair("local merchant operator");
        localnet.airdrop(&owner.pubkey(), 10 * WALLET_LAMPORTS)?;
        localnet.finalize();
        let chain = chain(localnet.rpc_url());
        let merchant = publish(&chain, owner, operator, USDC_MINT).await?;
        let upstream = start_upstream().await.map_err(CliError::Listen)?;
        let config = configure(
            &localnet.rpc_url(),
            merchant.address,
            upstream.address,
            options.port,
        )?;
        let verifier = Verifier::start(config).await?;
        let url = format!("http://{}", verifier.local_addr());
        Ok(Self {
            localnet,
            merchant,
            upstream,
            verifier,
            url,
        })
    }

    /// A new wallet with 1 SOL and `usdc` atomic units of the test USDC. The key is
    /// random and worth nothing elsewhere.
    ///
    /// # Errors
    /// [`CliError::Localnet`].
    pub fn new_wallet(&self, usdc: u64) -> Result<Keypair, CliError> {
        let wallet = Keypair::new();
        self.localnet.airdrop(&wallet.pubkey(), WALLET_LAMPORTS)?;
        self.localnet.mint_test_usdc(&wallet.pubkey(), usdc)?;
        self.localnet.finalize();
        Ok(wallet)
    }

    /// Access to the chain.
    pub fn chain(&self) -> Chain {
        chain(self.localnet.rpc_url())
    }

    /// Stops everything, callers first.
    pub async fn shutdown(self) {
        self.verifier.shutdown().await;
        self.upstream.shutdown().await;
        self.localnet.shutdown().await;
    }
}

/// Access to the chain at `url`, for the program as it is kept.
pub fn chain(url: String) -> Chain {
    Chain::new(url, ChainOptions::default())
}

/// The configuration of the demonstration: three routes in front of the demo
/// upstream, on the cluster behind `rpc_url`, which has devnet's genesis hash.
///
/// # Errors
/// [`CliError::Argument`] for a URL that is none.
pub fn configure(
    rpc_url: &str,
    merchant: Pubkey,
    upstream: SocketAddr,
    port: u16,
) -> Result<Config, CliError> {
    let genesis = Hash::from_str(DEVNET_GENESIS_HASH)
        .map_err(|_| CliError::Argument("the genesis hash is malformed".to_owned()))?;
    configure_for(rpc_url, genesis, merchant, upstream, port)
}

/// Like [`configure`], for the cluster with this genesis hash.
///
/// # Errors
/// [`CliError::Argument`] for a URL that is none.
pub fn configure_for(
    rpc_url: &str,
    genesis: Hash,
    merchant: Pubkey,
    upstream: SocketAddr,
    port: u16,
) -> Result<Config, CliError> {
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let public_url =
        PublicUrl::from_str(&format!("http://{listen}")).map_err(CliError::Argument)?;
    let rpc_url = SecretUrl::parse(rpc_url).map_err(CliError::Argument)?;
    let upstream = http::Uri::from_str(&format!("http://{upstream}"))
        .map_err(|error| CliError::Argument(error.to_string()))?;
    let mut merchant = MerchantConfig::new(MerchantId::Address(merchant));
    merchant.name = "Local merchant".to_owned();
    merchant.products = vec![merchant::CALLS.to_owned()];
    Ok(Config {
        server: ServerConfig::new(listen, public_url),
        chain: ChainConfig::new(rpc_url, PROGRAM_ID, genesis),
        merchant,
        secrets: Secrets {
            current: Secret::random(),
            previous: Vec::new(),
        },
        upstream: Some(UpstreamConfig::new(upstream)),
        forward_auth: None,
        credits: None,
        sign_ins: SignInsConfig::default(),
        receipts: None,
        audit: None,
        relay: None,
        limits: LimitsConfig::default(),
        admin: None,
        log: LogConfig::default(),
        reload: ReloadConfig::default(),
        routes: routes(),
        source: SourceDigest::default(),
    })
}

fn routes() -> Vec<RouteConfig> {
    let mut report = RouteConfig::paid("/v1/report", merchant::DAY_PASS);
    report.title = "Market report".to_owned();
    report.description = "Every report for a day".to_owned();
    let mut quote = RouteConfig::paid("/v1/quotes/{symbol}", merchant::DAY_PASS);
    quote.title = "Quotes".to_owned();
    quote.description = "Every quote for a day".to_owned();
    vec![RouteConfig::free("/public/hello"), report, quote]
}
