//! One payment, changed until it is what a case wants, and signed.

use crate::instructions::{limit, memo, price, transfer};
use crate::world::World;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use solana_instruction::Instruction;
use solana_message::{AddressLookupTableAccount, Hash, Message, VersionedMessage, v0};
use solana_signer::Signer;
use std::rc::Rc;
use tollgate_client::Pubkey;
use tollgate_gate::x402::Version;

/// The cluster's names in both versions.
const NETWORKS: (&str, &str) = ("solana-devnet", "solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1");

/// A change to what is sent.
pub type Change<T> = Box<dyn Fn(&mut T)>;

/// A payment in the making. Fields are what it says, not what it should say.
pub struct Payment {
    /// Among whom.
    pub world: Rc<World>,
    /// Of the protocol.
    pub version: Version,
    /// The scheme that the client chose.
    pub scheme: String,
    /// The network that the client chose.
    pub network: String,
    /// What must be paid.
    pub requirements: Value,
    /// The keys of the service that verifies.
    pub managed: Vec<Pubkey>,
    /// First key of the message.
    pub fee_payer: Pubkey,
    /// The transaction's instructions.
    pub instructions: Vec<Instruction>,
    /// Whether the message is a legacy one.
    pub legacy: bool,
    /// Tables that accounts are looked up in.
    pub lookups: Vec<AddressLookupTableAccount>,
    /// Signers that do not sign.
    pub unsigned: Vec<Pubkey>,
    /// Changes the message's bytes before they are signed.
    pub before_signing: Option<Change<Vec<u8>>>,
    /// Changes the transaction's bytes after they are signed.
    pub after_signing: Option<Change<Vec<u8>>>,
    /// Changes the transaction's base64.
    pub text: Option<Change<String>>,
}

impl Payment {
    /// What the stock client sends for the sale, without a memo in the requirements.
    pub fn new(world: &Rc<World>, version: Version) -> Self {
        let network = match version {
            Version::V1 => NETWORKS.0,
            Version::V2 => NETWORKS.1,
        };
        let relay = world.relay.pubkey();
        let mut requirements = json!({
            "scheme": "exact",
            "network": network,
            "asset": world.mint.to_string(),
            "payTo": world.pay_to.to_string(),
            "maxTimeoutSeconds": 60,
            "extra": {"feePayer": relay.to_string()},
        });
        let amount = world.amount.to_string();
        match version {
            Version::V1 => {
                requirements["maxAmountRequired"] = amount.into();
                requirements["resource"] = "https://api.example.com/v1/quote".into();
                requirements["description"] = "A quote".into();
                requirements["mimeType"] = "application/json".into();
            }
            Version::V2 => requirements["amount"] = amount.into(),
        }
        Self {
            version,
            scheme: "exact".to_owned(),
            network: network.to_owned(),
            requirements,
            managed: vec![relay, world.other_relay.pubkey()],
            fee_payer: relay,
            instructions: vec![
                limit(20_000),
                price(1),
                transfer(world),
                memo("00112233445566778899aabbccddeeff"),
            ],
            legacy: false,
            lookups: Vec::new(),
            unsigned: Vec::new(),
            before_signing: None,
            after_signing: None,
            text: None,
            world: world.clone(),
        }
    }

    /// Makes the requirements name a memo, and the payment hold it.
    pub fn with_memo(&mut self) {
        self.requirements["extra"]["memo"] = self.world.memo.clone().into();
        self.instructions[3] = memo(&self.world.memo);
    }

    /// The amount's field in the requirements.
    pub fn amount_field(&self) -> &'static str {
        match self.version {
            Version::V1 => "maxAmountRequired",
            Version::V2 => "amount",
        }
    }

    /// The message.
    pub fn message(&self) -> VersionedMessage {
        let blockhash = Hash::new_from_array(self.world.blockhash);
        if self.legacy {
            return VersionedMessage::Legacy(Message::new_with_blockhash(
                &self.instructions,
                Some(&self.fee_payer),
                &blockhash,
            ));
        }
        let message = v0::Message::try_compile(
            &self.fee_payer,
            &self.instructions,
            &self.lookups,
            blockhash,
        );
        VersionedMessage::V0(message.expect("it fits into a message"))
    }

    /// The transaction's bytes: signed by everybody who can, but for the fee payer.
    pub fn transaction(&self) -> Vec<u8> {
        let compiled = self.message();
        let mut message = compiled.serialize();
        if let Some(change) = &self.before_signing {
            change(&mut message);
        }
        let count = usize::from(compiled.header().num_required_signatures);
        let signers = &compiled.static_account_keys()[..count];
        let mut bytes = vec![u8::try_from(count).expect("few signers")];
        for (index, signer) in signers.iter().enumerate() {
            let known = self.world.keypairs();
            let keypair = known.iter().find(|keypair| keypair.pubkey() == *signer);
            match keypair {
                Some(keypair) if index > 0 && !self.unsigned.contains(signer) => {
                    bytes.extend_from_slice(keypair.sign_message(&message).as_ref());
                }
                _ => bytes.extend_from_slice(&[0; 64]),
            }
        }
        bytes.extend(message);
        if let Some(change) = &self.after_signing {
            change(&mut bytes);
        }
        bytes
    }

    /// The JSON of the payment header.
    pub fn payload(&self) -> Value {
        let mut text = STANDARD.encode(self.transaction());
        if let Some(change) = &self.text {
            change(&mut text);
        }
        let payload = json!({"transaction": text});
        match self.version {
            Version::V1 => json!({
                "x402Version": 1,
                "scheme": self.scheme,
                "network": self.network,
                "payload": payload,
            }),
            Version::V2 => {
                let mut accepted = self.requirements.clone();
                accepted["scheme"] = self.scheme.clone().into();
                accepted["network"] = self.network.clone().into();
                json!({"x402Version": 2, "accepted": accepted, "payload": payload})
            }
        }
    }
}
