//! Scenarios for the program, written once and run on every runtime that can
//! execute the kept ELF: LiteSVM here, solana-program-test in its own crate.
//!
//! [`for_each_scenario`] is the one list of them; a runner that uses it cannot
//! forget one.
// Test support: a broken expectation has to stop the test at once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_wrap,
    // Scenarios read as lists of transactions, `&[first.clone()]`, `&[second]`.
    clippy::cloned_ref_to_slice_refs
)]

pub mod litesvm_runtime;
pub mod model;
pub mod rehearsal;
pub mod runtime;
pub mod scenarios;
pub mod snapshot;
pub mod substitution;
pub mod world;

pub use runtime::{Executed, Failure, MinimumBalanceRule, Runtime};
pub use snapshot::Snapshot;
pub use world::World;

/// Calls the macro `$run` with the name of every scenario.
#[macro_export]
macro_rules! for_each_scenario {
    ($run:ident) => {
        $run! {
            purchase::one_shot_purchase_leaves_an_entitlement,
            purchase::a_renewal_extends_from_the_present_expiry,
            purchase::a_lapsed_entitlement_begins_anew_from_now,
            purchase::a_product_without_time_limit_never_expires,
            purchase::metered_products_add_credits,
            purchase::a_sponsor_may_pay_the_rent,
            purchase::a_payer_may_buy_for_somebody_else,
            purchase::a_delegate_may_pay,
            purchase::lamports_sent_beforehand_do_not_stop_a_purchase,
            purchase::events_tell_of_the_payment,
            refusals::a_second_payment_is_refused,
            refusals::the_same_payment_id_cannot_be_used_twice,
            refusals::another_payer_is_refused,
            refusals::another_beneficiary_is_refused,
            refusals::underpayment_and_overpayment_are_refused,
            refusals::another_mint_is_refused,
            refusals::another_vault_is_refused,
            refusals::the_vault_cannot_pay_itself,
            refusals::another_merchant_is_refused,
            refusals::another_entitlement_is_refused,
            refusals::accounts_of_another_type_are_refused,
            refusals::accounts_of_another_owner_are_refused,
            refusals::a_fake_token_program_is_refused,
            refusals::a_missing_signature_is_refused,
            refusals::too_little_money_moves_nothing,
            refusals::frozen_accounts_move_nothing,
            refusals::an_unknown_version_is_refused,
            deadlines::an_intent_is_payable_until_its_last_second,
            deadlines::an_intent_must_expire_within_thirty_days,
            intents::a_quote_overrides_the_list,
            intents::only_the_operator_quotes,
            intents::terms_that_changed_are_refused,
            intents::a_price_change_never_touches_an_intent,
            intents::operator_and_author_cancel,
            intents::a_quote_without_a_beneficiary_takes_the_payers_choice,
            merchants::the_authority_withdraws,
            merchants::nobody_else_withdraws,
            merchants::a_pause_stops_payments_and_not_withdrawals,
            merchants::only_the_authority_updates,
            merchants::a_product_belongs_to_its_merchant,
            merchants::product_bounds_hold,
            merchants::an_inactive_product_is_not_sold,
            merchants::a_merchant_is_created_once_and_by_its_owner,
            deposits::an_exact_deposit_becomes_a_payment,
            deposits::a_short_deposit_waits_and_can_be_topped_up,
            deposits::a_surplus_and_a_second_transfer_go_back_to_the_beneficiary,
            deposits::late_and_cancelled_deposits_go_back,
            deposits::a_deposit_after_the_close_goes_back_through_a_new_quote,
            deposits::a_deposit_and_a_payment_take_money_once,
            deposits::encumbered_deposits_are_not_settled_but_go_back,
            deposits::only_the_intents_own_account_is_a_deposit,
            deposits::a_deposit_goes_back_to_nobody_else,
            deposits::self_service_intents_take_no_deposits,
            deposits::frozen_deposits_move_nothing,
            refunds::a_full_refund_takes_back_what_was_granted,
            refunds::a_partial_refund_takes_nothing_back,
            refunds::a_refund_is_possible_until_the_windows_last_second,
            refunds::a_refund_goes_to_the_payer_only,
            refunds::a_withdrawn_vault_cannot_refund,
            refunds::a_refund_takes_back_unused_credits_only,
            refunds::a_refund_of_a_lapsed_time_does_not_touch_the_new_one,
            refunds::attested_payments_are_marked_and_never_refunded_from_the_vault,
            refunds::the_operator_cannot_attest_a_payers_own_intent,
            endings::a_revoked_entitlement_is_over_and_a_payment_begins_anew,
            endings::a_rival_cannot_revoke_or_book,
            endings::the_authority_changes_in_two_steps,
            endings::rent_of_intents_returns_to_its_payer_only,
            endings::an_intent_with_money_cannot_close,
            endings::rent_of_entitlements_returns_to_its_payer_only,
            endings::a_product_closes_and_its_entitlements_go_on,
            endings::a_product_that_returns_with_other_metering_takes_no_money_from_holders,
            timetable::deadlines_of_creation_hold_to_the_second,
            timetable::deadlines_of_open_intents_hold_to_the_second,
            timetable::deadlines_of_refunds_hold_to_the_second,
            timetable::deadlines_of_access_hold_to_the_second,
            timetable::deadlines_of_an_entitlements_end_hold_to_the_second,
            amounts::amounts_of_payments_hold,
            amounts::amounts_of_quotes_hold,
            amounts::amounts_of_new_products_hold,
            amounts::amounts_of_changed_products_hold,
            amounts::amounts_of_what_follows_a_payment_hold,
            amounts::amounts_of_deposits_hold,
            amounts::credits_never_overflow,
            prefunding::merchants_and_vaults_are_created_over_lamports,
            prefunding::products_are_created_over_lamports,
            prefunding::intents_and_entitlements_are_created_over_lamports,
            prefunding::entitlements_of_other_rails_are_created_over_lamports,
            prefunding::a_deposit_account_that_a_stranger_made_serves_its_purpose,
            prefunding::what_has_too_little_for_its_rent_stays_as_the_runtime_says,
            revival::an_intent_that_is_created_again_begins_anew,
            revival::lamports_do_not_revive_a_closed_intent,
            revival::a_closed_entitlement_begins_from_nothing,
            revival::lamports_do_not_revive_a_closed_entitlement,
            revival::a_closed_product_is_not_sold,
            boundaries::a_lower_bump_leads_nowhere,
            boundaries::accounts_store_their_canonical_bump,
            boundaries::nobody_occupies_anothers_payment_id,
            boundaries::mints_of_token_2022_are_refused,
            boundaries::a_vault_that_changed_hands_is_no_vault,
            boundaries::a_frozen_purse_is_no_dead_end,
            boundaries::rent_returns_to_an_emptied_account,
        }
    };
}
