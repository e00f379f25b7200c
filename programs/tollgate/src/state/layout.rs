//! How an account's fields lie in its bytes: discriminator, then the structure as it
//! is in memory, then [`ROOM_TO_GROW`] zeroed bytes.
//!
//! Every field has a fixed size and none needs padding, so that this layout and the
//! Borsh encoding of the same fields are the same bytes: clients read accounts with
//! any Borsh library and the IDL, while the program copies the structure in one
//! piece. What Borsh's field-by-field code costs instead: benches/README.md.

use crate::constants::ROOM_TO_GROW;
use anchor_lang::prelude::*;
use bytemuck::checked::{try_pod_read_unaligned, CheckedBitPattern};
use bytemuck::NoUninit;

/// An account of fixed size without padding.
pub(crate) trait FixedLayout: Discriminator + CheckedBitPattern + NoUninit {
    /// Bytes of the account.
    const ACCOUNT_SIZE: usize =
        Self::DISCRIMINATOR.len() + core::mem::size_of::<Self>() + ROOM_TO_GROW;

    /// Reads the structure behind the discriminator. Bytes that no value has (a
    /// status or a flag out of range) do not decode.
    fn read(account: &[u8]) -> Result<Self> {
        let end = Self::DISCRIMINATOR.len() + core::mem::size_of::<Self>();
        account
            .get(Self::DISCRIMINATOR.len()..end)
            .and_then(|bytes| try_pod_read_unaligned(bytes).ok())
            .ok_or_else(|| ErrorCode::AccountDidNotDeserialize.into())
    }

    /// Reads the whole account.
    fn read_checked(account: &[u8]) -> Result<Self> {
        let found = account
            .get(..Self::DISCRIMINATOR.len())
            .ok_or(ErrorCode::AccountDiscriminatorNotFound)?;
        if found != Self::DISCRIMINATOR {
            return Err(ErrorCode::AccountDiscriminatorMismatch.into());
        }
        Self::read(account)
    }
}

/// Makes a structure an account of the program: what Anchor's `#[account]` does,
/// with the fixed layout instead of Borsh. The bytes are the first eight of
/// SHA-256("account:Name"), Anchor's rule; a test compares them.
macro_rules! fixed_layout_account {
    ($name:ident, $discriminator:expr) => {
        impl anchor_lang::Discriminator for $name {
            const DISCRIMINATOR: &'static [u8] = &$discriminator;
        }

        impl anchor_lang::Owner for $name {
            fn owner() -> Pubkey {
                crate::ID
            }
        }

        impl crate::state::layout::FixedLayout for $name {}

        impl anchor_lang::AccountSerialize for $name {
            fn try_serialize<W: std::io::Write>(&self, writer: &mut W) -> Result<()> {
                writer
                    .write_all(Self::DISCRIMINATOR)
                    .and_then(|()| writer.write_all(bytemuck::bytes_of(self)))
                    .map_err(|_| ErrorCode::AccountDidNotSerialize.into())
            }
        }

        impl anchor_lang::AccountDeserialize for $name {
            fn try_deserialize(account: &mut &[u8]) -> Result<Self> {
                crate::state::layout::FixedLayout::read_checked(account)
            }

            fn try_deserialize_unchecked(account: &mut &[u8]) -> Result<Self> {
                crate::state::layout::FixedLayout::read(account)
            }
        }
    };
}
pub(crate) use fixed_layout_account;
