//! Values that the two databases store in different ways: UUIDs, JSON and digests.

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::{AppearsOnTable, AsExpression, Expression, SelectableExpression, ValidGrouping, is_aggregate};
use diesel::pg::{Pg, PgValue};
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{Binary, HasSqlType, SingleValue, SqlType};
use diesel::sqlite::Sqlite;
use guildhall_domain::provenance::Provenance;
use guildhall_domain::secret::SecretDigest;
use serde::Serialize;
use std::io::Write;
use std::marker::PhantomData;
use uuid::Uuid;

use crate::connection::MultiBackend;

/// `uuid` in PostgreSQL, 16 bytes in SQLite.
#[derive(Clone, Copy, Debug, SqlType, QueryId)]
#[diesel(postgres_type(oid = 2950, array_oid = 2951), sqlite_type(name = "Binary"))]
pub struct UuidSql;

/// A UUID in a row or a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = UuidSql)]
pub struct Key(pub Uuid);

/// As a JSON text, 32 hexadecimal digits.
impl Serialize for Key {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0.simple())
    }
}

/// Who added something, if they have an account.
pub(crate) fn added_by(added: Provenance) -> Option<Key> {
    added.by.map(|user| Key(user.0))
}

impl HasSqlType<UuidSql> for MultiBackend {
    fn metadata(lookup: &mut Self::MetadataLookup) -> Self::TypeMetadata {
        Self::lookup_sql_type::<UuidSql>(lookup)
    }
}

impl ToSql<UuidSql, Pg> for Key {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(self.0.as_bytes())?;
        Ok(IsNull::No)
    }
}

impl ToSql<UuidSql, Sqlite> for Key {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0.as_bytes().as_slice());
        Ok(IsNull::No)
    }
}

impl ToSql<UuidSql, MultiBackend> for Key {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, MultiBackend>) -> serialize::Result {
        out.set_value((UuidSql, self));
        Ok(IsNull::No)
    }
}

impl FromSql<UuidSql, Pg> for Key {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(Uuid::from_slice(value.as_bytes())?))
    }
}

impl FromSql<UuidSql, Sqlite> for Key {
    fn from_sql(mut value: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(Uuid::from_slice(value.read_blob())?))
    }
}

impl FromSql<UuidSql, MultiBackend> for Key {
    fn from_sql(value: <MultiBackend as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        value.from_sql::<Self, UuidSql>()
    }
}

/// `json` in PostgreSQL, text in SQLite: both store numbers as they are written.
#[derive(Clone, Copy, Debug, SqlType, QueryId)]
#[diesel(postgres_type(oid = 114, array_oid = 199), sqlite_type(name = "Text"))]
pub struct JsonSql;

/// A JSON document, as text.
#[derive(Clone, Debug, Serialize, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = JsonSql)]
pub struct Json(pub String);

impl HasSqlType<JsonSql> for MultiBackend {
    fn metadata(lookup: &mut Self::MetadataLookup) -> Self::TypeMetadata {
        Self::lookup_sql_type::<JsonSql>(lookup)
    }
}

impl ToSql<JsonSql, Pg> for Json {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(self.0.as_bytes())?;
        Ok(IsNull::No)
    }
}

impl ToSql<JsonSql, Sqlite> for Json {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0.as_str());
        Ok(IsNull::No)
    }
}

impl ToSql<JsonSql, MultiBackend> for Json {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, MultiBackend>) -> serialize::Result {
        out.set_value((JsonSql, self));
        Ok(IsNull::No)
    }
}

impl FromSql<JsonSql, Pg> for Json {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(std::str::from_utf8(value.as_bytes())?.to_owned()))
    }
}

impl FromSql<JsonSql, Sqlite> for Json {
    fn from_sql(mut value: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(value.read_text().to_owned()))
    }
}

impl FromSql<JsonSql, MultiBackend> for Json {
    fn from_sql(value: <MultiBackend as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        value.from_sql::<Self, JsonSql>()
    }
}

/// The digest of a secret in a row or a parameter: 32 bytes.
#[derive(Clone, Copy, Debug, AsExpression, FromSqlRow)]
#[diesel(sql_type = Binary)]
pub struct Digest(pub SecretDigest);

impl ToSql<Binary, Pg> for Digest {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(&self.0.0)?;
        Ok(IsNull::No)
    }
}

impl ToSql<Binary, Sqlite> for Digest {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0.0.as_slice());
        Ok(IsNull::No)
    }
}

impl ToSql<Binary, MultiBackend> for Digest {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, MultiBackend>) -> serialize::Result {
        out.set_value((Binary, self));
        Ok(IsNull::No)
    }
}

impl FromSql<Binary, Pg> for Digest {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(SecretDigest(value.as_bytes().try_into()?)))
    }
}

impl FromSql<Binary, Sqlite> for Digest {
    fn from_sql(mut value: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(SecretDigest(value.read_blob().try_into()?)))
    }
}

impl FromSql<Binary, MultiBackend> for Digest {
    fn from_sql(value: <MultiBackend as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        value.from_sql::<Self, Binary>()
    }
}

/// A column of a result that is computed from the row of a table, written as SQL. A connection finds the statement by its text.
pub(crate) struct Computed<ST> {
    sql: &'static str,
    sql_type: PhantomData<ST>,
}

impl<ST> Computed<ST> {
    pub(crate) fn of(sql: &'static str) -> Self {
        Self { sql, sql_type: PhantomData }
    }
}

impl<ST: SingleValue> Expression for Computed<ST> {
    type SqlType = ST;
}

impl<ST, T> AppearsOnTable<T> for Computed<ST> where Self: Expression {}

impl<ST, T> SelectableExpression<T> for Computed<ST> where Self: Expression {}

impl<ST> ValidGrouping<()> for Computed<ST> {
    type IsAggregate = is_aggregate::No;
}

impl<ST> QueryId for Computed<ST> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<DB: Backend, ST> QueryFragment<DB> for Computed<ST> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql(self.sql);
        Ok(())
    }
}

/// A count as a number in SQL. The databases have no more than `i64::MAX` of anything.
pub(crate) fn saturating(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
