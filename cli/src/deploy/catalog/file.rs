//! The file: one cluster, one merchant, its products. Unknown fields are mistakes.

use super::CatalogError;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use solana_hash::Hash;
use solana_pubkey::Pubkey;
use std::collections::BTreeSet;
use std::path::Path;
use std::str::FromStr;
use tollgate_client::Slug;

/// What a catalog file says.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogFile {
    /// Where it belongs.
    pub cluster: ClusterSection,
    /// Whose it is.
    #[serde(default)]
    pub merchant: MerchantSection,
    /// What is sold.
    #[serde(default, rename = "product")]
    pub products: Vec<ProductSection>,
}

/// The cluster that the file is meant for; on any other it is refused.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterSection {
    /// Its genesis hash.
    #[serde(deserialize_with = "from_text")]
    pub genesis_hash: Hash,
}

/// The merchant. What is not said stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MerchantSection {
    /// Whose merchant; default: the signing key's.
    #[serde(default, deserialize_with = "some_from_text")]
    pub owner: Option<Pubkey>,
    /// The hot key of its server. A new merchant without one has the signing key.
    #[serde(default, deserialize_with = "some_from_text")]
    pub operator: Option<Pubkey>,
    /// Whether payments are refused.
    pub paused: Option<bool>,
}

/// One product with all its terms. What is not said has the default that stands here.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProductSection {
    /// Its name: 1 to 32 characters of a-z, 0-9, '-', '_' and '.'.
    #[serde(deserialize_with = "slug")]
    pub slug: Slug,
    /// What it is paid with. Never changes.
    #[serde(deserialize_with = "from_text")]
    pub mint: Pubkey,
    /// Price of one payment in the mint's units: "0.05".
    pub price: String,
    /// Seconds of access per payment; 0: without limit in time.
    #[serde(default)]
    pub access_seconds: u64,
    /// Calls per payment; 0: not counted. Whether they are counted never changes.
    #[serde(default)]
    pub credits: u64,
    /// Seconds after a payment within which it may be refunded.
    #[serde(default)]
    pub refund_window_seconds: u64,
    /// Whether it is for sale.
    #[serde(default = "yes")]
    pub active: bool,
}

impl CatalogFile {
    /// Reads a file.
    ///
    /// # Errors
    /// [`CatalogError::Unreadable`], [`CatalogError::Invalid`], [`CatalogError::SlugTwice`].
    pub fn read(path: &Path) -> Result<Self, CatalogError> {
        let text = std::fs::read_to_string(path).map_err(|source| CatalogError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        text.parse()
    }
}

impl FromStr for CatalogFile {
    type Err = CatalogError;

    fn from_str(text: &str) -> Result<Self, CatalogError> {
        let file: Self =
            toml::from_str(text).map_err(|error| CatalogError::Invalid(error.to_string()))?;
        let mut names = BTreeSet::new();
        for product in &file.products {
            let name = product.slug.to_string();
            if !names.insert(name.clone()) {
                return Err(CatalogError::SlugTwice(name));
            }
        }
        Ok(file)
    }
}

fn yes() -> bool {
    true
}

fn from_text<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr,
    T::Err: std::fmt::Display,
{
    String::deserialize(deserializer)?
        .parse()
        .map_err(D::Error::custom)
}

fn some_from_text<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr,
    T::Err: std::fmt::Display,
{
    from_text(deserializer).map(Some)
}

fn slug<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Slug, D::Error> {
    let text = String::deserialize(deserializer)?;
    Slug::new(&text).map_err(|_| {
        D::Error::custom("a slug has 1 to 32 characters of a-z, 0-9, '-', '_' and '.'")
    })
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        reason = "a test fails by panicking"
    )]
    use super::*;

    const CLUSTER: &str =
        "[cluster]\ngenesis_hash = \"EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG\"\n";
    const PRODUCT: &str = "[[product]]\nslug = \"day-pass\"\nmint = \"4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU\"\nprice = \"0.01\"\n";

    fn code(text: &str) -> &'static str {
        text.parse::<CatalogFile>().unwrap_err().code()
    }

    #[test]
    fn what_is_not_said_has_a_default() {
        let file: CatalogFile = format!("{CLUSTER}{PRODUCT}").parse().unwrap();
        assert_eq!(file.merchant, MerchantSection::default());
        let product = &file.products[0];
        assert_eq!(
            (product.access_seconds, product.credits, product.active),
            (0, 0, true)
        );
    }

    #[test]
    fn the_examples_are_valid() {
        for example in [
            include_str!("../../../../migrations/local.toml"),
            include_str!("../../../../migrations/devnet.toml"),
            include_str!("../../../../migrations/mainnet.toml"),
        ] {
            let file: CatalogFile = example.parse().unwrap();
            assert!(!file.products.is_empty());
            // What stands there as a comment has to be right as well.
            let complete = example.replace(
                "# operator = \"<address>\"",
                "operator = \"8ezgejp44HuWmBySAafuwTFSJnk2tij7gHpFAzA5Q5Cx\"",
            );
            let file: CatalogFile = complete.parse().unwrap();
            assert!(file.merchant.operator.is_some());
        }
    }

    #[test]
    fn mistakes_are_refused() {
        let good = format!("{CLUSTER}{PRODUCT}");
        assert_eq!(code(""), "catalog_invalid");
        assert_eq!(code(PRODUCT), "catalog_invalid");
        assert_eq!(code(&format!("{good}{PRODUCT}")), "catalog_slug_twice");
        for (from, to) in [
            ("price = \"0.01\"", "price = 0.01"),
            ("price", "prize"),
            ("day-pass", "Day Pass"),
            ("4zMM", "0zMM"),
            ("EtWT", "0tWT"),
            ("[cluster]", "[cluster]\nname = \"devnet\""),
            ("[[product]]", "[merchant]\npause = true\n[[product]]"),
            ("[[product]]", "[merchant]\noperator = \"me\"\n[[product]]"),
            ("[[product]]", "[program]\n[[product]]"),
            ("slug", "credits = -1\nslug"),
        ] {
            assert!(good.contains(from));
            assert_eq!(code(&good.replace(from, to)), "catalog_invalid", "{to}");
        }
    }
}
