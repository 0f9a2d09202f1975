//! Statements that are written as SQL, which a connection prepares once. Diesel prepares those of `sql_query` again each time, because their
//! texts could be any.

use std::marker::PhantomData;

use diesel::RunQueryDsl;
use diesel::backend::Backend;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::{Error, QueryResult};
use diesel::serialize::ToSql;
use diesel::sql_types::{HasSqlType, Untyped};

/// A statement and its parameters. In the text they are `$1` to `$9`, as often and in any order.
pub(crate) struct Prepared<P> {
    text: &'static str,
    parameters: P,
}

/// A parameter of the SQL type `T`.
pub(crate) struct Parameter<T, V> {
    value: V,
    sql_type: PhantomData<T>,
}

/// A statement without parameters.
pub(crate) fn prepared(text: &'static str) -> Prepared<()> {
    Prepared { text, parameters: () }
}

impl<P> Prepared<P> {
    /// Adds the next parameter.
    pub(crate) fn bind<T, V>(self, value: V) -> Prepared<(P, Parameter<T, V>)> {
        Prepared { text: self.text, parameters: (self.parameters, Parameter { value, sql_type: PhantomData }) }
    }
}

/// The parameters of a statement.
pub(crate) trait Parameters<DB: Backend> {
    /// How many there are.
    const COUNT: usize;

    /// Adds the parameter of this number, counted from 1.
    fn push<'b>(&'b self, number: usize, out: &mut AstPass<'_, 'b, DB>) -> QueryResult<()>;
}

impl<DB: Backend> Parameters<DB> for () {
    const COUNT: usize = 0;

    fn push<'b>(&'b self, number: usize, _: &mut AstPass<'_, 'b, DB>) -> QueryResult<()> {
        Err(Error::QueryBuilderError(format!("there is no parameter ${number}").into()))
    }
}

impl<DB, P, T, V> Parameters<DB> for (P, Parameter<T, V>)
where
    DB: Backend + HasSqlType<T>,
    P: Parameters<DB>,
    V: ToSql<T, DB>,
{
    const COUNT: usize = P::COUNT + 1;

    fn push<'b>(&'b self, number: usize, out: &mut AstPass<'_, 'b, DB>) -> QueryResult<()> {
        if number == Self::COUNT { out.push_bind_param::<T, V>(&self.1.value) } else { self.0.push(number, out) }
    }
}

/// The connection finds it by its text.
impl<P> QueryId for Prepared<P> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<P> Query for Prepared<P> {
    type SqlType = Untyped;
}

impl<C, P> RunQueryDsl<C> for Prepared<P> {}

impl<DB: Backend, P: Parameters<DB>> QueryFragment<DB> for Prepared<P> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        let mut parts = self.text.split('$');
        out.push_sql(parts.next().unwrap_or_default());
        for part in parts {
            let number = part.chars().next().and_then(|digit| digit.to_digit(10)).unwrap_or_default();
            self.parameters.push(number as usize, &mut out)?;
            out.push_sql(part.get(1..).unwrap_or_default());
        }
        Ok(())
    }
}
