//! Key files in the format of Solana's own tools: a JSON array of 64 bytes.

use solana_keypair::Keypair;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Most bytes of a key file: 64 numbers with some white space.
const MAX_BYTES: u64 = 4_096;

/// Why a key file cannot be used. The content is never part of the message.
#[derive(Debug, thiserror::Error)]
pub enum KeyfileError {
    /// It cannot be read.
    #[error("the key file {path} cannot be read: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is something else.
    #[error("the key file {path} is not a JSON array of 64 bytes that form a key pair")]
    Malformed {
        /// The file.
        path: PathBuf,
    },
}

impl KeyfileError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "keyfile_unreadable",
            Self::Malformed { .. } => "keyfile_malformed",
        }
    }
}

/// The key pair in `path`.
///
/// # Errors
/// [`KeyfileError`].
pub fn read(path: &Path) -> Result<Keypair, KeyfileError> {
    let unreadable = |source| KeyfileError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let malformed = || KeyfileError::Malformed {
        path: path.to_owned(),
    };
    if std::fs::metadata(path).map_err(unreadable)?.len() > MAX_BYTES {
        return Err(malformed());
    }
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    let bytes: Vec<u8> = serde_json::from_str(&text).map_err(|_| malformed())?;
    // Checks as well that the public half belongs to the secret half.
    Keypair::try_from(bytes.as_slice()).map_err(|_| malformed())
}

/// Writes `key` to `path`, readable by its user only, and to the disk. Unless `replace`,
/// there must be no file yet. The folder is made if it is missing.
///
/// # Errors
/// What the file system says.
pub fn write(path: &Path, key: &Keypair, replace: bool) -> std::io::Result<()> {
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        std::fs::create_dir_all(folder)?;
    }
    let mut options = std::fs::File::options();
    options.write(true).create_new(!replace);
    options.create(replace).truncate(replace);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(serde_json::to_string(&key.to_bytes().to_vec())?.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use solana_signer::Signer;

    #[test]
    fn a_key_file_is_read_and_a_broken_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.json");
        let key = tollgate_localnet::test_keypair("key file");
        std::fs::write(
            &path,
            serde_json::to_string(&key.to_bytes().to_vec()).unwrap(),
        )
        .unwrap();
        assert_eq!(read(&path).unwrap().pubkey(), key.pubkey());

        let mut broken = key.to_bytes().to_vec();
        broken[40] ^= 1;
        for content in [
            serde_json::to_string(&broken).unwrap(),
            "[1,2,3]".into(),
            "{}".into(),
            String::new(),
        ] {
            std::fs::write(&path, content).unwrap();
            assert_eq!(read(&path).unwrap_err().code(), "keyfile_malformed");
        }
        assert_eq!(
            read(&folder.path().join("none")).unwrap_err().code(),
            "keyfile_unreadable"
        );
    }
}
