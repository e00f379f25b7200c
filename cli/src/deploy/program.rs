//! Deploying and upgrading the program.
//!
//! A buffer is filled with chunks, several on their way at a time; what did not arrive
//! is sent again, and what stands in the buffer of an earlier attempt is not sent at
//! all. Then one transaction makes the buffer the program, and what is deployed is read
//! back, compared and asked for a sign of life.

use super::loader::{Deployed, ProgramOnChain, read_program};
use super::plan::{self, ProgramAction};
use super::transactions::Wallets;
use super::{Artifact, DeployError, artifact};
use crate::error::CliError;
use solana_instruction::Instruction;
use solana_instruction::error::InstructionError;
use solana_keypair::Keypair;
use solana_loader_v3_interface::state::UpgradeableLoaderState;
use solana_pubkey::Pubkey;
use solana_signature::Signature;
use solana_signer::Signer;
use solana_transaction::TransactionError;
use std::time::{Duration, Instant};
use tollgate_client::chain::BulkLimits;
use tollgate_client::{Chain, ChainError, transaction};

/// How long the cluster may take from one slot to the next.
const SLOT_PATIENCE: Duration = Duration::from_secs(60);
/// How far a server may be behind another one of the same provider.
const SERVER_PATIENCE: Duration = Duration::from_secs(20);
/// Anchor's error for a program that runs at another address than it declares.
const DECLARED_PROGRAM_ID_MISMATCH: u32 = 4_100;

/// What may be chosen.
#[derive(Clone, Copy, Debug, Default)]
pub struct DeploymentOptions {
    /// Bytes that the program's account shall hold at least.
    pub max_len: Option<usize>,
    /// Price of a compute unit in millionths of a lamport.
    pub compute_unit_price: u64,
    /// How many writes at a time, and for how long.
    pub limits: BulkLimits,
    /// Shows no progress.
    pub quiet: bool,
}

/// One program on its way to one cluster.
pub struct Deployment<'a> {
    /// The cluster.
    pub chain: &'a Chain,
    /// What is deployed.
    pub artifact: Artifact<'a>,
    /// Pays fees and rent, and gets the buffer's rent back.
    pub payer: &'a Keypair,
    /// Writes the buffer and may upgrade the program.
    pub authority: &'a Keypair,
    /// The program's own key, needed for a first deployment only.
    pub program_key: Option<&'a Keypair>,
    /// The rest.
    pub options: DeploymentOptions,
}

/// What a deployment would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// What happens to the program.
    pub action: ProgramAction,
    /// Writes that are still to be sent.
    pub writes: usize,
    /// Lamports that the payer needs, rent that comes back included.
    pub lamports: u64,
}

/// What stands after a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What was done.
    pub action: ProgramAction,
    /// Writes that were sent, each counted once.
    pub writes: usize,
    /// The transaction that deployed or upgraded.
    pub signature: Option<Signature>,
    /// The account that holds the bytes.
    pub data_address: Pubkey,
    /// Bytes that it has room for.
    pub capacity: usize,
    /// Who may upgrade the program now.
    pub authority: Option<Pubkey>,
}

impl Deployment<'_> {
    /// What [`Deployment::run`] would do. Without the key of a buffer, a new one is
    /// assumed. Sends nothing.
    ///
    /// # Errors
    /// [`DeployError`] when it could not succeed, [`ChainError`].
    pub async fn preview(&self, buffer: Option<&Keypair>) -> Result<Preview, CliError> {
        let fresh = Keypair::new();
        let buffer = buffer.unwrap_or(&fresh).pubkey();
        let task = self.look(&buffer).await?;
        Ok(Preview {
            action: task.action,
            writes: task.missing.len(),
            lamports: task.lamports,
        })
    }

    /// Brings the program to the cluster and verifies it. Does nothing where it stands.
    ///
    /// # Errors
    /// [`DeployError`]; [`CliError::TransactionUnknown`] when the fate of the last
    /// transaction is not known: then the same command finds out.
    pub async fn run(&self, buffer: &Keypair) -> Result<Outcome, CliError> {
        let address = buffer.pubkey();
        let task = self.look(&address).await?;
        let (program, wallets) = (self.artifact.program_id(), self.wallets());
        let mut signature = None;
        if task.action != ProgramAction::Keep {
            self.require_funds(&task).await?;
            self.fill(buffer, &task).await?;
        }
        let last = match task.action {
            ProgramAction::Keep => None,
            ProgramAction::Deploy { capacity } => {
                let rent = self.chain.rent(UpgradeableLoaderState::size_of_program());
                let instructions = wallets.deploy(
                    &program,
                    &address,
                    task.held_by_program,
                    rent.await?,
                    capacity,
                )?;
                let key = self
                    .program_key
                    .ok_or(DeployError::ProgramKeyMissing(program))?;
                let signers = [self.authority, key];
                Some(wallets.send(self.chain, instructions, &signers).await?)
            }
            ProgramAction::Upgrade { extend_by } => {
                if let Some(by) = extend_by {
                    let extend = wallets.extend(&program, by);
                    let landed = wallets.send(self.chain, extend, &[]).await?;
                    self.wait_past(landed.slot).await?;
                }
                let upgrade = wallets.upgrade(&program, &address);
                Some(wallets.send(self.chain, upgrade, &[self.authority]).await?)
            }
        };
        if let Some(landed) = last {
            signature = Some(landed.signature);
            // A program can be called from the slot after its deployment on.
            self.wait_past(landed.slot).await?;
        }
        let deployed = match signature {
            Some(_) => self.verify_patiently().await?,
            None => self.verify().await?,
        };
        Ok(Outcome {
            action: task.action,
            writes: task.missing.len(),
            signature,
            data_address: deployed.data_address,
            capacity: deployed.code.len(),
            authority: deployed.authority,
        })
    }

    /// Reads the deployed bytes back, compares them, and calls the program without
    /// changing anything.
    ///
    /// # Errors
    /// [`DeployError::Mismatch`], [`DeployError::Silent`], [`ChainError`].
    pub async fn verify(&self) -> Result<Deployed, CliError> {
        let program = self.artifact.program_id();
        let ProgramOnChain::Deployed(deployed) = read_program(self.chain, &program).await? else {
            return Err(DeployError::Silent("there is no such program".to_owned()).into());
        };
        if !self.artifact.is(&deployed.code) {
            return Err(DeployError::Mismatch {
                expected: self.artifact.sha256(),
                actual: artifact::sha256(self.artifact.counterpart(&deployed.code)),
            }
            .into());
        }
        self.require_answer().await?;
        Ok(deployed)
    }

    /// The same right after a deployment, which another server behind the same URL may
    /// see a little later.
    async fn verify_patiently(&self) -> Result<Deployed, CliError> {
        let started = Instant::now();
        loop {
            match self.verify().await {
                Err(CliError::Deploy(DeployError::Mismatch { .. } | DeployError::Silent(_)))
                    if started.elapsed() < SERVER_PATIENCE =>
                {
                    tokio::time::sleep(self.options.limits.poll_every).await;
                }
                verified => return verified,
            }
        }
    }

    /// Makes `to` the upgrade authority; `None` takes the power from everybody, for
    /// ever. Does nothing where it is so already.
    ///
    /// # Errors
    /// [`DeployError::WrongAuthority`], [`DeployError::Final`], [`CliError`].
    pub async fn hand_over(&self, to: Option<Pubkey>) -> Result<Option<Signature>, CliError> {
        let program = self.artifact.program_id();
        let ProgramOnChain::Deployed(deployed) = read_program(self.chain, &program).await? else {
            return Err(DeployError::Silent("there is no such program".to_owned()).into());
        };
        if deployed.authority == to {
            return Ok(None);
        }
        plan::require_authority(&deployed, &self.authority.pubkey())?;
        let wallets = self.wallets();
        let hand_over = wallets.hand_over(&program, to.as_ref());
        let landed = wallets
            .send(self.chain, hand_over, &[self.authority])
            .await?;
        Ok(Some(landed.signature))
    }

    pub(super) fn wallets(&self) -> Wallets<'_> {
        Wallets {
            payer: self.payer,
            authority: self.authority,
            price: self.options.compute_unit_price,
        }
    }

    /// Waits until the cluster is in a later slot. One that does not answer for a while
    /// is asked again.
    async fn wait_past(&self, slot: u64) -> Result<(), CliError> {
        let later = async {
            while self.chain.slot().await.unwrap_or_default() <= slot {
                tokio::time::sleep(self.options.limits.poll_every).await;
            }
        };
        tokio::time::timeout(SLOT_PATIENCE, later)
            .await
            .map_err(|_| DeployError::Stuck(slot).into())
    }

    /// Simulates a call that the program does not know. It has to be the program that
    /// says so: neither the loader, nor a program that believes to be elsewhere.
    async fn require_answer(&self) -> Result<(), CliError> {
        let stranger = Instruction {
            program_id: self.artifact.program_id(),
            accounts: Vec::new(),
            data: vec![0xff; 8],
        };
        let (blockhash, _) = self.chain.latest_blockhash().await?;
        let call = transaction::unsigned(&[stranger], blockhash, &self.payer.pubkey())
            .map_err(ChainError::from)?;
        let silent = |why: String| Err(DeployError::Silent(why).into());
        match self.chain.simulate(&call).await {
            Err(ChainError::Refused { error, .. }) => match error {
                TransactionError::InstructionError(0, InstructionError::Custom(code))
                    if code != DECLARED_PROGRAM_ID_MISMATCH =>
                {
                    Ok(())
                }
                other => silent(other.to_string()),
            },
            Err(other) => Err(other.into()),
            Ok(()) => silent("it accepts what it cannot know".to_owned()),
        }
    }
}
