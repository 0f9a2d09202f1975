//! A query as a tree.

use std::sync::Arc;

use crate::value::Value;

/// Where something stands in the text of a query: the number of characters (Unicode scalar values) before it.
///
/// Any two positions are equal, so that two trees are equal when they say the same, wherever they say it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Position(pub usize);

impl PartialEq for Position {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Position {}

/// A query. Printed, it is query text again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// What must hold; nothing is asked if absent.
    pub filter: Option<Expression>,
    /// By what to sort, the most important first; empty if the query does not say.
    pub order: Vec<Order>,
}

/// A condition. NOT binds tighter than AND, AND tighter than OR (contract 8.2).
///
/// A negated operator is a [`Self::Not`] around the plain one: `a != b` and `NOT a = b` are the same tree. That is what
/// the rule for nulls makes them: a plain operator is false for a null field, a negated one is true (contract 8.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    /// One or more of them hold. There are at least two.
    Or(Vec<Expression>),
    /// All of them hold. There are at least two.
    And(Vec<Expression>),
    /// It does not hold.
    Not(Box<Expression>),
    /// A field passes a test.
    Clause(Clause),
    /// All words occur in some text field: `* FREETEXT words`.
    Anywhere {
        /// The words.
        words: Value,
        /// How much a hit counts, as written after `^`. Listings of users and groups ignore it (contract 8.2).
        boost: Option<u32>,
        /// The `*`, or that of an earlier clause if this one reuses it.
        position: Position,
    },
}

/// A field and what is asked of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause {
    /// The field; that of the clause before it if this one has none.
    pub field: Field,
    /// What is asked.
    pub test: Test,
    /// The operator, with the NOT that is part of it.
    pub position: Position,
}

/// The name of a field, as written; whether there is such a field is for others to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The name without quotes, with the dots in it.
    pub name: Arc<str>,
    /// Its first character, or its quote.
    pub position: Position,
}

/// An operator with what it compares to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// `=`; with NULL it asks for null.
    Equal(Value),
    /// `>`
    Greater(Value),
    /// `>=`
    GreaterOrEqual(Value),
    /// `<`
    Less(Value),
    /// `<=`
    LessOrEqual(Value),
    /// `~`: occurs in it; `*` and `?` are wildcards.
    Contains(Value),
    /// `STARTSWITH`
    StartsWith(Value),
    /// `ENDSWITH`
    EndsWith(Value),
    /// `FREETEXT`: all words occur as whole words.
    FreeText {
        /// The words.
        words: Value,
        /// How much a hit counts, as written after `^`. Listings of users and groups ignore it (contract 8.2).
        boost: Option<u32>,
    },
    /// `IN (...)`; there is at least one.
    In(Vec<Value>),
    /// `BETWEEN (least, most)`, both included.
    Between(Value, Value),
    /// `IS EMPTY`: null or the empty text.
    Empty,
    /// `EXISTS`: not null.
    Exists,
}

/// By what to sort.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The field.
    pub field: Field,
    /// Which end comes first.
    pub direction: Direction,
}

/// Which end comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The least first.
    #[default]
    Ascending,
    /// The greatest first.
    Descending,
}
