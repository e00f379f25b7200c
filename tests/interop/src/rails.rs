//! The configuration sections that offer the rails of stock clients.

use std::path::Path;

use solana_keypair::Keypair;

/// Sections for a verifier with a relay: `relay` pays the fees of what clients sign,
/// `operator` is the merchant's. Their keys are written into `folder`.
///
/// # Panics
/// When the files cannot be written.
pub fn relay(folder: &Path, relay: &Keypair, operator: &Keypair) -> String {
    let write = |name: &str, key: &Keypair| {
        let bytes = serde_json::to_string(&key.to_bytes().to_vec()).unwrap();
        std::fs::write(folder.join(name), bytes).unwrap();
    };
    write("relay.json", relay);
    write("operator.json", operator);
    "[relay]\n\
     key_file = \"relay.json\"\n\
     operator_key_file = \"operator.json\"\n\
     [x402]\n"
        .to_owned()
}
