//! What PostgreSQL has counted of its tables, by which it plans statements.

use diesel::prelude::*;
use diesel::sql_query;
use r2d2::ManageConnection as _;

use crate::connection::AnyConnection;
use crate::database::Database;
use crate::schema::TABLES;
use crate::start::StartError;

impl Database {
    /// Lets the database count what is in its tables. PostgreSQL does so by itself, up to a minute after many rows came, and until then it may read a whole table to find a few of its rows.
    /// SQLite plans without such counts.
    ///
    /// # Errors
    ///
    /// When the database cannot be reached.
    pub fn gather_statistics(&self) -> Result<(), StartError> {
        if let AnyConnection::Postgres(connection) = &mut self.manager().connect()?.connection {
            sql_query(format!("ANALYZE {}", TABLES.join(", "))).execute(connection)?;
        }
        Ok(())
    }
}
