//! The words in which the databases differ, and their parameters.

use diesel::backend::Backend;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment as _};
use diesel::result::QueryResult;
use diesel::sql_types::{Binary, Text};
use diesel::sqlite::Sqlite;

use super::account::{push_administers_in_turn, push_administers_together};
use super::single::{GROUP_COLUMNS, USER_COLUMNS};
use crate::dialect::Dialect;
use crate::dialect::scheduled::{TARGETS_POSTGRES, TARGETS_SQLITE};
use crate::due::DueColumn;
use crate::sql_types::{Digest, Key, UuidSql};

/// A database, as the statements of lookups see it.
pub(super) trait Words: Backend + Sized {
    /// The texts of a JSON array. The parameter stands between the two parts.
    const NAMES: [&'static str; 2];
    /// The ids of a JSON array.
    const IDS: [&'static str; 2];
    /// The email domains of a group, as a JSON array.
    const DOMAINS: &'static str;
    /// The links of a row of `users` to external issuers, as a JSON array.
    const LINKS: &'static str;
    /// The ids of the rows of `joined`, as a JSON array.
    const JOINED: &'static str;
    /// The end of the recursive table `targets`.
    const TARGETS: &'static str;
    /// The end of the condition of a part that may look at many rows of `group_users m`.
    const ROW_CHECK: &'static str;

    /// The bits of the administrators' groups of which the caller is an effective member.
    fn push_administers(out: &mut AstPass<'_, '_, Self>) -> QueryResult<()>;
    fn push_due<'b>(out: &mut AstPass<'_, 'b, Self>, due: &'b DueColumn) -> QueryResult<()>;
    fn push_id<'b>(out: &mut AstPass<'_, 'b, Self>, id: &'b Key) -> QueryResult<()>;
    fn push_text<'b>(out: &mut AstPass<'_, 'b, Self>, text: &'b str) -> QueryResult<()>;
    fn push_digest<'b>(out: &mut AstPass<'_, 'b, Self>, digest: &'b Digest) -> QueryResult<()>;
    fn push_user_columns(out: &mut AstPass<'_, '_, Self>) -> QueryResult<()>;
    fn push_group_columns(out: &mut AstPass<'_, '_, Self>) -> QueryResult<()>;
}

macro_rules! parameters {
    () => {
        fn push_due<'b>(out: &mut AstPass<'_, 'b, Self>, due: &'b DueColumn) -> QueryResult<()> {
            due.walk_ast(out.reborrow())
        }

        fn push_id<'b>(out: &mut AstPass<'_, 'b, Self>, id: &'b Key) -> QueryResult<()> {
            out.push_bind_param::<UuidSql, Key>(id)
        }

        fn push_text<'b>(out: &mut AstPass<'_, 'b, Self>, text: &'b str) -> QueryResult<()> {
            out.push_bind_param::<Text, str>(text)
        }

        fn push_digest<'b>(out: &mut AstPass<'_, 'b, Self>, digest: &'b Digest) -> QueryResult<()> {
            out.push_bind_param::<Binary, Digest>(digest)
        }

        fn push_user_columns(out: &mut AstPass<'_, '_, Self>) -> QueryResult<()> {
            USER_COLUMNS.walk_ast(out.reborrow())
        }

        fn push_group_columns(out: &mut AstPass<'_, '_, Self>) -> QueryResult<()> {
            GROUP_COLUMNS.walk_ast(out.reborrow())
        }
    };
}

impl Words for Pg {
    const NAMES: [&'static str; 2] = ["SELECT value FROM json_array_elements_text(CAST(", " AS json))"];
    const IDS: [&'static str; 2] = ["SELECT CAST(value AS uuid) FROM json_array_elements_text(CAST(", " AS json))"];
    const DOMAINS: &'static str = Dialect::Postgres.email_domains();
    const LINKS: &'static str = "(SELECT CAST(json_agg(json_build_array(i.issuer, i.subject, i.linked, i.latest_token)) AS text) \
         FROM identities i WHERE i.user_id = users.id)";
    const JOINED: &'static str = "(SELECT CAST(json_agg(id) AS text) FROM joined)";
    const TARGETS: &'static str = TARGETS_POSTGRES;
    const ROW_CHECK: &'static str = Dialect::Postgres.row_check();

    fn push_administers(out: &mut AstPass<'_, '_, Self>) -> QueryResult<()> {
        push_administers_together(out)
    }

    parameters!();
}

impl Words for Sqlite {
    const NAMES: [&'static str; 2] = ["SELECT value FROM json_each(", ")"];
    const IDS: [&'static str; 2] = ["SELECT unhex(value) FROM json_each(", ")"];
    const DOMAINS: &'static str = Dialect::Sqlite.email_domains();
    const LINKS: &'static str = "(SELECT json_group_array(json_array(i.issuer, i.subject, i.linked, i.latest_token)) \
         FROM identities i WHERE i.user_id = users.id)";
    const JOINED: &'static str = "(SELECT json_group_array(lower(hex(id))) FROM joined)";
    const TARGETS: &'static str = TARGETS_SQLITE;
    const ROW_CHECK: &'static str = Dialect::Sqlite.row_check();

    fn push_administers(out: &mut AstPass<'_, '_, Self>) -> QueryResult<()> {
        push_administers_in_turn(out)
    }

    parameters!();
}
