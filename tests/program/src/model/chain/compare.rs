//! Whether the chain is as the model says.

use super::super::places::Kind;
use super::super::state::{Model, Tokens};
use super::{Chain, FEE, LAMPORTS, found};
use solana_account::Account;
use solana_program_pack::Pack;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use spl_token_interface::state::{Account as TokenAccount, AccountState};
use tollgate_client::accounts::{ProgramAccount, decode};

impl Chain {
    /// Compares every address of the cast.
    ///
    /// # Panics
    /// When something differs.
    pub fn compare_everything(&mut self, model: &Model) {
        for (address, kind) in &self.places.kinds {
            self.compare(address, *kind, model);
        }
        self.compare_fees();
    }

    /// Compares what the last transaction named.
    ///
    /// # Panics
    /// When something differs.
    pub fn compare_touched(&mut self, model: &Model) {
        for address in std::mem::take(&mut self.touched) {
            if let Some(kind) = self.places.kinds.get(&address) {
                self.compare(&address, *kind, model);
            }
        }
        self.compare_fees();
    }

    /// The fee payer pays for signatures and for nothing else.
    fn compare_fees(&mut self) {
        let left = self.world.lamports(&self.places.fee_payer.pubkey());
        let paid = LAMPORTS - left;
        assert_eq!(paid, self.fees, "fees of {FEE} a signature");
    }

    fn compare(&mut self, address: &Pubkey, kind: Kind, model: &Model) {
        let name = &self.places.names[address];
        let account = self.world.runtime.account(address);
        let account = account.filter(|account| account.lamports > 0);
        let lamports = account.as_ref().map_or(0, |account| account.lamports);
        let due = model.lamports.get(address).copied().unwrap_or(0);
        assert_eq!(lamports, due, "lamports of {name}");
        let account = account.filter(|account| !is_empty(account, name));
        let account = account.as_ref();
        match kind {
            Kind::Wallet => assert!(account.is_none(), "{name} has data"),
            Kind::Merchant => {
                let found = self.decode(address, account).map(found::merchant);
                assert_eq!(found.as_ref(), model.merchants.get(address), "{name}");
            }
            Kind::Product => {
                let found = self.decode(address, account).map(found::product);
                assert_eq!(found.as_ref(), model.products.get(address), "{name}");
            }
            Kind::Intent => {
                let due = model.intents.get(address);
                let life = due.map_or(0, |intent| intent.era.life);
                let found = self.decode(address, account);
                let found = found.map(|found| found::intent(found, life));
                assert_eq!(found.as_ref(), due, "{name}");
            }
            Kind::Entitlement => {
                let due = model.entitlements.get(address);
                let life = due.map_or(0, |held| held.era.life);
                let found = self.decode(address, account);
                let found = found.map(|found| found::entitlement(found, life));
                assert_eq!(found.as_ref(), due, "{name}");
            }
            Kind::Tokens => {
                let found = account.map(tokens);
                assert_eq!(found.as_ref(), model.tokens.get(address), "{name}");
            }
        }
    }

    fn decode<T: ProgramAccount>(&self, address: &Pubkey, account: Option<&Account>) -> Option<T> {
        Some(decode(&self.world.addresses, address, account?).unwrap())
    }
}

/// Whether there is nothing but lamports that somebody sent. A closed address has to
/// be like that: it is worth nothing.
fn is_empty(account: &Account, name: &str) -> bool {
    let free = account.owner == solana_system_interface::program::ID;
    assert!(!free || account.data.is_empty(), "{name} keeps data");
    free
}

fn tokens(account: &Account) -> Tokens {
    assert_eq!(account.owner, spl_token_interface::ID);
    let state = TokenAccount::unpack(&account.data).unwrap();
    let delegate: Option<Pubkey> = state.delegate.into();
    Tokens {
        mint: state.mint,
        owner: state.owner,
        amount: state.amount,
        frozen: state.state == AccountState::Frozen,
        delegate: delegate.map(|key| (key, state.delegated_amount)),
        closer: state.close_authority.into(),
    }
}
