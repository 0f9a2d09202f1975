//! The directory's store in SQLite or PostgreSQL.
//!
//! | Where | What |
//! |---|---|
//! | [`Database`] | opens a database by its URL, brings its tables up to date, and gives the store |
//! | `connection` | one connection to either database, and how it is set up |
//! | `schema`, `sql_types` | the tables, and the types that the databases keep differently |
//! | `store` | units of work, and the statements that are the same in both databases |
//! | `dialect` | the few statements that are not |
//! | `statement_guard`, `canceller` | ending statements that take too long, or that nobody waits for any more |

mod canceller;
mod connection;
mod database;
mod dialect;
mod schema;
mod sql_types;
mod statement_guard;
mod store;

pub use database::{Database, DatabaseSettings, MigrateError, OpenError};
