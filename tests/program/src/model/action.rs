//! What can be done.

use super::places::Places;
use solana_pubkey::Pubkey;
use tollgate_client::{IntentTerms, ProductChanges};

/// One step. Every key stands in the action, also wrong ones: the generator
/// chooses them, the rules judge them.
#[derive(Clone, Debug)]
pub enum Action {
    CreateMerchant {
        owner: Pubkey,
        operator: Pubkey,
    },
    UpdateMerchant {
        signer: Pubkey,
        merchant: Pubkey,
        operator: Option<Pubkey>,
        paused: Option<bool>,
    },
    ProposeAuthority {
        signer: Pubkey,
        merchant: Pubkey,
        proposed: Pubkey,
    },
    AcceptAuthority {
        signer: Pubkey,
        merchant: Pubkey,
    },
    CreateProduct {
        signer: Pubkey,
        rent_payer: Pubkey,
        merchant: Pubkey,
        slug: usize,
        mint: Pubkey,
        price: u64,
        access: u64,
        credits: u64,
        window: u64,
    },
    UpdateProduct {
        signer: Pubkey,
        merchant: Pubkey,
        product: Pubkey,
        changes: ProductChanges,
    },
    CloseProduct {
        signer: Pubkey,
        merchant: Pubkey,
        product: Pubkey,
        rent_payer: Pubkey,
    },
    CreateIntent {
        creator: Pubkey,
        rent_payer: Pubkey,
        merchant: Pubkey,
        product: Pubkey,
        id: u8,
        expires_at: i64,
        beneficiary: Option<Pubkey>,
        terms: IntentTerms,
    },
    CancelIntent {
        signer: Pubkey,
        merchant: Pubkey,
        intent: Pubkey,
    },
    Pay {
        payer: Pubkey,
        rent_payer: Pubkey,
        merchant: Pubkey,
        intent: Pubkey,
        entitlement: Pubkey,
        source: Pubkey,
        vault: Pubkey,
        amount: u64,
        beneficiary: Pubkey,
    },
    /// A plain transfer into a token account of an intent, which is created first
    /// if it does not exist.
    Deposit {
        sender: Pubkey,
        intent: Pubkey,
        mint: Pubkey,
        amount: u64,
    },
    /// A plain transfer between token accounts that exist.
    Transfer {
        sender: Pubkey,
        mint: Pubkey,
        destination: Pubkey,
        amount: u64,
    },
    /// Lamports, also to addresses where nothing is yet.
    SendLamports {
        sender: Pubkey,
        destination: Pubkey,
        lamports: u64,
    },
    SettleDeposit {
        rent_payer: Pubkey,
        merchant: Pubkey,
        intent: Pubkey,
        entitlement: Pubkey,
        deposit: Pubkey,
    },
    ReclaimDeposit {
        intent: Pubkey,
        deposit: Pubkey,
        mint: Pubkey,
        destination: Pubkey,
        rent_payer: Pubkey,
    },
    RecordPayment {
        operator: Pubkey,
        rent_payer: Pubkey,
        merchant: Pubkey,
        intent: Pubkey,
        entitlement: Pubkey,
        rail: u16,
        payer: Pubkey,
        beneficiary: Pubkey,
    },
    Refund {
        operator: Pubkey,
        merchant: Pubkey,
        intent: Pubkey,
        entitlement: Pubkey,
        destination: Pubkey,
        amount: u64,
    },
    Revoke {
        operator: Pubkey,
        merchant: Pubkey,
        entitlement: Pubkey,
    },
    Consume {
        operator: Pubkey,
        merchant: Pubkey,
        entitlement: Pubkey,
        used: u64,
        created_at: i64,
    },
    Withdraw {
        signer: Pubkey,
        merchant: Pubkey,
        mint: Pubkey,
        destination: Pubkey,
        amount: u64,
    },
    CloseIntent {
        intent: Pubkey,
        rent_payer: Pubkey,
    },
    CloseEntitlement {
        entitlement: Pubkey,
        rent_payer: Pubkey,
    },
    /// Time travel; never backwards.
    SetTime(i64),
}

impl Action {
    /// Who signs besides the fee payer, which takes no other part.
    pub fn signers(&self) -> Vec<Pubkey> {
        match *self {
            Self::CreateMerchant { owner, .. } => vec![owner],
            Self::UpdateMerchant { signer, .. }
            | Self::ProposeAuthority { signer, .. }
            | Self::AcceptAuthority { signer, .. }
            | Self::UpdateProduct { signer, .. }
            | Self::CloseProduct { signer, .. }
            | Self::CancelIntent { signer, .. }
            | Self::Withdraw { signer, .. } => vec![signer],
            Self::CreateProduct {
                signer, rent_payer, ..
            } => vec![signer, rent_payer],
            Self::CreateIntent {
                creator,
                rent_payer,
                ..
            } => vec![creator, rent_payer],
            Self::Pay {
                payer, rent_payer, ..
            } => vec![payer, rent_payer],
            Self::Deposit { sender, .. }
            | Self::Transfer { sender, .. }
            | Self::SendLamports { sender, .. } => vec![sender],
            Self::SettleDeposit { rent_payer, .. } => vec![rent_payer],
            Self::RecordPayment {
                operator,
                rent_payer,
                ..
            } => vec![operator, rent_payer],
            Self::Refund { operator, .. }
            | Self::Revoke { operator, .. }
            | Self::Consume { operator, .. } => vec![operator],
            Self::ReclaimDeposit { .. }
            | Self::CloseIntent { .. }
            | Self::CloseEntitlement { .. }
            | Self::SetTime(_) => Vec::new(),
        }
    }

    /// The action with names instead of keys.
    pub fn describe(&self, places: &Places) -> String {
        let mut text = format!("{self:?}");
        for (key, name) in &places.names {
            text = text.replace(&key.to_string(), name);
        }
        text
    }

    /// The action's own name.
    pub fn kind(&self) -> String {
        let text = format!("{self:?}");
        let end = text.find([' ', '(']).unwrap_or(text.len());
        text[..end].to_owned()
    }
}
