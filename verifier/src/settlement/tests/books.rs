//! What everybody has, and whether it adds up.

use anchor_lang::{AccountDeserialize, Discriminator};
use serde_json::{Value, json};
use solana_signer::Signer;
use tollgate_client::{
    Addresses, Amount, Entitlement, PaymentId, PaymentIntent, Pubkey, TokenAccount,
};
use tollgate_localnet::USDC_MINT;

use super::stage::Stage;

impl Stage {
    /// Tokens of a wallet.
    pub fn tokens(&self, owner: &Pubkey) -> Amount {
        self.tokens_at(&Addresses::token_account(owner, &USDC_MINT))
    }

    fn tokens_at(&self, account: &Pubkey) -> Amount {
        self.localnet
            .account(account)
            .and_then(|account| TokenAccount::read(&account))
            .map_or(Amount(0), |account| account.amount)
    }

    pub fn vault(&self) -> Amount {
        self.tokens(&self.merchant)
    }

    pub fn intent(&self, id: &PaymentId) -> Option<PaymentIntent> {
        let address = self.addresses().quoted_intent(&self.merchant, id);
        self.decoded(&address)
    }

    pub fn entitlement(&self, product: &Pubkey, payer: &Pubkey) -> Option<Entitlement> {
        self.decoded(&self.addresses().entitlement(product, payer))
    }

    fn decoded<T: tollgate_client::accounts::ProgramAccount>(&self, address: &Pubkey) -> Option<T> {
        let account = self.localnet.account(address)?;
        (!account.data.is_empty()).then(|| {
            tollgate_client::accounts::decode(&self.addresses(), address, &account).unwrap()
        })
    }

    async fn rpc(&self, method: &str, params: Value) -> Value {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let answer = reqwest::Client::new()
            .post(self.localnet.rpc_url())
            .json(&request)
            .send()
            .await
            .unwrap();
        let answer: Value = answer.json().await.unwrap();
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    /// Every lamport of the relay: what it has, what it has spent on fees, and what its
    /// rent is that still stands. Panics when that is not what it began with.
    pub async fn require_relay_accounts_add_up(&self) {
        self.localnet.finalize();
        let relay = self.relay.pubkey();
        let mut fees = 0;
        let mut before: Option<String> = None;
        loop {
            let mut options = json!({ "limit": 1_000, "commitment": "confirmed" });
            if let Some(before) = &before {
                options["before"] = before.clone().into();
            }
            let page = self
                .rpc(
                    "getSignaturesForAddress",
                    json!([relay.to_string(), options]),
                )
                .await;
            let page = page.as_array().unwrap().clone();
            for trace in &page {
                let options = json!({
                    "commitment": "confirmed",
                    "encoding": "json",
                    "maxSupportedTransactionVersion": 0,
                });
                let landed = self
                    .rpc("getTransaction", json!([trace["signature"], options]))
                    .await;
                let payer = landed["transaction"]["message"]["accountKeys"][0].as_str();
                if payer == Some(&relay.to_string()) {
                    fees += landed["meta"]["fee"].as_u64().unwrap();
                }
            }
            if page.len() < 1_000 {
                break;
            }
            before = page
                .last()
                .map(|last| last["signature"].as_str().unwrap().to_owned());
        }
        let rent = self.rent_standing().await;
        let left = self
            .localnet
            .account(&relay)
            .map_or(0, |account| account.lamports);
        assert_eq!(
            left + fees + rent,
            self.relay_funds,
            "left {left}, fees {fees}, rent {rent}"
        );
    }

    /// How many intents stand.
    pub async fn intents(&self) -> usize {
        let accounts = self.program_accounts().await;
        let intents = accounts.iter().filter(|address| {
            let account = self.localnet.account(address);
            account.is_some_and(|account| account.data.starts_with(PaymentIntent::DISCRIMINATOR))
        });
        intents.count()
    }

    async fn program_accounts(&self) -> Vec<Pubkey> {
        let program = tollgate_client::PROGRAM_ID.to_string();
        let options = json!({ "encoding": "base64", "dataSlice": { "offset": 0, "length": 0 } });
        let accounts = self
            .rpc("getProgramAccounts", json!([program, options]))
            .await;
        accounts
            .as_array()
            .unwrap()
            .iter()
            .map(|keyed| keyed["pubkey"].as_str().unwrap().parse().unwrap())
            .collect()
    }

    /// Lamports in all accounts whose rent the relay paid.
    async fn rent_standing(&self) -> u64 {
        let relay = self.relay.pubkey();
        let mut rent = 0;
        for address in self.program_accounts().await {
            let Some(account) = self.localnet.account(&address) else {
                continue;
            };
            let mut bytes = account.data.as_slice();
            if let Ok(intent) = PaymentIntent::try_deserialize(&mut bytes) {
                if intent.rent_payer == relay {
                    rent += account.lamports;
                    let deposit = self.addresses().deposit(&address, &intent.mint);
                    rent += self
                        .localnet
                        .account(&deposit)
                        .map_or(0, |account| account.lamports);
                }
                continue;
            }
            let mut bytes = account.data.as_slice();
            if let Ok(entitlement) = Entitlement::try_deserialize(&mut bytes)
                && entitlement.rent_payer == relay
            {
                rent += account.lamports;
            }
        }
        rent
    }
}
