//! The test suite that every implementation of [`Store`](crate::ports::Store) must pass.
//!
//! The feature `contract` enables this module. To test a store of your own, ask for the feature in the `dev-dependencies` of the
//! crate that implements it:
//!
//! ```toml
//! [dev-dependencies]
//! guildhall-domain = { version = "…", features = ["contract"] }
//! ```
//!
//! Then call [`contract_tests!`](crate::contract_tests) in a test, with a function that returns an empty store, which goes by a clock, and a guard. The
//! macro makes a `#[test]` of each promise, and drops the guard when that test has ended: a temporary folder, or whatever else
//! the store needs meanwhile.
//!
//! ```
//! # #[cfg(feature = "memory")]
//! mod my_store {
//!     use std::sync::Arc;
//!
//!     use guildhall_domain::memory::Memory;
//!     use guildhall_domain::ports::{Clock, Store};
//!
//!     fn empty_store(clock: Arc<dyn Clock>) -> (Arc<dyn Store>, ()) {
//!         (Arc::new(Memory::new(clock)), ())
//!     }
//!
//!     guildhall_domain::contract_tests!(empty_store);
//! }
//! ```

pub mod access;
pub mod api_keys;
pub mod changes;
pub mod checks;
pub mod children;
pub mod concurrency;
pub mod crowd;
pub mod custom_properties;
pub mod dates_per_caller;
pub mod events;
pub mod external;
pub mod external_groups;
mod fixture;
pub mod graph;
pub mod idempotency;
pub mod imports;
pub mod imports_refused;
pub mod kept_answers;
pub mod listing;
pub mod lockouts;
pub mod log;
pub mod lookups;
pub mod managed_graphs;
pub mod managers;
pub mod managing;
pub mod managing_groups;
pub mod members;
pub mod membership_checks;
pub mod membership_listings;
pub mod names;
mod numbers;
pub mod outdated_hashes;
pub mod past;
pub mod past_at_random;
pub mod patches;
pub mod patches_at_once;
pub mod patches_at_random;
pub mod patches_of_administrators;
pub mod paths;
pub mod preview_sizes;
pub mod previews;
mod promises;
pub mod registration;
mod replay;
pub mod searching;
pub mod sign_in;
pub mod spellings;
pub mod text_forms;
pub mod units;
pub mod updates;
pub mod validity;
pub mod validity_at_random;
pub mod validity_moments;
pub mod validity_of_administrators;
pub mod validity_patches;
pub mod walking;
pub mod webhook_deliveries;
pub mod webhook_failures;
pub mod webhooks;

pub use fixture::{Fixture, Given, TestClock, user_named};
pub use promises::promises;

/// Makes a test of each promise, over stores made by `$make`: a function that takes an `Arc<dyn Clock>`, by which memberships begin and end, and returns an
/// empty `Arc<dyn Store>` and something to keep until the test is over.
#[macro_export]
macro_rules! contract_tests {
    ($make:path) => {
        $crate::contract_tests! { @each $make;
            units::what_was_written_is_read
            units::refused_work_leaves_nothing
            units::work_that_ignores_a_failure_is_not_committed
            units::one_change_is_made_wholly_or_not_at_all
            units::a_wanted_rollback_returns_its_value_and_leaves_nothing
            units::a_store_that_takes_changes_is_ready
            units::preparing_twice_changes_nothing
            units::an_administrator_is_made_whenever_nobody_administers
            kept_answers::an_answer_is_kept_until_it_expires
            kept_answers::expired_answers_go_in_small_steps
            kept_answers::answers_are_counted_for_their_caller_until_the_counter_ends
            kept_answers::counters_that_ended_go_with_answers_that_are_kept_later
            kept_answers::answers_of_one_caller_at_the_same_time_are_all_counted
            units::a_part_is_undone_by_itself
            previews::a_preview_says_what_the_change_does
            preview_sizes::a_large_preview_names_the_first_and_counts_all
            preview_sizes::a_managers_preview_names_what_they_manage
            idempotency::a_request_is_done_once
            idempotency::use_cases_run_in_one_unit_as_they_do_alone
            idempotency::one_of_many_does_a_request
            idempotency::as_much_is_kept_for_a_caller_as_may_be
            idempotency::administrators_have_a_limit_of_their_own
            kept_answers::a_request_that_is_taken_is_not_waited_for
            events::a_change_of_members_is_told_once
            events::many_members_are_told_in_parts
            events::what_is_undone_is_not_told
            events::dates_are_told_when_they_are_set_and_when_they_come
            events::users_and_groups_are_told
            events::sign_ins_are_told
            events::programs_that_sign_in_are_told
            log::events_are_counted_and_chained
            log::events_are_found_by_every_filter
            log::old_events_are_pruned
            log::the_log_is_read_by_administrators
            log::whoever_follows_the_log_meets_every_event_once
            webhooks::webhooks_are_kept_as_they_are_given
            webhooks::changes_of_webhooks_are_told
            webhooks::webhooks_are_managed_by_administrators
            webhooks::as_many_webhooks_are_there_as_may_be
            webhooks::webhooks_that_cannot_be_are_refused
            webhooks::the_former_secret_signs_for_a_day
            webhooks::webhooks_and_their_deliveries_are_walked
            webhook_deliveries::a_webhook_gets_every_event_after_its_creation
            webhook_deliveries::a_webhook_gets_the_events_that_it_wants
            webhook_deliveries::one_instance_delivers_to_a_webhook_at_a_time
            webhook_deliveries::a_delivery_that_was_not_noted_holds_up_no_webhook
            webhook_deliveries::many_instances_deliver_every_event_once
            webhook_deliveries::a_replay_sends_again
            webhook_deliveries::a_change_keeps_the_position
            webhook_deliveries::a_test_is_sent_beside_the_events
            webhook_deliveries::the_latest_deliveries_are_kept
            webhook_failures::a_receiver_that_is_down_is_tried_by_the_schedule
            webhook_failures::a_receiver_that_is_gone_is_disabled_at_once
            webhook_failures::a_receiver_says_when_it_is_tried_again
            webhook_failures::a_receiver_that_is_down_slows_no_other_down
            webhook_failures::pruned_events_are_passed_over
            past::the_past_shows_who_was_deleted_since
            past::whoever_may_ask_of_the_present_may_ask_of_the_past
            past::a_membership_of_the_past_tells_from_when_until_when
            past::what_was_pruned_is_not_known
            past_at_random::the_past_is_what_a_replay_comes_to
            names::names_are_found_in_any_case_and_spelling
            names::names_and_ids_are_taken_once
            names::a_username_is_never_another_users_address
            names::nobody_is_found_by_a_name_with_a_null_character
            spellings::usernames_that_read_the_same_are_one
            spellings::group_names_that_read_the_same_are_one
            spellings::addresses_that_read_the_same_are_one
            text_forms::texts_that_read_the_same_are_found
            spellings::names_with_nothing_visible_are_refused
            text_forms::a_domain_is_one_in_both_of_its_forms
            text_forms::an_issuer_may_spell_names_in_another_way
            text_forms::passwords_that_are_the_same_by_their_profile_sign_in
            members::adding_counts_only_those_who_are_new
            members::who_added_a_member_or_a_child_is_kept
            members::unknown_users_are_all_reported
            members::a_list_far_beyond_any_parameter_limit_is_taken
            members::removing_ends_a_direct_membership_only
            members::an_inherited_membership_tells_where_it_comes_from
            members::an_inherited_membership_tells_of_a_name_that_could_not_be_given
            members::members_come_by_username_and_in_pages
            members::effective_members_come_once
            members::a_new_user_joins_everyone_and_the_groups_of_their_domain
            children::membership_flows_up_through_any_depth
            children::an_edge_is_added_once
            children::a_diamond_is_one_membership
            children::a_diamond_survives_the_loss_of_one_path
            children::a_cycle_is_named_by_its_groups
            children::an_indirect_child_tells_by_which_child
            children::many_children_are_added_or_none
            children::the_closure_is_what_a_walk_finds
            validity_moments::a_membership_counts_exactly_between_its_dates
            validity_moments::an_edge_counts_exactly_between_its_dates
            validity_moments::what_was_due_meanwhile_has_happened
            validity_moments::a_permission_ends_with_the_membership
            validity::dates_change_as_they_are_said
            validity::impossible_dates_are_refused
            validity::what_was_scheduled_goes_with_its_user_and_its_group
            validity::a_store_says_what_is_due
            dates_per_caller::managers_give_no_more_dates_than_they_may
            validity_of_administrators::somebody_administers_without_an_end
            validity_of_administrators::a_scheduled_edge_lets_no_cycle_arise
            validity_of_administrators::what_is_going_to_administer_is_protected
            validity_of_administrators::whatever_is_due_counts_for_the_request_that_finds_it
            validity_at_random::dates_come_to_what_a_model_says
            validity_patches::a_patch_gives_dates
            validity_patches::a_patch_of_children_gives_dates
            validity_patches::a_preview_tells_what_dates_take
            validity_patches::a_request_is_done_once_after_what_is_due
            validity_patches::an_issuer_goes_by_the_dates_that_have_come
            membership_listings::memberships_are_walked_in_every_order
            membership_listings::a_membership_is_listed_with_its_dates
            membership_listings::memberships_are_listed_for_those_who_may
            patches::a_patch_adds_and_removes_by_any_identifier
            patches::every_unknown_identifier_of_a_patch_is_named
            patches::a_patch_that_contradicts_itself_is_refused
            patches::a_patch_removes_nobody_from_everyone
            patches_of_administrators::a_patch_leaves_an_administrator
            patches_of_administrators::a_patch_of_children_leaves_an_administrator
            patches::a_dry_run_reports_and_changes_nothing
            patches_at_random::patches_of_members_come_to_what_the_model_says
            patches_at_random::patches_of_children_come_to_what_the_model_says
            patches_at_once::one_of_many_sets_comes_last
            patches_at_once::patches_beside_single_changes_keep_the_counts
            listing::all_users_and_groups_are_listed_in_pages
            listing::children_are_listed_within_reach
            listing::groups_of_a_user_are_listed_within_reach
            listing::members_of_excluded_groups_are_left_out
            listing::membership_of_any_group_is_enough
            walking::a_walk_meets_every_user_once_in_every_order
            walking::a_walk_meets_every_group_once_in_every_order
            walking::a_walk_keeps_its_place_whatever_changes
            walking::long_texts_keep_a_position_short
            walking::api_keys_and_identities_are_walked
            managers::managers_are_listed_and_walked
            managers::managers_go_with_their_user_and_their_group
            managers::only_system_administrators_appoint
            managers::groups_that_make_administrators_have_no_managers
            managers::the_groups_of_a_manager_are_listed
            managing::managers_may_what_the_table_says
            managing::a_manager_sees_users_in_summary
            managing_groups::a_manager_leaves_out_no_group_of_others
            managing_groups::a_group_is_created_below_another
            managing_groups::a_manager_of_a_group_that_administers_later_is_refused
            managed_graphs::managers_change_nothing_but_what_is_theirs
            paths::paths_are_those_that_a_walk_finds
            paths::a_graph_that_explodes_is_explained
            paths::an_explanation_tells_who_added_a_member
            paths::members_managers_and_administrators_are_told_why
            membership_checks::many_checks_answer_as_single_ones
            membership_checks::a_user_in_many_groups_may_be_asked_about_many
            membership_checks::whoever_is_no_system_administrator_checks_themselves_alone
            membership_checks::checks_of_one_request_agree
            checks::a_check_says_what_the_long_form_says
            checks::checks_are_answered_and_refused_as_by_the_long_form
            checks::checks_together_say_what_each_says_alone
            lookups::single_things_are_found_as_by_the_long_form
            lookups::single_things_are_shown_and_refused_as_by_the_long_form
            lookups::changes_of_members_are_decided_as_by_the_long_form
            lookups::accounts_are_found_as_by_the_long_form
            lookups::clients_are_found_as_by_the_long_form
            registration::new_users_are_decided_about_as_by_the_long_form
            registration::new_users_are_added_as_by_the_long_form
            lookups::refresh_tokens_are_found_with_their_accounts
            updates::users_are_found_for_update_as_by_the_long_form
            updates::groups_are_found_for_update_as_by_the_long_form
            updates::api_keys_are_found_for_update_as_by_the_long_form
            updates::links_are_found_with_their_accounts
            updates::every_one_of_many_changes_of_one_thing_is_made
            updates::a_change_of_what_was_changed_meanwhile_leaves_nothing
            changes::a_changed_user_has_the_next_version
            changes::a_changed_group_has_the_next_version
            changes::a_change_for_another_version_is_refused
            custom_properties::custom_properties_come_back_as_they_were
            custom_properties::custom_properties_that_a_reader_would_change_are_refused
            custom_properties::stored_custom_properties_stay_readable
            changes::secrets_change_with_a_user
            changes::a_deleted_user_leaves_nothing
            changes::a_deleted_group_leaves_its_users_and_children
            changes::passwords_change_and_wrong_ones_lock
            access::standing_tells_an_effective_administrator
            access::administrators_above_a_group_are_found
            access::an_administrator_counts_whose_account_stays_open
            access::the_last_administrator_stays_by_every_route
            access::others_expire_as_they_like_and_any_expiry_may_be_put_off
            access::a_suspended_users_tokens_stay_dead
            access::delegates_keep_their_hands_off_administrators
            sign_in::a_sign_in_is_counted
            lockouts::wrong_passwords_lock_an_account
            lockouts::a_lock_hurts_the_guesser_and_not_the_owner
            lockouts::names_that_nobody_signs_in_with_lock_like_others
            lockouts::a_locked_name_keeps_its_place
            outdated_hashes::an_outdated_hash_is_replaced_at_sign_in
            outdated_hashes::only_a_sign_in_replaces_a_hash
            outdated_hashes::a_hash_that_was_replaced_meanwhile_is_compared_again
            outdated_hashes::a_password_that_was_changed_meanwhile_stays
            outdated_hashes::as_many_hashes_are_computed_for_every_name
            sign_in::sessions_and_addresses_of_a_user_are_bounded
            sign_in::a_closed_account_is_told_only_to_who_knows_its_password
            sign_in::a_refresh_token_slides
            sign_in::refresh_tokens_end_with_their_user_and_their_password
            lockouts::no_wrong_password_is_missed
            api_keys::an_api_key_acts_as_a_user_of_its_own
            api_keys::a_key_and_its_tokens_end_at_once
            api_keys::narrower_scopes_of_a_key_bite_on_the_next_call
            api_keys::a_keys_name_is_its_users
            api_keys::only_administrators_of_keys_manage_them
            api_keys::the_first_start_may_make_a_key
            external::a_stranger_becomes_a_user_once
            external::an_identity_is_its_issuer_and_its_subject
            external::nobody_keeps_somebody_else_from_coming
            external::only_names_given_by_an_authority_link
            external::a_delegates_word_links_nobody
            external::a_linked_user_keeps_their_names
            external_groups::external_groups_follow_the_latest_token
            external_groups::an_issuer_leaves_somebody_who_administers
            imports::what_is_imported_is_there
            imports::what_differs_is_changed
            imports::who_is_suspended_by_an_import_is_signed_out
            imports_refused::imported_users_join_the_groups_of_their_domains
            imports_refused::records_that_are_refused_are_named
            imports_refused::system_groups_are_those_of_their_names
            imports::an_imported_membership_counts_from_the_import_on
            imports::imports_are_told
            imports_refused::an_import_leaves_an_administrator
            imports_refused::only_an_operator_imports
            imports_refused::a_name_that_is_given_up_is_free
            searching::users_are_found_by_every_field
            searching::groups_are_found_by_every_field
            searching::every_field_sorts_both_ways
            searching::filters_combine
            searching::a_filter_may_be_long
            concurrency::writers_alone_take_turns
            concurrency::overlapping_adds_all_succeed
            concurrency::one_of_many_gets_a_name
            concurrency::the_last_two_administrators_cannot_remove_each_other
            concurrency::a_removal_beside_a_new_edge_does_not_take_the_last_administrator
            concurrency::two_edges_cannot_close_a_cycle
            concurrency::one_of_many_changes_for_the_same_version_wins
            concurrency::changes_of_different_properties_do_not_undo_each_other
            concurrency::what_vanishes_meanwhile_is_not_found
        }
    };
    (@each $make:path; $($module:ident::$name:ident)*) => {
        $(
            #[test]
            fn $name() {
                let clock = $crate::contract::TestClock::new();
                let (store, _keep) = $make(clock.clone());
                $crate::contract::$module::$name($crate::contract::Given { store, clock }.into());
            }
        )*

        #[test]
        fn every_promise_is_tested() {
            let listed = [$(stringify!($name)),*];
            for promise in $crate::contract::promises() {
                assert!(listed.contains(&promise.as_str()), "`{promise}` is in no list");
            }
        }
    };
}
