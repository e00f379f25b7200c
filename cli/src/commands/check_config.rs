//! `tollgate check-config`: what is wrong with a configuration, before it is used.

use crate::error::CliError;
use crate::output::{Format, Report};
use clap::Args;
use std::path::PathBuf;
use tollgate_verifier::{CheckDepth, Checked, Config, Verifier};

/// Arguments of `check-config`.
///
/// Exit codes: 0 nothing is wrong; 1 something is; 4 nothing is wrong with the file,
/// but the chain could not be asked.
#[derive(Args, Debug)]
pub struct CheckConfigArgs {
    /// The configuration file
    #[arg(default_value = "tollgate.toml")]
    pub file: PathBuf,
    /// Do not ask the chain about cluster, merchant and products
    #[arg(long)]
    pub offline: bool,
}

/// Checks a file and says that it is valid, or all that is wrong.
///
/// # Errors
/// [`CliError::Config`] with every problem of the file, [`CliError::Verifier`] when
/// the chain contradicts it, [`CliError::ConfigUnverified`].
pub async fn run(args: CheckConfigArgs, format: Format) -> Result<(), CliError> {
    let config = Config::load(&args.file)?;
    let (listen, routes) = (config.server.listen, config.routes.len());
    let depth = if args.offline {
        CheckDepth::Offline
    } else {
        CheckDepth::Chain
    };
    let chain = match Verifier::check(config, depth).await? {
        Checked::ByItself => "not asked",
        Checked::AgainstTheChain => "agrees",
        Checked::ChainUnavailable => return Err(CliError::ConfigUnverified),
    };
    Report::default()
        .with("file", args.file.display().to_string())
        .with("configuration", "valid")
        .with("chain", chain)
        .with_text("listen", &listen)
        .with("routes", routes)
        .print(format);
    Ok(())
}
