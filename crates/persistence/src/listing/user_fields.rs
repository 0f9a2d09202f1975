//! Where the fields of users are stored.

use diesel::dsl::SqlTypeOf;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use guildhall_domain::search::{Pattern, Piece, Sort, UserField};
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::User;

use super::filter_sql::{Column, Fragment, SqlField, TableSet, indexed, phrase, trigrams};
use super::plan::{AccessPath, PageItems, PageWindow, SqlItem};
use crate::connection::AnyConnection;
use crate::dialect::Dialect;
use crate::tables::{UserColumns, UserRow};
use crate::unit_of_work::Failure;

/// The index of `users` by the key of the username.
pub(super) const USERNAME_INDEX: &str = "users_by_username_key";

impl SqlField for UserField {
    fn column(&self, dialect: Dialect, now: Timestamp) -> Column {
        match self {
            Self::Id => Column::main("u.id"),
            Self::Username => Column::main("u.username_key").indexed_by(USERNAME_INDEX),
            Self::Email => Column::side("s.email_key").nullable().indexed_by("user_search_by_email"),
            Self::FirstName => Column::side("s.first_name_key").nullable().indexed_by("user_search_by_first_name"),
            Self::LastName => Column::side("s.last_name_key").nullable().indexed_by("user_search_by_last_name"),
            Self::Names => Column::side("s.names_key"),
            Self::Timezone => Column::side("s.timezone_key").indexed_by("user_search_by_timezone"),
            Self::Language => Column::side("s.language_key").indexed_by("user_search_by_language"),
            Self::Custom(name) => custom(dialect, "s.custom_keys", name, TableSet::SIDE),
            Self::ProviderType => Column::main("u.provider_kind").indexed_by("users_by_provider_kind"),
            Self::ProviderName => Column::side("s.provider_name_key").indexed_by("user_search_by_provider_name"),
            Self::PasswordChangeFrequency => {
                Column::main("u.password_change_frequency").nullable().indexed_by("users_by_password_change_frequency")
            }
            Self::Suspended => {
                at(Fragment::of("(u.suspended OR (NOT u.suspended AND u.expiry IS NOT NULL AND u.expiry <= "), now)
            }
            Self::Locked => at(Fragment::of("((u.locked_until IS NOT NULL AND u.locked_until > "), now),
            Self::PasswordResetRequired => at(
                Fragment::of(
                    "(u.password_reset_required OR (NOT u.password_reset_required AND u.password_due IS NOT NULL \
                     AND u.password_due < ",
                ),
                now,
            ),
            Self::Created => Column::main("u.created").indexed_by("users_by_created"),
            Self::Modified => Column::main("u.modified").indexed_by("users_by_modified"),
            Self::LastLogin => Column::main("u.last_login").nullable().indexed_by("users_by_last_login"),
            Self::LastFailedLogin => {
                Column::main("u.last_failed_login").nullable().indexed_by("users_by_last_failed_login")
            }
            Self::Expiry => Column::main("u.expiry").nullable().indexed_by("users_by_expiry"),
            Self::PasswordChanged => {
                Column::main("u.password_changed").nullable().indexed_by("users_by_password_changed")
            }
            Self::OptOutOfNotifications => Column::main("u.opt_out_of_notifications"),
            Self::FailedLoginAttempts => {
                Column::main("u.failed_login_attempts").indexed_by("users_by_failed_login_attempts")
            }
            Self::FailedLoginAttemptsSinceLastSuccess => Column::main("u.failed_login_attempts_since_last_success")
                .indexed_by("users_by_failed_login_attempts_since_last_success"),
            Self::SuccessfulLoginAttempts => {
                Column::main("u.successful_login_attempts").indexed_by("users_by_successful_login_attempts")
            }
        }
    }

    fn side_column(&self, dialect: Dialect) -> Option<Fragment> {
        match self {
            Self::Id => Some(Fragment::of("s.user_id")),
            Self::Username => Some(Fragment::of(username_among_names(dialect))),
            _ => None,
        }
    }

    /// The rest of the names from the username on. The line feed that ends the username sorts before every character that could
    /// stand in its place, so that the rest sorts like the username.
    fn side_order(&self, dialect: Dialect) -> Option<Fragment> {
        match (self, dialect) {
            (Self::Username, Dialect::Sqlite) => {
                Some(Fragment::of("substr(s.names_key, instr(s.names_key, char(10)) + 1)"))
            }
            _ => self.side_column(dialect),
        }
    }

    /// A phrase of FTS5 matches exactly the texts that contain it.
    fn is_trigram_exact(&self, pattern: &Pattern, dialect: Dialect) -> bool {
        *self == Self::Names && dialect == Dialect::Sqlite && matches!(pattern.pieces(), [Piece::Literal(_)])
    }

    fn trigram_condition(&self, pattern: &Pattern, dialect: Dialect) -> Option<(Fragment, TableSet)> {
        let is_named = matches!(self, Self::Names | Self::Username | Self::Email | Self::FirstName | Self::LastName);
        let text = indexed(pattern).filter(|_| is_named)?;
        let condition = match dialect {
            Dialect::Postgres => {
                Fragment::of("guildhall_grams(s.names_key) @> ").text(trigrams(text)).sql("::bigint[]")
            }
            Dialect::Sqlite => Fragment::of("s.row IN (SELECT rowid FROM user_search_grams WHERE ")
                .sql(dialect.interrupt_check())
                .sql("user_search_grams MATCH ")
                .text(phrase(text))
                .sql(")"),
        };
        Some((condition, TableSet::SIDE))
    }
}

impl SqlItem for UserField {
    fn from_clause(first: TableSet, all: TableSet, path: AccessPath, dialect: Dialect) -> Fragment {
        let starts_with_side = first == TableSet::SIDE;
        let from = Fragment::of(if starts_with_side { "user_search s" } else { "users u" }).then(path.index(dialect));
        if !(all.main && all.side) {
            return from;
        }
        from.sql(path.join(dialect))
            .sql(if starts_with_side { "users u" } else { "user_search s" })
            .sql(" ON u.id = s.user_id")
    }

    fn all_in_order(_: &[Sort<Self>], _: PageWindow, _: Dialect) -> Option<Fragment> {
        None
    }

    /// The first 2,000 users. They fill a page if more than a quarter of them has the wanted value.
    fn first_items(from_end: bool) -> Option<&'static str> {
        Some(if from_end {
            "SELECT u.id FROM (SELECT * FROM users ORDER BY id DESC LIMIT 2000) u WHERE "
        } else {
            "SELECT u.id FROM (SELECT * FROM users ORDER BY id LIMIT 2000) u WHERE "
        })
    }

    fn load(connection: &mut AnyConnection, page: PageItems) -> Result<Vec<(i64, User)>, Failure> {
        let select = page.select(Dialect::of(connection), "users", Fragment::default().user_columns());
        let mut rows: Vec<(i64, i64, UserRow)> =
            select.query::<(BigInt, BigInt, SqlTypeOf<UserColumns>)>().load(connection)?;
        rows.sort_by_key(|(place, ..)| *place);
        rows.into_iter().map(|(_, total, row)| Ok((total, User::try_from(row)?))).collect()
    }

    fn count_true(&self, now: Timestamp) -> Option<Fragment> {
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

    fn id_column(table: TableSet) -> &'static str {
        if table == TableSet::SIDE { "s.user_id" } else { "u.id" }
    }
}

/// The key of the username: the second line of the names.
fn username_among_names(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Postgres => "split_part(s.names_key, chr(10), 2)",
        Dialect::Sqlite => {
            "substr(s.names_key, instr(s.names_key, char(10)) + 1, \
             instr(substr(s.names_key, instr(s.names_key, char(10)) + 1), char(10)) - 1)"
        }
    }
}

/// A boolean that depends on the time.
fn at(opening: Fragment, now: Timestamp) -> Column {
    Column::computed(opening.number(now.milliseconds()).sql("))"), TableSet::MAIN)
}

/// The key of one custom property.
pub(super) fn custom(dialect: Dialect, keys: &'static str, name: &str, tables: TableSet) -> Column {
    let name = Fragment::default().text(name);
    let sql = match dialect {
        Dialect::Postgres => Fragment::of("(").sql(keys).sql("::json ->> ").then(name).sql(") COLLATE \"C\""),
        Dialect::Sqlite => {
            Fragment::of("(SELECT value FROM json_each(").sql(keys).sql(") WHERE key = ").then(name).sql(")")
        }
    };
    Column::computed(sql, tables).nullable()
}
