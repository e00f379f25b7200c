//! The owner of vaults and products.

use super::layout::{fixed_layout_account, FixedLayout};
use super::require_known_version;
use crate::constants::{ACCOUNT_VERSION, MERCHANT_SEED};
use crate::error::{ensure, TollgateError};
use crate::units::UnixSeconds;
use anchor_lang::prelude::*;
use bytemuck::{CheckedBitPattern, NoUninit};

/// Seeds: `["merchant", owner]`. Its address is the authority of its vaults, one
/// associated token account for each mint. No payment writes to it.
#[derive(
    AnchorSerialize,
    AnchorDeserialize,
    CheckedBitPattern,
    NoUninit,
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
)]
#[repr(C)]
pub struct Merchant {
    /// Layout version.
    pub version: u8,
    /// Canonical bump of the address.
    pub bump: u8,
    /// While set, no intent is created and none is paid; money can still leave.
    pub paused: bool,
    /// Zero; puts the numbers behind it where the processor wants them.
    pub reserved: [u8; 5],
    /// Who created the merchant; part of the address, without any power of its own.
    pub owner: Pubkey,
    /// The cold key: products, settings, withdrawals. May be a multisig.
    pub authority: Pubkey,
    /// Named to become the authority, once it accepts; default: nobody.
    pub pending_authority: Pubkey,
    /// The hot key of a server: quotes and cancellations, never withdrawals.
    pub operator: Pubkey,
    /// When the merchant came into being.
    pub created_at: UnixSeconds,
}

fixed_layout_account!(Merchant, [0x47, 0xeb, 0x1e, 0x28, 0xe7, 0x15, 0x20, 0x40]);

impl Merchant {
    /// Bytes of the account.
    pub const SPACE: usize = Self::ACCOUNT_SIZE;

    /// A merchant whose owner is its first authority.
    pub fn new(owner: Pubkey, operator: Pubkey, bump: u8, now: UnixSeconds) -> Result<Self> {
        ensure(operator != Pubkey::default(), TollgateError::KeyMissing)?;
        Ok(Self {
            version: ACCOUNT_VERSION,
            bump,
            paused: false,
            reserved: [0; 5],
            owner,
            authority: owner,
            pending_authority: Pubkey::default(),
            operator,
            created_at: now,
        })
    }

    /// Passes the authority only.
    pub fn require_authority(&self, signer: &Pubkey) -> Result<()> {
        require_known_version(self.version)?;
        ensure(*signer == self.authority, TollgateError::SignerNotAllowed)?;
        Ok(())
    }

    /// Passes the operator only.
    pub fn require_operator(&self, signer: &Pubkey) -> Result<()> {
        require_known_version(self.version)?;
        ensure(*signer == self.operator, TollgateError::SignerNotAllowed)?;
        Ok(())
    }

    /// Passes unless payments are paused.
    pub fn require_open(&self) -> Result<()> {
        require_known_version(self.version)?;
        ensure(!self.paused, TollgateError::MerchantPaused)?;
        Ok(())
    }

    /// Replaces what is given.
    pub fn update(&mut self, operator: Option<Pubkey>, paused: Option<bool>) -> Result<()> {
        if let Some(operator) = operator {
            ensure(operator != Pubkey::default(), TollgateError::KeyMissing)?;
            self.operator = operator;
        }
        self.paused = paused.unwrap_or(self.paused);
        Ok(())
    }

    /// Names the key that may become the authority; the default key names nobody.
    pub fn propose_authority(&mut self, proposed: Pubkey) {
        self.pending_authority = proposed;
    }

    /// Makes the proposed key the authority. Its own signature proves that somebody
    /// holds it.
    pub fn accept_authority(&mut self, signer: &Pubkey) -> Result<()> {
        require_known_version(self.version)?;
        ensure(*signer != Pubkey::default(), TollgateError::KeyMissing)?;
        ensure(
            *signer == self.pending_authority,
            TollgateError::SignerNotAllowed,
        )?;
        self.authority = self.pending_authority;
        self.pending_authority = Pubkey::default();
        Ok(())
    }

    /// The seeds with which the program signs as this merchant.
    pub fn signer_seeds(&self) -> [&[u8]; 3] {
        [
            MERCHANT_SEED,
            self.owner.as_ref(),
            core::slice::from_ref(&self.bump),
        ]
    }
}
