//! The directory's store in SQLite or PostgreSQL.
//!
//! | Where | What |
//! |---|---|
//! | [`Database`] | opens a database by its URL, migrates it, and returns the store |
//! | `backup` | copies of a SQLite database |
//! | `copy` | copies of a database in one of the other kind |
//! | `inspection` | whether derived rows are what follows from others |
//! | `location` | where a database is, read from its URL |
//! | `start` | what is checked before a database is used |
//! | `health` | whether the database can do its work, and the lines of the log about that |
//! | `connection` | a connection to either database, and how it is set up |
//! | `schema`, `sql_types` | the tables, and the types that the databases store differently |
//! | `unit_of_work` | transactions: begin, commit, roll back, run again after a conflict |
//! | `tables` | the statements of each aggregate: the ports of the domain, implemented for a unit of work |
//! | `rekey` | makes the stored keys anew, by which names are compared |
//! | `listing` | listings: filters and orders as SQL, and how a page is read |
//! | `prepared` | statements written as SQL that a connection prepares once |
//! | `together` | changes of several rows and tables in one round trip |
//! | `dialect` | the few statements that differ between the databases |
//! | `due` | whether memberships or edges have to begin or to end before anything is read |
//! | `pool`, `metrics`, `spans` | the pool of connections; what is counted; the spans that are exported |
//! | `statement_guard`, `canceller` | end statements that take too long, or whose result nobody waits for |

mod backup;
mod canceller;
mod connection;
mod copy;
mod database;
mod dialect;
mod due;
mod health;
mod inspection;
mod listing;
mod location;
mod metrics;
mod pool;
mod prepared;
mod rekey;
mod schema;
mod spans;
mod sql_types;
mod start;
mod statement_guard;
mod statistics;
mod tables;
mod together;
mod unit_of_work;

pub use backup::{BackupError, restore};
pub use connection::ConnectError;
pub use copy::{CopyError, copy};
pub use database::{Database, DatabaseSettings, MigrateError, OpenError, Workload};
pub use inspection::{Discrepancy, InspectionError};
pub use location::UrlError;
pub use rekey::NameClashes;
pub use spans::SPANS;
pub use start::StartError;
