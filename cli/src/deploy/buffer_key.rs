//! The key of the buffer account. It is kept in a file, so that an interrupted
//! deployment finds its buffer again; the authority's key is still needed to write
//! or close it.

use super::DeployError;
use solana_keypair::Keypair;
use std::io::Write;
use std::path::{Path, PathBuf};

/// A new key, written to `path`, where there must be no file yet, readable by its user
/// only.
///
/// # Errors
/// [`DeployError::BufferKey`].
pub fn create(path: &Path) -> Result<Keypair, DeployError> {
    let key = Keypair::new();
    write_new(path, &key).map_err(|source| DeployError::BufferKey {
        path: path.to_owned(),
        source,
    })?;
    Ok(key)
}

/// The file of `program`'s buffer in the state folder.
pub fn default_path(state: &Path, program: &solana_pubkey::Pubkey) -> PathBuf {
    state.join(format!("{program}-buffer.json"))
}

/// The key must be on the disk before any lamports are at its address.
fn write_new(path: &Path, key: &Keypair) -> std::io::Result<()> {
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        std::fs::create_dir_all(folder)?;
    }
    let mut options = std::fs::File::options();
    options.create_new(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(serde_json::to_string(&key.to_bytes().to_vec())?.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::keyfile;
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
