//! Amounts as people write them.

use crate::Amount;

/// Most decimals that a mint's amounts are read with: 10^19 still fits a `u64`.
const MAX_DECIMALS: u8 = 19;

/// Why a text is not an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Neither digits nor digits with one point.
    #[error("an amount is digits, with a point if needed: 0.05")]
    Syntax,
    /// Finer than the smallest unit.
    #[error("the token has only {0} decimals")]
    TooPrecise(u8),
    /// Over the range of a token amount.
    #[error("the amount is too large")]
    TooLarge,
}

/// The atomic units of a decimal text: `0.05` with six decimals is 50,000.
///
/// # Errors
/// [`AmountError`]; nothing is ever rounded.
pub fn parse(text: &str, decimals: u8) -> Result<Amount, AmountError> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) || text.ends_with('.') {
        return Err(AmountError::Syntax);
    }
    let missing = usize::from(decimals)
        .checked_sub(fraction.len())
        .filter(|_| decimals <= MAX_DECIMALS)
        .ok_or(AmountError::TooPrecise(decimals))?;
    let units = format!("{whole}{fraction}{}", "0".repeat(missing));
    units.parse().map(Amount).map_err(|_| AmountError::TooLarge)
}

/// The decimal text of atomic units, without needless zeros.
pub fn format(amount: Amount, decimals: u8) -> String {
    let decimals = usize::from(decimals);
    let digits = format!("{:0width$}", amount.0, width = decimals + 1);
    let (whole, fraction) = digits.split_at(digits.len() - decimals);
    match fraction.trim_end_matches('0') {
        "" => whole.to_owned(),
        fraction => format!("{whole}.{fraction}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn amounts_are_exact() {
        assert_eq!(parse("0.05", 6), Ok(Amount(50_000)));
        assert_eq!(parse("18446744073709.551615", 6), Ok(Amount(u64::MAX)));
        assert_eq!(
            parse("18446744073709.551616", 6),
            Err(AmountError::TooLarge)
        );
        assert_eq!(parse("0.0000001", 6), Err(AmountError::TooPrecise(6)));
        for text in [
            "", ".", "1.", ".5", "-1", "+1", "1e3", "1,5", "0x1", " 1", "1 ", "١",
        ] {
            assert_eq!(parse(text, 6), Err(AmountError::Syntax), "{text:?}");
        }
        assert_eq!(format(Amount(50_000), 6), "0.05");
        assert_eq!(format(Amount(1_000_000), 6), "1");
        assert_eq!(format(Amount(7), 0), "7");
    }

    proptest! {
        #[test]
        fn what_is_formatted_is_parsed(amount: u64, decimals in 0u8..=19) {
            let amount = Amount(amount);
            prop_assert_eq!(parse(&format(amount, decimals), decimals), Ok(amount));
        }
    }
}
