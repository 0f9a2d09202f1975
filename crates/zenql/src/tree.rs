//! The syntax tree of a query.

use std::sync::Arc;

use crate::value::Value;

/// A position in the text of a query: the number of characters (Unicode scalar values) before it.
///
/// All positions compare equal, so that the comparison of two trees ignores white space and optional quotes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Position(pub usize);

impl PartialEq for Position {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Position {}

/// A query. `Display` prints it in query syntax.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// The condition. `None` matches everything.
    pub filter: Option<Expression>,
    /// The sort keys in order of precedence; empty if the query has no ORDER BY.
    pub order: Vec<Order>,
}

/// A condition. The precedence is NOT, AND, OR (contract 8.2).
///
/// A negated operator is a [`Self::Not`] around the plain one: `a != b` and `NOT a = b` are the same tree. Both are
/// true for a null field, for which every plain operator is false (contract 8.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    /// At least one of the conditions is true. There are two or more.
    Or(Vec<Expression>),
    /// All conditions are true. There are two or more.
    And(Vec<Expression>),
    /// The condition is false.
    Not(Box<Expression>),
    /// A test of one field.
    Clause(Clause),
    /// A full-text search of all text fields: `* FREETEXT words`.
    Anywhere {
        /// The words.
        words: Value,
        /// The boost, as written after `^`. Listings of users and groups ignore it (contract 8.2).
        boost: Option<u32>,
        /// The position of the `*`, or of that of an earlier clause if this one reuses it.
        position: Position,
    },
}

/// A field with a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause {
    /// The field. A clause without one has that of the clause before it.
    pub field: Field,
    /// The operator and its operand.
    pub test: Test,
    /// The position of the operator, or of the NOT that is part of it.
    pub position: Position,
}

/// The name of a field, as written. The parser does not know which fields exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The name without quotes, including its dots.
    pub name: Arc<str>,
    /// The position of its first character, or of its opening quote.
    pub position: Position,
}

/// An operator with its operand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// `=`; with NULL, the field is null.
    Equal(Value),
    /// `>`
    Greater(Value),
    /// `>=`
    GreaterOrEqual(Value),
    /// `<`
    Less(Value),
    /// `<=`
    LessOrEqual(Value),
    /// `~`: the field contains the value, in which `*` and `?` are wildcards.
    Contains(Value),
    /// `STARTSWITH`
    StartsWith(Value),
    /// `ENDSWITH`
    EndsWith(Value),
    /// `FREETEXT`: the field contains all words, as whole words.
    FreeText {
        /// The words.
        words: Value,
        /// The boost, as written after `^`. Listings of users and groups ignore it (contract 8.2).
        boost: Option<u32>,
    },
    /// `IN (...)`, with at least one value.
    In(Vec<Value>),
    /// `BETWEEN (least, most)`, inclusive.
    Between(Value, Value),
    /// `IS EMPTY`: the field is null or the empty string.
    Empty,
    /// `EXISTS`: the field is not null.
    Exists,
}

/// A sort key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The field to sort by.
    pub field: Field,
    /// The sort direction.
    pub direction: Direction,
}

/// The sort direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Smallest first.
    #[default]
    Ascending,
    /// Largest first.
    Descending,
}
