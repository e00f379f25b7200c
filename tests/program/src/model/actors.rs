//! Who signs for an action, and what it is called.

use super::action::Action;
use super::places::Places;
use solana_pubkey::Pubkey;

/// What sort of action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    CreateMerchant,
    UpdateMerchant,
    ProposeAuthority,
    AcceptAuthority,
    CreateProduct,
    UpdateProduct,
    CloseProduct,
    CreateIntent,
    CancelIntent,
    CloseIntent,
    Pay,
    SettleDeposit,
    ReclaimDeposit,
    RecordPayment,
    Refund,
    Revoke,
    Consume,
    CloseEntitlement,
    Withdraw,
    CreateTokens,
    Deposit,
    HandOver,
    Transfer,
    Freeze,
    Approve,
    NameCloser,
    CloseTokens,
    SendLamports,
    SetTime,
}

impl Kind {
    /// The instructions of the program.
    pub const INSTRUCTIONS: [Self; 19] = [
        Self::CreateMerchant,
        Self::UpdateMerchant,
        Self::ProposeAuthority,
        Self::AcceptAuthority,
        Self::CreateProduct,
        Self::UpdateProduct,
        Self::CloseProduct,
        Self::CreateIntent,
        Self::CancelIntent,
        Self::CloseIntent,
        Self::Pay,
        Self::SettleDeposit,
        Self::ReclaimDeposit,
        Self::RecordPayment,
        Self::Refund,
        Self::Revoke,
        Self::Consume,
        Self::CloseEntitlement,
        Self::Withdraw,
    ];

    /// What belongs to no instruction of the program.
    pub const AROUND: [Self; 10] = [
        Self::CreateTokens,
        Self::Deposit,
        Self::HandOver,
        Self::Transfer,
        Self::Freeze,
        Self::Approve,
        Self::NameCloser,
        Self::CloseTokens,
        Self::SendLamports,
        Self::SetTime,
    ];
}

impl Action {
    /// What sort of action it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::CreateMerchant(_) => Kind::CreateMerchant,
            Self::UpdateMerchant(_) => Kind::UpdateMerchant,
            Self::ProposeAuthority(_) => Kind::ProposeAuthority,
            Self::AcceptAuthority(_) => Kind::AcceptAuthority,
            Self::CreateProduct(_) => Kind::CreateProduct,
            Self::UpdateProduct(_) => Kind::UpdateProduct,
            Self::CloseProduct(_) => Kind::CloseProduct,
            Self::CreateIntent(_) => Kind::CreateIntent,
            Self::CancelIntent(_) => Kind::CancelIntent,
            Self::CloseIntent(_) => Kind::CloseIntent,
            Self::Pay(_) => Kind::Pay,
            Self::SettleDeposit(_) => Kind::SettleDeposit,
            Self::ReclaimDeposit(_) => Kind::ReclaimDeposit,
            Self::RecordPayment(_) => Kind::RecordPayment,
            Self::Refund(_) => Kind::Refund,
            Self::Revoke(_) => Kind::Revoke,
            Self::Consume(_) => Kind::Consume,
            Self::CloseEntitlement(_) => Kind::CloseEntitlement,
            Self::Withdraw(_) => Kind::Withdraw,
            Self::CreateTokens(_) => Kind::CreateTokens,
            Self::Deposit(_) => Kind::Deposit,
            Self::HandOver(_) => Kind::HandOver,
            Self::Transfer(_) => Kind::Transfer,
            Self::Freeze(_) => Kind::Freeze,
            Self::Approve(_) => Kind::Approve,
            Self::NameCloser(_) => Kind::NameCloser,
            Self::CloseTokens(_) => Kind::CloseTokens,
            Self::SendLamports(_) => Kind::SendLamports,
            Self::SetTime(_) => Kind::SetTime,
        }
    }

    /// Who signs besides the fee payer, which takes no other part.
    pub fn signers(&self, places: &Places) -> Vec<Pubkey> {
        match self {
            Self::CreateMerchant(it) => vec![it.owner, it.rent_payer],
            Self::UpdateMerchant(it) => vec![it.signer],
            Self::ProposeAuthority(it) => vec![it.signer],
            Self::AcceptAuthority(it) => vec![it.signer],
            Self::CreateProduct(it) => vec![it.signer, it.rent_payer],
            Self::UpdateProduct(it) => vec![it.signer],
            Self::CloseProduct(it) => vec![it.signer],
            Self::CreateIntent(it) => vec![it.creator, it.rent_payer],
            Self::CancelIntent(it) => vec![it.signer],
            Self::Pay(it) => vec![it.payer, it.rent_payer],
            Self::SettleDeposit(it) => vec![it.rent_payer],
            Self::RecordPayment(it) => vec![it.operator, it.rent_payer],
            Self::Refund(it) => vec![it.operator],
            Self::Revoke(it) => vec![it.operator],
            Self::Consume(it) => vec![it.operator],
            Self::Withdraw(it) => vec![it.signer],
            Self::CreateTokens(it) => vec![it.payer],
            Self::Deposit(it) => vec![it.sender],
            Self::HandOver(it) => vec![it.sender, it.account],
            Self::Transfer(it) => vec![it.sender],
            Self::Freeze(_) => vec![places.warden],
            Self::Approve(it) => vec![it.owner],
            Self::NameCloser(it) => vec![it.owner],
            Self::CloseTokens(it) => vec![it.signer],
            Self::SendLamports(it) => vec![it.sender],
            Self::ReclaimDeposit(_)
            | Self::CloseIntent(_)
            | Self::CloseEntitlement(_)
            | Self::SetTime(_) => Vec::new(),
        }
    }

    /// The same tried by somebody else; everything but the signature is as it was.
    pub fn tried_by(mut self, somebody: Pubkey) -> Self {
        match &mut self {
            Self::UpdateMerchant(it) => it.signer = somebody,
            Self::ProposeAuthority(it) => it.signer = somebody,
            Self::AcceptAuthority(it) => it.signer = somebody,
            Self::CreateProduct(it) => it.signer = somebody,
            Self::UpdateProduct(it) => it.signer = somebody,
            Self::CloseProduct(it) => it.signer = somebody,
            Self::CreateIntent(it) => it.creator = somebody,
            Self::CancelIntent(it) => it.signer = somebody,
            Self::Pay(it) => it.payer = somebody,
            Self::SettleDeposit(it) => it.rent_payer = somebody,
            Self::RecordPayment(it) => it.operator = somebody,
            Self::Refund(it) => it.operator = somebody,
            Self::Revoke(it) => it.operator = somebody,
            Self::Consume(it) => it.operator = somebody,
            Self::Withdraw(it) => it.signer = somebody,
            Self::Approve(it) => it.owner = somebody,
            Self::NameCloser(it) => it.owner = somebody,
            Self::CloseTokens(it) => it.signer = somebody,
            // Their own rent and their own money go to somebody else: what they
            // return has to find its way all the same.
            Self::ReclaimDeposit(it) => it.rent_payer = somebody,
            Self::CloseIntent(it) => it.rent_payer = somebody,
            Self::CloseEntitlement(it) => it.rent_payer = somebody,
            // Everybody may create a merchant: its own.
            Self::CreateMerchant(_)
            | Self::CreateTokens(_)
            | Self::Deposit(_)
            | Self::HandOver(_)
            | Self::Transfer(_)
            | Self::Freeze(_)
            | Self::SendLamports(_)
            | Self::SetTime(_) => {}
        }
        self
    }

    /// The action with names instead of keys.
    pub fn describe(&self, places: &Places) -> String {
        let mut text = format!("{self:?}");
        for (key, name) in &places.names {
            text = text.replace(&key.to_string(), name);
        }
        text
    }
}
