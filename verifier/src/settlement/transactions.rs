//! The transactions of this service's own: what each step does on chain.

use sha2::{Digest, Sha256};
use solana_instruction::Instruction;
use solana_signature::Signature;
use tollgate_client::instructions::{AttestedPayment, create_token_account};
use tollgate_client::{
    Addresses, DurationSeconds, IntentStatus, PaymentIntent, Pubkey, Quote, QuotedPurchase,
    UnixSeconds,
};

use crate::config::Settlement as Way;

/// Compute units that each of them asks for: about twice what the largest takes, which
/// closes an intent and makes it anew with its token account. Unused ones cost nothing
/// without a priority fee.
pub(super) const UNITS: u32 = 200_000;
/// How long an intent waits for a deposit. Long enough for a restart in between; what
/// comes later goes back.
const DEPOSIT_LIFETIME: DurationSeconds = DurationSeconds(15 * 60);
/// How long an intent waits for the record of a transfer to the vault, which cannot go
/// back.
const VAULT_LIFETIME: DurationSeconds = DurationSeconds(60 * 60);
/// How long a purchase stays refundable at least: so long its intent cannot be closed,
/// and says what became of it to whoever shows the transaction again.
pub(super) const KEPT_FOR: DurationSeconds = DurationSeconds(60 * 60);
/// The rail of a transfer straight to the vault (program, `record_payment`).
const RAIL_X402_EXACT: u16 = 1;

/// Where a payer's money goes back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Destination {
    /// A token account of the payer.
    pub(super) account: Pubkey,
    /// Whether it may have to be created first: it is the associated one.
    pub(super) create: bool,
}

/// Makes the transactions of one deployment and one relay.
#[derive(Clone, Copy, Debug)]
pub(super) struct Builder {
    pub(super) addresses: Addresses,
    pub(super) relay: Pubkey,
    pub(super) operator: Pubkey,
}

/// When an intent of this way that is made at `now` expires.
pub(super) fn expiry(way: Way, now: UnixSeconds) -> UnixSeconds {
    let lifetime = match way {
        Way::Deposit => DEPOSIT_LIFETIME,
        Way::Vault => VAULT_LIFETIME,
    };
    UnixSeconds(
        now.0
            .saturating_add(i64::try_from(lifetime.0).unwrap_or(i64::MAX)),
    )
}

impl Builder {
    /// The intent, and the token account for its deposit.
    pub(super) fn create(
        &self,
        way: Way,
        quoted: &QuotedPurchase,
        mint: Pubkey,
    ) -> Vec<Instruction> {
        let mut instructions = vec![quoted.create(&self.addresses)];
        if way == Way::Deposit {
            let intent = quoted.intent(&self.addresses);
            instructions.push(create_token_account(self.relay, intent, mint));
        }
        instructions
    }

    /// Takes an intent out of the way: cancels it if it is open, gives back what was
    /// deposited, and closes it.
    pub(super) fn remove(
        &self,
        (address, intent): (Pubkey, &PaymentIntent),
        has_deposit_account: bool,
        destination: Destination,
        now: UnixSeconds,
    ) -> Vec<Instruction> {
        let mut instructions = Vec::new();
        if intent.status == IntentStatus::Open && now < intent.expires_at {
            instructions.push(self.cancel(address, intent));
        }
        if has_deposit_account {
            instructions.extend(self.give_back((address, intent), destination));
        }
        instructions.push(self.addresses.close_intent(address, intent));
        instructions
    }

    /// Cancels an open intent: no deposit can become a payment afterwards.
    pub(super) fn cancel(&self, address: Pubkey, intent: &PaymentIntent) -> Instruction {
        self.addresses
            .cancel_intent(self.operator, intent.merchant, address)
    }

    /// Gives everything in the intent's associated token account back, and closes that
    /// account.
    pub(super) fn give_back(
        &self,
        (address, intent): (Pubkey, &PaymentIntent),
        destination: Destination,
    ) -> Vec<Instruction> {
        let deposit = self.addresses.deposit(&address, &intent.mint);
        self.give_back_from(deposit, (address, intent), destination)
    }

    /// The same for any token account of the intent.
    pub(super) fn give_back_from(
        &self,
        deposit: Pubkey,
        (address, intent): (Pubkey, &PaymentIntent),
        destination: Destination,
    ) -> Vec<Instruction> {
        let mut instructions = Vec::new();
        if destination.create {
            let owner = intent.deposit_owner();
            instructions.push(create_token_account(self.relay, owner, intent.mint));
        }
        instructions.push(self.addresses.reclaim_deposit(
            address,
            intent,
            deposit,
            intent.mint,
            destination.account,
        ));
        instructions
    }

    /// Makes the deposit a payment, and gives back what is over.
    pub(super) fn sweep(
        &self,
        (address, intent): (Pubkey, &PaymentIntent),
        destination: Destination,
    ) -> Vec<Instruction> {
        let deposit = self.addresses.deposit(&address, &intent.mint);
        self.sweep_from(deposit, (address, intent), destination)
    }

    /// The same for any token account of the intent.
    pub(super) fn sweep_from(
        &self,
        deposit: Pubkey,
        (address, intent): (Pubkey, &PaymentIntent),
        destination: Destination,
    ) -> Vec<Instruction> {
        let mut instructions = vec![
            self.addresses
                .settle_deposit(self.relay, address, intent, deposit),
        ];
        instructions.extend(self.give_back_from(deposit, (address, intent), destination));
        instructions
    }

    /// Records a transfer to the vault as the payment of an intent of this merchant and
    /// product, which stands or is created in the same transaction.
    pub(super) fn record(
        &self,
        address: Pubkey,
        of: (Pubkey, Pubkey),
        payer: Pubkey,
        signature: &Signature,
    ) -> Instruction {
        let attested = AttestedPayment {
            rail: RAIL_X402_EXACT,
            reference: Sha256::digest(signature).into(),
            payer,
            beneficiary: payer,
        };
        self.addresses
            .record_quoted(self.operator, self.relay, address, of, &attested)
    }

    /// Makes an intent of the vault that is over anew, at its own terms, and records its
    /// transfer, all at once.
    pub(super) fn record_anew(
        &self,
        (address, intent): (Pubkey, &PaymentIntent),
        destination: Destination,
        now: UnixSeconds,
        signature: &Signature,
    ) -> Vec<Instruction> {
        let mut instructions = self.remove((address, intent), false, destination, now);
        let quoted = QuotedPurchase {
            operator: self.operator,
            rent_payer: self.relay,
            merchant: intent.merchant,
            product: intent.product,
            payment_id: intent.payment_id,
            payer: intent.payer,
            terms: Quote {
                payer: intent.payer,
                amount: intent.amount,
                access: intent.access,
                credits: intent.credits,
                refund_window: intent.refund_window,
            },
            expires_at: expiry(Way::Vault, now),
        };
        instructions.extend(self.create(Way::Vault, &quoted, intent.mint));
        let of = (intent.merchant, intent.product);
        instructions.push(self.record(address, of, intent.payer, signature));
        instructions
    }

    /// Refunds the whole payment to a token account of the payer.
    pub(super) fn refund(
        &self,
        (address, intent): (Pubkey, &PaymentIntent),
        destination: Destination,
    ) -> Vec<Instruction> {
        let mut instructions = Vec::new();
        if destination.create {
            instructions.push(create_token_account(self.relay, intent.payer, intent.mint));
        }
        instructions.push(self.addresses.refund(
            self.operator,
            address,
            intent,
            destination.account,
            intent.amount,
        ));
        instructions
    }
}
