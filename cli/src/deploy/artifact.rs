//! What is deployed: the kept ELF and what is recorded of it.

use super::DeployError;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use solana_pubkey::Pubkey;

/// The address that the program declares as it is published. Its key is
/// `sha256("tollgate test key: program")`, so it belongs on local chains only.
pub const TEST_PROGRAM: Pubkey =
    Pubkey::from_str_const("46CVxfJUXZPzBpiEffE9ZtDe5dWgbJK3aKRV85pj9SHr");

/// What `cargo xtask build-program` wrote next to the ELF.
const PROVENANCE: &str = include_str!("../../../programs/tollgate/artifacts/provenance.json");

#[derive(Deserialize)]
struct Provenance {
    elf: RecordedElf,
}

#[derive(Deserialize)]
struct RecordedElf {
    bytes: usize,
    sha256: String,
}

/// A program's bytes with their hash and the address that they are made for.
#[derive(Clone, Copy, Debug)]
pub struct Artifact<'a> {
    elf: &'a [u8],
    program_id: Pubkey,
}

impl Artifact<'static> {
    /// The kept ELF, held against its record.
    ///
    /// # Errors
    /// [`DeployError::NotAsRecorded`], [`DeployError::ElfDeclaresAnother`],
    /// [`DeployError::RecordDamaged`].
    pub fn kept() -> Result<Self, DeployError> {
        let record: Provenance =
            serde_json::from_str(PROVENANCE).map_err(|_| DeployError::RecordDamaged)?;
        let kept = Artifact {
            elf: tollgate::ELF,
            program_id: tollgate::ID,
        };
        if kept.sha256() != record.elf.sha256 || kept.elf.len() != record.elf.bytes {
            return Err(DeployError::NotAsRecorded {
                actual: kept.sha256(),
                recorded: record.elf.sha256,
            });
        }
        kept.require_declared()?;
        Ok(kept)
    }
}

impl<'a> Artifact<'a> {
    /// Other bytes for the same kind of deployment.
    ///
    /// # Errors
    /// [`DeployError::ElfDeclaresAnother`].
    pub fn new(elf: &'a [u8], program_id: Pubkey) -> Result<Self, DeployError> {
        let artifact = Self { elf, program_id };
        artifact.require_declared()?;
        Ok(artifact)
    }

    /// The bytes.
    pub fn elf(&self) -> &'a [u8] {
        self.elf
    }

    /// The address that they declare.
    pub fn program_id(&self) -> Pubkey {
        self.program_id
    }

    /// Their sha256 in hexadecimal.
    pub fn sha256(&self) -> String {
        sha256(self.elf)
    }

    /// Whether an account that holds `code` holds this program: its bytes, and nothing
    /// but zeros behind them.
    pub fn is(&self, code: &[u8]) -> bool {
        code.strip_prefix(self.elf)
            .is_some_and(|rest| rest.iter().all(|byte| *byte == 0))
    }

    /// What of `code` would have to be this program: all but the zeros behind it.
    pub fn counterpart<'b>(&self, code: &'b [u8]) -> &'b [u8] {
        let filled = code
            .iter()
            .rposition(|byte| *byte != 0)
            .map_or(0, |last| last.saturating_add(1));
        code.get(..filled.max(self.elf.len())).unwrap_or(code)
    }

    /// The program compares its address with a constant, which therefore is in its bytes.
    fn require_declared(&self) -> Result<(), DeployError> {
        let declared = self.program_id.as_array();
        if self
            .elf
            .windows(declared.len())
            .any(|bytes| bytes == declared)
        {
            return Ok(());
        }
        Err(DeployError::ElfDeclaresAnother(self.program_id))
    }
}

/// sha256 in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    tollgate_gate::hex::encode(Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use solana_signer::Signer;

    #[test]
    fn the_kept_elf_is_the_recorded_one_and_declares_its_address() {
        let kept = Artifact::kept().unwrap();
        assert_eq!(kept.program_id(), tollgate::ID);
        let other = Artifact::new(kept.elf(), Pubkey::new_from_array([7; 32]));
        assert_eq!(other.unwrap_err().code(), "elf_declares_another_address");
    }

    #[test]
    fn the_test_address_is_the_one_that_anybody_can_derive() {
        assert_eq!(
            tollgate_localnet::test_keypair("program").pubkey(),
            TEST_PROGRAM
        );
    }

    #[test]
    fn room_behind_the_program_is_not_part_of_it() {
        let kept = Artifact::kept().unwrap();
        let mut code = kept.elf().to_vec();
        assert!(kept.is(&code));
        code.extend([0; 100]);
        assert!(kept.is(&code));
        assert_eq!(sha256(kept.counterpart(&code)), kept.sha256());
        code.push(1);
        assert!(!kept.is(&code));
        assert_ne!(sha256(kept.counterpart(&code)), kept.sha256());
        assert!(!kept.is(kept.elf().split_last().unwrap().1));
    }
}
