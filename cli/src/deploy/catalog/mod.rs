//! A merchant and its products as a file says they should be.
//!
//! The file is compared with the chain; what differs is planned, printed and sent, and
//! nothing else. What can never change (a product's mint, whether it is metered) is
//! refused before anything is sent. Products that the file does not name are reported
//! and left alone.

mod apply;
mod error;
mod file;
mod plan;

pub use apply::{Catalog, apply};
pub use error::CatalogError;
pub use file::{CatalogFile, ClusterSection, MerchantSection, ProductSection};
pub use plan::{CatalogPlan, Observed, Parties, Published, Step, plan};
