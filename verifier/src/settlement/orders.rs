//! Orders: purchases whose intent and deposit account stand before anybody has paid.
//!
//! A challenge creates nothing. Some clients need more than that: that the account they
//! pay into exists, or that its address is one on the curve ("off-curve" addresses,
//! such as an intent's, are refused by some libraries). A merchant who knows the
//! customer makes an order for them, at the relay's expense within its bounds.
//!
//! The *alias* of an intent is a key on the curve. In one transaction its associated
//! token account is created and given to the intent, for which the alias signs. Clients
//! that derive the account from the alias find it; what it holds is the intent's from
//! the first moment: `settle_deposit` takes it, `reclaim_deposit` gives it back and the
//! rent as well. The alias can neither take it back nor close it (SPL Token refuses
//! both: it is not the owner).

use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_signer::Signer;
use spl_token_interface::instruction::{AuthorityType, set_authority};
use tokio::time::Instant;
use tollgate_client::chain::CLOCK;
use tollgate_client::instructions::create_token_account;
use tollgate_client::{
    Addresses, Amount, DurationSeconds, IntentStatus, PaymentId, PaymentIntent, Product, Pubkey,
    QuotedPurchase, UnixSeconds,
};
use tracing::{info, warn};

use super::engine::{PAUSE, TOKEN_ACCOUNT_BYTES};
use super::transactions::KEPT_FOR;
use super::{Performed, Settlement};
use crate::chain::{RpcFailure, chain_time};
use crate::relay::{RelayRefusal, rent_of};

/// What a cluster takes for the alias's signature, in lamports.
const ONE_SIGNATURE: u64 = 5_000;

/// What is ordered, and for whom.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OrderRequest<'a> {
    /// The product account, and its terms.
    pub(crate) product: (Pubkey, &'a Product),
    /// The order's name: asked for again, it is the same order.
    pub(crate) payment_id: PaymentId,
    /// Whose access it becomes, whoever pays; also to whom money goes back.
    pub(crate) beneficiary: Pubkey,
    /// How long it may be paid.
    pub(crate) lifetime: DurationSeconds,
    /// Whether it is paid to an address on the curve.
    pub(crate) alias: bool,
}

/// An order that can be paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OpenOrder {
    /// Its intent.
    pub(crate) intent: Pubkey,
    /// Whose associated token account is paid into.
    pub(crate) pay_to: Pubkey,
    /// That account.
    pub(crate) deposit: Pubkey,
    /// What it costs.
    pub(crate) amount: Amount,
    /// Payable before.
    pub(crate) expires_at: UnixSeconds,
}

/// What came of a request for an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OrderOutcome {
    /// It stands.
    Open(OpenOrder),
    /// Its name stands for something else, or it is over.
    Taken(IntentStatus),
    /// A bound of the relay; nothing was signed.
    Bounded(RelayRefusal),
    /// Too much is under way.
    Busy,
    /// The program does not allow it now.
    Refused,
    /// Whether it stands is not known: ask again with the same name.
    Unknown,
}

impl Settlement {
    /// Whether orders can be made.
    pub(crate) fn makes_orders(&self) -> bool {
        self.aliases
    }

    /// The associated token account of an intent's alias.
    pub(super) fn alias_account(&self, intent: &Pubkey, mint: &Pubkey) -> Pubkey {
        Addresses::token_account(&self.relay.alias(intent).pubkey(), mint)
    }

    /// The alias of an intent.
    #[cfg(test)]
    pub(super) fn alias_of(&self, intent: &Pubkey) -> Keypair {
        self.relay.alias(intent)
    }

    /// Makes an order, or finds it made. Asked again with the same name, it goes on from
    /// what stands on chain; nothing is made twice.
    pub(crate) async fn order(&self, request: &OrderRequest<'_>) -> OrderOutcome {
        let Ok(_place) = self.places.try_acquire() else {
            return OrderOutcome::Busy;
        };
        let deadline = Instant::now() + self.timeout;
        let mut since = 0;
        let mut first = true;
        while first || Instant::now() < deadline {
            if !first {
                tokio::time::sleep(PAUSE).await;
            }
            first = false;
            match self.order_once(request, &mut since, deadline).await {
                Ok(Some(outcome)) => return outcome,
                Ok(None) => {}
                Err(failure) => {
                    tracing::debug!(code = failure.code(), "an order waits for the chain");
                }
            }
        }
        OrderOutcome::Unknown
    }

    /// Settles an order now, if its money has come; says whether it has. `None`: the
    /// chain did not say.
    pub(crate) async fn look_after_order(
        &self,
        address: Pubkey,
        intent: &PaymentIntent,
    ) -> Option<bool> {
        if intent.rent_payer != self.relay.address() {
            return Some(false);
        }
        self.look_after(address, intent).await.ok()
    }

    async fn order_once(
        &self,
        request: &OrderRequest<'_>,
        since: &mut u64,
        deadline: Instant,
    ) -> Result<Option<OrderOutcome>, RpcFailure> {
        let addresses = self.pool.addresses();
        let (product_address, product) = request.product;
        let address = addresses.quoted_intent(&self.merchant, &request.payment_id);
        let alias = self.relay.alias(&address);
        let pay_to = if request.alias {
            alias.pubkey()
        } else {
            address
        };
        let deposit = Addresses::token_account(&pay_to, &product.mint);
        let asked = [address, deposit, CLOCK];
        let (slot, found) = self.pool.accounts_since(&asked, *since).await?;
        let [intent, account, clock]: [_; 3] = found
            .try_into()
            .map_err(|_| RpcFailure::Malformed("another number of accounts"))?;
        let intent: Option<PaymentIntent> = self.pool.decode(&address, intent)?;
        let now = chain_time(clock)?;
        if let Some(intent) = intent {
            let own = intent.product == product_address
                && intent.beneficiary == request.beneficiary
                && intent.rent_payer == self.relay.address();
            let open = intent.status == IntentStatus::Open && now < intent.expires_at;
            return Ok(Some(if own && open && account.is_some() {
                OrderOutcome::Open(OpenOrder {
                    intent: address,
                    pay_to,
                    deposit,
                    amount: intent.amount,
                    expires_at: intent.expires_at,
                })
            } else {
                OrderOutcome::Taken(intent.status)
            }));
        }
        let lifetime = i64::try_from(request.lifetime.0).unwrap_or(i64::MAX);
        let quoted = QuotedPurchase::of_product(
            (product_address, product),
            (self.relay.operator(), self.relay.address()),
            (request.beneficiary, request.payment_id),
            KEPT_FOR,
            UnixSeconds(now.0.saturating_add(lifetime)),
        );
        let mut instructions = vec![quoted.create(&addresses)];
        instructions.push(create_token_account(
            self.relay.address(),
            pay_to,
            product.mint,
        ));
        let mut signers: Vec<&Keypair> = Vec::new();
        if request.alias {
            instructions.extend(give_account(&deposit, &alias.pubkey(), &address));
            signers.push(&alias);
        }
        let lamports = self
            .own_fee()
            .saturating_add(ONE_SIGNATURE)
            .saturating_add(rent_of(PaymentIntent::SPACE))
            .saturating_add(rent_of(TOKEN_ACCOUNT_BYTES));
        if let Err(refusal) = self.relay.reserve(&request.beneficiary, lamports) {
            return Ok(Some(OrderOutcome::Bounded(refusal)));
        }
        match self
            .perform_with(&instructions, &signers, slot, deadline)
            .await?
        {
            Performed::Landed(slot) => {
                info!(intent = %address, alias = request.alias, "an order stands");
                *since = slot;
                Ok(None)
            }
            Performed::Refused(reason) => {
                self.relay.give_back(&request.beneficiary, lamports);
                warn!(%reason, intent = %address, "an order could not be made");
                Ok(Some(OrderOutcome::Refused))
            }
            Performed::Open => Ok(None),
        }
    }
}

/// Gives a token account to another owner, who alone can decide about it from then on.
fn give_account(account: &Pubkey, from: &Pubkey, to: &Pubkey) -> Option<Instruction> {
    let kind = AuthorityType::AccountOwner;
    // It fails for no accounts, only for too many co-signers, of which there are none.
    set_authority(&spl_token_interface::ID, account, Some(to), kind, from, &[]).ok()
}
