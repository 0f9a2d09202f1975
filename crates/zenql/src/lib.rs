//! The query language of the listings, `ZenQL` (contract 8.2): text in, a typed tree out, and the tree as text again.
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
//! | [`parse`], [`Query`], [`Expression`], [`Clause`], [`Test`], [`Order`] | a query |
//! | [`Value`], [`Literal`] | what a field is compared with, to be read as the field's type asks |
//! | [`Moment`], [`Function`], [`Period`] | dates, `startOfDay()` and `-1w 2d`, resolved for a given now |
//! | [`SyntaxError`], [`Reason`] | why a text is no query, and where |
//!
//! # Invariants
//!
//! * No text makes this crate panic, and none takes more than linear time and a bounded stack to read.
//! * The clock is never read: what depends on now stays in the tree until [`Value::moment`] is told the time.
//! * What [`parse`] answers is printed as a text that [`parse`] reads as an equal tree, unless that text is longer than
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

/// How many characters a query may have (contract 8.2).
pub const MAX_LENGTH: usize = 8_000;

/// How many parentheses and NOTs may stand inside one another (contract 8.2).
pub const MAX_DEPTH: usize = 50;

/// Reads a query; a text with nothing in it is a query without conditions.
///
/// # Errors
///
/// When `text` is longer or more deeply nested than allowed, or is no query; the first thing wrong is what is said.
pub fn parse(text: &str) -> Result<Query, SyntaxError> {
    if text.chars().nth(MAX_LENGTH).is_some() {
        return Err(SyntaxError { position: MAX_LENGTH, reason: Reason::TooLong });
    }
    grammar::query(text)
}
