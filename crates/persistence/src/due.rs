//! Whether memberships or edges have to begin or to end before anything is read.

use diesel::backend::Backend;
use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, HasSqlType, Nullable};
use guildhall_domain::ports::Clock;
use guildhall_domain::time::Timestamp;

use crate::connection::AnyConnection;
use crate::dialect::Dialect;
use crate::prepared::prepared;
use crate::unit_of_work::Failure;

/// The present moment, by which memberships begin and end. `None`: the one that the database's own clock shows when a statement comes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment(Option<i64>);

impl Moment {
    /// What `clock` shows; `None`: that of the database.
    pub(crate) fn of(clock: Option<&dyn Clock>) -> Self {
        Self(clock.map(|clock| clock.now().milliseconds()))
    }

    /// In milliseconds.
    pub(crate) fn milliseconds(self, connection: &mut AnyConnection) -> Result<i64, Failure> {
        if let Some(at) = self.0 {
            return Ok(at);
        }
        Ok(match connection {
            AnyConnection::Postgres(connection) => {
                let shown = "SELECT CAST(floor(extract(epoch FROM statement_timestamp()) * 1000) AS bigint) AS now";
                prepared(shown).get_result::<Now>(connection)?.now
            }
            AnyConnection::Sqlite(connection) => {
                let shown = "SELECT CAST(round(unixepoch('now', 'subsec') * 1000) AS INTEGER) AS now";
                prepared(shown).get_result::<Now>(connection)?.now
            }
        })
    }

    /// The column that tells whether something is due at this moment.
    pub(crate) fn due(self, dialect: Dialect) -> DueColumn {
        DueColumn { at: self.0, dialect }
    }
}

#[derive(QueryableByName)]
struct Now {
    #[diesel(sql_type = BigInt)]
    now: i64,
}

/// A column with the moment at which something is due, or NULL if nothing is. Nothing of a row decides about it, so that it is one look at the beginning of
/// an index. The clock is looked at only if any membership has dates.
pub(crate) struct DueColumn {
    at: Option<i64>,
    dialect: Dialect,
}

impl DueColumn {
    /// The parts before the parameter, between its two places, and after them.
    const fn parts(&self) -> [&'static str; 3] {
        match self.dialect {
            Dialect::Postgres => [
                "(SELECT CASE WHEN d.next_at <= coalesce(",
                ", CAST(floor(extract(epoch FROM statement_timestamp()) * 1000) AS bigint)) THEN coalesce(",
                ", CAST(floor(extract(epoch FROM statement_timestamp()) * 1000) AS bigint)) END \
                 FROM membership_dates d WHERE d.next_at IS NOT NULL ORDER BY d.next_at LIMIT 1)",
            ],
            Dialect::Sqlite => [
                "(SELECT CASE WHEN d.next_at <= coalesce(",
                ", CAST(round(unixepoch('now', 'subsec') * 1000) AS INTEGER)) THEN coalesce(",
                ", CAST(round(unixepoch('now', 'subsec') * 1000) AS INTEGER)) END \
                 FROM membership_dates d WHERE d.next_at IS NOT NULL ORDER BY d.next_at LIMIT 1)",
            ],
        }
    }
}

impl<DB> QueryFragment<DB> for DueColumn
where
    DB: Backend + HasSqlType<BigInt>,
    Option<i64>: ToSql<Nullable<BigInt>, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        let [before, between, after] = self.parts();
        out.push_sql(before);
        out.push_bind_param::<Nullable<BigInt>, _>(&self.at)?;
        out.push_sql(between);
        out.push_bind_param::<Nullable<BigInt>, _>(&self.at)?;
        out.push_sql(after);
        Ok(())
    }
}

/// A database has one text for it.
impl QueryId for DueColumn {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl Expression for DueColumn {
    type SqlType = Nullable<BigInt>;
}

impl<T> AppearsOnTable<T> for DueColumn {}

impl<T> SelectableExpression<T> for DueColumn {}

impl ValidGrouping<()> for DueColumn {
    type IsAggregate = is_aggregate::Never;
}

/// The column alone.
struct Question(DueColumn);

impl<DB: Backend> QueryFragment<DB> for Question
where
    DueColumn: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("SELECT ");
        self.0.walk_ast(out)
    }
}

impl QueryId for Question {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl Query for Question {
    type SqlType = Nullable<BigInt>;
}

impl<C> RunQueryDsl<C> for Question {}

/// Fails if something is due.
pub(crate) fn check_due(connection: &mut AnyConnection, at: Moment) -> Result<(), Failure> {
    let question = Question(at.due(Dialect::of(connection)));
    let due: Option<i64> = match connection {
        AnyConnection::Postgres(connection) => question.get_result(connection)?,
        AnyConnection::Sqlite(connection) => question.get_result(connection)?,
    };
    fail_if_due(due)
}

/// Fails if something is due at the moment that a statement told.
pub(crate) fn fail_if_due(due: Option<i64>) -> Result<(), Failure> {
    due.map_or(Ok(()), |now| Err(Failure::Due(Timestamp::from_milliseconds(now))))
}
