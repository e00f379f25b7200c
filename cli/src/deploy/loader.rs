//! What the upgradeable loader holds: programs and buffers, as they stand on chain.

use super::DeployError;
use solana_account::{Account, ReadableAccount};
use solana_loader_v3_interface::get_program_data_address;
use solana_loader_v3_interface::state::UpgradeableLoaderState;
use solana_pubkey::Pubkey;
use solana_sdk_ids::{bpf_loader_upgradeable, system_program};
use tollgate_client::{Chain, ChainError};

/// What is at a program's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProgramOnChain {
    /// Nothing, or lamports that somebody sent there.
    Absent {
        /// Those lamports.
        lamports: u64,
    },
    /// A program of the upgradeable loader.
    Deployed(Deployed),
    /// A program that was closed.
    Closed,
    /// Something of another program.
    Foreign {
        /// Its owner.
        owner: Pubkey,
    },
}

/// A deployed program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployed {
    /// The account that holds its bytes.
    pub data_address: Pubkey,
    /// Slot of the last change.
    pub slot: u64,
    /// Who may upgrade it; `None`: nobody.
    pub authority: Option<Pubkey>,
    /// Its bytes, with the room behind them.
    pub code: Vec<u8>,
}

/// What is at a buffer's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BufferOnChain {
    /// Nothing, or lamports that somebody sent there.
    Absent {
        /// Those lamports.
        lamports: u64,
    },
    /// A buffer.
    Ready {
        /// Who may write it.
        authority: Option<Pubkey>,
        /// Its bytes.
        content: Vec<u8>,
    },
    /// Something else.
    Foreign,
}

/// Reads the program at `address`.
///
/// # Errors
/// [`ChainError`]; [`ChainError::Malformed`] for a program whose data account is missing.
pub async fn read_program(chain: &Chain, address: &Pubkey) -> Result<ProgramOnChain, ChainError> {
    let data_address = get_program_data_address(address);
    let accounts = chain.raw_accounts(&[*address, data_address]).await?;
    let [program, data] = accounts
        .try_into()
        .map_err(|_| ChainError::Malformed("another number of accounts"))?;
    program_of(data_address, program, data)
}

fn program_of(
    data_address: Pubkey,
    program: Option<Account>,
    data: Option<Account>,
) -> Result<ProgramOnChain, ChainError> {
    let Some(program) = program else {
        return Ok(ProgramOnChain::Absent { lamports: 0 });
    };
    if is_unused(&program) {
        return Ok(ProgramOnChain::Absent {
            lamports: program.lamports,
        });
    }
    if program.owner != bpf_loader_upgradeable::ID {
        return Ok(ProgramOnChain::Foreign {
            owner: program.owner,
        });
    }
    let Some(data) = data.filter(|data| data.owner == bpf_loader_upgradeable::ID) else {
        return Ok(ProgramOnChain::Closed);
    };
    match state(&data)? {
        UpgradeableLoaderState::ProgramData {
            slot,
            upgrade_authority_address,
        } => Ok(ProgramOnChain::Deployed(Deployed {
            data_address,
            slot,
            authority: upgrade_authority_address,
            code: content(
                &data,
                UpgradeableLoaderState::size_of_programdata_metadata(),
            )?,
        })),
        _ => Ok(ProgramOnChain::Closed),
    }
}

/// Reads the buffer at `address`.
///
/// # Errors
/// [`ChainError`].
pub async fn read_buffer(chain: &Chain, address: &Pubkey) -> Result<BufferOnChain, ChainError> {
    let Some(account) = chain.account(address).await? else {
        return Ok(BufferOnChain::Absent { lamports: 0 });
    };
    if is_unused(&account) {
        return Ok(BufferOnChain::Absent {
            lamports: account.lamports,
        });
    }
    if account.owner != bpf_loader_upgradeable::ID {
        return Ok(BufferOnChain::Foreign);
    }
    match state(&account)? {
        UpgradeableLoaderState::Buffer { authority_address } => Ok(BufferOnChain::Ready {
            authority: authority_address,
            content: content(&account, UpgradeableLoaderState::size_of_buffer_metadata())?,
        }),
        _ => Ok(BufferOnChain::Foreign),
    }
}

impl BufferOnChain {
    /// The content of a buffer that `authority` may fill with `length` bytes; `None` when
    /// it has to be created first.
    ///
    /// # Errors
    /// [`DeployError::Buffer`].
    pub fn usable(
        self,
        buffer: Pubkey,
        authority: &Pubkey,
        length: usize,
    ) -> Result<Option<Vec<u8>>, DeployError> {
        let reason = match self {
            Self::Absent { .. } => return Ok(None),
            Self::Ready {
                authority: found,
                content,
            } => match found {
                Some(found) if found != *authority => "belongs to another authority",
                None => "can be written by nobody",
                Some(_) if content.len() != length => "was made for a program of another length",
                Some(_) => return Ok(Some(content)),
            },
            Self::Foreign => "is no buffer of the upgradeable loader",
        };
        Err(DeployError::Buffer { buffer, reason })
    }
}

/// Whether an account is nothing but lamports.
fn is_unused(account: &Account) -> bool {
    account.owner == system_program::ID && account.data().is_empty()
}

fn state(account: &Account) -> Result<UpgradeableLoaderState, ChainError> {
    bincode::deserialize(account.data())
        .map_err(|_| ChainError::Malformed("the loader's account is damaged"))
}

fn content(account: &Account, metadata: usize) -> Result<Vec<u8>, ChainError> {
    account
        .data()
        .get(metadata..)
        .map(<[u8]>::to_vec)
        .ok_or(ChainError::Malformed("the loader's account is too short"))
}
