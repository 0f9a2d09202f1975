//! Fields of users.

use guildhall_domain::search::{Pattern, UserField};
use guildhall_domain::time::Timestamp;

use super::column::{Column, Columns, Dialect, Homes};
use super::fragment::Fragment;
use super::page::Table;
use super::text;

impl Columns for UserField {
    fn column(&self, dialect: Dialect, now: Timestamp) -> Column {
        match self {
            Self::Id => Column::own("u.id"),
            Self::Username => Column::own("u.username_key").by("users_by_username_key"),
            Self::Email => Column::key("s.email_key").nullable().by("user_search_by_email"),
            Self::FirstName => Column::key("s.first_name_key").nullable().by("user_search_by_first_name"),
            Self::LastName => Column::key("s.last_name_key").nullable().by("user_search_by_last_name"),
            Self::Names => Column::key("s.names_key"),
            Self::Timezone => Column::key("s.timezone_key").by("user_search_by_timezone"),
            Self::Language => Column::key("s.language_key").by("user_search_by_language"),
            Self::Custom(name) => custom(dialect, "s.custom_keys", name, Homes::KEYS),
            Self::ProviderType => Column::own("u.provider_kind").by("users_by_provider_kind"),
            Self::ProviderName => Column::key("s.provider_name_key").by("user_search_by_provider_name"),
            Self::PasswordChangeFrequency => {
                Column::own("u.password_change_frequency").nullable().by("users_by_password_change_frequency")
            }
            Self::Suspended => due(Fragment::of("(u.suspended OR (u.expiry IS NOT NULL AND u.expiry <= "), now),
            Self::Locked => Column::own("u.locked"),
            Self::PasswordResetRequired => due(
                Fragment::of("(u.password_reset_required OR (u.password_due IS NOT NULL AND u.password_due < "),
                now,
            ),
            Self::Created => Column::own("u.created").by("users_by_created"),
            Self::Modified => Column::own("u.modified").by("users_by_modified"),
            Self::LastLogin => Column::own("u.last_login").nullable().by("users_by_last_login"),
            Self::LastFailedLogin => Column::own("u.last_failed_login").nullable().by("users_by_last_failed_login"),
            Self::Expiry => Column::own("u.expiry").nullable().by("users_by_expiry"),
            Self::PasswordChanged => Column::own("u.password_changed").nullable().by("users_by_password_changed"),
            Self::OptOutOfNotifications => Column::own("u.opt_out_of_notifications"),
            Self::FailedLoginAttempts => Column::own("u.failed_login_attempts").by("users_by_failed_login_attempts"),
            Self::FailedLoginAttemptsSinceLastSuccess => Column::own("u.failed_login_attempts_since_last_success")
                .by("users_by_failed_login_attempts_since_last_success"),
            Self::SuccessfulLoginAttempts => {
                Column::own("u.successful_login_attempts").by("users_by_successful_login_attempts")
            }
        }
    }

    fn gram_condition(&self, pattern: &Pattern, dialect: Dialect) -> Option<(Fragment, Homes)> {
        let is_named = matches!(self, Self::Names | Self::Username | Self::Email | Self::FirstName | Self::LastName);
        let text = text::indexed(pattern).filter(|_| is_named)?;
        let condition = match dialect {
            Dialect::Postgres => {
                Fragment::of("guildhall_grams(s.names_key) @> ").text(text::grams(text)).sql("::bigint[]")
            }
            Dialect::Sqlite => {
                Fragment::of("s.row IN (SELECT rowid FROM user_search_grams WHERE user_search_grams MATCH ")
                    .text(text::phrase(text))
                    .sql(")")
            }
        };
        Some((condition, Homes::KEYS))
    }
}

impl Table for UserField {
    fn tables(first: Homes, all: Homes, index: Option<&'static str>, dialect: Dialect) -> Fragment {
        let (table, other) = match (first == Homes::KEYS, dialect) {
            (false, Dialect::Postgres) => ("users u", " JOIN user_search s ON s.user_id = u.id"),
            // SQLite keeps the order of a CROSS JOIN.
            (false, Dialect::Sqlite) => ("users u", " CROSS JOIN user_search s ON s.user_id = u.id"),
            (true, Dialect::Postgres) => ("user_search s", " JOIN users u ON u.id = s.user_id"),
            (true, Dialect::Sqlite) => ("user_search s", " CROSS JOIN users u ON u.id = s.user_id"),
        };
        let mut from = Fragment::of(table);
        if let (Some(index), Dialect::Sqlite) = (index, dialect) {
            from = from.sql(" INDEXED BY ").sql(index);
        }
        if all.own && all.keys { from.sql(other) } else { from }
    }

    fn id_in(first: Homes) -> &'static str {
        if first == Homes::KEYS { "s.user_id" } else { "u.id" }
    }

    fn is_unique(&self) -> bool {
        matches!(self, Self::Id | Self::Username)
    }
}

/// A truth that comes with time.
fn due(opening: Fragment, now: Timestamp) -> Column {
    Column::computed(opening.number(now.milliseconds()).sql("))"), Homes::OWN)
}

/// A custom property among the keys of all.
pub(super) fn custom(dialect: Dialect, keys: &'static str, name: &str, home: Homes) -> Column {
    let name = Fragment::default().text(name);
    let sql = match dialect {
        Dialect::Postgres => Fragment::of("(").sql(keys).sql("::json ->> ").then(name).sql(") COLLATE \"C\""),
        Dialect::Sqlite => {
            Fragment::of("(SELECT value FROM json_each(").sql(keys).sql(") WHERE key = ").then(name).sql(")")
        }
    };
    Column::computed(sql, home).nullable()
}
