//! SQL in pieces.
//!
//! A piece of SQL is a text of the program itself (`&'static str`); whatever comes from outside can only be bound. So nothing
//! of a caller's text becomes SQL, by type.

use std::marker::PhantomData;

use diesel::QueryResult;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::query_dsl::RunQueryDsl;
use diesel::sql_types::{BigInt, Text};

use crate::connection::{AnyConnection, MultiBackend};
use crate::sql_types::{Key, UuidSql};

#[derive(Clone, Debug)]
enum Piece {
    Sql(&'static str),
    Text(String),
    Number(i64),
    Id(Key),
    /// The name of a column that the statement makes itself.
    Place(usize),
}

/// SQL with values bound in it.
#[derive(Clone, Debug, Default)]
pub(super) struct Fragment(Vec<Piece>);

impl Fragment {
    pub(super) fn of(sql: &'static str) -> Self {
        Self(vec![Piece::Sql(sql)])
    }

    pub(super) fn sql(mut self, sql: &'static str) -> Self {
        self.0.push(Piece::Sql(sql));
        self
    }

    pub(super) fn text(mut self, text: impl Into<String>) -> Self {
        self.0.push(Piece::Text(text.into()));
        self
    }

    pub(super) fn number(mut self, number: i64) -> Self {
        self.0.push(Piece::Number(number));
        self
    }

    pub(super) fn id(mut self, id: Key) -> Self {
        self.0.push(Piece::Id(id));
        self
    }

    /// The name of the column with this number.
    pub(super) fn place(mut self, number: usize) -> Self {
        self.0.push(Piece::Place(number));
        self
    }

    /// `(first, second, …)`, of which there is at least one.
    pub(super) fn ids(mut self, ids: impl IntoIterator<Item = Key>) -> Self {
        let mut opening = "(";
        for id in ids {
            self = self.sql(opening).id(id);
            opening = ", ";
        }
        self.sql(")")
    }

    pub(super) fn then(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// `parts` with `operator` between them, as a tree that is as flat as can be: a database refuses one that is too deep.
    pub(super) fn joined(mut parts: Vec<Self>, operator: &'static str, none: &'static str) -> Self {
        match parts.len() {
            0 => Self::of(none),
            1 => parts.remove(0),
            count => {
                let rest = parts.split_off(count / 2);
                let (one, other) = (Self::joined(parts, operator, none), Self::joined(rest, operator, none));
                Self::of("(").then(one).sql(operator).then(other).sql(")")
            }
        }
    }

    /// As a statement whose rows are of this type.
    pub(super) fn query<ST>(self) -> Statement<ST> {
        Statement { fragment: self, rows: PhantomData }
    }
}

/// A statement.
#[derive(Debug)]
pub(super) struct Statement<ST> {
    fragment: Fragment,
    rows: PhantomData<ST>,
}

impl<ST> QueryFragment<MultiBackend> for Statement<ST> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        for piece in &self.fragment.0 {
            match piece {
                Piece::Sql(sql) => out.push_sql(sql),
                Piece::Text(text) => out.push_bind_param::<Text, _>(text)?,
                Piece::Number(number) => out.push_bind_param::<BigInt, _>(number)?,
                Piece::Id(id) => out.push_bind_param::<UuidSql, _>(id)?,
                Piece::Place(number) => out.push_sql(&format!("p{number}")),
            }
        }
        Ok(())
    }
}

impl<ST> QueryId for Statement<ST> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<ST> Query for Statement<ST> {
    type SqlType = ST;
}

impl<ST> RunQueryDsl<AnyConnection> for Statement<ST> {}
