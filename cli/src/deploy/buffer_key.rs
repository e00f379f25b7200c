//! The key of the buffer account. It is kept in a file, so that an interrupted
//! deployment finds its buffer again; the authority's key is still needed to write
//! or close it.

use super::DeployError;
use crate::keyfile;
use solana_keypair::Keypair;
use std::path::{Path, PathBuf};

/// A new key, written to `path`, where there must be no file yet, readable by its user
/// only.
///
/// # Errors
/// [`DeployError::BufferKey`].
pub fn create(path: &Path) -> Result<Keypair, DeployError> {
    let key = Keypair::new();
    // On the disk before any lamports are at its address.
    keyfile::write(path, &key, false).map_err(|source| DeployError::BufferKey {
        path: path.to_owned(),
        source,
    })?;
    Ok(key)
}

/// The file of `program`'s buffer in the state folder.
pub fn default_path(state: &Path, program: &solana_pubkey::Pubkey) -> PathBuf {
    state.join(format!("{program}-buffer.json"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use solana_signer::Signer;

    #[test]
    fn a_key_is_written_once_for_its_user_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = default_path(&folder.path().join("state"), &tollgate::ID);
        let key = create(&path).unwrap();
        assert_eq!(keyfile::read(&path).unwrap().pubkey(), key.pubkey());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        // Another buffer's key is never overwritten.
        assert_eq!(create(&path).unwrap_err().code(), "buffer_key_unwritable");
        assert_eq!(keyfile::read(&path).unwrap().pubkey(), key.pubkey());
    }
}
