//! The configuration sections that offer the rails of stock clients.

use std::path::Path;

use solana_keypair::Keypair;

/// Who acts for the merchant.
pub struct Relay {
    /// Pays the fees of what clients sign.
    pub fee_payer: Keypair,
    /// The merchant's operator: makes quotes, records payments, refunds.
    pub operator: Keypair,
}

/// Which rails are offered beside the scheme `entitlement`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offered {
    /// x402, versions 1 and 2.
    X402,
    /// The Solana charge of MPP, its fee paid by the client.
    Mpp,
    /// The same with the fee paid by the relay.
    SponsoredMpp,
    /// Plain transfers of wallets, which every relay records.
    Transfers,
    /// Orders of the merchant's, on the listener for operators.
    Orders,
}

impl Relay {
    /// Fresh keys.
    pub fn new() -> Self {
        Self {
            fee_payer: Keypair::new(),
            operator: Keypair::new(),
        }
    }

    /// The sections for a verifier with this relay; its keys are written into `folder`.
    ///
    /// # Panics
    /// When the files cannot be written.
    pub fn sections(&self, offered: Offered, folder: &Path) -> String {
        let write = |name: &str, key: &Keypair| {
            let bytes = serde_json::to_string(&key.to_bytes().to_vec()).unwrap();
            std::fs::write(folder.join(name), bytes).unwrap();
        };
        write("relay.json", &self.fee_payer);
        write("operator.json", &self.operator);
        let rail = match offered {
            Offered::X402 => "",
            Offered::Mpp => "[mpp]",
            Offered::Transfers => "",
            Offered::Orders => "aliases = true\n[admin]\nlisten = \"127.0.0.1:0\"",
            Offered::SponsoredMpp => "[mpp]\nsponsored = true",
        };
        format!(
            "[relay]\nkey_file = \"relay.json\"\noperator_key_file = \"operator.json\"\n{rail}\n"
        )
    }
}

impl Default for Relay {
    fn default() -> Self {
        Self::new()
    }
}
