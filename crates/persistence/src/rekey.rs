//! Makes the stored keys anew after the way in which the domain makes them has changed.
//!
//! Keys are made of what is stored beside them, so nothing but the version of the keys decides whether it is to be done. It fails if
//! names would be the same, and the transaction is rolled back.

mod apply;
mod clashes;
mod names;
mod past;

use std::error::Error;

use diesel::prelude::*;
use guildhall_domain::name::KEY_VERSION;

pub use clashes::NameClashes;

use crate::connection::AnyConnection;
use crate::dialect::{self, Dialect};
use crate::schema::key_version;
use crate::unit_of_work::Failure;

/// How many rows are read at a time.
const PAGE: i64 = 1000;

/// Why the keys were not made anew. The transaction is to be rolled back.
pub(crate) enum RekeyError {
    /// Names read the same.
    Clashes(NameClashes),
    /// A statement failed.
    Failure(Failure),
}

impl RekeyError {
    /// The error itself, for whoever asked for the migration.
    pub(crate) fn into_source(self) -> Box<dyn Error + Send + Sync> {
        match self {
            Self::Clashes(clashes) => Box::new(clashes),
            Self::Failure(failure) => Box::new(failure),
        }
    }
}

impl From<Failure> for RekeyError {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<diesel::result::Error> for RekeyError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Failure(error.into())
    }
}

/// Whether the keys were made by an earlier version.
pub(crate) fn is_due(connection: &mut AnyConnection) -> QueryResult<bool> {
    let version: i32 = key_version::table.select(key_version::version).first(connection)?;
    Ok(version < KEY_VERSION)
}

/// Makes all keys anew if they were made by an earlier version, in the transaction that the connection is in.
pub(crate) fn rekey(connection: &mut AnyConnection) -> Result<(), RekeyError> {
    if !is_due(connection)? {
        return Ok(());
    }
    dialect::lock_names(connection)?;
    let mut clashes = clashes::Clashes::default();
    names::of_users(connection, &mut clashes)?;
    names::of_groups(connection, &mut clashes)?;
    past::names(connection)?;
    if let Some(clashes) = clashes.into_report(Dialect::of(connection)) {
        return Err(RekeyError::Clashes(clashes));
    }
    apply::email_domains(connection)?;
    apply::search_rows(connection)?;
    diesel::update(key_version::table).set(key_version::version.eq(KEY_VERSION)).execute(connection)?;
    Ok(())
}
