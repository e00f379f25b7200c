//! What a route sells: the product's terms on chain, with the merchant's words.

use crate::limits::{MAX_DESCRIPTION_BYTES, MAX_MEDIA_TYPE_BYTES, MAX_TITLE_BYTES};
use tollgate_client::{Amount, Credits, DurationSeconds, Product, Pubkey, Slug};

/// Why an offer cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OfferError {
    /// Empty, too long, or with control characters.
    #[error("a title has 1 to {MAX_TITLE_BYTES} bytes and no control characters")]
    TitleInvalid,
    /// Too long, or with control characters.
    #[error("a description has at most {MAX_DESCRIPTION_BYTES} bytes and no control characters")]
    DescriptionInvalid,
    /// Not `type/subtype`.
    #[error("a media type is type/subtype of visible ASCII, at most {MAX_MEDIA_TYPE_BYTES} bytes")]
    MediaTypeInvalid,
}

impl OfferError {
    /// Stable code for configuration errors.
    pub fn code(self) -> &'static str {
        match self {
            Self::TitleInvalid => "offer_title_invalid",
            Self::DescriptionInvalid => "offer_description_invalid",
            Self::MediaTypeInvalid => "offer_media_type_invalid",
        }
    }
}

/// The merchant's words for a product, from the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferText {
    title: String,
    description: String,
    media_type: String,
}

impl OfferText {
    /// Checks the words. They end up in a message that wallets show, so that they
    /// must not hold line breaks.
    ///
    /// # Errors
    /// [`OfferError`].
    pub fn new(title: &str, description: &str, media_type: &str) -> Result<Self, OfferError> {
        let plain = |text: &str, limit| text.len() <= limit && !text.chars().any(is_unprintable);
        if title.trim().is_empty() || !plain(title, MAX_TITLE_BYTES) {
            return Err(OfferError::TitleInvalid);
        }
        if !plain(description, MAX_DESCRIPTION_BYTES) {
            return Err(OfferError::DescriptionInvalid);
        }
        let subtype = media_type.split_once('/').map(|(_, subtype)| subtype);
        if media_type.len() > MAX_MEDIA_TYPE_BYTES
            || media_type.starts_with('/')
            || subtype.is_none_or(str::is_empty)
            || !media_type
                .bytes()
                .all(|byte| byte.is_ascii_graphic() || byte == b' ')
        {
            return Err(OfferError::MediaTypeInvalid);
        }
        Ok(Self {
            title: title.to_owned(),
            description: description.to_owned(),
            media_type: media_type.to_owned(),
        })
    }

    /// A short name.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// What is sold, in a sentence; may be empty.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Media type of the responses.
    pub fn media_type(&self) -> &str {
        &self.media_type
    }
}

/// Control characters, and the invisible ones that make text read as another.
fn is_unprintable(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// A product for sale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProductOffer {
    /// The merchant account; owner of the vault.
    pub merchant: Pubkey,
    /// The product account.
    pub product: Pubkey,
    /// The product's name within its merchant.
    pub slug: Slug,
    /// What is paid with.
    pub mint: Pubkey,
    /// Decimals of the mint.
    pub decimals: u8,
    /// Where the money goes.
    pub vault: Pubkey,
    /// Price of one payment, in the mint's smallest unit.
    pub price: Amount,
    /// Access that one payment grants; 0: without limit in time.
    pub access: DurationSeconds,
    /// Calls that one payment grants; 0: calls are not counted.
    pub credits: Credits,
    /// How long after a payment it may be refunded.
    pub refund_window: DurationSeconds,
    /// Whether new payments are possible. Entitlements stand either way.
    pub for_sale: bool,
    /// The merchant's words.
    pub text: OfferText,
}

impl ProductOffer {
    /// The offer of the product account at `address`; `merchant_paused` is what the
    /// merchant account says.
    pub fn new(address: Pubkey, product: &Product, merchant_paused: bool, text: OfferText) -> Self {
        Self {
            merchant: product.merchant,
            product: address,
            slug: product.slug,
            mint: product.mint,
            decimals: product.decimals,
            vault: product.vault,
            price: product.price,
            access: product.access,
            credits: product.credits,
            refund_window: product.refund_window,
            for_sale: product.active && !merchant_paused,
            text,
        }
    }

    /// Whether calls are counted.
    pub fn is_metered(&self) -> bool {
        !self.credits.is_zero()
    }

    /// The price in whole units of the mint, exactly: `0.01`.
    pub fn price_in_units(&self) -> String {
        let decimals = usize::from(self.decimals);
        let digits = format!("{:0>width$}", self.price.0, width = decimals + 1);
        let (whole, fraction) = digits.split_at(digits.len() - decimals);
        match fraction.trim_end_matches('0') {
            "" => whole.to_owned(),
            fraction => format!("{whole}.{fraction}"),
        }
    }

    /// What one payment grants, in words: `100 calls within 1 day`.
    pub fn grant_in_words(&self) -> String {
        let calls = match self.credits.0 {
            0 => None,
            1 => Some("1 call".to_owned()),
            count => Some(format!("{count} calls")),
        };
        let time = (!self.access.is_zero()).then(|| span_in_words(self.access));
        match (calls, time) {
            (Some(calls), Some(time)) => format!("{calls} within {time}"),
            (Some(calls), None) => calls,
            (None, Some(time)) => format!("access for {time}"),
            (None, None) => "access without limit in time".to_owned(),
        }
    }
}

/// A span in the largest unit that divides it.
fn span_in_words(span: DurationSeconds) -> String {
    let units = [(86_400, "day"), (3_600, "hour"), (60, "minute")];
    let unit = units
        .into_iter()
        .find(|(seconds, _)| span.0.is_multiple_of(*seconds));
    let (seconds, name) = unit.unwrap_or((1, "second"));
    match span.0 / seconds {
        1 => format!("1 {name}"),
        count => format!("{count} {name}s"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
mod tests {
    use super::*;

    fn offer() -> ProductOffer {
        ProductOffer {
            merchant: Pubkey::default(),
            product: Pubkey::default(),
            slug: Slug::new("quotes").unwrap(),
            mint: Pubkey::default(),
            decimals: 6,
            vault: Pubkey::default(),
            price: Amount(10_000),
            access: DurationSeconds(0),
            credits: Credits(0),
            refund_window: DurationSeconds(0),
            for_sale: true,
            text: OfferText::new("Quotes", "", "application/json").unwrap(),
        }
    }

    #[test]
    fn prices_are_exact_at_every_scale() {
        for (price, decimals, text) in [
            (10_000, 6, "0.01"),
            (1, 6, "0.000001"),
            (1_000_000, 6, "1"),
            (1_500_000, 6, "1.5"),
            (7, 0, "7"),
            (u64::MAX, 6, "18446744073709.551615"),
            (1, 30, "0.000000000000000000000000000001"),
        ] {
            let offer = ProductOffer {
                price: Amount(price),
                decimals,
                ..offer()
            };
            assert_eq!(offer.price_in_units(), text);
        }
    }

    #[test]
    fn grants_read_well() {
        for (access, credits, text) in [
            (0, 0, "access without limit in time"),
            (86_400, 0, "access for 1 day"),
            (7_200, 0, "access for 2 hours"),
            (90, 0, "access for 90 seconds"),
            (0, 1, "1 call"),
            (60, 100, "100 calls within 1 minute"),
        ] {
            let offer = ProductOffer {
                access: DurationSeconds(access),
                credits: Credits(credits),
                ..offer()
            };
            assert_eq!(offer.grant_in_words(), text);
        }
    }

    #[test]
    fn words_are_bounded_and_printable() {
        let long = "x".repeat(600);
        for (title, description, media_type, error) in [
            ("", "", "a/b", OfferError::TitleInvalid),
            ("  ", "", "a/b", OfferError::TitleInvalid),
            ("a\nb", "", "a/b", OfferError::TitleInvalid),
            ("a\u{202e}b", "", "a/b", OfferError::TitleInvalid),
            (long.as_str(), "", "a/b", OfferError::TitleInvalid),
            ("a", long.as_str(), "a/b", OfferError::DescriptionInvalid),
            ("a", "b\u{7}", "a/b", OfferError::DescriptionInvalid),
            ("a", "", "", OfferError::MediaTypeInvalid),
            ("a", "", "json", OfferError::MediaTypeInvalid),
            ("a", "", "/json", OfferError::MediaTypeInvalid),
            ("a", "", "json/", OfferError::MediaTypeInvalid),
            ("a", "", "a/b\r\nx: y", OfferError::MediaTypeInvalid),
        ] {
            assert_eq!(
                OfferText::new(title, description, media_type).unwrap_err(),
                error,
                "{title:?}"
            );
        }
        assert!(OfferText::new("Kurse \u{fc}ber Nacht", "", "text/plain; charset=utf-8").is_ok());
    }
}
