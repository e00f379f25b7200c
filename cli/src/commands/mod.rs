//! One file for each command.

pub mod audit;
pub mod check_config;
pub mod credits;
pub mod demo;
pub mod deploy;
pub mod dev;
pub mod entitlement;
pub mod keys;
pub mod merchant;
pub mod pay;
pub mod product;
pub mod qr;
pub mod receipt;
pub mod send;
pub mod serve;
mod service_manager;
mod signals;

use crate::error::CliError;
use crate::keyfile;
use clap::{Args, ValueEnum};
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use std::path::PathBuf;
use std::time::Duration;
use tollgate_client::chain::Commitment;
use tollgate_client::{Chain, ChainOptions, PROGRAM_ID, Slug};

/// Which cluster and which deployment.
#[derive(Args, Clone, Debug)]
pub struct ClusterArgs {
    /// JSON-RPC URL of the cluster
    #[arg(
        long,
        env = "TOLLGATE_RPC_URL",
        hide_env_values = true,
        default_value = "http://127.0.0.1:8899"
    )]
    pub rpc_url: String,
    /// The deployed program
    #[arg(long, env = "TOLLGATE_PROGRAM_ID", default_value_t = PROGRAM_ID)]
    pub program_id: Pubkey,
    /// What a reading has to reach
    #[arg(long, value_enum, default_value_t = CommitmentArg::Confirmed)]
    pub commitment: CommitmentArg,
    /// Seconds that one RPC call may take
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=300))]
    pub rpc_timeout: u64,
}

/// Commitment levels that may grant something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CommitmentArg {
    /// Voted for by a supermajority
    Confirmed,
    /// Rooted
    Finalized,
}

impl ClusterArgs {
    /// Access to the cluster.
    pub fn chain(&self) -> Chain {
        let commitment = match self.commitment {
            CommitmentArg::Confirmed => Commitment::Confirmed,
            CommitmentArg::Finalized => Commitment::Finalized,
        };
        let timeout = Duration::from_secs(self.rpc_timeout);
        Chain::new(
            self.rpc_url.clone(),
            ChainOptions {
                program_id: self.program_id,
                commitment,
                timeout,
            },
        )
    }
}

/// The key that signs.
#[derive(Args, Clone, Debug)]
pub struct KeyArgs {
    /// Solana key file (a JSON array of 64 bytes) that signs and pays fees
    #[arg(long, env = "TOLLGATE_KEYPAIR")]
    pub keypair: PathBuf,
}

impl KeyArgs {
    /// The key pair in the file.
    ///
    /// # Errors
    /// [`CliError::Keyfile`].
    pub fn read(&self) -> Result<Keypair, CliError> {
        Ok(keyfile::read(&self.keypair)?)
    }
}

/// Where the command keeps what it has to find again: `$XDG_STATE_HOME/tollgate`, or the
/// same under the home folder.
///
/// # Errors
/// [`CliError::Argument`] when neither is known.
pub(crate) fn state_folder() -> Result<PathBuf, CliError> {
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from);
    let home = || std::env::home_dir().map(|home| home.join(".local").join("state"));
    state
        .filter(|path| path.is_absolute())
        .or_else(home)
        .map(|folder| folder.join("tollgate"))
        .ok_or_else(|| {
            CliError::Argument("neither XDG_STATE_HOME nor a home folder is known".to_owned())
        })
}

/// A product's name, as an argument.
pub(crate) fn parse_slug(text: &str) -> Result<Slug, String> {
    Slug::new(text)
        .map_err(|_| "a slug has 1 to 32 characters of a-z, 0-9, '-', '_' and '.'".to_owned())
}
