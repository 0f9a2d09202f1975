//! SQL built from pieces.
//!
//! A piece of SQL is a `&'static str` of this program; values from outside can only be bound. So the type system keeps the text of
//! callers out of the SQL.

use std::marker::PhantomData;

use diesel::QueryResult;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::query_dsl::RunQueryDsl;
use diesel::sql_types::{BigInt, Text};

use crate::connection::{AnyConnection, MultiBackend};
use crate::sql_types::{Key, UuidSql};
use crate::tables::{GROUP_COLUMNS, USER_COLUMNS};

#[derive(Clone, Debug)]
enum Piece {
    Sql(&'static str),
    Text(String),
    Number(i64),
    Id(Key),
    /// The alias of a selected column, by its number.
    Alias(usize),
    /// The columns of a row of `users`.
    UserColumns,
    /// The columns of a row of `groups`.
    GroupColumns,
}

/// SQL with values bound in it.
#[derive(Clone, Debug, Default)]
pub(in crate::listing) struct Fragment(Vec<Piece>);

impl Fragment {
    pub(in crate::listing) fn of(sql: &'static str) -> Self {
        Self(vec![Piece::Sql(sql)])
    }

    pub(in crate::listing) fn sql(mut self, sql: &'static str) -> Self {
        self.0.push(Piece::Sql(sql));
        self
    }

    pub(in crate::listing) fn text(mut self, text: impl Into<String>) -> Self {
        self.0.push(Piece::Text(text.into()));
        self
    }

    pub(in crate::listing) fn number(mut self, number: i64) -> Self {
        self.0.push(Piece::Number(number));
        self
    }

    pub(in crate::listing) fn id(mut self, id: Key) -> Self {
        self.0.push(Piece::Id(id));
        self
    }

    /// The alias of the selected column with this number.
    pub(in crate::listing) fn alias(mut self, number: usize) -> Self {
        self.0.push(Piece::Alias(number));
        self
    }

    /// The columns of a row of `users`.
    pub(in crate::listing) fn user_columns(mut self) -> Self {
        self.0.push(Piece::UserColumns);
        self
    }

    /// The columns of a row of `groups`.
    pub(in crate::listing) fn group_columns(mut self) -> Self {
        self.0.push(Piece::GroupColumns);
        self
    }

    /// `(first, second, …)`, of which there is at least one.
    pub(in crate::listing) fn ids(mut self, ids: impl IntoIterator<Item = Key>) -> Self {
        let mut opening = "(";
        for id in ids {
            self = self.sql(opening).id(id);
            opening = ", ";
        }
        self.sql(")")
    }

    pub(in crate::listing) fn then(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// `parts` with `operator` between them, nested as a balanced tree: databases limit the depth of an expression. `none` stands for
    /// no parts.
    pub(in crate::listing) fn joined(mut parts: Vec<Self>, operator: &'static str, none: &'static str) -> Self {
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

    /// A statement whose rows have this SQL type.
    pub(in crate::listing) fn query<ST>(self) -> Statement<ST> {
        Statement { fragment: self, rows: PhantomData }
    }
}

/// A statement that can be run.
#[derive(Debug)]
pub(in crate::listing) struct Statement<ST> {
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
                Piece::Alias(number) => out.push_sql(&format!("p{number}")),
                Piece::UserColumns => USER_COLUMNS.walk_ast(out.reborrow())?,
                Piece::GroupColumns => GROUP_COLUMNS.walk_ast(out.reborrow())?,
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
