//! What each action may do, written from the specification: the blueprint's table
//! and the documentation of each instruction. An action is refused for the first
//! reason that stands in the order in which the program promises to look.

use super::action::Action;
use super::places::Places;
use super::state::{Entitlement, Intent, Merchant, Model, Product, Rail, Status, Tokens};
use solana_pubkey::Pubkey;
use tollgate_client::{IntentTerms, ProductChanges, TollgateError as E};

const DAY: i64 = 86_400;
const MAX_LIFETIME: i64 = 30 * DAY;
const MAX_ACCESS: u64 = 36_525 * 86_400;
const MAX_WINDOW: u64 = 366 * 86_400;

/// Why an action must fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// With this error of the program.
    Program(E),
    /// Because an account of the program or of tokens does not exist.
    Absent,
    /// By another program, whose numbers are not ours to promise.
    Elsewhere,
}

impl From<E> for Refusal {
    fn from(error: E) -> Self {
        Self::Program(error)
    }
}

type Outcome = Result<(), Refusal>;

fn ensure(holds: bool, error: E) -> Outcome {
    if holds { Ok(()) } else { Err(error.into()) }
}

/// What a payment brings besides the intent.
struct Settling {
    payer: Pubkey,
    beneficiary: Pubkey,
    rail: Rail,
    entitlement: Pubkey,
    rent_payer: Pubkey,
}

impl Model {
    /// The world after `action`, or why nothing changes.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn after(&self, action: &Action, places: &Places) -> Result<Self, Refusal> {
        let mut next = self.clone();
        next.apply(action, places)?;
        Ok(next)
    }

    fn apply(&mut self, action: &Action, places: &Places) -> Outcome {
        match action {
            Action::CreateMerchant { .. } => Err(Refusal::Elsewhere),
            Action::SetTime(now) => {
                self.now = *now;
                Ok(())
            }
            Action::UpdateMerchant {
                signer,
                merchant,
                operator,
                paused,
            } => {
                let merchant = self.merchant(merchant)?;
                ensure(*signer == merchant.authority, E::SignerNotAllowed)?;
                if let Some(operator) = operator {
                    ensure(*operator != Pubkey::default(), E::KeyMissing)?;
                    merchant.operator = *operator;
                }
                merchant.paused = paused.unwrap_or(merchant.paused);
                Ok(())
            }
            Action::ProposeAuthority {
                signer,
                merchant,
                proposed,
            } => {
                let merchant = self.merchant(merchant)?;
                ensure(*signer == merchant.authority, E::SignerNotAllowed)?;
                merchant.pending = Some(*proposed).filter(|key| *key != Pubkey::default());
                Ok(())
            }
            Action::AcceptAuthority { signer, merchant } => {
                let merchant = self.merchant(merchant)?;
                ensure(merchant.pending == Some(*signer), E::SignerNotAllowed)?;
                merchant.authority = *signer;
                merchant.pending = None;
                Ok(())
            }
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
                let address = places.products[&(*merchant, *slug)];
                if self.products.contains_key(&address) {
                    return Err(Refusal::Elsewhere);
                }
                let authority = self.merchant(merchant)?.authority;
                ensure(*signer == authority, E::SignerNotAllowed)?;
                let product = Product {
                    merchant: *merchant,
                    mint: *mint,
                    rent_payer: *rent_payer,
                    price: *price,
                    access: *access,
                    credits: *credits,
                    window: *window,
                    active: true,
                };
                within_bounds(&product)?;
                self.pay_rent(rent_payer, &address, self.rents.product);
                self.products.insert(address, product);
                Ok(())
            }
            Action::UpdateProduct {
                signer,
                merchant,
                product,
                changes,
            } => {
                let authority = self.merchant(merchant)?.authority;
                let product = self.products.get_mut(product).ok_or(Refusal::Absent)?;
                ensure(product.merchant == *merchant, E::MerchantMismatch)?;
                ensure(*signer == authority, E::SignerNotAllowed)?;
                update_product(product, changes)
            }
            Action::CloseProduct {
                signer,
                merchant,
                product: address,
                rent_payer,
            } => {
                let authority = self.merchant(merchant)?.authority;
                let product = self.products.get(address).ok_or(Refusal::Absent)?;
                ensure(product.merchant == *merchant, E::MerchantMismatch)?;
                ensure(product.rent_payer == *rent_payer, E::RentPayerMismatch)?;
                ensure(*signer == authority, E::SignerNotAllowed)?;
                self.products.remove(address);
                self.return_rent(address, rent_payer);
                Ok(())
            }
            Action::CreateIntent { .. } => self.create_intent(action, places),
            Action::CancelIntent {
                signer,
                merchant,
                intent,
            } => {
                let operator = self.merchant(merchant)?.operator;
                let intent = self.intents.get_mut(intent).ok_or(Refusal::Absent)?;
                waiting(intent, merchant)?;
                let allowed = *signer == operator || *signer == intent.author;
                ensure(allowed, E::SignerNotAllowed)?;
                intent.status = Status::Cancelled;
                Ok(())
            }
            Action::Pay {
                payer,
                rent_payer,
                merchant,
                intent: address,
                entitlement,
                source,
                vault,
                amount,
                beneficiary,
            } => {
                let intent = self.intent(address)?;
                let due = places.vaults[&(intent.merchant, intent.mint)];
                ensure(*vault == due, E::VaultMismatch)?;
                ensure(!self.merchant(merchant)?.paused, E::MerchantPaused)?;
                waiting(&intent, merchant)?;
                ensure(*amount == intent.amount, E::AmountMismatch)?;
                let settling = Settling {
                    payer: *payer,
                    beneficiary: *beneficiary,
                    rail: Rail::Pay,
                    entitlement: *entitlement,
                    rent_payer: *rent_payer,
                };
                self.settle(address, &settling, places)?;
                ensure(source != vault, E::AccountsAliased)?;
                self.move_tokens(source, vault, payer, intent.amount)?;
                self.flow(vault).settled += intent.amount;
                Ok(())
            }
            Action::Deposit {
                sender,
                intent,
                mint,
                amount,
            } => {
                let deposit = places.deposits[&(*intent, *mint)];
                if !self.tokens.contains_key(&deposit) {
                    self.pay_rent(sender, &deposit, self.rents.tokens);
                    let empty = Tokens {
                        mint: *mint,
                        owner: *intent,
                        amount: 0,
                    };
                    self.tokens.insert(deposit, empty);
                }
                let purse = places.purses[&(*sender, *mint)];
                self.move_tokens(&purse, &deposit, sender, *amount)
            }
            Action::Transfer {
                sender,
                mint,
                destination,
                amount,
            } => {
                let purse = places.purses[&(*sender, *mint)];
                self.move_tokens(&purse, destination, sender, *amount)?;
                self.give(destination, *amount);
                Ok(())
            }
            Action::SendLamports {
                sender,
                destination,
                lamports,
            } => {
                let held = self.lamports.entry(*destination).or_default();
                if *held == 0 && *lamports < self.rents.empty {
                    return Err(Refusal::Elsewhere);
                }
                *held += lamports;
                *self.lamports.get_mut(sender).unwrap() -= lamports;
                Ok(())
            }
            Action::SettleDeposit {
                rent_payer,
                merchant,
                intent: address,
                entitlement,
                deposit,
            } => {
                let intent = self.intent(address)?;
                let held = self.tokens.get(deposit).ok_or(Refusal::Absent)?.clone();
                let own = held.owner == *address && held.mint == intent.mint;
                ensure(own, E::DepositMismatch)?;
                ensure(!self.merchant(merchant)?.paused, E::MerchantPaused)?;
                waiting(&intent, merchant)?;
                ensure(intent.author == intent.merchant, E::DepositNotOffered)?;
                let beneficiary = intent.beneficiary.ok_or(E::DepositNotOffered)?;
                ensure(held.amount >= intent.amount, E::DepositShort)?;
                let settling = Settling {
                    payer: intent.payer.unwrap_or(beneficiary),
                    beneficiary,
                    rail: Rail::Deposit,
                    entitlement: *entitlement,
                    rent_payer: *rent_payer,
                };
                self.settle(address, &settling, places)?;
                let vault = places.vaults[&(intent.merchant, intent.mint)];
                self.move_tokens(deposit, &vault, address, intent.amount)?;
                self.flow(&vault).settled += intent.amount;
                Ok(())
            }
            Action::ReclaimDeposit {
                intent: address,
                deposit,
                mint,
                destination,
                rent_payer,
            } => {
                let intent = self.intent(address)?;
                let held = self.tokens.get(deposit).ok_or(Refusal::Absent)?.clone();
                let receiver = self.tokens.get(destination).ok_or(Refusal::Absent)?;
                ensure(held.owner == *address, E::DepositMismatch)?;
                ensure(held.mint == *mint, E::MintMismatch)?;
                let owner = intent
                    .beneficiary
                    .or(intent.payer)
                    .unwrap_or(intent.merchant);
                ensure(receiver.owner == owner, E::DestinationMismatch)?;
                ensure(intent.rent_payer == *rent_payer, E::RentPayerMismatch)?;
                let pending = intent.status == Status::Open && self.now < intent.expires_at;
                ensure(!pending, E::DepositPending)?;
                if held.amount > 0 {
                    self.move_tokens(deposit, destination, address, held.amount)?;
                    self.give(destination, held.amount);
                }
                self.tokens.remove(deposit);
                self.return_rent(deposit, rent_payer);
                Ok(())
            }
            Action::RecordPayment {
                operator,
                rent_payer,
                merchant,
                intent: address,
                entitlement,
                rail,
                payer,
                beneficiary,
            } => {
                let intent = self.intent(address)?;
                let of = self.merchant(merchant)?;
                ensure(*operator == of.operator, E::SignerNotAllowed)?;
                ensure(!of.paused, E::MerchantPaused)?;
                waiting(&intent, merchant)?;
                ensure(intent.author == intent.merchant, E::SignerNotAllowed)?;
                let settling = Settling {
                    payer: *payer,
                    beneficiary: *beneficiary,
                    rail: Rail::Attested(*rail),
                    entitlement: *entitlement,
                    rent_payer: *rent_payer,
                };
                self.settle(address, &settling, places)
            }
            Action::Refund { .. } => self.refund(action, places),
            Action::Revoke {
                operator,
                merchant,
                entitlement,
            } => {
                let now = self.now;
                let entitlement = self.served_by(operator, merchant, entitlement)?;
                entitlement.revoked = true;
                entitlement.expires_at = entitlement.expires_at.min(now);
                Ok(())
            }
            Action::Consume {
                operator,
                merchant,
                entitlement,
                used,
                created_at,
            } => {
                let held = self.served_by(operator, merchant, entitlement)?;
                ensure(held.created_at == *created_at, E::EntitlementReplaced)?;
                ensure(held.metered, E::NotMetered)?;
                let possible = held.credits_used..=held.credits_granted;
                ensure(possible.contains(used), E::CreditsOutOfRange)?;
                held.credits_used = *used;
                Ok(())
            }
            Action::Withdraw {
                signer,
                merchant,
                mint,
                destination,
                amount,
            } => {
                let authority = self.merchant(merchant)?.authority;
                let vault = places.vaults[&(*merchant, *mint)];
                ensure(*signer == authority, E::SignerNotAllowed)?;
                ensure(*amount > 0, E::AmountZero)?;
                ensure(vault != *destination, E::AccountsAliased)?;
                self.move_tokens(&vault, destination, merchant, *amount)?;
                self.flow(&vault).withdrawn += amount;
                self.give(destination, *amount);
                Ok(())
            }
            Action::CloseIntent {
                intent: address,
                rent_payer,
            } => {
                let intent = self.intent(address)?;
                ensure(intent.rent_payer == *rent_payer, E::RentPayerMismatch)?;
                let last = match intent.status {
                    Status::Open => self.now >= intent.expires_at,
                    Status::Paid => self.now >= intent.refund_until,
                    Status::Cancelled | Status::Refunded => true,
                };
                ensure(last, E::NotFinal)?;
                let deposit = places.deposits[&(*address, intent.mint)];
                ensure(!self.tokens.contains_key(&deposit), E::DepositPending)?;
                self.intents.remove(address);
                self.return_rent(address, rent_payer);
                Ok(())
            }
            Action::CloseEntitlement {
                entitlement: address,
                rent_payer,
            } => {
                let held = self.entitlements.get(address).ok_or(Refusal::Absent)?;
                ensure(held.rent_payer == *rent_payer, E::RentPayerMismatch)?;
                let exhausted = held.metered && held.credits_used >= held.credits_granted;
                let useless = held.revoked || self.now >= held.expires_at || exhausted;
                let last = useless && self.now >= held.refundable_until;
                ensure(last && self.now > held.created_at, E::NotFinal)?;
                self.entitlements.remove(address);
                self.return_rent(address, rent_payer);
                Ok(())
            }
        }
    }

    fn create_intent(&mut self, action: &Action, places: &Places) -> Outcome {
        let Action::CreateIntent {
            creator,
            rent_payer,
            merchant,
            product: product_address,
            id,
            expires_at,
            beneficiary,
            terms,
        } = action
        else {
            unreachable!("called for this action only");
        };
        let of = self.merchant(merchant)?.clone();
        let product = self.products.get(product_address).ok_or(Refusal::Absent)?;
        ensure(!of.paused, E::MerchantPaused)?;
        ensure(product.merchant == *merchant, E::MerchantMismatch)?;
        ensure(product.active, E::ProductInactive)?;
        let quoted = matches!(terms, IntentTerms::Quote(_));
        ensure(!quoted || *creator == of.operator, E::SignerNotAllowed)?;
        let in_time = self.now < *expires_at && *expires_at <= self.now + MAX_LIFETIME;
        ensure(in_time, E::ExpiryInvalid)?;
        let metered = product.credits > 0;
        let mut intent = Intent {
            merchant: *merchant,
            product: *product_address,
            mint: product.mint,
            author: *creator,
            payer: Some(*creator),
            beneficiary: *beneficiary,
            rent_payer: *rent_payer,
            amount: product.price,
            refunded: 0,
            access: product.access,
            credits: product.credits,
            metered,
            window: product.window,
            created_at: self.now,
            expires_at: *expires_at,
            status: Status::Open,
            rail: Rail::Unpaid,
            paid_at: 0,
            refund_until: 0,
            era: (0, 0),
        };
        match terms {
            IntentTerms::ListPrice(offer) => {
                let expected = (offer.amount.0, offer.access.0, offer.credits.0);
                let listed = (product.price, product.access, product.credits);
                ensure(expected == listed, E::TermsChanged)?;
            }
            IntentTerms::Quote(quote) => {
                ensure(quote.amount.0 > 0, E::PriceZero)?;
                ensure(quote.access.0 <= MAX_ACCESS, E::AccessTooLong)?;
                ensure(quote.refund_window.0 <= MAX_WINDOW, E::RefundWindowTooLong)?;
                ensure((quote.credits.0 > 0) == metered, E::MeteringFixed)?;
                intent.author = *merchant;
                intent.payer = Some(quote.payer).filter(|key| *key != Pubkey::default());
                intent.amount = quote.amount.0;
                intent.access = quote.access.0;
                intent.credits = quote.credits.0;
                intent.window = quote.refund_window.0;
            }
        }
        let address = places.intents[&(*merchant, intent.author, *id)];
        if self.intents.contains_key(&address) {
            return Err(Refusal::Elsewhere);
        }
        self.pay_rent(rent_payer, &address, self.rents.intent);
        self.intents.insert(address, intent);
        Ok(())
    }

    /// The intent becomes paid and the entitlement stands.
    fn settle(&mut self, address: &Pubkey, by: &Settling, places: &Places) -> Outcome {
        let now = self.now;
        let mut intent = self.intent(address)?;
        ensure(now < intent.expires_at, E::IntentExpired)?;
        let fits = |named: Option<Pubkey>, given| named.is_none_or(|key| key == given);
        ensure(fits(intent.payer, by.payer), E::PayerMismatch)?;
        ensure(
            fits(intent.beneficiary, by.beneficiary),
            E::BeneficiaryMismatch,
        )?;
        ensure(by.beneficiary != Pubkey::default(), E::KeyMissing)?;
        intent.status = Status::Paid;
        intent.payer = Some(by.payer);
        intent.beneficiary = Some(by.beneficiary);
        intent.rail = by.rail;
        intent.paid_at = now;
        intent.refund_until = now.checked_add_unsigned(intent.window).unwrap();

        let due = places.entitlements[&(intent.product, by.beneficiary)];
        ensure(by.entitlement == due, E::EntitlementMismatch)?;
        if !self.entitlements.contains_key(&due) {
            self.pay_rent(&by.rent_payer, &due, self.rents.entitlement);
            self.lives += 1;
            let created = Entitlement {
                life: self.lives,
                merchant: intent.merchant,
                product: intent.product,
                beneficiary: by.beneficiary,
                rent_payer: by.rent_payer,
                last_intent: *address,
                revoked: false,
                metered: intent.metered,
                expires_at: now,
                credits_granted: 0,
                credits_used: 0,
                payments: 0,
                created_at: now,
                timed_until: now,
                unlimited: 0,
                generation: 0,
                refundable_until: 0,
            };
            self.entitlements.insert(due, created);
        }
        let held = self.entitlements.get_mut(&due).unwrap();
        // What was revoked or has lapsed does not come back: it begins anew, and
        // its unused credits are gone.
        if held.revoked || now >= held.expires_at {
            held.revoked = false;
            held.metered = intent.metered;
            held.timed_until = now;
            held.unlimited = 0;
            held.credits_granted = held.credits_used;
            held.generation += 1;
        }
        ensure(held.metered == intent.metered, E::MeteringFixed)?;
        if intent.access == 0 {
            held.unlimited += 1;
        } else {
            let from = held.timed_until.max(now);
            held.timed_until = from.checked_add_unsigned(intent.access).unwrap();
        }
        held.credits_granted = held
            .credits_granted
            .checked_add(intent.credits)
            .ok_or(E::ArithmeticOverflow)?;
        held.payments += 1;
        held.last_intent = *address;
        held.refundable_until = held.refundable_until.max(intent.refund_until);
        set_expiry(held);
        intent.era = (held.life, held.generation);
        self.intents.insert(*address, intent);
        Ok(())
    }

    fn refund(&mut self, action: &Action, places: &Places) -> Outcome {
        let Action::Refund {
            operator,
            merchant,
            intent: address,
            entitlement,
            destination,
            amount,
        } = action
        else {
            unreachable!("called for this action only");
        };
        let of = self.merchant(merchant)?.clone();
        let mut intent = self.intent(address)?;
        let receiver = self.tokens.get(destination).ok_or(Refusal::Absent)?.owner;
        ensure(intent.merchant == *merchant, E::MerchantMismatch)?;
        ensure(Some(receiver) == intent.payer, E::DestinationMismatch)?;
        ensure(*operator == of.operator, E::SignerNotAllowed)?;
        let moved_here = matches!(intent.rail, Rail::Pay | Rail::Deposit);
        ensure(moved_here, E::RefundElsewhere)?;
        ensure(intent.status == Status::Paid, E::IntentNotPaid)?;
        ensure(self.now < intent.refund_until, E::RefundWindowOver)?;
        let refunded = intent
            .refunded
            .checked_add(*amount)
            .ok_or(E::ArithmeticOverflow)?;
        ensure(refunded <= intent.amount, E::RefundTooLarge)?;
        ensure(*amount > 0, E::AmountZero)?;
        let vault = places.vaults[&(intent.merchant, intent.mint)];
        self.move_tokens(&vault, destination, merchant, *amount)?;
        self.flow(&vault).refunded += amount;
        intent.refunded = refunded;

        let beneficiary = intent.beneficiary.unwrap();
        let due = places.entitlements[&(intent.product, beneficiary)];
        ensure(*entitlement == due, E::EntitlementMismatch)?;
        if refunded == intent.amount {
            intent.status = Status::Refunded;
            if let Some(held) = self.entitlements.get_mut(&due)
                && (held.life, held.generation) == intent.era
                && !held.revoked
            {
                take_back(held, &intent);
            }
        }
        self.intents.insert(*address, intent);
        Ok(())
    }

    fn merchant(&mut self, address: &Pubkey) -> Result<&mut Merchant, Refusal> {
        self.merchants.get_mut(address).ok_or(Refusal::Absent)
    }

    fn intent(&self, address: &Pubkey) -> Result<Intent, Refusal> {
        self.intents.get(address).cloned().ok_or(Refusal::Absent)
    }

    /// The entitlement at `address`, if `operator` may end it and book on it.
    fn served_by(
        &mut self,
        operator: &Pubkey,
        merchant: &Pubkey,
        address: &Pubkey,
    ) -> Result<&mut Entitlement, Refusal> {
        let required = self.merchant(merchant)?.operator;
        let held = self.entitlements.get_mut(address).ok_or(Refusal::Absent)?;
        ensure(held.merchant == *merchant, E::MerchantMismatch)?;
        ensure(*operator == required, E::SignerNotAllowed)?;
        Ok(held)
    }

    fn move_tokens(
        &mut self,
        from: &Pubkey,
        to: &Pubkey,
        authority: &Pubkey,
        amount: u64,
    ) -> Outcome {
        let source = self.tokens.get(from).ok_or(Refusal::Elsewhere)?;
        let destination = self.tokens.get(to).ok_or(Refusal::Elsewhere)?;
        let possible = source.owner == *authority
            && source.mint == destination.mint
            && source.amount >= amount;
        if !possible {
            return Err(Refusal::Elsewhere);
        }
        self.tokens.get_mut(from).unwrap().amount -= amount;
        self.tokens.get_mut(to).unwrap().amount += amount;
        Ok(())
    }

    fn flow(&mut self, vault: &Pubkey) -> &mut super::state::Flows {
        self.flows.get_mut(vault).unwrap()
    }

    /// Remembers money that reached a vault without being a payment.
    fn give(&mut self, account: &Pubkey, amount: u64) {
        if let Some(flows) = self.flows.get_mut(account) {
            flows.given += amount;
        }
    }

    /// Lamports that are there already count towards the rent.
    fn pay_rent(&mut self, rent_payer: &Pubkey, address: &Pubkey, rent: u64) {
        let held = self.lamports.entry(*address).or_default();
        let missing = rent.saturating_sub(*held);
        *held += missing;
        *self.lamports.get_mut(rent_payer).unwrap() -= missing;
    }

    /// All lamports of a closed account go to the recorded rent payer.
    fn return_rent(&mut self, address: &Pubkey, rent_payer: &Pubkey) {
        let returned = self.lamports.remove(address).unwrap();
        *self.lamports.get_mut(rent_payer).unwrap() += returned;
    }
}

fn waiting(intent: &Intent, merchant: &Pubkey) -> Outcome {
    ensure(intent.merchant == *merchant, E::MerchantMismatch)?;
    match intent.status {
        Status::Open => Ok(()),
        Status::Paid => Err(E::IntentAlreadyPaid.into()),
        Status::Cancelled => Err(E::IntentCancelled.into()),
        Status::Refunded => Err(E::IntentRefunded.into()),
    }
}

fn within_bounds(product: &Product) -> Outcome {
    ensure(product.price > 0, E::PriceZero)?;
    ensure(product.access <= MAX_ACCESS, E::AccessTooLong)?;
    ensure(product.window <= MAX_WINDOW, E::RefundWindowTooLong)
}

fn update_product(product: &mut Product, changes: &ProductChanges) -> Outcome {
    let metered = product.credits > 0;
    product.price = changes.price.map_or(product.price, |new| new.0);
    product.access = changes.access.map_or(product.access, |new| new.0);
    product.credits = changes.credits.map_or(product.credits, |new| new.0);
    product.window = changes.refund_window.map_or(product.window, |new| new.0);
    product.active = changes.active.unwrap_or(product.active);
    ensure((product.credits > 0) == metered, E::MeteringFixed)?;
    within_bounds(product)
}

/// All of a payment's seconds, and of its credits those that are not used.
fn take_back(held: &mut Entitlement, intent: &Intent) {
    if intent.access == 0 {
        held.unlimited -= 1;
    } else {
        held.timed_until = held
            .timed_until
            .checked_sub_unsigned(intent.access)
            .unwrap();
    }
    let unused = held.credits_granted - held.credits_used;
    held.credits_granted -= unused.min(intent.credits);
    held.payments -= 1;
    set_expiry(held);
}

fn set_expiry(held: &mut Entitlement) {
    held.expires_at = if held.unlimited > 0 {
        i64::MAX
    } else {
        held.timed_until
    };
}
