//! Tests of the query language through the public API.

#![expect(clippy::unwrap_used, reason = "clippy knows a test by its attribute, and its helpers have none")]

mod clauses;
mod dates;
mod errors;
mod functions;
mod limits;
mod round_trip;
mod structure;
mod values;

use guildhall_zenql::{Clause, Expression, Field, Literal, Position, Query, Test, Value, parse};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Parses `text` and returns its condition.
fn condition(text: &str) -> Expression {
    parse(text)
        .unwrap_or_else(|error| panic!("{text:?}: {error}"))
        .filter
        .unwrap_or_else(|| panic!("{text:?} asks nothing"))
}

/// Parses `text` and prints the query.
fn printed(text: &str) -> String {
    parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}")).to_string()
}

fn clause(field: &str, test: Test) -> Expression {
    let field = Field { name: field.into(), position: Position::default() };
    Expression::Clause(Clause { field, test, position: Position::default() })
}

fn not(expression: Expression) -> Expression {
    Expression::Not(Box::new(expression))
}

fn value(literal: Literal) -> Value {
    Value { literal, position: Position::default() }
}

fn text(text: &str) -> Value {
    value(Literal::Text(text.to_owned()))
}

/// Parses `written` as a value in a query.
fn read(written: &str) -> Value {
    match condition(&format!("field = {written}")) {
        Expression::Clause(Clause { test: Test::Equal(value), .. }) => value,
        other => panic!("{written:?} is read as {other:?}"),
    }
}

/// Converts RFC 3339 to milliseconds since 1970.
fn milliseconds(moment: &str) -> i64 {
    let nanoseconds = OffsetDateTime::parse(moment, &Rfc3339).unwrap().unix_timestamp_nanos();
    i64::try_from(nanoseconds.div_euclid(1_000_000)).unwrap()
}

/// Converts milliseconds since 1970 to RFC 3339.
fn rfc3339(milliseconds: i64) -> String {
    let moment = OffsetDateTime::from_unix_timestamp_nanos(i128::from(milliseconds) * 1_000_000).unwrap();
    moment.format(&Rfc3339).unwrap()
}

fn empty() -> Query {
    Query::default()
}
