//! Fields of users.

use guildhall_domain::search::{Pattern, Piece, Sort, UserField};
use guildhall_domain::time::Timestamp;

use super::column::{Column, Columns, Dialect, Homes};
use super::fragment::Fragment;
use super::page::Table;
use super::slice::Slice;
use super::text;
use super::way::Way;

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
            Self::Suspended => {
                due(Fragment::of("(u.suspended OR (NOT u.suspended AND u.expiry IS NOT NULL AND u.expiry <= "), now)
            }
            Self::Locked => due(Fragment::of("((u.locked_until IS NOT NULL AND u.locked_until > "), now),
            Self::PasswordResetRequired => due(
                Fragment::of(
                    "(u.password_reset_required OR (NOT u.password_reset_required AND u.password_due IS NOT NULL \
                     AND u.password_due < ",
                ),
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

    fn beside_keys(&self, dialect: Dialect) -> Option<Fragment> {
        match self {
            Self::Id => Some(Fragment::of("s.user_id")),
            Self::Username => Some(Fragment::of(username_among_names(dialect))),
            _ => None,
        }
    }

    /// What follows a username is a line feed, which is less than whatever else could stand in its place: nothing need be cut off.
    fn order_beside_keys(&self, dialect: Dialect) -> Option<Fragment> {
        match (self, dialect) {
            (Self::Username, Dialect::Sqlite) => {
                Some(Fragment::of("substr(s.names_key, instr(s.names_key, char(10)) + 1)"))
            }
            _ => self.beside_keys(dialect),
        }
    }

    /// A phrase of FTS5 is what stands in the text, from its first character to its last.
    fn is_gram_exact(&self, pattern: &Pattern, dialect: Dialect) -> bool {
        *self == Self::Names && dialect == Dialect::Sqlite && matches!(pattern.pieces(), [Piece::Literal(_)])
    }

    fn gram_condition(&self, pattern: &Pattern, dialect: Dialect) -> Option<(Fragment, Homes)> {
        let is_named = matches!(self, Self::Names | Self::Username | Self::Email | Self::FirstName | Self::LastName);
        let text = text::indexed(pattern).filter(|_| is_named)?;
        let condition = match dialect {
            Dialect::Postgres => {
                Fragment::of("guildhall_grams(s.names_key) @> ").text(text::grams(text)).sql("::bigint[]")
            }
            Dialect::Sqlite => Fragment::of("s.row IN (SELECT rowid FROM user_search_grams WHERE ")
                .sql(dialect.going_on())
                .sql("user_search_grams MATCH ")
                .text(text::phrase(text))
                .sql(")"),
        };
        Some((condition, Homes::KEYS))
    }
}

impl Table for UserField {
    fn tables(first: Homes, all: Homes, way: Way, dialect: Dialect) -> Fragment {
        let is_by_key = first == Homes::KEYS;
        let from = Fragment::of(if is_by_key { "user_search s" } else { "users u" }).then(way.index(dialect));
        if !(all.own && all.keys) {
            return from;
        }
        from.sql(way.join(dialect)).sql(if is_by_key { "users u" } else { "user_search s" }).sql(" ON u.id = s.user_id")
    }

    fn all_in_order(_: &[Sort<Self>], _: Slice, _: Dialect) -> Option<Fragment> {
        None
    }

    fn first_items(from_end: bool) -> Option<&'static str> {
        Some(if from_end {
            "SELECT u.id FROM (SELECT * FROM users ORDER BY id DESC LIMIT 2000) u WHERE "
        } else {
            "SELECT u.id FROM (SELECT * FROM users ORDER BY id LIMIT 2000) u WHERE "
        })
    }

    fn how_many_hold(&self, now: Timestamp) -> Option<Fragment> {
        let counted = match self {
            Self::Locked => {
                Fragment::of("SELECT count(*) FROM users u WHERE u.locked_until IS NOT NULL AND u.locked_until > ")
                    .number(now.milliseconds())
            }
            Self::OptOutOfNotifications => {
                Fragment::of("SELECT count(*) FROM users u WHERE u.opt_out_of_notifications")
            }
            Self::Suspended => Fragment::of(
                "SELECT (SELECT count(*) FROM users u WHERE u.suspended) + (SELECT count(*) FROM users u \
                 WHERE NOT u.suspended AND u.expiry IS NOT NULL AND u.expiry <= ",
            )
            .number(now.milliseconds())
            .sql(")"),
            Self::PasswordResetRequired => Fragment::of(
                "SELECT (SELECT count(*) FROM users u WHERE u.password_reset_required) + (SELECT count(*) FROM users u \
                 WHERE NOT u.password_reset_required AND u.password_due IS NOT NULL AND u.password_due < ",
            )
            .number(now.milliseconds())
            .sql(")"),
            _ => return None,
        };
        Some(counted)
    }

    fn id_in(first: Homes) -> &'static str {
        if first == Homes::KEYS { "s.user_id" } else { "u.id" }
    }

    fn is_unique(&self) -> bool {
        matches!(self, Self::Id | Self::Username)
    }
}

/// The username's key: the second line of the names.
fn username_among_names(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Postgres => "split_part(s.names_key, chr(10), 2)",
        Dialect::Sqlite => {
            "substr(s.names_key, instr(s.names_key, char(10)) + 1, \
             instr(substr(s.names_key, instr(s.names_key, char(10)) + 1), char(10)) - 1)"
        }
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
