//! Changes of several rows and tables in one round trip.
//!
//! PostgreSQL runs them as the parts of one statement (`WITH … AS (…)`), SQLite one after the other. So that both come to the same, no
//! change relies on what another one of them does, except for whether the first one changed a row ([`IfFirst`]). What must hold between their tables (foreign keys) is checked after all of them.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Text};
use diesel::sqlite::Sqlite;

use crate::connection::AnyConnection;

/// A part of SQL for either database.
pub(crate) trait Part: QueryFragment<Pg> + QueryFragment<Sqlite> {}

impl<T: QueryFragment<Pg> + QueryFragment<Sqlite>> Part for T {}

/// Runs changes: `INSERT`s, `UPDATE`s and `DELETE`s without `RETURNING`. Returns how many rows each of them changed.
pub(crate) fn run_together(connection: &mut AnyConnection, changes: &[&dyn Part]) -> QueryResult<Vec<i64>> {
    match connection {
        AnyConnection::Postgres(connection) => Together { changes }.get_result(connection),
        AnyConnection::Sqlite(connection) => run_in_turn(connection, changes),
    }
}

fn run_in_turn(connection: &mut SqliteConnection, changes: &[&dyn Part]) -> QueryResult<Vec<i64>> {
    let mut run = |change: &&dyn Part| Ok(i64::try_from(Alone(*change).execute(connection)?).unwrap_or(i64::MAX));
    changes.iter().map(&mut run).collect()
}

/// The statement of PostgreSQL. Each change runs when its rows are counted, and so in their order.
struct Together<'a> {
    changes: &'a [&'a dyn Part],
}

impl QueryFragment<Pg> for Together<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let mut before = "WITH c";
        for (number, change) in self.changes.iter().enumerate() {
            out.push_sql(before);
            out.push_sql(&number.to_string());
            out.push_sql(" AS (");
            QueryFragment::<Pg>::walk_ast(*change, out.reborrow())?;
            out.push_sql(" RETURNING 1)");
            before = ", c";
        }
        before = " SELECT ARRAY[(SELECT count(*) FROM c";
        for number in 0..self.changes.len() {
            out.push_sql(before);
            out.push_sql(&number.to_string());
            before = "), (SELECT count(*) FROM c";
        }
        out.push_sql(")]");
        Ok(())
    }
}

impl QueryId for Together<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Together<'_> {
    type SqlType = Array<BigInt>;
}

impl RunQueryDsl<PgConnection> for Together<'_> {}

/// A statement of SQLite.
struct Alone<'a>(&'a dyn Part);

impl QueryFragment<Sqlite> for Alone<'_> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        QueryFragment::<Sqlite>::walk_ast(self.0, out)
    }
}

impl QueryId for Alone<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Alone<'_> {
    type SqlType = Text;
}

impl RunQueryDsl<SqliteConnection> for Alone<'_> {}

/// The end of the condition of a part that is to do nothing unless the first part changed a row. In SQLite it does not matter: whoever finds
/// that the first part changed none has everything undone.
pub(crate) struct IfFirst;

impl QueryFragment<Pg> for IfFirst {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(" AND EXISTS (SELECT 1 FROM c0)");
        Ok(())
    }
}

impl QueryFragment<Sqlite> for IfFirst {
    fn walk_ast<'b>(&'b self, _: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        Ok(())
    }
}

/// A part that ends with another one.
pub(crate) struct FollowedBy<A, B>(A, B);

pub(crate) fn followed_by<A, B>(part: A, end: B) -> FollowedBy<A, B> {
    FollowedBy(part, end)
}

impl<DB, A, B> QueryFragment<DB> for FollowedBy<A, B>
where
    DB: diesel::backend::Backend,
    A: QueryFragment<DB>,
    B: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.0.walk_ast(out.reborrow())?;
        self.1.walk_ast(out)
    }
}

/// A part that differs between the databases.
pub(crate) struct ByDialect<P, S> {
    pub(crate) postgres: P,
    pub(crate) sqlite: S,
}

impl<P: QueryFragment<Pg>, S> QueryFragment<Pg> for ByDialect<P, S> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.postgres.walk_ast(out)
    }
}

impl<P, S: QueryFragment<Sqlite>> QueryFragment<Sqlite> for ByDialect<P, S> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        self.sqlite.walk_ast(out)
    }
}

/// `UPDATE table SET changes WHERE condition`. A connection prepares each of its texts once: there is one for each set of columns that
/// may change. Diesel prepares those of [`diesel::update`] again each time.
pub(crate) struct Update<C, W> {
    pub(crate) table: &'static str,
    pub(crate) changes: C,
    pub(crate) condition: W,
}

impl<DB, C, W> QueryFragment<DB> for Update<C, W>
where
    DB: diesel::backend::Backend,
    C: QueryFragment<DB>,
    W: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("UPDATE ");
        out.push_sql(self.table);
        out.push_sql(" SET ");
        self.changes.walk_ast(out.reborrow())?;
        out.push_sql(" WHERE ");
        self.condition.walk_ast(out.reborrow())
    }
}
