//! The checks of PostgreSQL.

use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, Bool, Nullable, Text};

use super::{DatabaseFault, FaultFound};
use crate::schema::TABLES;

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Bool)]
    is_read_only: bool,
    #[diesel(sql_type = Nullable<Text>)]
    missing: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    forbidden: Option<String>,
}

#[derive(QueryableByName)]
struct State {
    #[diesel(sql_type = Text)]
    state: String,
}

/// Asks, with one statement that reads no table of ours, whether a change would be taken.
pub(crate) fn check(connection: &mut PgConnection) -> QueryResult<Result<(), FaultFound>> {
    let answer: Answer = sql_query(
        "WITH own AS (SELECT name, to_regclass(quote_ident(name)) AS id FROM unnest($1) AS own (name)) \
         SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean AS is_read_only, \
         (SELECT string_agg(name, ', ') FROM own WHERE id IS NULL) AS missing, \
         (SELECT string_agg(name, ', ') FROM own WHERE id IS NOT NULL AND NOT ( \
             has_table_privilege(id, 'SELECT') AND has_table_privilege(id, 'INSERT') AND \
             has_table_privilege(id, 'UPDATE') AND has_table_privilege(id, 'DELETE'))) AS forbidden",
    )
    .bind::<Array<Text>, _>(TABLES.as_slice())
    .get_result(connection)?;
    Ok(match answer {
        Answer { is_read_only: true, .. } => {
            Err(FaultFound::new(DatabaseFault::ReadOnly, "it is a standby, or default_transaction_read_only is on"))
        }
        Answer { missing: Some(tables), .. } => {
            Err(FaultFound::new(DatabaseFault::Incomplete, format!("missing: {tables}")))
        }
        Answer { forbidden: Some(tables), .. } => {
            Err(FaultFound::new(DatabaseFault::Forbidden, format!("rights are lacking on: {tables}")))
        }
        Answer { .. } => Ok(()),
    })
}

/// Commits a change that changes nothing that is read: a counter of no users. The server itself notes the state of an error, because
/// its text is in the server's language.
pub(crate) fn try_change(connection: &mut PgConnection) -> QueryResult<Result<(), FaultFound>> {
    AnsiTransactionManager::begin_transaction_sql(
        connection,
        "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = 1000; SET LOCAL statement_timeout = 5000; \
         DO $$ BEGIN \
             INSERT INTO user_counts (slot, users, changes) VALUES (-1, 0, 0) \
             ON CONFLICT (slot) DO UPDATE SET users = excluded.users; \
             PERFORM set_config('guildhall.state', '', true); \
         EXCEPTION WHEN query_canceled OR others THEN \
             PERFORM set_config('guildhall.state', SQLSTATE || ' ' || SQLERRM, true); \
         END $$",
    )?;
    let answer: State = sql_query("SELECT current_setting('guildhall.state') AS state").get_result(connection)?;
    AnsiTransactionManager::commit_transaction(connection)?;
    let state = answer.state.split(' ').next().unwrap_or_default();
    Ok(match DatabaseFault::of_state(state) {
        Some(fault) if !state.is_empty() => Err(FaultFound::new(fault, answer.state)),
        _ => Ok(()),
    })
}
