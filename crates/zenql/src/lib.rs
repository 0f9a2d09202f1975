//! A parser and printer for `ZenQL`, the query language of listings (contract 8.2).
//!
//! ```
//! use guildhall_zenql::{Expression, Test, parse};
//!
//! let query = parse("created > -30d and userCount=0 order by name desc")?;
//! let Some(Expression::And(clauses)) = &query.filter else { unreachable!() };
//! let Expression::Clause(first) = &clauses[0] else { unreachable!() };
//! let Test::Greater(since) = &first.test else { unreachable!() };
//! assert_eq!(&*first.field.name, "created");
//! assert_eq!(since.text(), Some("-30d"));
//! assert_eq!(since.moment(1_583_064_000_000), Ok(1_580_472_000_000));
//! assert_eq!(query.to_string(), "created > -30d AND userCount = 0 ORDER BY name DESC");
//! # Ok::<(), guildhall_zenql::SyntaxError>(())
//! ```
//!
//! | Where | What |
//! |---|---|
//! | [`parse`], [`Query`], [`Expression`], [`Clause`], [`Test`], [`Order`] | the parser and the syntax tree |
//! | [`Value`], [`Literal`] | operands; the caller converts them to the type of the field |
//! | [`Moment`], [`Function`], [`Period`] | dates, functions of the current time, periods |
//! | [`SyntaxError`], [`Reason`] | syntax errors with their position |
//!
//! # Invariants
//!
//! * No input makes this crate panic. Parsing takes linear time and a bounded stack.
//! * The crate does not read the clock: relative times stay in the tree, and [`Value::moment`] takes the current time.
//! * Printing a query and parsing the result gives an equal tree, unless the printed query is longer than
//!   [`MAX_LENGTH`].

mod calendar;
mod date;
mod error;
mod grammar;
mod input;
mod moment;
mod operand;
mod period;
mod print;
mod token;
mod tree;
mod value;

pub use error::{Found, Reason, SyntaxError};
pub use moment::{Anchor, Function, Moment, MomentError, Span};
pub use period::{Period, Unit};
pub use tree::{Clause, Direction, Expression, Field, Order, Position, Query, Test};
pub use value::{Literal, Value};

/// Compiles the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// The maximum length of a query, in characters (contract 8.2).
pub const MAX_LENGTH: usize = 8_000;

/// The maximum nesting depth of parentheses and NOTs (contract 8.2).
pub const MAX_DEPTH: usize = 50;

/// Parses a query. An empty text is a query without conditions.
///
/// # Errors
///
/// The first syntax error in `text`, also when it is longer than [`MAX_LENGTH`] or nested deeper than [`MAX_DEPTH`].
pub fn parse(text: &str) -> Result<Query, SyntaxError> {
    if text.chars().nth(MAX_LENGTH).is_some() {
        return Err(SyntaxError { position: MAX_LENGTH, reason: Reason::TooLong });
    }
    grammar::query(text)
}
