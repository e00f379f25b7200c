//! A transaction executed, and the chain compared with the model.
//!
//! | module | what it answers |
//! | --- | --- |
//! | [`instructions`] | an action as instructions |
//! | [`compare`] | whether the chain is as the model says |
//! | [`found`] | the chain's accounts in the model's words |

pub mod compare;
pub mod found;
pub mod instructions;

use super::action::{Action, SetTime};
use super::places::{DECIMALS, Places};
use super::refusal::Failed;
use super::state::{Model, Rents, Tokens};
use crate::{Failure, World};
use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use solana_transaction_error::TransactionError;
use std::collections::{BTreeMap, BTreeSet};
use tollgate::state::{Entitlement, Merchant, PaymentIntent, Product};
use tollgate_client::{Amount, UnixSeconds, transaction};

/// What everybody begins with, of each mint.
const FUNDS: u64 = 1_000_000_000_000;
/// Lamports that everybody begins with.
const LAMPORTS: u64 = 1_000_000_000_000_000;
/// What a signature costs.
const FEE: u64 = 5_000;
/// Bytes of a token account.
const TOKEN_ACCOUNT: usize = 165;

/// The chain under test.
pub struct Chain {
    world: World,
    places: &'static Places,
    /// What the last transaction could have changed.
    touched: BTreeSet<Pubkey>,
    /// What all transactions cost, successful or not.
    fees: u64,
}

/// Why a transaction failed on the chain.
#[derive(Debug)]
pub struct Found {
    /// The action that failed; `None`: the transaction as a whole.
    action: Option<usize>,
    failure: Failure,
}

impl Found {
    /// Whether it is what the model says.
    pub fn agrees(&self, failed: Failed) -> bool {
        let same = self.action.is_none_or(|action| action == failed.action);
        same && failed.refusal.agrees(&self.failure)
    }
}

impl Chain {
    /// Everybody with money and no merchant yet; some addresses have lamports before
    /// there is anything. And the same as a model.
    pub fn new(mut world: World, places: &'static Places, random: &mut StdRng) -> (Self, Model) {
        world.put_lamports(&places.fee_payer.pubkey(), LAMPORTS);
        let mut lamports = BTreeMap::new();
        for key in &places.everybody {
            world.put_lamports(key, LAMPORTS);
            lamports.insert(*key, LAMPORTS);
        }
        let mut tokens = BTreeMap::new();
        for (mint, decimals) in places.mints.iter().zip(DECIMALS) {
            world.put_mint_of(*mint, decimals, Some(places.warden));
        }
        for ((owner, mint), purse) in &places.purses {
            world.put_tokens(*purse, *mint, *owner, Amount(FUNDS));
            lamports.insert(*purse, world.lamports(purse));
            let amount = FUNDS;
            let held = Tokens {
                amount,
                ..Tokens::empty(*mint, *owner)
            };
            tokens.insert(*purse, held);
        }
        let rents = Rents {
            empty: world.runtime.rent(0),
            merchant: world.runtime.rent(Merchant::SPACE),
            product: world.runtime.rent(Product::SPACE),
            intent: world.runtime.rent(PaymentIntent::SPACE),
            entitlement: world.runtime.rent(Entitlement::SPACE),
            tokens: world.runtime.rent(TOKEN_ACCOUNT),
            minimum_balance_rule: world.runtime.minimum_balance_rule(),
        };
        let derived = (places.merchants.iter())
            .chain(places.products.values())
            .chain(places.intents.values())
            .chain(places.entitlements.values())
            .chain(places.deposits.values());
        for address in derived {
            if random.random_ratio(1, 8) {
                let amounts = [1, rents.empty, rents.intent, 10 * rents.intent];
                let sent = *amounts.choose(random).unwrap();
                world.put_lamports(address, sent);
                lamports.insert(*address, sent);
            }
        }
        let model = Model {
            now: world.now().0,
            rents,
            merchants: BTreeMap::new(),
            products: BTreeMap::new(),
            intents: BTreeMap::new(),
            entitlements: BTreeMap::new(),
            tokens,
            lamports,
            flows: BTreeMap::new(),
            standing: Vec::new(),
            lives: 0,
        };
        let chain = Self {
            world,
            places,
            touched: BTreeSet::new(),
            fees: 0,
        };
        (chain, model)
    }

    /// Drops the last of the `actions` until the others fit into one transaction.
    pub fn fit(&self, actions: &mut Vec<Action>) {
        while actions.len() > 1 {
            let payer = self.places.fee_payer.pubkey();
            let numbered = self.world.numbered(&self.instructions(actions).0);
            if transaction::unsigned(&numbered, Default::default(), &payer).is_ok() {
                return;
            }
            actions.pop();
        }
    }

    /// Executes `actions` in one transaction.
    ///
    /// # Errors
    /// The chain's refusal.
    pub fn execute(&mut self, actions: &[Action]) -> Result<(), Found> {
        self.touched.clear();
        if let [Action::SetTime(SetTime(now))] = actions {
            self.world.set_time(UnixSeconds(*now));
            return Ok(());
        }
        let (instructions, ends) = self.instructions(actions);
        let metas = instructions.iter().flat_map(|it| &it.accounts);
        self.touched.extend(metas.map(|meta| meta.pubkey));
        let keys: BTreeSet<Pubkey> = (actions.iter())
            .flat_map(|action| action.signers(self.places))
            .collect();
        let mut signers: Vec<&Keypair> = vec![&self.places.fee_payer];
        signers.extend(keys.iter().map(|key| &self.places.keys[key]));
        self.fees += FEE * u64::try_from(signers.len()).unwrap();
        let result = self.world.send_numbered(&instructions, &signers);
        result.map(|_| ()).map_err(|failure| {
            let action = match failure.error {
                TransactionError::InstructionError(index, _) => {
                    ends.iter().position(|end| usize::from(index) < *end)
                }
                _ => None,
            };
            Found { action, failure }
        })
    }

    /// The instructions, and where those of each action end.
    fn instructions(&self, actions: &[Action]) -> (Vec<Instruction>, Vec<usize>) {
        let mut all = Vec::new();
        let mut ends = Vec::new();
        for action in actions {
            all.extend(instructions::of(action, self.places));
            ends.push(all.len());
        }
        (all, ends)
    }
}
