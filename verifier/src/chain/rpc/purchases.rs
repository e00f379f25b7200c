//! Reading purchases: accounts in a view that is late enough, and searches for intents.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use solana_account::Account;
use std::sync::Arc;
use tollgate_client::{IntentSearch, PaymentIntent, Pubkey, accounts};

use super::asking::Call;
use super::wire::AtSlot;
use super::{Endpoint, KeyedAccount, Pool, RpcFailure};

/// Most intents that one search may find. A payer's purchases under way are few, and a
/// relay's are bounded by its money.
const MOST_FOUND: usize = 20_000;

impl Pool {
    /// Accounts in their order, from one answer of `since` or later, with its slot.
    ///
    /// # Errors
    /// The last server's failure.
    pub(crate) async fn accounts_since(
        &self,
        addresses: &[Pubkey],
        since: u64,
    ) -> Result<(u64, Vec<Option<Account>>), RpcFailure> {
        let floor = self.floor().max(since);
        let commitment = self.limits.commitment;
        let mut taken = None;
        let call = |endpoint: Arc<Endpoint>| -> Call<'_, (u64, Vec<Option<Account>>)> {
            Box::pin(async move { endpoint.accounts(addresses, commitment, floor).await })
        };
        self.ask(self.in_order(), call, |_, reading| {
            self.saw_slot(reading.0);
            taken = Some(reading);
            Ok(())
        })
        .await?;
        taken.ok_or(RpcFailure::NoServer)
    }

    /// The intents that a search finds, decoded and checked, from one answer of `since`
    /// or later.
    ///
    /// # Errors
    /// The last server's failure; some refuse this kind of search.
    pub(crate) async fn intents_since(
        &self,
        search: &IntentSearch,
        since: u64,
    ) -> Result<Vec<(Pubkey, PaymentIntent)>, RpcFailure> {
        let floor = self.floor().max(since);
        let options = json!({
            "encoding": "base64",
            "commitment": self.limits.commitment.as_str(),
            "minContextSlot": floor,
            "withContext": true,
            "filters": filters(search),
        });
        let params = json!([self.limits.addresses.program_id.to_string(), options]);
        let call = |endpoint: Arc<Endpoint>| -> Call<'_, AtSlot<Vec<KeyedAccount>>> {
            let params = params.clone();
            Box::pin(async move { endpoint.call("getProgramAccounts", params).await })
        };
        let mut found = Vec::new();
        self.ask(self.in_order(), call, |_, answer| {
            if answer.context.slot < floor {
                return Err(RpcFailure::Behind);
            }
            if answer.value.len() > MOST_FOUND {
                return Err(RpcFailure::TooLarge(MOST_FOUND));
            }
            self.saw_slot(answer.context.slot);
            found = answer
                .value
                .iter()
                .map(|keyed| self.intent_of(keyed))
                .collect::<Result<_, _>>()?;
            Ok(())
        })
        .await?;
        Ok(found)
    }

    fn intent_of(&self, keyed: &KeyedAccount) -> Result<(Pubkey, PaymentIntent), RpcFailure> {
        let address: Pubkey = keyed
            .pubkey
            .parse()
            .map_err(|_| RpcFailure::Malformed("not an address"))?;
        let account = keyed
            .account
            .account()?
            .ok_or(RpcFailure::Malformed("an empty account was found"))?;
        let intent = accounts::decode(&self.limits.addresses, &address, &account)?;
        Ok((address, intent))
    }

    /// Lamports at an address, whatever owns it.
    ///
    /// # Errors
    /// The last server's failure.
    pub(crate) async fn lamports(&self, address: &Pubkey) -> Result<u64, RpcFailure> {
        let options = json!({
            "commitment": self.limits.commitment.as_str(),
            "minContextSlot": self.floor(),
        });
        let params = json!([address.to_string(), options]);
        let call = |endpoint: Arc<Endpoint>| -> Call<'_, AtSlot<u64>> {
            let params = params.clone();
            Box::pin(async move { endpoint.call("getBalance", params).await })
        };
        self.one(call).await.map(|answer| answer.value)
    }
}

fn filters(search: &IntentSearch) -> Vec<Value> {
    search
        .conditions()
        .iter()
        .map(|condition| {
            json!({ "memcmp": {
                "offset": condition.offset,
                "bytes": STANDARD.encode(&condition.bytes),
                "encoding": "base64",
            } })
        })
        .collect()
}
