//! Reading what stands, and doing what is planned.

use super::{CatalogFile, CatalogPlan, Observed, Parties, Published, Step, plan};
use crate::commands::send::send;
use crate::deploy::DeployError;
use crate::error::CliError;
use solana_hash::Hash;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signature::Signature;
use solana_signer::Signer;
use std::collections::BTreeSet;
use tollgate_client::transaction::{self, ComputeBudget};
use tollgate_client::{Chain, ChainError, Product};

/// Compute units for each step, a multiple of what any needs.
const STEP_UNITS: u32 = 100_000;

/// A catalog on its way to one cluster.
pub struct Catalog<'a> {
    /// The cluster.
    pub chain: &'a Chain,
    /// What the file says.
    pub file: &'a CatalogFile,
    /// The merchant's authority; pays.
    pub signer: &'a Keypair,
    /// Price of a compute unit in millionths of a lamport.
    pub compute_unit_price: u64,
}

impl Catalog<'_> {
    /// Who is involved.
    pub fn parties(&self) -> Parties {
        let signer = self.signer.pubkey();
        Parties {
            owner: self.file.merchant.owner.unwrap_or(signer),
            signer,
        }
    }

    /// Compares the file with the chain. Sends nothing.
    ///
    /// # Errors
    /// [`ChainError::WrongCluster`], [`CatalogError`](super::CatalogError), [`ChainError`].
    pub async fn plan(&self) -> Result<CatalogPlan, CliError> {
        let expected = &self.file.cluster.genesis_hash;
        self.chain.require_genesis_hash(expected).await?;
        let observed = self.observe().await?;
        plan(self.file, self.parties(), &observed)
            .map_err(|error| DeployError::Catalog(error).into())
    }

    async fn observe(&self) -> Result<Observed, CliError> {
        let addresses = self.chain.addresses();
        let merchant = addresses.merchant(&self.parties().owner);
        let mints: BTreeSet<Pubkey> = self.file.products.iter().map(|it| it.mint).collect();
        let mut observed = Observed {
            merchant: self.chain.merchant(&merchant).await?,
            ..Observed::default()
        };
        for mint in mints {
            if let Some(decimals) = self.chain.mint_decimals(&mint).await? {
                observed.decimals.insert(mint, decimals);
            }
            let vault = addresses.vault(&merchant, &mint);
            if self.chain.token_balance(&vault).await?.is_some() {
                observed.vaults.insert(mint);
            }
        }
        for section in &self.file.products {
            let address = addresses.product(&merchant, &section.slug);
            let product = self.chain.product(&address).await?;
            observed
                .products
                .extend(product.as_ref().map(Published::from));
        }
        observed.unlisted = self.unlisted(&merchant).await?;
        Ok(observed)
    }

    /// The merchant's products that the file does not name. Servers may refuse the
    /// search; then nobody knows, and nothing depends on it.
    async fn unlisted(&self, merchant: &Pubkey) -> Result<Option<Vec<String>>, CliError> {
        let listed: BTreeSet<_> = self.file.products.iter().map(|it| it.slug).collect();
        let name = |(_, product): (Pubkey, Product)| {
            (!listed.contains(&product.slug)).then(|| product.slug.to_string())
        };
        match self.chain.products_of(merchant).await {
            Ok(products) => {
                let mut names: Vec<_> = products.into_iter().filter_map(name).collect();
                names.sort_unstable();
                Ok(Some(names))
            }
            Err(ChainError::Rpc { .. } | ChainError::Decode(_)) => Ok(None),
            Err(other) => Err(other.into()),
        }
    }
}

/// Does what is planned, in as few transactions as hold it. Repeated after an
/// interruption, the next plan holds what is left.
///
/// # Errors
/// [`CliError`]; only [`CliError::TransactionUnknown`] leaves open what happened.
pub async fn apply(catalog: &Catalog<'_>, plan: &CatalogPlan) -> Result<Vec<Signature>, CliError> {
    let mut signatures = Vec::new();
    for instructions in transactions(catalog, &plan.steps) {
        signatures.push(send(catalog.chain, &instructions, catalog.signer).await?);
    }
    Ok(signatures)
}

/// The steps in transactions, each as full as its size allows.
fn transactions(catalog: &Catalog<'_>, steps: &[Step]) -> Vec<Vec<Instruction>> {
    let (addresses, parties) = (catalog.chain.addresses(), catalog.parties());
    let fits = |instructions: &[Instruction]| {
        let priced = priced(instructions, catalog.compute_unit_price);
        transaction::unsigned(&priced, Hash::default(), &parties.signer).is_ok()
    };
    let mut groups: Vec<Vec<Instruction>> = Vec::new();
    for step in steps {
        let instruction = step.instruction(&addresses, parties);
        if let Some(group) = groups.last_mut() {
            group.push(instruction.clone());
            if fits(group) {
                continue;
            }
            group.pop();
        }
        groups.push(vec![instruction]);
    }
    groups
        .into_iter()
        .map(|group| priced(&group, catalog.compute_unit_price))
        .collect()
}

fn priced(instructions: &[Instruction], price: u64) -> Vec<Instruction> {
    let mut all = Vec::new();
    if price > 0 {
        let steps = u32::try_from(instructions.len()).unwrap_or(u32::MAX);
        let units = STEP_UNITS.saturating_mul(steps);
        all = ComputeBudget { units, price }.instructions();
    }
    all.extend_from_slice(instructions);
    all
}
