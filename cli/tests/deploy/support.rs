//! A chain without the program, and wallets on it.

use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use std::time::Duration;
use tollgate_cli::deploy::{Artifact, Deployment, DeploymentOptions};
use tollgate_client::chain::BulkLimits;
use tollgate_client::{Chain, ChainOptions};
use tollgate_localnet::{Localnet, test_keypair};

/// Lamports in one SOL.
pub const SOL: u64 = 1_000_000_000;
/// How long a test waits for what has to come, on a machine that is busy.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// A chain without the program.
pub struct Site {
    pub localnet: Localnet,
    pub payer: Keypair,
    /// The key of the address that the program declares.
    pub program_key: Keypair,
    pub buffer: Keypair,
    pub artifact: Artifact<'static>,
}

impl Site {
    pub async fn start() -> Self {
        let localnet = Localnet::builder()
            .slot_duration(Duration::from_millis(50))
            .start()
            .await
            .unwrap();
        let payer = Keypair::new();
        localnet.airdrop(&payer.pubkey(), 20 * SOL).unwrap();
        localnet.finalize();
        Self {
            localnet,
            payer,
            program_key: test_keypair("program"),
            buffer: Keypair::new(),
            artifact: Artifact::kept().unwrap(),
        }
    }

    /// A chain on which the kept program is deployed, with the payer as its authority.
    pub async fn deployed() -> Self {
        let site = Self::start().await;
        let chain = site.chain();
        site.deployment(&chain).run(&site.buffer).await.unwrap();
        site
    }

    pub fn chain(&self) -> Chain {
        let options = ChainOptions {
            timeout: Duration::from_secs(20),
            ..ChainOptions::default()
        };
        Chain::new(self.localnet.rpc_url(), options)
    }

    /// The kept program with the payer as authority, impatient as befits short slots.
    pub fn deployment<'a>(&'a self, chain: &'a Chain) -> Deployment<'a> {
        Deployment {
            chain,
            artifact: self.artifact,
            payer: &self.payer,
            authority: &self.payer,
            program_key: Some(&self.program_key),
            options: DeploymentOptions {
                limits: BulkLimits {
                    deadline: PATIENCE,
                    poll_every: Duration::from_millis(50),
                    resend_every: Duration::from_millis(500),
                    ..BulkLimits::default()
                },
                quiet: true,
                ..DeploymentOptions::default()
            },
        }
    }

    /// Transactions that have landed since genesis.
    pub async fn landed(&self) -> u64 {
        self.chain().rpc().get_transaction_count().await.unwrap()
    }

    pub fn lamports(&self, address: &Pubkey) -> u64 {
        self.localnet
            .account(address)
            .map_or(0, |account| account.lamports)
    }
}

/// Another program, as good as the kept one: the same with bytes behind it that the
/// loader does not look at.
pub fn other_elf(byte: u8, count: usize) -> Vec<u8> {
    let mut elf = tollgate::ELF.to_vec();
    elf.extend(std::iter::repeat_n(byte, count));
    elf
}

/// Waits until something holds.
pub async fn until(what: &str, holds: impl Fn() -> bool) {
    tokio::time::timeout(PATIENCE, async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap_or_else(|_| panic!("in vain: {what}"));
}
