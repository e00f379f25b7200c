//! `tollgate keys`: the secrets of a verifier.

use crate::error::CliError;
use crate::keyfile;
use crate::output::{Format, Report};
use clap::{Args, Subcommand};
use solana_keypair::Keypair;
use solana_signer::Signer;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Bytes of a new secret: the strength of HMAC-SHA256.
const SECRET_BYTES: usize = 32;

/// What to do with keys.
#[derive(Subcommand, Debug)]
pub enum KeysCommand {
    /// Make the files that are missing; what is there stays as it is
    New(NewArgs),
}

/// Arguments of `keys new`.
#[derive(Args, Clone, Debug)]
pub struct NewArgs {
    /// The file of the secret behind nonces, payment ids and session tokens (secrets.key_file)
    #[arg(long)]
    pub secret: Option<PathBuf>,
    /// The file of the key that signs receipts (receipts.signing_key_file)
    #[arg(long)]
    pub receipt_key: Option<PathBuf>,
}

/// Runs the command. Prints where the files are and the public key, nothing secret.
///
/// # Errors
/// [`CliError::Argument`] without a file, [`CliError::Output`],
/// [`CliError::Keyfile`] when a file that is there is no key file.
pub fn run(command: KeysCommand, format: Format) -> Result<(), CliError> {
    let KeysCommand::New(args) = command;
    if args.secret.is_none() && args.receipt_key.is_none() {
        return Err(CliError::Argument(
            "expected --secret, --receipt-key, or both".to_owned(),
        ));
    }
    let mut report = Report::default();
    if let Some(path) = &args.secret {
        let made = make_secret(path).map_err(CliError::Output)?;
        report = report
            .with_text("secret", &path.display())
            .with("secret_made", made);
    }
    if let Some(path) = &args.receipt_key {
        let made = match keyfile::write(path, &Keypair::new(), false) {
            Ok(()) => true,
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => false,
            Err(error) => return Err(CliError::Output(error)),
        };
        let public = keyfile::read(path)?.pubkey();
        report = report
            .with_text("receipt_key", &path.display())
            .with("receipt_key_made", made)
            .with_text("receipt_public_key", &public);
    }
    report.print(format);
    Ok(())
}

/// Whether the file was made; `false` when there was one.
fn make_secret(path: &Path) -> std::io::Result<bool> {
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        std::fs::create_dir_all(folder)?;
    }
    let mut options = std::fs::File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = match options.open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => return Ok(false),
        Err(error) => return Err(error),
    };
    let bytes: zeroize::Zeroizing<[u8; SECRET_BYTES]> = zeroize::Zeroizing::new(rand::random());
    let text = zeroize::Zeroizing::new(tollgate_gate::hex::encode(bytes.as_slice()));
    writeln!(file, "{}", text.as_str())?;
    file.sync_all()?;
    Ok(true)
}
