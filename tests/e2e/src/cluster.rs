//! A cluster that holds the program and a USDC-like mint, reached by URL only.

use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use std::time::Duration;
use tollgate_cli::commands::send::send;
use tollgate_client::chain::Commitment;
use tollgate_client::instructions::create_token_account;
use tollgate_client::{Addresses, Amount, Chain, ChainOptions};

/// Decimals of the mint.
const DECIMALS: u8 = 6;

/// Where the chain is and how wallets on it get money.
pub struct Cluster {
    /// JSON-RPC URL.
    pub rpc_url: String,
    /// A wallet with plenty of lamports.
    pub treasury: Keypair,
    /// May mint the mint.
    pub mint_authority: Keypair,
    /// The USDC-like mint.
    pub mint: Pubkey,
}

impl Cluster {
    /// Access to the chain.
    pub fn chain(&self) -> Chain {
        let options = ChainOptions {
            commitment: Commitment::Confirmed,
            timeout: Duration::from_secs(10),
            ..ChainOptions::default()
        };
        Chain::new(self.rpc_url.clone(), options)
    }

    /// A new wallet with lamports and tokens.
    pub async fn wallet(&self, lamports: u64, tokens: Amount) -> Keypair {
        let wallet = Keypair::new();
        self.fund(&wallet.pubkey(), lamports, tokens).await;
        wallet
    }

    /// Sends lamports and mints tokens to `owner`.
    pub async fn fund(&self, owner: &Pubkey, lamports: u64, tokens: Amount) {
        let chain = self.chain();
        let treasury = self.treasury.pubkey();
        let account = Addresses::token_account(owner, &self.mint);
        let transfer = solana_system_interface::instruction::transfer(&treasury, owner, lamports);
        let create = create_token_account(treasury, *owner, self.mint);
        send(&chain, &[transfer, create], &self.treasury)
            .await
            .expect("the wallet is funded");
        if tokens.0 > 0 {
            let authority = self.mint_authority.pubkey();
            let mint = spl_token_interface::instruction::mint_to_checked(
                &spl_token_interface::ID,
                &self.mint,
                &account,
                &authority,
                &[],
                tokens.0,
                DECIMALS,
            )
            .unwrap();
            let pay =
                solana_system_interface::instruction::transfer(&treasury, &authority, 10_000_000);
            send(&chain, &[pay], &self.treasury)
                .await
                .expect("the mint authority has a fee");
            send(&chain, &[mint], &self.mint_authority)
                .await
                .expect("tokens are minted");
        }
    }

    /// What `owner` has of the mint.
    pub async fn balance(&self, owner: &Pubkey) -> Amount {
        let account = Addresses::token_account(owner, &self.mint);
        self.chain()
            .token_balance(&account)
            .await
            .unwrap()
            .unwrap_or_default()
    }
}
