//! The configured secrets as the gate's keys.

use tollgate_gate::{KeyId, KeyRing, Secret, SecretError};

use crate::config::{self, Secrets};

/// The ring of the present secret and those before.
///
/// A key's id, which tokens carry, is derived from the secret, so that nobody has
/// to number secrets and every replica finds the same id.
pub(crate) fn ring(secrets: &Secrets) -> Result<KeyRing, SecretError> {
    let key = |secret: &config::Secret| -> Result<(KeyId, Secret), SecretError> {
        Ok((id(secret), Secret::new(secret.expose().to_vec())?))
    };
    let previous = secrets
        .previous
        .iter()
        .map(|previous| key(&previous.secret))
        .collect::<Result<_, _>>()?;
    let ring = KeyRing::new(key(&secrets.current)?, previous)?;
    Ok(secrets
        .previous
        .iter()
        .fold(ring, |ring, previous| match previous.not_after {
            Some(not_after) => ring.retire(id(&previous.secret), not_after),
            None => ring,
        }))
}

/// Tells two secrets apart with 255 in 256; the ring refuses the rest.
fn id(secret: &config::Secret) -> KeyId {
    use sha2::{Digest, Sha256};
    let digest = Sha256::new()
        .chain_update(b"tollgate/key-id/1")
        .chain_update(secret.expose())
        .finalize();
    KeyId(digest.first().copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;
    use crate::config::PreviousSecret;

    #[test]
    fn ids_follow_the_secret() {
        let secret = |byte| config::Secret::new(vec![byte; 32]).unwrap();
        let ring_of = |current, previous: Option<u8>| {
            ring(&Secrets {
                current: secret(current),
                previous: previous
                    .map(secret)
                    .map(PreviousSecret::new)
                    .into_iter()
                    .collect(),
            })
        };
        let old = ring_of(1, None).unwrap();
        let both = ring_of(2, Some(1)).unwrap();
        assert_ne!(old.current_id(), both.current_id());
        assert_eq!(ring_of(1, None).unwrap().current_id(), old.current_id());
        assert_eq!(ring_of(1, Some(1)).unwrap_err(), SecretError::DuplicateId);
    }
}
