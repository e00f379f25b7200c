//! The chain's accounts in the model's words.

use super::super::rules::named;
use super::super::state::{Entitlement, Era, Intent, Merchant, Product, Rail, Status};
use tollgate_client::{EntitlementStatus, IntentStatus, PaymentIntent};

pub(super) fn merchant(found: tollgate::state::Merchant) -> Merchant {
    Merchant {
        authority: found.authority,
        pending: named(found.pending_authority),
        operator: found.operator,
        paused: found.paused,
    }
}

pub(super) fn product(found: tollgate::state::Product) -> Product {
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

/// The chain does not know which `life` of the entitlement was paid for.
pub(super) fn intent(found: PaymentIntent, life: u64) -> Intent {
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
            tollgate_client::Rail::Attested => Rail::Attested(found.rail_code),
        },
        paid_at: found.paid_at.0,
        refund_until: found.refund_until.0,
        era: Era {
            life,
            generation: found.generation,
        },
    }
}

pub(super) fn entitlement(found: tollgate::state::Entitlement, life: u64) -> Entitlement {
    Entitlement {
        era: Era {
            life,
            generation: found.generation,
        },
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
        refundable_until: found.refundable_until.0,
    }
}
