//! What differs between the file and the chain: no I/O here.

use super::{CatalogError, CatalogFile, ProductSection};
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;
use std::collections::{BTreeMap, BTreeSet};
use tollgate::constants::{MAX_ACCESS, MAX_REFUND_WINDOW};
use tollgate_client::amounts;
use tollgate_client::instructions::NewProduct;
use tollgate_client::{
    Addresses, Amount, Credits, DurationSeconds, Merchant, Product, ProductChanges, Slug,
};

/// Who is involved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parties {
    /// Whose merchant it is.
    pub owner: Pubkey,
    /// The key that signs and pays.
    pub signer: Pubkey,
}

/// What stands on chain, as far as the file concerns it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// The merchant.
    pub merchant: Option<Merchant>,
    /// Mints for which it has a vault.
    pub vaults: BTreeSet<Pubkey>,
    /// Decimals of the mints that exist.
    pub decimals: BTreeMap<Pubkey, u8>,
    /// The products that the file names.
    pub products: Vec<Published>,
    /// Names of its other products; `None` when the server does not say.
    pub unlisted: Option<Vec<String>>,
}

/// A product as it stands on chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Published {
    /// Its terms.
    pub terms: NewProduct,
    /// Whether it is for sale.
    pub active: bool,
}

impl From<&Product> for Published {
    fn from(product: &Product) -> Self {
        Self {
            terms: NewProduct {
                slug: product.slug,
                mint: product.mint,
                price: product.price,
                access: product.access,
                credits: product.credits,
                refund_window: product.refund_window,
            },
            active: product.active,
        }
    }
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Bring the merchant into being.
    CreateMerchant {
        /// Its hot key.
        operator: Pubkey,
    },
    /// Change the merchant.
    UpdateMerchant {
        /// A new hot key.
        operator: Option<Pubkey>,
        /// Whether payments are refused.
        paused: Option<bool>,
    },
    /// Create the vault for a mint.
    CreateVault {
        /// The mint.
        mint: Pubkey,
    },
    /// Publish a product.
    CreateProduct {
        /// Its terms.
        new: NewProduct,
        /// Decimals of its mint.
        decimals: u8,
    },
    /// Change a product's terms.
    UpdateProduct {
        /// Its name.
        slug: Slug,
        /// What changes.
        changes: ProductChanges,
        /// Decimals of its mint.
        decimals: u8,
    },
}

/// Everything to do, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogPlan {
    /// The steps; none when all is as it should be.
    pub steps: Vec<Step>,
    /// Products on chain that the file does not name; `None`: not known.
    pub unlisted: Option<Vec<String>>,
}

/// Compares.
///
/// # Errors
/// [`CatalogError`] for what can never become as the file says.
pub fn plan(
    file: &CatalogFile,
    parties: Parties,
    observed: &Observed,
) -> Result<CatalogPlan, CatalogError> {
    let mut steps = merchant_steps(file, parties, observed)?;
    let mints: BTreeSet<_> = file.products.iter().map(|product| product.mint).collect();
    for mint in mints {
        if !observed.vaults.contains(&mint) {
            steps.push(Step::CreateVault { mint });
        }
    }
    for section in &file.products {
        let decimals = *observed
            .decimals
            .get(&section.mint)
            .ok_or(CatalogError::MintUnknown(section.mint))?;
        let wanted = terms(section, decimals)?;
        match observed
            .products
            .iter()
            .find(|product| product.terms.slug == section.slug)
        {
            None => {
                steps.push(Step::CreateProduct {
                    new: wanted,
                    decimals,
                });
                // A product is for sale when it is published.
                if !section.active {
                    steps.push(Step::UpdateProduct {
                        slug: section.slug,
                        changes: ProductChanges {
                            active: Some(false),
                            ..ProductChanges::default()
                        },
                        decimals,
                    });
                }
            }
            Some(product) => {
                let changes = changes(product, &wanted, section.active)?;
                if changes != ProductChanges::default() {
                    steps.push(Step::UpdateProduct {
                        slug: section.slug,
                        changes,
                        decimals,
                    });
                }
            }
        }
    }
    Ok(CatalogPlan {
        steps,
        unlisted: observed.unlisted.clone(),
    })
}

fn merchant_steps(
    file: &CatalogFile,
    parties: Parties,
    observed: &Observed,
) -> Result<Vec<Step>, CatalogError> {
    let Parties { owner, signer } = parties;
    let wanted = &file.merchant;
    let Some(merchant) = &observed.merchant else {
        if owner != signer {
            return Err(CatalogError::NotOwner(owner));
        }
        let mut steps = vec![Step::CreateMerchant {
            operator: wanted.operator.unwrap_or(signer),
        }];
        if wanted.paused == Some(true) {
            steps.push(Step::UpdateMerchant {
                operator: None,
                paused: Some(true),
            });
        }
        return Ok(steps);
    };
    if merchant.authority != signer {
        return Err(CatalogError::NotAuthority {
            authority: merchant.authority,
            given: signer,
        });
    }
    let operator = wanted.operator.filter(|key| *key != merchant.operator);
    let paused = wanted.paused.filter(|paused| *paused != merchant.paused);
    if operator.is_none() && paused.is_none() {
        return Ok(Vec::new());
    }
    Ok(vec![Step::UpdateMerchant { operator, paused }])
}

/// The terms of a section, within the program's bounds.
fn terms(section: &ProductSection, decimals: u8) -> Result<NewProduct, CatalogError> {
    let slug = || section.slug.to_string();
    let refuse = |reason| {
        Err(CatalogError::Terms {
            slug: slug(),
            reason,
        })
    };
    let price = amounts::parse(&section.price, decimals).map_err(|error| CatalogError::Price {
        slug: slug(),
        error,
    })?;
    let new = NewProduct {
        slug: section.slug,
        mint: section.mint,
        price,
        access: DurationSeconds(section.access_seconds),
        credits: Credits(section.credits),
        refund_window: DurationSeconds(section.refund_window_seconds),
    };
    if price == Amount(0) {
        return refuse("a price must be more than nothing");
    }
    if new.access > MAX_ACCESS {
        return refuse("access of more than 100 years is without limit: say 0");
    }
    if new.refund_window > MAX_REFUND_WINDOW {
        return refuse("a refund window is at most 366 days");
    }
    Ok(new)
}

/// What makes an existing product as it is wanted.
fn changes(
    product: &Published,
    wanted: &NewProduct,
    active: bool,
) -> Result<ProductChanges, CatalogError> {
    let terms = &product.terms;
    if terms.mint != wanted.mint {
        return Err(CatalogError::MintFixed {
            slug: terms.slug.to_string(),
            on_chain: terms.mint,
            wanted: wanted.mint,
        });
    }
    if (terms.credits == Credits(0)) != (wanted.credits == Credits(0)) {
        return Err(CatalogError::MeteringFixed {
            slug: terms.slug.to_string(),
        });
    }
    Ok(ProductChanges {
        price: differing(terms.price, wanted.price),
        access: differing(terms.access, wanted.access),
        credits: differing(terms.credits, wanted.credits),
        refund_window: differing(terms.refund_window, wanted.refund_window),
        active: differing(product.active, active),
    })
}

fn differing<T: PartialEq>(is: T, wanted: T) -> Option<T> {
    (is != wanted).then_some(wanted)
}

impl Step {
    /// The instruction that does it.
    pub fn instruction(&self, addresses: &Addresses, parties: Parties) -> Instruction {
        let Parties { owner, signer } = parties;
        let merchant = addresses.merchant(&owner);
        match self {
            Self::CreateMerchant { operator } => {
                addresses.create_merchant(owner, signer, *operator)
            }
            Self::UpdateMerchant { operator, paused } => {
                addresses.update_merchant(signer, merchant, *operator, *paused)
            }
            Self::CreateVault { mint } => addresses.create_vault(signer, merchant, *mint),
            Self::CreateProduct { new, .. } => {
                addresses.create_product(signer, signer, merchant, new)
            }
            Self::UpdateProduct { slug, changes, .. } => {
                let product = addresses.product(&merchant, slug);
                addresses.update_product(signer, merchant, product, changes.clone())
            }
        }
    }
}

impl std::fmt::Display for Step {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::CreateMerchant { operator } => {
                write!(formatter, "create the merchant, operator {operator}")
            }
            Self::UpdateMerchant { operator, paused } => {
                formatter.write_str("change the merchant:")?;
                show(formatter, "operator", operator.as_ref())?;
                show(formatter, "paused", paused.as_ref())
            }
            Self::CreateVault { mint } => write!(formatter, "create the vault for {mint}"),
            Self::CreateProduct { new, decimals } => write!(
                formatter,
                "create the product {}: price {}, access_seconds {}, credits {}, \
                 refund_window_seconds {}",
                new.slug,
                amounts::format(new.price, *decimals),
                new.access.0,
                new.credits.0,
                new.refund_window.0
            ),
            Self::UpdateProduct {
                slug,
                changes,
                decimals,
            } => {
                write!(formatter, "change the product {slug}:")?;
                let price = changes.price.map(|price| amounts::format(price, *decimals));
                show(formatter, "price", price.as_ref())?;
                show(
                    formatter,
                    "access_seconds",
                    changes.access.map(|it| it.0).as_ref(),
                )?;
                show(
                    formatter,
                    "credits",
                    changes.credits.map(|it| it.0).as_ref(),
                )?;
                let window = changes.refund_window.map(|window| window.0);
                show(formatter, "refund_window_seconds", window.as_ref())?;
                show(formatter, "active", changes.active.as_ref())
            }
        }
    }
}

fn show(
    formatter: &mut std::fmt::Formatter<'_>,
    name: &str,
    value: Option<&impl std::fmt::Display>,
) -> std::fmt::Result {
    match value {
        Some(value) => write!(formatter, " {name} {value}"),
        None => Ok(()),
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
