//! Proving a key with sign-in-with-x, as the stock client does: the challenge's
//! fields are signed as they came.

use crate::PayError;
use crate::challenge::SignIn;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use solana_signer::Signer;
use tollgate_gate::siwx::SignInMessage;
use url::Url;

/// Refuses a sign-in for another service than the one that was asked: its server could
/// pass on another's challenge, have it paid for, and use the signature there.
///
/// # Errors
/// [`PayError::Challenge`].
pub(crate) fn require_same_origin(sign_in: &SignIn, url: &Url) -> Result<(), PayError> {
    if Some(sign_in.domain.as_str()) != authority(url).as_deref() {
        return Err(refused("it asks to sign in to another domain"));
    }
    let resource = Url::parse(&sign_in.uri).map_err(|_| refused("its sign-in names no URL"))?;
    if resource.origin() != url.origin() {
        return Err(refused("it asks to sign in to another origin"));
    }
    Ok(())
}

/// The value of a `SIGN-IN-WITH-X` header for `url`.
///
/// # Errors
/// [`PayError::Challenge`] as [`require_same_origin`], [`PayError::Signer`].
pub(crate) fn header(
    sign_in: &SignIn,
    network: &str,
    signer: &dyn Signer,
    url: &Url,
) -> Result<HeaderValue, PayError> {
    require_same_origin(sign_in, url)?;
    let mut message = SignInMessage {
        domain: sign_in.domain.clone(),
        address: signer.try_pubkey()?.to_string(),
        statement: sign_in.statement.clone(),
        uri: sign_in.uri.clone(),
        version: sign_in.version.clone(),
        chain_id: network.to_owned(),
        r#type: "ed25519".to_owned(),
        nonce: sign_in.nonce.clone(),
        issued_at: sign_in.issued_at.clone(),
        expiration_time: sign_in.expiration_time.clone(),
        not_before: sign_in.not_before.clone(),
        request_id: sign_in.request_id.clone(),
        resources: sign_in.resources.clone(),
        signature_scheme: None,
        signature: String::new(),
    };
    let text = message
        .text()
        .ok_or_else(|| refused("its network is not a CAIP-2 id"))?;
    message.signature = signer.try_sign_message(text.as_bytes())?.to_string();
    let json =
        serde_json::to_vec(&message).map_err(|_| refused("its sign-in cannot be written"))?;
    HeaderValue::try_from(STANDARD.encode(json))
        .map_err(|_| refused("its sign-in cannot be written"))
}

fn refused(reason: &str) -> PayError {
    PayError::Challenge(reason.to_owned())
}

/// `host[:port]`, the port only where it is not the scheme's own.
fn authority(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    Some(
        url.port()
            .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")),
    )
}
