//! `[receipts]`: the key that signs receipts.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tollgate_client::Pubkey;
use tollgate_gate::receipt::{ReceiptKey, ReceiptPublicKey};

use super::document::Section;
use super::error::ProblemKind;
use super::secret::{Environment, secret_text};

/// The most keys that are published beside the one in use.
const MAX_PREVIOUS: usize = 15;

/// `[receipts]`: every grant gets signed receipts. Left out: none are made.
#[derive(Clone, Debug)]
pub struct ReceiptsConfig {
    /// The key that signs. Every replica should have the same.
    pub signing_key: Arc<ReceiptKey>,
    /// Keys before it: published, so that what they signed can still be verified.
    pub previous_keys: Vec<ReceiptPublicKey>,
    /// How long the receipts of one caller, resource and state of the entitlement
    /// are given out again before new ones are signed; zero: never.
    pub reuse: Duration,
}

impl ReceiptsConfig {
    /// The defaults for a key.
    #[must_use]
    pub fn new(signing_key: ReceiptKey) -> Self {
        Self {
            signing_key: Arc::new(signing_key),
            previous_keys: Vec::new(),
            reuse: Duration::from_secs(60),
        }
    }
}

pub(super) fn receipts(
    section: Section<'_, '_>,
    folder: &Path,
    environment: &Environment<'_>,
) -> Option<ReceiptsConfig> {
    let text = secret_text(&section, "signing_key", folder, environment);
    let named = if section.has("signing_key_env") {
        "signing_key_env"
    } else {
        "signing_key_file"
    };
    let key = match text {
        Ok(Some(text)) => ReceiptKey::from_text(&text)
            .map_err(|error| {
                section.report(ProblemKind::SecretUnavailable, named, error.to_string());
            })
            .ok(),
        Ok(None) => {
            section.report(
                ProblemKind::MissingKey,
                named,
                "expected signing_key_file or signing_key_env, but none is there",
            );
            None
        }
        Err(()) => None,
    };
    let previous = section.strings(
        "previous_public_keys",
        "an array of public keys in base58",
        |text| {
            text.parse::<Pubkey>()
                .map(|key| ReceiptPublicKey(key.to_bytes()))
                .map_err(|_| format!("expected a public key of 32 bytes in base58, found {text:?}"))
        },
    );
    if previous
        .as_ref()
        .is_some_and(|keys| keys.len() > MAX_PREVIOUS)
    {
        section.report(
            ProblemKind::InvalidValue,
            "previous_public_keys",
            format!("expected at most {MAX_PREVIOUS} keys"),
        );
    }
    let mut seconds = 60;
    section.set_integer("reuse_seconds", &mut seconds, (0, 3600));
    section.finish();
    Some(ReceiptsConfig {
        previous_keys: previous.unwrap_or_default(),
        reuse: Duration::from_secs(seconds),
        ..ReceiptsConfig::new(key?)
    })
}
