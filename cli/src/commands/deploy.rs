//! `tollgate deploy program|catalog|all|close-buffer`.

use super::{ClusterArgs, KeyArgs, state_folder};
use crate::deploy::catalog::{Catalog, CatalogFile, CatalogPlan, apply};
use crate::deploy::plan::ProgramAction;
use crate::deploy::{
    Artifact, DeployError, Deployment, DeploymentOptions, Outcome, Preview, buffer_key,
    close_buffer, guard,
};
use crate::error::CliError;
use crate::keyfile;
use crate::output::{Format, Report};
use clap::{Args, Subcommand};
use serde_json::Value;
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use std::path::PathBuf;
use std::time::Duration;
use tollgate_client::Chain;
use tollgate_client::chain::BulkLimits;

/// What to put on a cluster.
#[derive(Subcommand, Debug)]
pub enum DeployCommand {
    /// Deploy or upgrade the program and verify what is deployed
    Program(ProgramArgs),
    /// Make a merchant and its products as a file says
    Catalog(CatalogArgs),
    /// The program, then the catalog
    All(AllArgs),
    /// Take back the rent of a buffer that an abandoned deployment left behind
    CloseBuffer(CloseBufferArgs),
}

/// What all of them need.
#[derive(Args, Debug)]
pub struct CommonArgs {
    /// Print what would be done, and send nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Price of a compute unit in millionths of a lamport
    #[arg(long, default_value_t = 0)]
    pub compute_unit_price: u64,
    /// Work with the published test address on devnet or a cluster of others, where anybody may own it
    #[arg(long)]
    pub allow_test_program: bool,
    /// Cluster
    #[command(flatten)]
    pub cluster: ClusterArgs,
    /// Payer; the merchant's authority, and the program's unless another is given
    #[command(flatten)]
    pub key: KeyArgs,
}

/// How the program is deployed.
#[derive(Args, Debug)]
pub struct ProgramOptions {
    /// Key file of the address that the program declares; needed the first time only
    #[arg(long)]
    pub program_keypair: Option<PathBuf>,
    /// Key file that may upgrade the program; default: the payer's
    #[arg(long)]
    pub upgrade_authority: Option<PathBuf>,
    /// Key file of the buffer account, made if it is missing; default: one for the
    /// program in the state folder
    #[arg(long)]
    pub buffer: Option<PathBuf>,
    /// Bytes that the program may ever have without being extended; default: what it has
    #[arg(long)]
    pub max_len: Option<usize>,
    /// Writes on their way at the same time
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub in_flight: u16,
    /// Seconds for writing the program; repeated, the command goes on where it stopped
    #[arg(long, default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=7200))]
    pub timeout: u64,
    /// Afterwards, hand the power to upgrade to this key
    #[arg(long, conflicts_with = "final")]
    pub new_upgrade_authority: Option<Pubkey>,
    /// Afterwards, take the power to upgrade from everybody, for ever
    #[arg(long = "final")]
    pub r#final: bool,
}

/// Arguments of `deploy program`.
#[derive(Args, Debug)]
pub struct ProgramArgs {
    /// Program
    #[command(flatten)]
    pub program: ProgramOptions,
    /// Common
    #[command(flatten)]
    pub common: CommonArgs,
}

/// Arguments of `deploy catalog`.
#[derive(Args, Debug)]
pub struct CatalogArgs {
    /// The file, as in migrations/
    pub file: PathBuf,
    /// Common
    #[command(flatten)]
    pub common: CommonArgs,
}

/// Arguments of `deploy all`.
#[derive(Args, Debug)]
pub struct AllArgs {
    /// The file, as in migrations/
    pub file: PathBuf,
    /// Program
    #[command(flatten)]
    pub program: ProgramOptions,
    /// Common
    #[command(flatten)]
    pub common: CommonArgs,
}

/// Arguments of `deploy close-buffer`.
#[derive(Args, Debug)]
pub struct CloseBufferArgs {
    /// The buffer's address; default: that of the key file
    pub address: Option<Pubkey>,
    /// Key file of the buffer account; default: the program's in the state folder
    #[arg(long, conflicts_with = "address")]
    pub buffer: Option<PathBuf>,
    /// Key file of the buffer's authority; default: the payer's
    #[arg(long)]
    pub upgrade_authority: Option<PathBuf>,
    /// Cluster
    #[command(flatten)]
    pub cluster: ClusterArgs,
    /// Payer, who receives the rent
    #[command(flatten)]
    pub key: KeyArgs,
}

/// Runs the command.
///
/// # Errors
/// [`CliError`].
pub async fn run(command: DeployCommand, format: Format) -> Result<(), CliError> {
    match command {
        DeployCommand::Program(args) => {
            let site = Site::open(&args.common).await?;
            site.program(&args.program, Report::default()).await
        }
        DeployCommand::Catalog(args) => {
            let file = CatalogFile::read(&args.file).map_err(DeployError::from)?;
            let site = Site::open(&args.common).await?;
            site.catalog(&file, Report::default()).await
        }
        DeployCommand::All(args) => {
            let file = CatalogFile::read(&args.file).map_err(DeployError::from)?;
            let site = Site::open(&args.common).await?;
            // What the catalog can never become is said before the program is paid for.
            site.catalog_of(&file).plan().await?;
            let report = site.program(&args.program, Report::default()).await?;
            site.catalog(&file, report).await
        }
        DeployCommand::CloseBuffer(args) => close(args).await,
    }
    .map(|report| report.print(format))
}

/// One cluster and the key that pays there.
struct Site<'a> {
    args: &'a CommonArgs,
    chain: Chain,
    payer: Keypair,
}

impl<'a> Site<'a> {
    /// Refuses the test address where it does not belong.
    async fn open(args: &'a CommonArgs) -> Result<Self, CliError> {
        let site = Self {
            args,
            chain: args.cluster.chain(),
            payer: args.key.read()?,
        };
        let genesis_hash = site.chain.genesis_hash().await?.to_string();
        guard::require_own_program(
            &args.cluster.program_id,
            &genesis_hash,
            &args.cluster.rpc_url,
            args.allow_test_program,
        )?;
        Ok(site)
    }

    async fn program(&self, options: &ProgramOptions, report: Report) -> Result<Report, CliError> {
        let artifact = Artifact::kept()?;
        let program = artifact.program_id();
        if self.args.cluster.program_id != program {
            return Err(DeployError::ProgramKeyMismatch {
                given: self.args.cluster.program_id,
                declared: program,
            }
            .into());
        }
        let read = |path: &Option<PathBuf>| path.as_deref().map(keyfile::read).transpose();
        let program_key = read(&options.program_keypair)?;
        let authority = read(&options.upgrade_authority)?;
        let deployment = Deployment {
            chain: &self.chain,
            artifact,
            payer: &self.payer,
            authority: authority.as_ref().unwrap_or(&self.payer),
            program_key: program_key.as_ref(),
            options: DeploymentOptions {
                max_len: options.max_len,
                compute_unit_price: self.args.compute_unit_price,
                limits: BulkLimits {
                    in_flight: options.in_flight.into(),
                    deadline: Duration::from_secs(options.timeout),
                    ..BulkLimits::default()
                },
                quiet: false,
            },
        };
        let buffer = buffer_path(options.buffer.clone())?;
        let report = report
            .with_text("program", &program)
            .with("sha256", artifact.sha256())
            .with("bytes", artifact.elf().len());
        let found = buffer
            .exists()
            .then(|| keyfile::read(&buffer))
            .transpose()?;
        let preview = deployment.preview(found.as_ref()).await?;
        if self.args.dry_run {
            return Ok(previewed(report, &preview));
        }
        let buffer = match found {
            Some(key) => key,
            // It will not be used, and needs no file.
            None if preview.action == ProgramAction::Keep => Keypair::new(),
            None => buffer_key::create(&buffer)?,
        };
        let mut outcome = deployment.run(&buffer).await?;
        if options.r#final || options.new_upgrade_authority.is_some() {
            deployment.hand_over(options.new_upgrade_authority).await?;
            outcome.authority = options.new_upgrade_authority;
        }
        Ok(deployed(report, &outcome))
    }

    fn catalog_of<'b>(&'b self, file: &'b CatalogFile) -> Catalog<'b> {
        Catalog {
            chain: &self.chain,
            file,
            signer: &self.payer,
            compute_unit_price: self.args.compute_unit_price,
        }
    }

    async fn catalog(&self, file: &CatalogFile, report: Report) -> Result<Report, CliError> {
        let catalog = self.catalog_of(file);
        let plan = catalog.plan().await?;
        let owner = catalog.parties().owner;
        let report =
            planned(report, &plan).with_text("merchant", &self.chain.addresses().merchant(&owner));
        if self.args.dry_run {
            return Ok(report.with("dry_run", true));
        }
        for step in &plan.steps {
            eprintln!("{step}");
        }
        let signatures = apply(&catalog, &plan).await?;
        Ok(report.with("catalog_signatures", texts(&signatures)))
    }
}

async fn close(args: CloseBufferArgs) -> Result<Report, CliError> {
    let (chain, payer) = (args.cluster.chain(), args.key.read()?);
    let authority = args
        .upgrade_authority
        .as_deref()
        .map(keyfile::read)
        .transpose()?;
    let buffer = match args.address {
        Some(address) => address,
        None => keyfile::read(&buffer_path(args.buffer)?)?.pubkey(),
    };
    let authority = authority.as_ref().unwrap_or(&payer);
    let (signature, lamports) = close_buffer(&chain, &buffer, &payer, authority).await?;
    Ok(Report::default()
        .with_text("buffer", &buffer)
        .with("lamports", lamports)
        .with_text("signature", &signature))
}

fn buffer_path(given: Option<PathBuf>) -> Result<PathBuf, CliError> {
    match given {
        Some(path) => Ok(path),
        None => Ok(buffer_key::default_path(&state_folder()?, &tollgate::ID)),
    }
}

fn previewed(report: Report, preview: &Preview) -> Report {
    report
        .with("action", preview.action.name())
        .with("writes", preview.writes)
        .with("lamports_needed", preview.lamports)
        .with("dry_run", true)
}

fn deployed(report: Report, outcome: &Outcome) -> Report {
    let authority = outcome
        .authority
        .map_or_else(|| "none".to_owned(), |key| key.to_string());
    let report = report
        .with("action", outcome.action.name())
        .with_text("program_data", &outcome.data_address)
        .with("capacity", outcome.capacity)
        .with("upgrade_authority", authority)
        .with("writes", outcome.writes);
    match &outcome.signature {
        Some(signature) => report.with_text("signature", signature),
        None => report,
    }
}

fn planned(report: Report, plan: &CatalogPlan) -> Report {
    let unlisted = plan.unlisted.as_deref().map_or(Value::Null, texts);
    report
        .with("catalog", texts(&plan.steps))
        .with("not_in_the_file", unlisted)
}

fn texts(items: &[impl ToString]) -> Value {
    items.iter().map(ToString::to_string).collect()
}
