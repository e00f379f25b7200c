//! An action as a transaction, and the chain compared with the model.

use super::action::Action;
use super::places::Places;
use super::rules::Refusal;
use super::state::{
    Entitlement, Flows, Intent, Merchant, Model, Product, Rail, Rents, Status, Tokens,
};
use crate::{Failure, World};
use solana_account::Account;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use std::collections::{BTreeMap, BTreeSet};
use tollgate_client::accounts::ProgramAccount;
use tollgate_client::instructions::{
    AttestedPayment, NewIntent, NewProduct, Payment, create_token_account,
};
use tollgate_client::{
    Addresses, Amount, Credits, DurationSeconds, EntitlementStatus, IntentStatus, PaymentId,
    PaymentIntent, UnixSeconds,
};

/// What everybody begins with, of each mint.
const FUNDS: u64 = 1_000_000_000_000;
/// Lamports that everybody begins with.
const LAMPORTS: u64 = 1_000_000_000_000_000;

/// The chain under test.
pub struct Chain {
    world: World,
    places: &'static Places,
    /// The account at every address when it was last found equal to the model.
    seen: BTreeMap<Pubkey, Option<Account>>,
}

impl Chain {
    /// Two merchants without products, and everybody with money; and the same as a model.
    pub fn new(mut world: World, places: &'static Places) -> (Self, Model) {
        let fee_payer = places.fee_payer.insecure_clone();
        world.put_lamports(&fee_payer.pubkey(), LAMPORTS);
        for mint in &places.mints {
            world.put_mint(*mint, None);
        }
        let mut tokens = BTreeMap::new();
        for ((owner, mint), purse) in &places.purses {
            world.put_tokens(*purse, *mint, *owner, Amount(FUNDS));
            let (mint, owner) = (*mint, *owner);
            tokens.insert(
                *purse,
                Tokens {
                    mint,
                    owner,
                    amount: FUNDS,
                },
            );
        }
        let mut merchants = BTreeMap::new();
        for (number, owner) in places.owners.iter().enumerate() {
            let operator = places.operators[number];
            let payer = fee_payer.pubkey();
            let create = world.addresses.create_merchant(*owner, payer, operator);
            world
                .send(&[create], &[&fee_payer, &places.keys[owner]])
                .unwrap();
            let merchant = Merchant {
                authority: *owner,
                pending: None,
                operator,
                paused: false,
            };
            merchants.insert(places.merchants[number], merchant);
        }
        let mut flows = BTreeMap::new();
        for ((merchant, mint), vault) in &places.vaults {
            let create = world
                .addresses
                .create_vault(fee_payer.pubkey(), *merchant, *mint);
            world.send(&[create], &[&fee_payer]).unwrap();
            tokens.insert(
                *vault,
                Tokens {
                    mint: *mint,
                    owner: *merchant,
                    amount: 0,
                },
            );
            flows.insert(*vault, Flows::default());
        }
        let mut lamports = BTreeMap::new();
        for key in &places.everybody {
            world.put_lamports(key, LAMPORTS);
            lamports.insert(*key, LAMPORTS);
        }
        let rents = Rents {
            empty: world.runtime.rent(0),
            product: world.runtime.rent(tollgate::state::Product::SPACE),
            intent: world.runtime.rent(PaymentIntent::SPACE),
            entitlement: world.runtime.rent(tollgate::state::Entitlement::SPACE),
            tokens: world.runtime.rent(165),
        };
        let model = Model {
            now: world.now().0,
            rents,
            merchants,
            products: BTreeMap::new(),
            intents: BTreeMap::new(),
            entitlements: BTreeMap::new(),
            tokens,
            lamports,
            flows,
            lives: 0,
        };
        let chain = Self {
            world,
            places,
            seen: BTreeMap::new(),
        };
        (chain, model)
    }

    /// Executes `action`.
    ///
    /// # Errors
    /// The chain's refusal.
    pub fn execute(&mut self, action: &Action, model: &Model) -> Result<(), Failure> {
        if let Action::SetTime(now) = action {
            self.world.set_time(UnixSeconds(*now));
            return Ok(());
        }
        let instructions = self.instructions(action, model);
        let keys: BTreeSet<Pubkey> = action.signers().into_iter().collect();
        let mut signers: Vec<&Keypair> = vec![&self.places.fee_payer];
        signers.extend(keys.iter().map(|key| &self.places.keys[key]));
        self.world.send(&instructions, &signers).map(|_| ())
    }

    fn instructions(&self, action: &Action, model: &Model) -> Vec<Instruction> {
        let places = self.places;
        let at = &self.world.addresses;
        let one = match action.clone() {
            Action::CreateMerchant { owner, operator } => {
                at.create_merchant(owner, owner, operator)
            }
            Action::UpdateMerchant {
                signer,
                merchant,
                operator,
                paused,
            } => at.update_merchant(signer, merchant, operator, paused),
            Action::ProposeAuthority {
                signer,
                merchant,
                proposed,
            } => at.propose_authority(signer, merchant, proposed),
            Action::AcceptAuthority { signer, merchant } => at.accept_authority(signer, merchant),
            Action::CreateProduct {
                signer,
                rent_payer,
                merchant,
                slug,
                mint,
                price,
                access,
                credits,
                window,
            } => {
                let new = NewProduct {
                    slug: Places::slug(slug),
                    mint,
                    price: Amount(price),
                    access: DurationSeconds(access),
                    credits: Credits(credits),
                    refund_window: DurationSeconds(window),
                };
                at.create_product(signer, rent_payer, merchant, &new)
            }
            Action::UpdateProduct {
                signer,
                merchant,
                product,
                changes,
            } => at.update_product(signer, merchant, product, changes),
            Action::CloseProduct {
                signer,
                merchant,
                product,
                rent_payer,
            } => at.close_product(signer, merchant, product, rent_payer),
            Action::CreateIntent {
                creator,
                rent_payer,
                merchant,
                product,
                id,
                expires_at,
                beneficiary,
                terms,
            } => at.create_intent(&NewIntent {
                creator,
                rent_payer,
                merchant,
                product,
                payment_id: PaymentId([id; 32]),
                expires_at: UnixSeconds(expires_at),
                beneficiary,
                terms,
            }),
            Action::CancelIntent {
                signer,
                merchant,
                intent,
            } => at.cancel_intent(signer, merchant, intent),
            Action::Pay {
                payer,
                rent_payer,
                merchant,
                intent,
                entitlement,
                source,
                vault,
                amount,
                beneficiary,
            } => {
                let known = model.intents.get(&intent);
                let mut pay = at.pay(&Payment {
                    payer,
                    rent_payer,
                    merchant,
                    product: known.map_or(Pubkey::default(), |known| known.product),
                    intent,
                    beneficiary,
                    source,
                    vault,
                    mint: known.map_or(places.mints[0], |known| known.mint),
                    amount: Amount(amount),
                });
                pay.accounts[4].pubkey = entitlement;
                pay
            }
            Action::Deposit {
                sender,
                intent,
                mint,
                amount,
            } => {
                let deposit = places.deposits[&(intent, mint)];
                return vec![
                    create_token_account(sender, intent, mint),
                    self.transfer(sender, mint, deposit, amount),
                ];
            }
            Action::Transfer {
                sender,
                mint,
                destination,
                amount,
            } => self.transfer(sender, mint, destination, amount),
            Action::SendLamports {
                sender,
                destination,
                lamports,
            } => solana_system_interface::instruction::transfer(&sender, &destination, lamports),
            Action::SettleDeposit {
                rent_payer,
                merchant,
                intent,
                entitlement,
                deposit,
            } => {
                let terms = self.terms(&intent, model);
                let mut settle = at.settle_deposit(rent_payer, intent, &terms, deposit);
                settle.accounts[1].pubkey = merchant;
                settle.accounts[3].pubkey = entitlement;
                settle
            }
            Action::ReclaimDeposit {
                intent,
                deposit,
                mint,
                destination,
                rent_payer,
            } => {
                let terms = PaymentIntent {
                    rent_payer,
                    ..self.terms(&intent, model)
                };
                at.reclaim_deposit(intent, &terms, deposit, mint, destination)
            }
            Action::RecordPayment {
                operator,
                rent_payer,
                merchant,
                intent,
                entitlement,
                rail,
                payer,
                beneficiary,
            } => {
                let terms = PaymentIntent {
                    merchant,
                    ..self.terms(&intent, model)
                };
                let reference = [rail.to_le_bytes()[0]; 32];
                let attested = AttestedPayment {
                    rail,
                    reference,
                    payer,
                    beneficiary,
                };
                let mut record = at.record_payment(operator, rent_payer, intent, &terms, &attested);
                record.accounts[4].pubkey = entitlement;
                record
            }
            Action::Refund {
                operator,
                merchant,
                intent,
                entitlement,
                destination,
                amount,
            } => {
                let terms = PaymentIntent {
                    merchant,
                    ..self.terms(&intent, model)
                };
                let mut refund = at.refund(operator, intent, &terms, destination, Amount(amount));
                refund.accounts[3].pubkey = entitlement;
                refund
            }
            Action::Revoke {
                operator,
                merchant,
                entitlement,
            } => at.revoke(operator, merchant, entitlement),
            Action::Consume {
                operator,
                merchant,
                entitlement,
                used,
                created_at,
            } => {
                let created_at = UnixSeconds(created_at);
                at.consume(operator, merchant, entitlement, Credits(used), created_at)
            }
            Action::Withdraw {
                signer,
                merchant,
                mint,
                destination,
                amount,
            } => at.withdraw(signer, merchant, mint, destination, Amount(amount)),
            Action::CloseIntent { intent, rent_payer } => {
                let terms = PaymentIntent {
                    rent_payer,
                    ..self.terms(&intent, model)
                };
                at.close_intent(intent, &terms)
            }
            Action::CloseEntitlement {
                entitlement,
                rent_payer,
            } => Instruction {
                program_id: at.program_id,
                accounts: anchor_lang::ToAccountMetas::to_account_metas(
                    &tollgate::accounts::CloseEntitlement {
                        entitlement,
                        rent_payer,
                    },
                    None,
                ),
                data: anchor_lang::InstructionData::data(
                    &tollgate::instruction::CloseEntitlement {},
                ),
            },
            Action::SetTime(_) => unreachable!("no transaction"),
        };
        vec![one]
    }

    fn transfer(&self, sender: Pubkey, mint: Pubkey, to: Pubkey, amount: u64) -> Instruction {
        let purse = self.places.purses[&(sender, mint)];
        let token = &spl_token_interface::ID;
        spl_token_interface::instruction::transfer_checked(
            token,
            &purse,
            &mint,
            &to,
            &sender,
            &[],
            amount,
            6,
        )
        .unwrap()
    }

    /// What the builders read off an intent; of an intent that does not exist, the
    /// first merchant's accounts.
    fn terms(&self, address: &Pubkey, model: &Model) -> PaymentIntent {
        let merchant = self.places.merchants[0];
        let mint = self.places.mints[0];
        let known = model.intents.get(address);
        let merchant = known.map_or(merchant, |known| known.merchant);
        let mint = known.map_or(mint, |known| known.mint);
        let empty = vec![0; PaymentIntent::SPACE];
        let blank: PaymentIntent =
            anchor_lang::AccountDeserialize::try_deserialize_unchecked(&mut &empty[..]).unwrap();
        PaymentIntent {
            merchant,
            mint,
            vault: self.places.vaults[&(merchant, mint)],
            product: known.map_or(Pubkey::default(), |known| known.product),
            beneficiary: known
                .and_then(|known| known.beneficiary)
                .unwrap_or_default(),
            ..blank
        }
    }

    /// Compares every account with the model; those that neither side touched since
    /// the last comparison are equal still.
    pub fn compare(&mut self, before: &Model, model: &Model) {
        let places = self.places;
        for address in places.merchants.iter() {
            let same = before.merchants[address] == model.merchants[address];
            if let Some(account) = self.changed(address, same) {
                let found = self.decode::<tollgate::state::Merchant>(address, account.as_ref());
                assert_eq!(found.map(merchant).as_ref(), model.merchants.get(address));
            }
        }
        for address in places.products.values() {
            let same = before.products.get(address) == model.products.get(address);
            if let Some(account) = self.changed(address, same) {
                let found = self.decode::<tollgate::state::Product>(address, account.as_ref());
                assert_eq!(found.map(product).as_ref(), model.products.get(address));
            }
        }
        for address in places.intents.values() {
            let same = before.intents.get(address) == model.intents.get(address);
            if let Some(account) = self.changed(address, same) {
                let found = self.decode::<PaymentIntent>(address, account.as_ref());
                let expected = model.intents.get(address);
                let life = expected.map_or(0, |intent| intent.era.0);
                let found = found.map(|found| intent(found, life));
                assert_eq!(found.as_ref(), expected, "{}", places.names[address]);
            }
        }
        for address in places.entitlements.values() {
            let same = before.entitlements.get(address) == model.entitlements.get(address);
            if let Some(account) = self.changed(address, same) {
                let found = self.decode::<tollgate::state::Entitlement>(address, account.as_ref());
                let expected = model.entitlements.get(address);
                let life = expected.map_or(0, |held| held.life);
                let found = found.map(|found| entitlement(found, life));
                assert_eq!(found.as_ref(), expected, "{}", places.names[address]);
            }
        }
        self.compare_balances(model);
    }

    fn compare_balances(&mut self, model: &Model) {
        let places = self.places;
        let mut totals: BTreeMap<Pubkey, u64> = BTreeMap::new();
        let accounts = (places.purses.values())
            .chain(places.vaults.values())
            .chain(places.deposits.values());
        for address in accounts {
            let account = self
                .world
                .runtime
                .account(address)
                .filter(|it| it.lamports > 0);
            let found = account.map(|account| {
                let state: spl_token_interface::state::Account =
                    solana_program_pack::Pack::unpack(&account.data).unwrap();
                let (mint, owner, amount) = (state.mint, state.owner, state.amount);
                Tokens {
                    mint,
                    owner,
                    amount,
                }
            });
            assert_eq!(
                found.as_ref(),
                model.tokens.get(address),
                "{}",
                places.names[address]
            );
            if let Some(found) = found {
                *totals.entry(found.mint).or_default() += found.amount;
            }
        }
        let everything = FUNDS * u64::try_from(places.everybody.len()).unwrap();
        for (mint, total) in totals {
            assert_eq!(
                total, everything,
                "tokens of {} appeared or vanished",
                places.names[&mint]
            );
        }
        for (vault, flows) in &model.flows {
            let held = self.world.tokens(vault).0;
            let due = flows.settled + flows.given - flows.refunded - flows.withdrawn;
            assert_eq!(
                held, due,
                "{} = settled − refunded − withdrawn",
                places.names[vault]
            );
        }
        let addresses = (places.everybody.iter())
            .chain(places.products.values())
            .chain(places.intents.values())
            .chain(places.entitlements.values())
            .chain(places.deposits.values());
        for address in addresses {
            let due = model.lamports.get(address).copied().unwrap_or(0);
            assert_eq!(
                self.world.lamports(address),
                due,
                "lamports of {}",
                places.names[address]
            );
        }
    }

    /// The account, unless neither it nor its counterpart changed.
    #[allow(clippy::option_option)]
    fn changed(&mut self, address: &Pubkey, same: bool) -> Option<Option<Account>> {
        let account = self.world.runtime.account(address);
        let unchanged = same && self.seen.get(address) == Some(&account);
        if unchanged {
            return None;
        }
        self.seen.insert(*address, account.clone());
        Some(account)
    }

    /// The account's content. Where the program keeps none, there must be nothing
    /// but lamports that somebody sent: a closed address is worth nothing.
    fn decode<T: ProgramAccount>(&self, address: &Pubkey, account: Option<&Account>) -> Option<T> {
        let account = account.filter(|account| account.lamports > 0)?;
        if account.owner == solana_system_interface::program::ID {
            assert!(account.data.is_empty(), "a closed account keeps data");
            return None;
        }
        let addresses: &Addresses = &self.world.addresses;
        Some(tollgate_client::accounts::decode(addresses, address, account).unwrap())
    }
}

/// Whether the chain refused for the reason that the model gave.
pub fn agrees(refusal: Refusal, failure: &Failure) -> bool {
    match refusal {
        Refusal::Program(error) => failure.program() == Some(error),
        // Anchor's AccountNotInitialized and AccountOwnedByWrongProgram.
        Refusal::Absent => matches!(failure.custom(), Some(3012 | 3007)),
        Refusal::Elsewhere => failure.program().is_none(),
    }
}

fn named(key: Pubkey) -> Option<Pubkey> {
    Some(key).filter(|key| *key != Pubkey::default())
}

fn merchant(found: tollgate::state::Merchant) -> Merchant {
    Merchant {
        authority: found.authority,
        pending: named(found.pending_authority),
        operator: found.operator,
        paused: found.paused,
    }
}

fn product(found: tollgate::state::Product) -> Product {
    Product {
        merchant: found.merchant,
        mint: found.mint,
        rent_payer: found.rent_payer,
        price: found.price.0,
        access: found.access.0,
        credits: found.credits.0,
        window: found.refund_window.0,
        active: found.active,
    }
}

fn intent(found: PaymentIntent, life: u64) -> Intent {
    Intent {
        merchant: found.merchant,
        product: found.product,
        mint: found.mint,
        author: found.author,
        payer: named(found.payer),
        beneficiary: named(found.beneficiary),
        rent_payer: found.rent_payer,
        amount: found.amount.0,
        refunded: found.refunded.0,
        access: found.access.0,
        credits: found.credits.0,
        metered: found.metered,
        window: found.refund_window.0,
        created_at: found.created_at.0,
        expires_at: found.expires_at.0,
        status: match found.status {
            IntentStatus::Open => Status::Open,
            IntentStatus::Paid => Status::Paid,
            IntentStatus::Cancelled => Status::Cancelled,
            IntentStatus::Refunded => Status::Refunded,
        },
        rail: match found.rail {
            tollgate_client::Rail::Unpaid => Rail::Unpaid,
            tollgate_client::Rail::Pay => Rail::Pay,
            tollgate_client::Rail::Deposit => Rail::Deposit,
            tollgate_client::Rail::Attested(code) => Rail::Attested(code),
        },
        paid_at: found.paid_at.0,
        refund_until: found.refund_until.0,
        era: (life, found.generation),
    }
}

fn entitlement(found: tollgate::state::Entitlement, life: u64) -> Entitlement {
    Entitlement {
        life,
        merchant: found.merchant,
        product: found.product,
        beneficiary: found.beneficiary,
        rent_payer: found.rent_payer,
        last_intent: found.last_intent,
        revoked: found.status == EntitlementStatus::Revoked,
        metered: found.metered,
        expires_at: found.expires_at.0,
        credits_granted: found.credits_granted.0,
        credits_used: found.credits_used.0,
        payments: found.payments,
        created_at: found.created_at.0,
        timed_until: found.timed_until.0,
        unlimited: found.unlimited_payments,
        generation: found.generation,
        refundable_until: found.refundable_until.0,
    }
}
