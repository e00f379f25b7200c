//! The checks. Every one stands alone: it makes its own accounts, so all may run at once.

mod account_notifications;
mod accounts;
mod context_slots;
mod fees;
mod node;
mod programs;
mod refusals;
mod sending;
mod simulating;
mod slot_notifications;
mod slots;
mod statuses;
mod subscriptions;
mod tokens;
mod transaction_notifications;
mod transactions;

use futures::future::BoxFuture;
use solana_commitment_config::CommitmentConfig;

use crate::{chain::Chain, failure::Outcome};

/// JSON-RPC's code for parameters that are refused.
const INVALID_PARAMS: i64 = -32602;
/// JSON-RPC's code for a method that does not exist.
const METHOD_NOT_FOUND: i64 = -32601;
/// JSON-RPC's code for a request that is refused.
const INVALID_REQUEST: i64 = -32600;
/// The base fee.
const LAMPORTS_PER_SIGNATURE: u64 = 5_000;
/// Every commitment, weakest first.
const LEVELS: [CommitmentConfig; 3] = [
    CommitmentConfig::processed(),
    CommitmentConfig::confirmed(),
    CommitmentConfig::finalized(),
];

/// One check: what a client may rely on, and how to find out.
pub struct Check {
    /// `topic::what_holds`.
    pub name: &'static str,
    /// Asks the chain.
    pub run: for<'a> fn(&'a Chain) -> BoxFuture<'a, Outcome>,
}

macro_rules! checks {
    ($($topic:ident::$check:ident),+ $(,)?) => {
        /// Every check. The compiler reports a check that is missing here as unused.
        pub const CHECKS: &[Check] = &[
            $(Check {
                name: concat!(stringify!($topic), "::", stringify!($check)),
                run: |chain| Box::pin($topic::$check(chain)),
            }),+
        ];
    };
}

checks![
    node::health_is_ok,
    node::version_names_core_and_feature_set,
    node::genesis_hash_never_changes,
    node::identity_is_an_address,
    node::unknown_method_is_refused,
    node::epoch_info_is_consistent,
    node::minimum_rent_is_the_clusters,
    node::clock_sysvar_follows_real_time,
    slots::slots_are_ordered_by_commitment,
    slots::slots_advance_at_every_commitment,
    slots::block_height_advances_below_the_slot,
    slots::latest_blockhash_is_valid_for_150_blocks,
    slots::unknown_blockhash_is_not_valid,
    slots::blockhash_expires_after_its_last_valid_height,
    slots::block_time_is_known_for_a_confirmed_slot,
    accounts::airdrop_arrives_at_every_commitment,
    accounts::missing_account_is_none,
    accounts::plain_wallet_belongs_to_the_system_program,
    accounts::program_account_is_executable,
    accounts::account_encodings_agree,
    accounts::parsed_encoding_describes_a_mint_and_leaves_a_wallet_alone,
    accounts::data_slice_cuts_the_data,
    accounts::base58_is_refused_beyond_128_bytes,
    accounts::address_that_is_none_is_refused,
    accounts::multiple_accounts_keep_their_order,
    accounts::multiple_accounts_take_100_keys_and_no_more,
    accounts::reads_follow_their_commitment,
    accounts::program_accounts_obey_their_filters,
    accounts::program_accounts_take_four_filters_and_no_more,
    tokens::token_balance_and_supply_follow_minting,
    tokens::token_transfer_moves_the_balance,
    tokens::token_accounts_by_owner_are_parsed,
    tokens::owner_without_tokens_has_no_token_accounts,
    tokens::token_methods_refuse_other_accounts,
    programs::well_known_programs_are_executable,
    programs::memo_is_logged_and_remembered,
    programs::lookup_table_resolves_addresses,
    programs::missing_lookup_table_is_refused,
    programs::compute_limit_is_enforced,
    sending::transfer_moves_lamports_and_costs_the_fee,
    sending::versioned_transaction_lands,
    sending::client_confirms_its_own_transaction,
    sending::failure_without_preflight_lands_and_costs_the_fee,
    sending::failure_is_atomic,
    refusals::wrong_signature_is_refused,
    refusals::wrong_signature_never_lands_without_preflight,
    refusals::missing_signature_is_refused,
    refusals::unknown_blockhash_is_refused,
    refusals::preflight_knows_only_what_its_commitment_knows,
    refusals::duplicate_is_refused,
    refusals::payer_without_account_is_refused,
    refusals::payer_below_the_rent_minimum_is_refused,
    refusals::dust_to_a_new_account_is_refused,
    refusals::insufficient_lamports_are_refused_with_logs,
    refusals::program_error_is_refused_with_logs,
    refusals::garbage_is_refused,
    simulating::simulation_reports_units_and_logs_and_changes_nothing,
    simulating::simulation_replaces_the_blockhash_on_request,
    simulating::simulation_verifies_signatures_on_request_only,
    simulating::simulation_of_a_failure_says_why,
    simulating::simulation_returns_the_accounts_asked_for,
    simulating::simulation_shows_inner_instructions_on_request,
    simulating::simulation_refuses_garbage,
    statuses::unknown_signature_has_no_status,
    statuses::signature_statuses_take_256_and_no_more,
    statuses::status_progresses_to_finalized,
    statuses::signatures_for_address_come_newest_first,
    statuses::signatures_for_address_start_at_confirmed,
    statuses::address_without_history_has_no_signatures,
    transactions::transaction_reports_fee_balances_and_logs,
    transactions::transaction_reports_token_balances,
    transactions::transaction_reports_inner_instructions,
    transactions::transaction_of_a_failure_reports_its_error,
    transactions::transaction_comes_in_every_encoding,
    transactions::versioned_transaction_is_told_only_to_who_understands_it,
    transactions::unknown_transaction_is_null,
    transactions::transactions_start_at_confirmed,
    fees::fee_counts_signatures_and_priority,
    fees::fee_with_an_unknown_blockhash_is_unknown,
    fees::priority_fee_is_paid,
    fees::recent_prioritization_fees_name_what_an_account_cost,
    context_slots::future_context_slot_is_refused,
    context_slots::reached_context_slot_is_served,
    context_slots::sending_in_the_future_is_refused,
    account_notifications::account_notification_follows_a_transfer,
    account_notifications::account_notification_waits_for_its_commitment,
    account_notifications::account_notification_reports_a_closed_account,
    account_notifications::account_notification_comes_parsed_on_request,
    account_notifications::program_notification_obeys_its_filters,
    transaction_notifications::signature_notification_comes_at_every_commitment,
    transaction_notifications::signature_notification_reports_a_failure,
    transaction_notifications::signature_notification_comes_late_for_a_confirmed_transaction,
    transaction_notifications::logs_notification_carries_the_logs,
    transaction_notifications::receipt_comes_before_the_result_if_at_all,
    transaction_notifications::logs_notification_of_a_failure_names_its_error,
    transaction_notifications::logs_subscription_takes_one_address,
    slot_notifications::slot_notifications_increase,
    slot_notifications::root_notifications_increase,
    slot_notifications::unsubscribe_stops_the_notifications,
];
