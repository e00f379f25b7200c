//! What a wallet does with a transaction that it is given.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use solana_keypair::Keypair;
use solana_signature::Signature;
use solana_signer::Signer;
use tollgate_client::Chain;
use tollgate_client::chain::{Submission, SubmitLimits};
use tollgate_client::transaction::from_bytes;

/// Signs a transaction (base64) as its only signer, and sends it until it stands.
///
/// # Panics
/// When it is no transaction, or does not succeed.
pub async fn sign_and_send(chain: &Chain, transaction: &str, wallet: &Keypair) -> Signature {
    let mut transaction = from_bytes(&STANDARD.decode(transaction).unwrap()).unwrap();
    let message = transaction.message.serialize();
    transaction.signatures[0] = wallet.sign_message(&message);
    let (_, height) = chain.latest_blockhash().await.unwrap();
    let fate = chain
        .submit(&transaction, height, SubmitLimits::default())
        .await
        .unwrap();
    match fate {
        Submission::Landed { signature, .. } => signature,
        other => panic!("{other:?}"),
    }
}
