//! What has to happen to a program, decided from what stands on chain: no I/O here.

use super::loader::{Deployed, ProgramOnChain};
use super::{Artifact, DeployError};
use solana_loader_v3_interface::instruction::MINIMUM_EXTEND_PROGRAM_BYTES;
use solana_loader_v3_interface::state::UpgradeableLoaderState;
use solana_pubkey::Pubkey;
use std::ops::Range;

/// Most bytes that an account can have.
const MAX_ACCOUNT_BYTES: usize = 10 * 1_024 * 1_024;
/// Most bytes that a program can have.
pub const MAX_PROGRAM_BYTES: usize =
    MAX_ACCOUNT_BYTES - UpgradeableLoaderState::size_of_programdata_metadata();

/// What happens to the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProgramAction {
    /// These very bytes are deployed: nothing.
    Keep,
    /// It is deployed for the first time, with room for `capacity` bytes.
    Deploy {
        /// Bytes that the program may ever have without being extended.
        capacity: usize,
    },
    /// It is replaced, after its account has been extended if it is too small.
    Upgrade {
        /// Bytes to extend it by.
        extend_by: Option<u32>,
    },
}

impl ProgramAction {
    /// What it is called in reports.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Keep => "unchanged",
            Self::Deploy { .. } => "deploy",
            Self::Upgrade { .. } => "upgrade",
        }
    }
}

/// Decides. `authority` is the key that signs upgrades, `max_len` the room that was
/// asked for, `has_program_key` whether the program's own key can sign.
///
/// # Errors
/// [`DeployError`], when it cannot succeed.
pub fn plan(
    on_chain: &ProgramOnChain,
    artifact: &Artifact<'_>,
    authority: &Pubkey,
    has_program_key: bool,
    max_len: Option<usize>,
) -> Result<ProgramAction, DeployError> {
    let needed = artifact.elf().len();
    let capacity = max_len.unwrap_or(needed);
    if capacity < needed || capacity > MAX_PROGRAM_BYTES {
        return Err(DeployError::MaxLen {
            given: capacity,
            needed,
            most: MAX_PROGRAM_BYTES,
        });
    }
    let program = artifact.program_id();
    match on_chain {
        ProgramOnChain::Absent { .. } if !has_program_key => {
            Err(DeployError::ProgramKeyMissing(program))
        }
        ProgramOnChain::Absent { .. } => Ok(ProgramAction::Deploy { capacity }),
        ProgramOnChain::Closed => Err(DeployError::Closed(program)),
        ProgramOnChain::Foreign { owner } => Err(DeployError::AddressTaken {
            program,
            owner: *owner,
        }),
        ProgramOnChain::Deployed(deployed) if artifact.is(&deployed.code) => {
            Ok(ProgramAction::Keep)
        }
        ProgramOnChain::Deployed(deployed) => {
            require_authority(deployed, authority)?;
            Ok(ProgramAction::Upgrade {
                extend_by: extension(deployed.code.len(), capacity),
            })
        }
    }
}

/// Passes the key that may change the program.
///
/// # Errors
/// [`DeployError::Final`], [`DeployError::WrongAuthority`].
pub fn require_authority(deployed: &Deployed, given: &Pubkey) -> Result<(), DeployError> {
    match deployed.authority {
        None => Err(DeployError::Final),
        Some(authority) if authority == *given => Ok(()),
        Some(authority) => Err(DeployError::WrongAuthority {
            authority,
            given: *given,
        }),
    }
}

/// How much an account with room for `has` bytes is extended to hold `needs`: at least
/// as much as the loader takes at a time, at most what an account can hold.
fn extension(has: usize, needs: usize) -> Option<u32> {
    let missing = needs.checked_sub(has).filter(|missing| *missing > 0)?;
    let least = usize::try_from(MINIMUM_EXTEND_PROGRAM_BYTES).unwrap_or(usize::MAX);
    let room = MAX_PROGRAM_BYTES.saturating_sub(has);
    u32::try_from(missing.max(least).min(room)).ok()
}

/// The parts of `elf`, each at most `chunk` bytes, in which `buffer` differs from it. A
/// buffer that does not exist yet is one of zeros.
pub fn missing_chunks(buffer: Option<&[u8]>, elf: &[u8], chunk: usize) -> Vec<Range<usize>> {
    let buffer = buffer.unwrap_or_default();
    let stands = |range: &Range<usize>| match (buffer.get(range.clone()), elf.get(range.clone())) {
        (Some(there), Some(wanted)) => there == wanted,
        (None, Some(wanted)) => wanted.iter().all(|byte| *byte == 0),
        _ => false,
    };
    (0..elf.len())
        .step_by(chunk.max(1))
        .map(|start| start..start.saturating_add(chunk.max(1)).min(elf.len()))
        .filter(|range| !stands(range))
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        reason = "a test fails by panicking"
    )]
    use super::*;
    use proptest::prelude::*;

    fn key(number: u8) -> Pubkey {
        Pubkey::new_from_array([number; 32])
    }

    fn deployed(code: &[u8], authority: Option<Pubkey>) -> ProgramOnChain {
        ProgramOnChain::Deployed(Deployed {
            data_address: key(9),
            slot: 1,
            authority,
            code: code.to_vec(),
        })
    }

    fn decide(on_chain: &ProgramOnChain) -> Result<ProgramAction, &'static str> {
        let kept = Artifact::kept().unwrap();
        plan(on_chain, &kept, &key(1), true, None).map_err(|error| error.code())
    }

    #[test]
    fn each_state_of_the_address_has_one_answer() {
        let elf = Artifact::kept().unwrap().elf();
        let mut other = elf.to_vec();
        other[1_000] ^= 1;
        let absent = ProgramOnChain::Absent { lamports: 5 };
        let (mine, theirs) = (Some(key(1)), Some(key(2)));
        let upgrade = |extend_by| Ok(ProgramAction::Upgrade { extend_by });
        assert_eq!(
            decide(&absent),
            Ok(ProgramAction::Deploy {
                capacity: elf.len()
            })
        );
        // What stands already needs nobody's signature.
        for authority in [mine, theirs, None] {
            assert_eq!(decide(&deployed(elf, authority)), Ok(ProgramAction::Keep));
        }
        assert_eq!(decide(&deployed(&other, mine)), upgrade(None));
        assert_eq!(
            decide(&deployed(&elf[..elf.len() - 1], mine)),
            upgrade(Some(10_240))
        );
        assert_eq!(
            decide(&deployed(&elf[..elf.len() - 20_000], mine)),
            upgrade(Some(20_000))
        );
        assert_eq!(
            decide(&deployed(&other, theirs)),
            Err("wrong_upgrade_authority")
        );
        assert_eq!(decide(&deployed(&other, None)), Err("program_final"));
        assert_eq!(decide(&ProgramOnChain::Closed), Err("program_closed"));
        let foreign = ProgramOnChain::Foreign { owner: key(3) };
        assert_eq!(decide(&foreign), Err("program_address_taken"));
    }

    #[test]
    fn a_first_deployment_needs_the_key_and_possible_room() {
        let kept = Artifact::kept().unwrap();
        let absent = ProgramOnChain::Absent { lamports: 0 };
        let ask = |has_key, max_len| {
            plan(&absent, &kept, &key(1), has_key, max_len).map_err(|error| error.code())
        };
        assert_eq!(ask(false, None), Err("program_key_missing"));
        assert_eq!(
            ask(true, Some(kept.elf().len() - 1)),
            Err("max_len_invalid")
        );
        assert_eq!(
            ask(true, Some(MAX_PROGRAM_BYTES + 1)),
            Err("max_len_invalid")
        );
        assert_eq!(
            ask(true, Some(MAX_PROGRAM_BYTES)),
            Ok(ProgramAction::Deploy {
                capacity: MAX_PROGRAM_BYTES
            })
        );
    }

    #[test]
    fn near_the_limit_an_extension_goes_to_the_limit() {
        assert_eq!(extension(MAX_PROGRAM_BYTES - 5, MAX_PROGRAM_BYTES), Some(5));
        assert_eq!(
            extension(MAX_PROGRAM_BYTES - 5, MAX_PROGRAM_BYTES - 4),
            Some(5)
        );
        assert_eq!(extension(100, 100), None);
        assert_eq!(extension(100, 50), None);
    }

    proptest! {
        /// Writing the missing chunks, and only them, makes the buffer the program.
        #[test]
        fn missing_chunks_complete_a_buffer(
            elf in proptest::collection::vec(0u8..3, 1..300),
            damage in proptest::collection::vec(any::<proptest::sample::Index>(), 0..5),
            chunk in 1usize..50,
        ) {
            let mut buffer = elf.clone();
            for index in damage {
                let at = index.index(elf.len());
                buffer[at] ^= 0x80;
            }
            let missing = missing_chunks(Some(&buffer), &elf, chunk);
            for range in &missing {
                prop_assert!(range.len() <= chunk);
                prop_assert_ne!(&buffer[range.clone()], &elf[range.clone()]);
            }
            for range in missing {
                buffer[range.clone()].copy_from_slice(&elf[range]);
            }
            prop_assert_eq!(&buffer, &elf);
            let mut fresh = vec![0; elf.len()];
            for range in missing_chunks(None, &elf, chunk) {
                fresh[range.clone()].copy_from_slice(&elf[range]);
            }
            prop_assert_eq!(fresh, elf);
        }
    }
}
