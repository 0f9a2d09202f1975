//! Tests of a field's value.

use std::ops::{Bound, RangeBounds as _};

use uuid::Uuid;

use super::field::{Field, Kind, Value};
use super::pattern::Pattern;
use super::{Filter, Sort};
use crate::name::{NameKey, TextKey};
use crate::time::Timestamp;

/// A test of a value. No value passes none but [`Test::Null`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// There is no value.
    Null,
    /// It is this id.
    Id(Uuid),
    /// It is an id from here to there.
    IdRange(Bound<Uuid>, Bound<Uuid>),
    /// A text.
    Text(TextTest),
    /// It is a number from here to there.
    Integer(Bound<i64>, Bound<i64>),
    /// It is this truth value.
    Boolean(bool),
    /// It is a moment from here to there.
    Moment(Bound<Timestamp>, Bound<Timestamp>),
}

/// A test of a text by its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextTest {
    /// It is this.
    Equal(TextKey),
    /// It sorts from here to there.
    Between(Bound<TextKey>, Bound<TextKey>),
    /// It holds this.
    Contains(Pattern),
    /// It begins like this.
    StartsWith(TextKey),
    /// It ends like this.
    EndsWith(TextKey),
    /// This stands in it as a whole word.
    Word(TextKey),
}

impl Test {
    /// Whether a value passes.
    #[must_use]
    pub fn holds(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Null, value) => *value == Value::Null,
            (Self::Id(wanted), Value::Id(id)) => wanted == id,
            (Self::IdRange(from, to), Value::Id(id)) => within(from, to, id),
            (Self::Text(wanted), Value::Text(text)) => wanted.holds(text),
            (Self::Integer(from, to), Value::Integer(number)) => within(from, to, number),
            (Self::Boolean(wanted), Value::Boolean(truth)) => wanted == truth,
            (Self::Moment(from, to), Value::Moment(moment)) => within(from, to, moment),
            _ => false,
        }
    }
}

impl TextTest {
    fn holds(&self, text: &TextKey) -> bool {
        match self {
            Self::Equal(wanted) => text == wanted,
            Self::Between(from, to) => within(from, to, text),
            Self::Contains(pattern) => pattern.is_within(text),
            Self::StartsWith(start) => text.as_str().starts_with(start.as_str()),
            Self::EndsWith(end) => text.folded().ends_with(&end.folded()),
            Self::Word(word) => text.has_word(word),
        }
    }
}

fn within<T: Ord>(from: &Bound<T>, to: &Bound<T>, value: &T) -> bool {
    (from.as_ref(), to.as_ref()).contains(value)
}

/// How a field is compared with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `=`
    Equal,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// It holds a text, in which `*` and `?` are wildcards.
    Contains,
    /// It begins with a text.
    StartsWith,
    /// It ends with a text.
    EndsWith,
    /// It holds every word of a text as a whole word.
    FreeText,
}

impl Operator {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Equal,
        Self::Less,
        Self::LessOrEqual,
        Self::Greater,
        Self::GreaterOrEqual,
        Self::Contains,
        Self::StartsWith,
        Self::EndsWith,
        Self::FreeText,
    ];
}

/// What a field is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operand {
    /// No value.
    Null,
    /// An id.
    Id(Uuid),
    /// A text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// `true` or `false`.
    Boolean(bool),
    /// A moment.
    Moment(Timestamp),
}

/// Why a comparison makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Fields of this kind are not compared so.
    #[error("the operator does not fit the field")]
    Operator,
    /// The value is of another kind than the field.
    #[error("the value does not fit the field")]
    Operand,
}

impl<F: Field> Filter<F> {
    /// Those whose field compares so with the operand, which must be of the field's kind. A field equals nothing if it has no
    /// value.
    pub fn comparing(field: F, operator: Operator, operand: Operand) -> Result<Self, Unfit> {
        use Operator::{Contains, EndsWith, Equal, FreeText, Greater, GreaterOrEqual, Less, LessOrEqual, StartsWith};
        let is_search = matches!(operator, Contains | StartsWith | EndsWith | FreeText);
        let is_order = matches!(operator, Less | LessOrEqual | Greater | GreaterOrEqual);
        match field.kind() {
            Kind::Text => {}
            _ if is_search => return Err(Unfit::Operator),
            Kind::Id | Kind::Boolean if is_order => return Err(Unfit::Operator),
            _ => {}
        }
        let test = match (field.kind(), operand) {
            (_, Operand::Null) if operator == Equal => Test::Null,
            (Kind::Id, Operand::Id(id)) => Test::Id(id),
            (Kind::Boolean, Operand::Boolean(truth)) => Test::Boolean(truth),
            (Kind::Integer, Operand::Integer(number)) => {
                let (from, to) = bounds(operator, number);
                Test::Integer(from, to)
            }
            (Kind::Moment, Operand::Moment(moment)) => {
                let (from, to) = bounds(operator, moment);
                Test::Moment(from, to)
            }
            (Kind::Text, Operand::Text(text)) => match operator {
                Equal => Test::Text(TextTest::Equal(whole(&field, &text))),
                Contains if field.is_name() => Test::Text(TextTest::Contains(Pattern::of_name(&text))),
                Contains => Test::Text(TextTest::Contains(Pattern::of(&text))),
                StartsWith => Test::Text(TextTest::StartsWith(part(&field, &text))),
                EndsWith => Test::Text(TextTest::EndsWith(part(&field, &text))),
                FreeText => {
                    let word = |word| Self::Is(field.clone(), Test::Text(TextTest::Word(word)));
                    return Ok(Self::All(TextKey::words(&text).into_iter().map(word).collect()));
                }
                Less | LessOrEqual | Greater | GreaterOrEqual => {
                    let (from, to) = bounds(operator, whole(&field, &text));
                    Test::Text(TextTest::Between(from, to))
                }
            },
            _ => return Err(Unfit::Operand),
        };
        Ok(Self::Is(field, test))
    }

    /// Those whose field is one of the operands.
    pub fn among(field: &F, operands: Vec<Operand>) -> Result<Self, Unfit> {
        let equal = |operand| Self::comparing(field.clone(), Operator::Equal, operand);
        Ok(Self::Any(operands.into_iter().map(equal).collect::<Result<_, _>>()?))
    }

    /// Those whose field is from the one operand to the other, both included.
    pub fn between(field: F, from: Operand, to: Operand) -> Result<Self, Unfit> {
        let from = Self::comparing(field.clone(), Operator::GreaterOrEqual, from)?;
        Ok(from.and(Self::comparing(field, Operator::LessOrEqual, to)?))
    }

    /// Those whose field has no value, or an empty text.
    #[must_use]
    pub fn without(field: F) -> Self {
        let null = Self::Is(field.clone(), Test::Null);
        if field.kind() == Kind::Text {
            return Self::Any(vec![null, Self::Is(field, Test::Text(TextTest::Equal(TextKey::default())))]);
        }
        null
    }

    /// Those whose field has a value.
    #[must_use]
    pub fn with(field: F) -> Self {
        Self::Is(field, Test::Null).negated()
    }
}

impl<F: Field> Sort<F> {
    /// One field of an order as clients write it: a field's name, with `-` before it to reverse the order and perhaps `+` to
    /// leave it (contract 4.1).
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        let reversed = text.strip_prefix('-');
        let name = reversed.or_else(|| text.strip_prefix('+')).unwrap_or(text);
        Some(Self { field: F::named(name.trim())?, is_descending: reversed.is_some() })
    }
}

/// What is compared so with `value`. Equality is a range of one.
fn bounds<T: Clone>(operator: Operator, value: T) -> (Bound<T>, Bound<T>) {
    match operator {
        Operator::Less => (Bound::Unbounded, Bound::Excluded(value)),
        Operator::LessOrEqual => (Bound::Unbounded, Bound::Included(value)),
        Operator::Greater => (Bound::Excluded(value), Bound::Unbounded),
        Operator::GreaterOrEqual => (Bound::Included(value), Bound::Unbounded),
        _ => (Bound::Included(value.clone()), Bound::Included(value)),
    }
}

/// The key of a text that is compared with the whole value of the field.
fn whole<F: Field>(field: &F, text: &str) -> TextKey {
    if field.is_name() { NameKey::of(text).into() } else { TextKey::of(text) }
}

/// The key of a text that is compared with a part of the value of the field.
fn part<F: Field>(field: &F, text: &str) -> TextKey {
    if field.is_name() { TextKey::of_name(text) } else { TextKey::of(text) }
}
