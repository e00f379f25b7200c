//! The next transaction, drawn from a seed: mostly possible, often not.
//!
//! | module | what it draws |
//! | --- | --- |
//! | [`transactions`] | how many actions go together, and in which mood |
//! | [`choices`] | one of several: keys, addresses, amounts |
//! | [`shop`] | merchants and products |
//! | [`intents`] | intents: made, given up, closed |
//! | [`payments`] | payments on every rail |
//! | [`deposits`] | money to intents, and back |
//! | [`aftermath`] | refunds, bookings, withdrawals, ends |
//! | [`surroundings`] | token accounts, lamports, time |

pub mod aftermath;
pub mod choices;
pub mod deposits;
pub mod intents;
pub mod payments;
pub mod shop;
pub mod surroundings;
pub mod transactions;

pub use transactions::{opening, step};

use super::action::Action;
use super::actors::Kind;
use super::places::Places;
use super::state::Model;
use rand::rngs::StdRng;
use solana_pubkey::Pubkey;

/// Draws actions that have a chance in the present state of the model.
struct Generator<'a> {
    random: &'a mut StdRng,
    model: &'a Model,
    places: &'static Places,
    /// How many in a hundred choices are made without regard to the rules.
    wildness: u32,
    /// The intent that is meant, where several actions are about one.
    focus: Option<Pubkey>,
}

/// How often each kind is drawn.
const WEIGHTS: [(Kind, u32); 29] = [
    (Kind::CreateIntent, 16),
    (Kind::Pay, 11),
    (Kind::Deposit, 7),
    (Kind::SettleDeposit, 8),
    (Kind::ReclaimDeposit, 5),
    (Kind::RecordPayment, 5),
    (Kind::Refund, 6),
    (Kind::Consume, 4),
    (Kind::Revoke, 2),
    (Kind::Withdraw, 4),
    (Kind::CancelIntent, 4),
    (Kind::CloseIntent, 7),
    (Kind::CloseEntitlement, 5),
    (Kind::CreateProduct, 3),
    (Kind::UpdateProduct, 3),
    (Kind::CloseProduct, 2),
    (Kind::CreateMerchant, 1),
    (Kind::UpdateMerchant, 3),
    (Kind::ProposeAuthority, 2),
    (Kind::AcceptAuthority, 2),
    (Kind::CreateTokens, 2),
    (Kind::HandOver, 2),
    (Kind::Transfer, 2),
    (Kind::Freeze, 2),
    (Kind::Approve, 2),
    (Kind::NameCloser, 2),
    (Kind::CloseTokens, 2),
    (Kind::SendLamports, 3),
    (Kind::SetTime, 8),
];

impl Generator<'_> {
    /// Any action of this kind.
    fn draw(&mut self, kind: Kind) -> Action {
        match kind {
            Kind::CreateMerchant => self.create_merchant(),
            Kind::UpdateMerchant => self.update_merchant(),
            Kind::ProposeAuthority => self.propose_authority(),
            Kind::AcceptAuthority => self.accept_authority(),
            Kind::CreateProduct => self.create_product(),
            Kind::UpdateProduct => self.update_product(),
            Kind::CloseProduct => self.close_product(),
            Kind::CreateIntent => self.create_intent(),
            Kind::CancelIntent => self.cancel_intent(),
            Kind::CloseIntent => self.close_intent(),
            Kind::Pay => self.pay(),
            Kind::SettleDeposit => self.settle_deposit(),
            Kind::ReclaimDeposit => self.reclaim_deposit(),
            Kind::RecordPayment => self.record_payment(),
            Kind::Refund => self.refund(),
            Kind::Revoke => self.revoke(),
            Kind::Consume => self.consume(),
            Kind::CloseEntitlement => self.close_entitlement(),
            Kind::Withdraw => self.withdraw(),
            Kind::CreateTokens => self.create_tokens(),
            Kind::Deposit => self.deposit(),
            Kind::HandOver => self.hand_over(),
            Kind::Transfer => self.transfer(),
            Kind::Freeze => self.freeze(),
            Kind::Approve => self.approve(),
            Kind::NameCloser => self.name_closer(),
            Kind::CloseTokens => self.close_tokens(),
            Kind::SendLamports => self.send_lamports(),
            Kind::SetTime => self.set_time(),
        }
    }
}
