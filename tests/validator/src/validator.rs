//! Starting and stopping the validator.

use std::{
    io,
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use solana_account::AccountSharedData;
use solana_faucet::faucet::{Faucet, run_faucet};
use solana_keypair::Keypair;
use solana_native_token::LAMPORTS_PER_SOL;
use solana_pubkey::Pubkey;
use solana_rpc::rpc::JsonRpcConfig;
use solana_sdk_ids::{bpf_loader_upgradeable, system_program};
use solana_signer::Signer;
use solana_test_validator::{TestValidator, TestValidatorGenesis, UpgradeableProgramInfo};
use tempfile::TempDir;
use tokio::{runtime::Handle, task::JoinHandle, time::timeout};

/// How long the validator may take to produce its first slots and to load its programs.
const START_LIMIT: Duration = Duration::from_secs(180);
/// What the faucet owns.
const FAUCET_LAMPORTS: u64 = 1_000_000 * LAMPORTS_PER_SOL;

/// What the chain holds from its first slot on.
#[derive(Default)]
pub struct Setup {
    programs: Vec<Program>,
    accounts: Vec<(Pubkey, AccountSharedData)>,
}

impl Setup {
    /// Adds a program: its address, the key that may upgrade it, and its ELF.
    #[must_use]
    pub fn program(
        mut self,
        address: Pubkey,
        upgrade_authority: Pubkey,
        elf: &'static [u8],
    ) -> Self {
        self.programs.push(Program {
            address,
            upgrade_authority,
            elf,
        });
        self
    }

    /// Adds an account.
    #[must_use]
    pub fn account(mut self, address: Pubkey, account: AccountSharedData) -> Self {
        self.accounts.push((address, account));
        self
    }
}

/// A program that is there from the first slot on.
struct Program {
    address: Pubkey,
    upgrade_authority: Pubkey,
    elf: &'static [u8],
}

impl Program {
    /// Writes the ELF into `folder`, from where the validator reads it.
    fn write(&self, folder: &Path) -> io::Result<UpgradeableProgramInfo> {
        let program_path = folder.join(format!("{}.so", self.address));
        std::fs::write(&program_path, self.elf)?;
        Ok(UpgradeableProgramInfo {
            program_id: self.address,
            loader: bpf_loader_upgradeable::id(),
            upgrade_authority: self.upgrade_authority,
            program_path,
        })
    }
}

/// Why the validator did not start. What the validator itself finds wrong, it reports with a
/// panic.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The directory for the ledger and the programs cannot be written.
    #[error("no directory for the ledger: {0}")]
    Ledger(#[from] io::Error),
    /// The faucet has no port.
    #[error("the faucet did not start: {0}")]
    Faucet(String),
    /// No slot came in time.
    #[error("the validator was not ready within {START_LIMIT:?}")]
    Slow,
}

impl StartError {
    /// Stable name of the error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Ledger(_) => "ledger_directory",
            Self::Faucet(_) => "faucet",
            Self::Slow => "validator_slow",
        }
    }
}

/// A running validator. Dropping it stops it and removes its ledger.
pub struct Validator {
    // In the order in which they must end: the directory goes last.
    validator: TestValidator,
    faucet: JoinHandle<()>,
    treasury: Keypair,
    folder: Arc<TempDir>,
}

impl Validator {
    /// Starts a validator on free ports and waits until its programs can be called.
    ///
    /// # Errors
    /// [`StartError`]; what the validator itself finds wrong, it reports with a panic.
    pub fn start(runtime: &Handle, setup: Setup) -> Result<Self, StartError> {
        runtime.block_on(async {
            let folder = Arc::new(TempDir::with_prefix("tollgate-validator-")?);
            timeout(START_LIMIT, Self::start_inside(setup, folder))
                .await
                .map_err(|_| StartError::Slow)?
        })
    }

    /// Stops it and starts it again on its own ledger, as after a crash of the machine. Its
    /// addresses change; the treasury's key stays the same. Airdrops work no more: the new faucet
    /// owns nothing.
    ///
    /// # Errors
    /// [`StartError`], as for [`Validator::start`].
    pub fn restart(self, runtime: &Handle) -> Result<Self, StartError> {
        let folder = Arc::clone(&self.folder);
        let treasury = self.treasury.insecure_clone();
        drop(self);
        runtime.block_on(async {
            // The ledger holds the programs and accounts already.
            let mut restarted = timeout(START_LIMIT, Self::start_inside(Setup::default(), folder))
                .await
                .map_err(|_| StartError::Slow)??;
            restarted.treasury = treasury;
            Ok(restarted)
        })
    }

    async fn start_inside(setup: Setup, folder: Arc<TempDir>) -> Result<Self, StartError> {
        let programs = setup
            .programs
            .iter()
            .map(|program| program.write(folder.path()))
            .collect::<io::Result<Vec<_>>>()?;
        let faucet_key = Keypair::new();
        let faucet_account = AccountSharedData::new(FAUCET_LAMPORTS, 0, &system_program::id());
        let faucet_address = faucet_key.pubkey();
        let (faucet, faucet_socket) = start_faucet(faucet_key).await?;

        let mut genesis = TestValidatorGenesis::default();
        genesis
            // The validator creates this directory itself.
            .ledger_path(folder.path().join("ledger"))
            // Port 0 takes any free port of the range, so that other tests are not in the way.
            .gossip_port(0)
            .rpc_config(JsonRpcConfig {
                enable_rpc_transaction_history: true,
                enable_extended_tx_metadata_storage: true,
                faucet_addr: Some(faucet_socket),
                // Health is judged as on a cluster.
                disable_health_check: false,
                rpc_threads: 2,
                rpc_blocking_threads: 2,
                ..JsonRpcConfig::default_for_test()
            })
            .add_account(faucet_address, faucet_account)
            .add_accounts(setup.accounts)
            .add_upgradeable_programs_with_path(&programs);
        let (validator, treasury) = genesis.start_async().await;
        Ok(Self {
            validator,
            faucet,
            treasury,
            folder,
        })
    }

    /// Where RPC requests go.
    pub fn rpc_url(&self) -> String {
        self.validator.rpc_url()
    }

    /// Where subscriptions go.
    pub fn websocket_url(&self) -> String {
        self.validator.rpc_pubsub_url()
    }

    /// A key that owns 500,000,000 SOL. Airdrops work too: `requestAirdrop` asks a faucet.
    pub const fn treasury(&self) -> &Keypair {
        &self.treasury
    }
}

impl Drop for Validator {
    fn drop(&mut self) {
        self.faucet.abort();
    }
}

/// Starts a faucet without limits on a free port of the loopback interface.
async fn start_faucet(key: Keypair) -> Result<(JoinHandle<()>, SocketAddr), StartError> {
    let (sender, receiver) = crossbeam_channel::bounded(1);
    let faucet = Arc::new(Mutex::new(Faucet::new(key, None, None, None)));
    let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
    let task = tokio::spawn(run_faucet(faucet, any_port, Some(sender)));
    let socket = tokio::task::spawn_blocking(move || receiver.recv())
        .await
        .map_err(|error| StartError::Faucet(error.to_string()))?
        .map_err(|error| StartError::Faucet(error.to_string()))?
        .map_err(StartError::Faucet)?;
    Ok((task, socket))
}
