//! Proving a key as wallets do, with every step in the open.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::HeaderValue;
use serde_json::Value;
use solana_keypair::Keypair;
use solana_signer::Signer;
use tollgate_gate::siwx::SignInMessage;

/// The value of `SIGN-IN-WITH-X` for the challenge in a 402's `PAYMENT-REQUIRED`.
#[must_use]
pub fn sign_in(wallet: &Keypair, payment_required: &HeaderValue) -> HeaderValue {
    let required = STANDARD.decode(payment_required).unwrap();
    let required: Value = serde_json::from_slice(&required).unwrap();
    let challenge = &required["extensions"]["sign-in-with-x"];
    let mut message = challenge["info"].clone();
    message["address"] = wallet.pubkey().to_string().into();
    message["chainId"] = challenge["supportedChains"][0]["chainId"].clone();
    message["type"] = challenge["supportedChains"][0]["type"].clone();
    message["signature"] = "".into();
    let mut message: SignInMessage = serde_json::from_value(message).unwrap();
    let text = message.text().unwrap();
    message.signature = wallet.sign_message(text.as_bytes()).to_string();
    let header = STANDARD.encode(serde_json::to_vec(&message).unwrap());
    HeaderValue::try_from(header).unwrap()
}
