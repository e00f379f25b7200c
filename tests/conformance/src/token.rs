//! A token that the checks create on the chain itself, with real SPL Token instructions.

use solana_keypair::Keypair;
use solana_program_pack::Pack;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use solana_system_interface::instruction::create_account;
use spl_associated_token_account_interface::{
    address::get_associated_token_address, instruction::create_associated_token_account,
};
use spl_token_interface::{instruction, state};

use crate::{
    chain::{Chain, Landed},
    failure::{Failure, Outcome},
};

/// Decimals of the test token: USDC's.
pub(crate) const DECIMALS: u8 = 6;
/// Bytes of a token account.
pub(crate) const TOKEN_ACCOUNT_BYTES: usize = state::Account::LEN;

/// A mint and the key that may mint.
pub(crate) struct Token {
    /// The mint's address.
    pub mint: Pubkey,
    /// The key that may mint and pays the fees.
    pub authority: Keypair,
}

impl Token {
    /// Creates a mint with [`DECIMALS`] decimals and without freeze authority.
    pub(crate) async fn create(chain: &Chain) -> Outcome<Self> {
        let authority = chain.wallet(1_000_000_000).await?;
        let mint = Keypair::new();
        let rent = chain
            .rpc()
            .get_minimum_balance_for_rent_exemption(state::Mint::LEN)
            .await?;
        let size = u64::try_from(state::Mint::LEN).map_err(Failure::preparation)?;
        chain
            .send(
                &[
                    create_account(
                        &authority.pubkey(),
                        &mint.pubkey(),
                        rent,
                        size,
                        &spl_token_interface::id(),
                    ),
                    instruction::initialize_mint2(
                        &spl_token_interface::id(),
                        &mint.pubkey(),
                        &authority.pubkey(),
                        None,
                        DECIMALS,
                    )
                    .map_err(Failure::preparation)?,
                ],
                &[&authority, &mint],
            )
            .await?;
        Ok(Self {
            mint: mint.pubkey(),
            authority,
        })
    }

    /// The owner's associated token account for this mint.
    pub(crate) fn account_of(&self, owner: &Pubkey) -> Pubkey {
        get_associated_token_address(owner, &self.mint)
    }

    /// Creates the owner's associated token account and mints `amount` base units into it.
    pub(crate) async fn give(&self, chain: &Chain, owner: &Pubkey, amount: u64) -> Outcome<Pubkey> {
        let account = self.account_of(owner);
        chain
            .send(
                &[
                    create_associated_token_account(
                        &self.authority.pubkey(),
                        owner,
                        &self.mint,
                        &spl_token_interface::id(),
                    ),
                    instruction::mint_to(
                        &spl_token_interface::id(),
                        &self.mint,
                        &account,
                        &self.authority.pubkey(),
                        &[],
                        amount,
                    )
                    .map_err(Failure::preparation)?,
                ],
                &[&self.authority],
            )
            .await?;
        Ok(account)
    }

    /// The instruction that moves `amount` base units between two token accounts.
    pub(crate) fn transfer(
        &self,
        from: &Pubkey,
        to: &Pubkey,
        owner: &Pubkey,
        amount: u64,
    ) -> Outcome<solana_instruction::Instruction> {
        instruction::transfer_checked(
            &spl_token_interface::id(),
            from,
            &self.mint,
            to,
            owner,
            &[],
            amount,
            DECIMALS,
        )
        .map_err(Failure::preparation)
    }

    /// Moves tokens and waits for the confirmation.
    pub(crate) async fn send(
        &self,
        chain: &Chain,
        owner: &Keypair,
        from: &Pubkey,
        to: &Pubkey,
        amount: u64,
    ) -> Outcome<Landed> {
        let transfer = self.transfer(from, to, &owner.pubkey(), amount)?;
        chain.send(&[transfer], &[owner]).await
    }
}
