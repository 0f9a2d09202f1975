//! The tables, as both databases have them. A test compares them with the live databases.

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
    use crate::sql_types::{UuidSql, JsonSql};

    users (id) {
        id -> UuidSql,
        username -> Text,
        username_key -> Text,
        email -> Nullable<Text>,
        first_name -> Nullable<Text>,
        last_name -> Nullable<Text>,
        timezone -> Text,
        language -> Text,
        custom -> JsonSql,
        password_hash -> Nullable<Text>,
        password_change_frequency -> Nullable<Integer>,
        provider_kind -> Text,
        provider_name -> Text,
        suspended -> Bool,
        password_reset_required -> Bool,
        created -> BigInt,
        modified -> BigInt,
        last_login -> Nullable<BigInt>,
        last_failed_login -> Nullable<BigInt>,
        expiry -> Nullable<BigInt>,
        password_changed -> Nullable<BigInt>,
        opt_out_of_notifications -> Bool,
        failed_login_attempts -> Integer,
        failed_login_attempts_since_last_success -> Integer,
        successful_login_attempts -> Integer,
        security_stamp -> UuidSql,
        version -> BigInt,
        password_due -> Nullable<BigInt>,
        lock_failures -> Integer,
        locks -> Integer,
        locked_until -> Nullable<BigInt>,
    }
}

diesel::table! {
    use diesel::sql_types::{Bool, Text};
    use crate::sql_types::UuidSql;

    user_identifiers (identifier_key) {
        identifier_key -> Text,
        user_id -> UuidSql,
        by_authority -> Bool,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use crate::sql_types::{UuidSql, JsonSql};

    groups (id) {
        id -> UuidSql,
        name -> Text,
        name_key -> Text,
        description -> Nullable<Text>,
        kind -> Text,
        custom -> JsonSql,
        created -> BigInt,
        modified -> BigInt,
        version -> BigInt,
        description_key -> Nullable<Text>,
        custom_keys -> JsonSql,
        child_group_count -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::Text;
    use crate::sql_types::UuidSql;

    group_email_domains (group_id, domain) {
        group_id -> UuidSql,
        domain -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable};
    use crate::sql_types::UuidSql;

    group_users (group_id, user_id) {
        group_id -> UuidSql,
        user_id -> UuidSql,
        added -> BigInt,
        added_by -> Nullable<UuidSql>,
        since -> Nullable<BigInt>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Nullable, Text};
    use crate::sql_types::UuidSql;

    new_events (place) {
        place -> BigInt,
        content -> Text,
        members -> Binary,
        group_id -> Nullable<UuidSql>,
        group_name -> Nullable<Text>,
        above -> Nullable<Binary>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Nullable, SmallInt, Text};
    use crate::sql_types::UuidSql;

    events (sequence) {
        sequence -> BigInt,
        id -> UuidSql,
        kind -> SmallInt,
        time -> BigInt,
        clock -> BigInt,
        actor_id -> Nullable<UuidSql>,
        group_id -> Nullable<UuidSql>,
        content -> Text,
        hash -> Binary,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, SmallInt};
    use crate::sql_types::UuidSql;

    event_users (user_id, kind, sequence) {
        user_id -> UuidSql,
        kind -> SmallInt,
        sequence -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, SmallInt};

    event_checkpoint (id) {
        id -> SmallInt,
        sequence -> BigInt,
        hash -> Binary,
        known_from -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable};
    use crate::sql_types::UuidSql;

    past_memberships (group_id, ended, user_id, began) {
        group_id -> UuidSql,
        user_id -> UuidSql,
        began -> BigInt,
        ended -> BigInt,
        added_by -> Nullable<UuidSql>,
    }
}

diesel::table! {
    use diesel::sql_types::BigInt;
    use crate::sql_types::UuidSql;

    past_edges (parent_id, ended, child_id, began) {
        parent_id -> UuidSql,
        child_id -> UuidSql,
        began -> BigInt,
        ended -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Text};
    use crate::sql_types::UuidSql;

    past_users (id) {
        id -> UuidSql,
        username -> Text,
        username_key -> Text,
        deleted -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Text};
    use crate::sql_types::UuidSql;

    past_groups (id) {
        id -> UuidSql,
        name -> Text,
        name_key -> Text,
        deleted -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, SmallInt};
    use crate::sql_types::UuidSql;

    group_user_counts (group_id, slot) {
        group_id -> UuidSql,
        slot -> SmallInt,
        users -> BigInt,
        changes -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, SmallInt};

    group_counts (slot) {
        slot -> SmallInt,
        groups -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, SmallInt};

    user_counts (slot) {
        slot -> SmallInt,
        users -> BigInt,
        changes -> BigInt,
        memberships -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::{Nullable, Text};
    use crate::sql_types::{JsonSql, UuidSql};

    user_search (user_id) {
        user_id -> UuidSql,
        email_key -> Nullable<Text>,
        first_name_key -> Nullable<Text>,
        last_name_key -> Nullable<Text>,
        timezone_key -> Text,
        language_key -> Text,
        provider_name_key -> Text,
        names_key -> Text,
        custom_keys -> JsonSql,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable};
    use crate::sql_types::UuidSql;

    group_children (parent_id, child_id) {
        parent_id -> UuidSql,
        child_id -> UuidSql,
        added -> Nullable<BigInt>,
        added_by -> Nullable<UuidSql>,
        since -> Nullable<BigInt>,
    }
}

diesel::table! {
    use crate::sql_types::UuidSql;

    group_closure (ancestor_id, descendant_id) {
        ancestor_id -> UuidSql,
        descendant_id -> UuidSql,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Nullable, Text};
    use crate::sql_types::UuidSql;

    api_keys (id) {
        id -> UuidSql,
        user_id -> UuidSql,
        secret_digest -> Binary,
        description -> Nullable<Text>,
        scopes -> Text,
        created -> BigInt,
        created_by -> Nullable<Text>,
        modified -> BigInt,
        modified_by -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Text};
    use crate::sql_types::UuidSql;

    refresh_tokens (digest) {
        digest -> Binary,
        user_id -> UuidSql,
        stamp -> UuidSql,
        scopes -> Text,
        expires -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Integer, Nullable};

    unknown_sign_ins (place) {
        place -> Integer,
        name -> Binary,
        lock_failures -> Integer,
        locks -> Integer,
        locked_until -> Nullable<BigInt>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Integer, Nullable};
    use crate::sql_types::UuidSql;

    known_addresses (user_id, address) {
        user_id -> UuidSql,
        address -> Binary,
        signed_in -> BigInt,
        lock_failures -> Integer,
        locks -> Integer,
        locked_until -> Nullable<BigInt>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable};
    use crate::sql_types::UuidSql;

    group_manager_users (group_id, user_id) {
        group_id -> UuidSql,
        user_id -> UuidSql,
        added -> BigInt,
        added_by -> Nullable<UuidSql>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable};
    use crate::sql_types::UuidSql;

    group_manager_groups (group_id, manager_id) {
        group_id -> UuidSql,
        manager_id -> UuidSql,
        added -> BigInt,
        added_by -> Nullable<UuidSql>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use crate::sql_types::UuidSql;

    identities (issuer, subject) {
        issuer -> Text,
        subject -> Text,
        user_id -> UuidSql,
        linked -> BigInt,
        latest_token -> Nullable<BigInt>,
    }
}

diesel::table! {
    use diesel::sql_types::Integer;

    key_version (id) {
        id -> Integer,
        version -> Integer,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary};

    kept_answers (request) {
        request -> Binary,
        answer -> Binary,
        expires -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable};
    use crate::sql_types::UuidSql;

    membership_dates (group_id, user_id, child_id) {
        group_id -> UuidSql,
        user_id -> Nullable<UuidSql>,
        child_id -> Nullable<UuidSql>,
        valid_from -> Nullable<BigInt>,
        valid_until -> Nullable<BigInt>,
        added -> BigInt,
        added_by -> Nullable<UuidSql>,
        next_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, SmallInt};
    use crate::sql_types::UuidSql;

    kept_answer_counts (caller, ends, slot) {
        caller -> UuidSql,
        ends -> BigInt,
        slot -> SmallInt,
        answers -> BigInt,
        bytes -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable, Text};
    use crate::sql_types::UuidSql;

    webhooks (id) {
        id -> UuidSql,
        name -> Text,
        url -> Text,
        types -> Text,
        group_ids -> Text,
        created -> BigInt,
        created_by -> Nullable<Text>,
        secret -> Binary,
        former_secret -> Nullable<Binary>,
        former_until -> Nullable<BigInt>,
        enabled -> Bool,
        has_begun -> Bool,
        position -> BigInt,
        failures -> Integer,
        failing_since -> Nullable<BigInt>,
        next_attempt -> Nullable<BigInt>,
        last_sequence -> Nullable<BigInt>,
        last_status -> Nullable<Integer>,
        last_at -> Nullable<BigInt>,
        attempts -> BigInt,
        test_id -> Nullable<UuidSql>,
        lease_holder -> Nullable<UuidSql>,
        lease_until -> Nullable<BigInt>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Integer, Nullable, Text};
    use crate::sql_types::UuidSql;

    webhook_deliveries (webhook_id, number) {
        webhook_id -> UuidSql,
        number -> BigInt,
        event_id -> UuidSql,
        sequence -> Nullable<BigInt>,
        at -> BigInt,
        duration -> BigInt,
        status -> Nullable<Integer>,
        error -> Nullable<Text>,
    }
}

/// Every table above.
pub(crate) const TABLES: [&str; 32] = [
    "users",
    "user_identifiers",
    "groups",
    "group_email_domains",
    "group_users",
    "group_user_counts",
    "group_counts",
    "user_counts",
    "user_search",
    "group_children",
    "group_closure",
    "api_keys",
    "refresh_tokens",
    "unknown_sign_ins",
    "known_addresses",
    "identities",
    "key_version",
    "kept_answers",
    "kept_answer_counts",
    "group_manager_users",
    "group_manager_groups",
    "membership_dates",
    "new_events",
    "events",
    "event_users",
    "event_checkpoint",
    "webhooks",
    "webhook_deliveries",
    "past_memberships",
    "past_edges",
    "past_users",
    "past_groups",
];

diesel::joinable!(api_keys -> users (user_id));
diesel::joinable!(group_users -> users (user_id));
diesel::joinable!(user_identifiers -> users (user_id));
diesel::allow_tables_to_appear_in_same_query!(
    users,
    user_search,
    user_identifiers,
    groups,
    group_email_domains,
    group_users,
    group_user_counts,
    group_children,
    group_counts,
    group_closure,
    api_keys,
    refresh_tokens,
    unknown_sign_ins,
    known_addresses,
    identities,
);

#[cfg(test)]
mod tests {
    use super::TABLES;

    #[test]
    fn no_table_is_missing_from_the_list() {
        assert_eq!(include_str!("schema.rs").matches("\ndiesel::table!").count(), TABLES.len());
    }
}
