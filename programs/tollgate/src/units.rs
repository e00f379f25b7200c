//! Quantities as types, so that only arithmetic with a meaning compiles.
//!
//! In accounts, arguments and the IDL each is its plain integer.

use crate::error::TollgateError;
use anchor_lang::prelude::*;

/// Declares a newtype over a plain value that is transparent on the wire and an
/// alias in the IDL.
macro_rules! transparent {
    ($(#[$doc:meta])* $name:ident($inner:ty), $size:expr, $idl:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[derive(anchor_lang::prelude::borsh::BorshSerialize, anchor_lang::prelude::borsh::BorshDeserialize)]
        #[derive(bytemuck::Pod, bytemuck::Zeroable)]
        #[borsh(crate = "anchor_lang::prelude::borsh")]
        #[repr(transparent)]
        pub struct $name(pub $inner);

        impl anchor_lang::Space for $name {
            const INIT_SPACE: usize = $size;
        }

        #[cfg(feature = "idl-build")]
        impl anchor_lang::idl::IdlBuild for $name {
            fn create_type() -> Option<anchor_lang::idl::types::IdlTypeDef> {
                use anchor_lang::idl::types::*;
                Some(IdlTypeDef {
                    name: Self::get_full_path(),
                    docs: Vec::new(),
                    serialization: IdlSerialization::default(),
                    repr: None,
                    generics: Vec::new(),
                    ty: IdlTypeDefTy::Type { alias: $idl },
                })
            }

            fn insert_types(
                types: &mut std::collections::BTreeMap<String, anchor_lang::idl::types::IdlTypeDef>,
            ) {
                if let Some(definition) = Self::create_type() {
                    types.insert(Self::get_full_path(), definition);
                }
            }
        }
    };
}
pub(crate) use transparent;

transparent!(
    /// A quantity of a token in its smallest unit (USDC: millionths).
    Amount(u64), 8, IdlType::U64
);
transparent!(
    /// A number of metered calls.
    Credits(u64), 8, IdlType::U64
);
transparent!(
    /// A point in time: seconds since the unix epoch, by the Clock sysvar.
    UnixSeconds(i64), 8, IdlType::I64
);
transparent!(
    /// A span of time in seconds.
    DurationSeconds(u64), 8, IdlType::U64
);

impl Amount {
    /// The sum, or [`TollgateError::ArithmeticOverflow`].
    pub fn checked_add(self, other: Self) -> Result<Self> {
        Ok(Self(
            self.0
                .checked_add(other.0)
                .ok_or(TollgateError::ArithmeticOverflow)?,
        ))
    }

    /// The difference, or [`TollgateError::ArithmeticOverflow`] below zero.
    pub fn checked_sub(self, other: Self) -> Result<Self> {
        Ok(Self(
            self.0
                .checked_sub(other.0)
                .ok_or(TollgateError::ArithmeticOverflow)?,
        ))
    }

    /// Whether nothing is meant.
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl Credits {
    /// The sum, or [`TollgateError::ArithmeticOverflow`].
    pub fn checked_add(self, other: Self) -> Result<Self> {
        Ok(Self(
            self.0
                .checked_add(other.0)
                .ok_or(TollgateError::ArithmeticOverflow)?,
        ))
    }

    /// What is left after `used`; nothing when more was used.
    pub fn remaining_after(self, used: Self) -> Self {
        Self(self.0.saturating_sub(used.0))
    }

    /// Whether nothing is metered.
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl UnixSeconds {
    /// The expiry of what never expires.
    pub const NEVER: Self = Self(i64::MAX);

    /// Chain time: the Clock sysvar's `unix_timestamp`.
    pub fn now() -> Result<Self> {
        Ok(Self(Clock::get()?.unix_timestamp))
    }

    /// The time `duration` later, or [`TollgateError::ArithmeticOverflow`].
    pub fn checked_add(self, duration: DurationSeconds) -> Result<Self> {
        Ok(Self(
            self.0
                .checked_add_unsigned(duration.0)
                .ok_or(TollgateError::ArithmeticOverflow)?,
        ))
    }
}

impl UnixSeconds {
    /// The time `duration` earlier, or [`TollgateError::ArithmeticOverflow`].
    pub fn checked_sub(self, duration: DurationSeconds) -> Result<Self> {
        Ok(Self(
            self.0
                .checked_sub_unsigned(duration.0)
                .ok_or(TollgateError::ArithmeticOverflow)?,
        ))
    }
}

impl DurationSeconds {
    /// Whether no span is meant.
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }
}

macro_rules! display_plain {
    ($($name:ident),*) => {$(
        impl core::fmt::Display for $name {
            fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                core::fmt::Display::fmt(&self.0, formatter)
            }
        }
    )*};
}
display_plain!(Amount, Credits, UnixSeconds, DurationSeconds);
