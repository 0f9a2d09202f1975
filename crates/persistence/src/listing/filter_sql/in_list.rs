//! `IN` lists.
//!
//! Alternative equalities of one field are combined into one `IN` list, which the databases look up by index, or else by hash. They
//! do not do that for a chain of `OR`s.

use std::collections::BTreeSet;
use std::ops::Bound;

use guildhall_domain::search::{Field, Filter, Test, TextTest};
use uuid::Uuid;

use super::fragment::Fragment;
use crate::dialect::Dialect;

/// The values of an `IN` list, which are of one kind.
#[derive(Debug)]
pub(super) enum Values<'f> {
    Ids(BTreeSet<Uuid>),
    Texts(BTreeSet<&'f str>),
    Numbers(BTreeSet<i64>),
}

/// Alternatives whose equalities are combined by field.
pub(super) struct Alternatives<'f, F> {
    pub(super) lists: Vec<(&'f F, Values<'f>)>,
    pub(super) rest: Vec<&'f Filter<F>>,
}

impl<'f, F: Field> Alternatives<'f, F> {
    pub(super) fn of(filters: &'f [Filter<F>]) -> Self {
        let mut alternatives = Self { lists: Vec::new(), rest: Vec::new() };
        alternatives.add_all(filters);
        alternatives
    }

    fn add_all(&mut self, filters: &'f [Filter<F>]) {
        for filter in filters {
            match filter {
                Filter::Any(inner) => self.add_all(inner),
                Filter::Is(field, test) => match Values::of(test) {
                    Some(value) => self.add_value(field, value),
                    None => self.rest.push(filter),
                },
                Filter::All(_) | Filter::Not(_) => self.rest.push(filter),
            }
        }
    }

    fn add_value(&mut self, field: &'f F, value: Values<'f>) {
        match self.lists.iter_mut().find(|(other, _)| *other == field) {
            Some((_, values)) => values.add(value),
            None => self.lists.push((field, value)),
        }
    }
}

impl<'f> Values<'f> {
    /// The value that the test compares with, if the test is an equality.
    fn of(test: &'f Test) -> Option<Self> {
        match test {
            Test::Id(id) => Some(Self::Ids([*id].into())),
            Test::Text(TextTest::Equal(key)) => Some(Self::Texts([key.as_str()].into())),
            Test::Integer(Bound::Included(from), Bound::Included(to)) if from == to => {
                Some(Self::Numbers([*from].into()))
            }
            Test::Moment(Bound::Included(from), Bound::Included(to)) if from == to => {
                Some(Self::Numbers([from.milliseconds()].into()))
            }
            Test::Null
            | Test::IdRange(..)
            | Test::Text(_)
            | Test::Integer(..)
            | Test::Boolean(_)
            | Test::Moment(..) => None,
        }
    }

    /// Adds the values of another test of the same field, which are of the same kind.
    fn add(&mut self, other: Self) {
        match (self, other) {
            (Self::Ids(ids), Self::Ids(others)) => ids.extend(others),
            (Self::Texts(texts), Self::Texts(others)) => texts.extend(others),
            (Self::Numbers(numbers), Self::Numbers(others)) => numbers.extend(others),
            _ => {}
        }
    }

    /// The condition that the column has one of the values. All of them together are one bound value.
    pub(super) fn contains(&self, column: Fragment, dialect: Dialect) -> Fragment {
        match dialect {
            Dialect::Sqlite => {
                let value = if matches!(self, Self::Ids(_)) { "unhex(value)" } else { "value" };
                column.sql(" IN (SELECT ").sql(value).sql(" FROM json_each(").text(self.as_json()).sql("))")
            }
            Dialect::Postgres => {
                let array = match self {
                    Self::Ids(_) => "::uuid[])",
                    Self::Texts(_) => "::text[])",
                    Self::Numbers(_) => "::bigint[])",
                };
                column.sql(" = ANY (").text(self.as_array()).sql(array)
            }
        }
    }

    fn as_json(&self) -> String {
        let array: serde_json::Value = match self {
            Self::Ids(ids) => ids.iter().map(|id| id.as_simple().to_string()).collect(),
            Self::Texts(texts) => texts.iter().copied().collect(),
            Self::Numbers(numbers) => numbers.iter().copied().collect(),
        };
        array.to_string()
    }

    /// In PostgreSQL's notation for arrays.
    fn as_array(&self) -> String {
        let quoted = |text: &&str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
        let elements: Vec<String> = match self {
            Self::Ids(ids) => ids.iter().map(ToString::to_string).collect(),
            Self::Texts(texts) => texts.iter().map(quoted).collect(),
            Self::Numbers(numbers) => numbers.iter().map(ToString::to_string).collect(),
        };
        format!("{{{}}}", elements.join(","))
    }
}
