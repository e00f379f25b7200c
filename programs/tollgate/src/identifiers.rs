//! Names that are part of an address.

use crate::error::{ensure, TollgateError};
use crate::units::transparent;
use anchor_lang::prelude::*;

transparent!(
    /// What one purchase is known by, chosen by whoever creates its intent. With
    /// the author's key in the address nobody can occupy another's id.
    PaymentId([u8; 32]),
    32,
    IdlType::Array(Box::new(IdlType::U8), IdlArrayLen::Value(32))
);
transparent!(
    /// A product's name: 1 to 32 bytes of `a-z`, `0-9`, `-`, `_` and `.`, padded
    /// with zeros, so that an address has one spelling only.
    Slug([u8; 32]),
    32,
    IdlType::Array(Box::new(IdlType::U8), IdlArrayLen::Value(32))
);

impl Slug {
    /// The padded form of a name, or [`TollgateError::SlugInvalid`].
    pub fn new(name: &str) -> Result<Self> {
        let mut padded = [0; 32];
        padded
            .get_mut(..name.len())
            .ok_or(TollgateError::SlugInvalid)?
            .copy_from_slice(name.as_bytes());
        let slug = Self(padded);
        // A zero byte in the name would pass for padding: a second spelling.
        ensure(slug.length() == name.len(), TollgateError::SlugInvalid)?;
        slug.validate()?;
        Ok(slug)
    }

    /// Refuses bytes that [`Slug::new`] would not have produced.
    pub fn validate(&self) -> Result<()> {
        let length = self.length();
        let (name, padding) = self.0.split_at(length);
        let plain = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.');
        ensure(
            length > 0 && name.iter().all(plain) && padding.iter().all(|byte| *byte == 0),
            TollgateError::SlugInvalid,
        )?;
        Ok(())
    }

    /// The name without its padding.
    pub fn as_str(&self) -> &str {
        self.0
            .get(..self.length())
            .and_then(|name| core::str::from_utf8(name).ok())
            .unwrap_or("")
    }

    fn length(&self) -> usize {
        self.0
            .iter()
            .position(|byte| *byte == 0)
            .unwrap_or(self.0.len())
    }
}

impl core::fmt::Display for Slug {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Base58, as keys are written.
impl core::fmt::Display for PaymentId {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        core::fmt::Display::fmt(&Pubkey::new_from_array(self.0), formatter)
    }
}

/// Base58 of exactly 32 bytes.
impl core::str::FromStr for PaymentId {
    type Err = <Pubkey as core::str::FromStr>::Err;

    fn from_str(text: &str) -> core::result::Result<Self, Self::Err> {
        Ok(Self(text.parse::<Pubkey>()?.to_bytes()))
    }
}
