//! Why a deployment was refused or did not succeed.

use super::catalog::CatalogError;
use solana_pubkey::Pubkey;
use std::path::PathBuf;

/// Closed list of failures. Those of the chain itself are
/// [`ChainError`](tollgate_client::ChainError)s.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    /// The program declares the test address, and the cluster is a public one.
    #[error(
        "the program declares the test address, whose key anybody can derive; on {cluster} \
         whoever comes first could take it. Declare an address of your own, run \
         `cargo xtask build-program`, and deploy that"
    )]
    TestProgram {
        /// What the cluster is called.
        cluster: &'static str,
    },
    /// The key or the address given for the program is another's.
    #[error("the program declares {declared}, not {given}")]
    ProgramKeyMismatch {
        /// Address of the given key.
        given: Pubkey,
        /// What the program declares.
        declared: Pubkey,
    },
    /// A first deployment needs the program's own key.
    #[error("{0} is not deployed yet: give the file of its key, --program-keypair")]
    ProgramKeyMissing(Pubkey),
    /// The ELF is not the recorded one.
    #[error("the ELF has sha256 {actual}, recorded is {recorded}: rebuild it")]
    NotAsRecorded {
        /// Hash of the bytes at hand.
        actual: String,
        /// Hash in the provenance record.
        recorded: String,
    },
    /// The provenance record cannot be read.
    #[error("the provenance record is damaged")]
    RecordDamaged,
    /// The ELF was built from sources that declare another address.
    #[error("the ELF does not contain the declared address {0}: run `cargo xtask build-program`")]
    ElfDeclaresAnother(Pubkey),
    /// The signing key may not upgrade the program.
    #[error("{authority} may upgrade the program, not the given key {given}")]
    WrongAuthority {
        /// Who may.
        authority: Pubkey,
        /// Who signs.
        given: Pubkey,
    },
    /// Nobody may upgrade the program any more.
    #[error("the program is final: nobody can upgrade it")]
    Final,
    /// The program was closed; its address can never be used again.
    #[error("the program at {0} was closed for ever: declare another address")]
    Closed(Pubkey),
    /// Something else is at the program's address.
    #[error("the address {program} belongs to {owner}")]
    AddressTaken {
        /// The program's address.
        program: Pubkey,
        /// Who owns the account there.
        owner: Pubkey,
    },
    /// The buffer account cannot be used.
    #[error(
        "the buffer {buffer} {reason}; `tollgate deploy close-buffer` takes its rent back, or name \
         another with --buffer"
    )]
    Buffer {
        /// Its address.
        buffer: Pubkey,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The buffer's key file cannot be made.
    #[error("the buffer's key file {path} cannot be written: {source}")]
    BufferKey {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The wanted room for the program is impossible.
    #[error("the program needs {needed} bytes and may have at most {most}, not {given}")]
    MaxLen {
        /// What was asked for.
        given: usize,
        /// Bytes of the ELF.
        needed: usize,
        /// Most that an account can hold.
        most: usize,
    },
    /// The payer has too little.
    #[error("the deployment needs {needed} lamports, the payer has {held}")]
    Funds {
        /// Rent and fees.
        needed: u64,
        /// What there is.
        held: u64,
    },
    /// The time was up before everything was written.
    #[error(
        "{written} of {total} chunks were written in time; the same command goes on from there"
    )]
    Unfinished {
        /// Chunks that stand.
        written: usize,
        /// Chunks in all.
        total: usize,
    },
    /// The cluster stood still.
    #[error("the cluster did not get past slot {0} in time")]
    Stuck(u64),
    /// The deployed bytes are not those of the ELF.
    #[error("the deployed program has sha256 {actual}, it should be {expected}")]
    Mismatch {
        /// Hash of the ELF.
        expected: String,
        /// Hash of what was read back.
        actual: String,
    },
    /// The deployed program does not run.
    #[error("the deployed program does not answer: {0}")]
    Silent(String),
    /// The catalog file or its plan.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
}

impl DeployError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TestProgram { .. } => "test_program_refused",
            Self::ProgramKeyMismatch { .. } => "program_key_mismatch",
            Self::ProgramKeyMissing(_) => "program_key_missing",
            Self::NotAsRecorded { .. } => "elf_not_as_recorded",
            Self::RecordDamaged => "provenance_damaged",
            Self::ElfDeclaresAnother(_) => "elf_declares_another_address",
            Self::WrongAuthority { .. } => "wrong_upgrade_authority",
            Self::Final => "program_final",
            Self::Closed(_) => "program_closed",
            Self::AddressTaken { .. } => "program_address_taken",
            Self::Buffer { .. } => "buffer_unusable",
            Self::BufferKey { .. } => "buffer_key_unwritable",
            Self::MaxLen { .. } => "max_len_invalid",
            Self::Funds { .. } => "insufficient_funds",
            Self::Unfinished { .. } => "deploy_unfinished",
            Self::Stuck(_) => "cluster_stuck",
            Self::Mismatch { .. } => "verification_mismatch",
            Self::Silent(_) => "program_silent",
            Self::Catalog(error) => error.code(),
        }
    }
}
