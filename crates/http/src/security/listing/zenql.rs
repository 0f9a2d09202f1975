//! Parsing ZenQL queries (contract 8.2).

use std::cell::OnceCell;
use std::fmt;

use guildhall_domain::search::{Field, Filter, Operator, Sort};
use guildhall_zenql::{Clause, Direction, Expression, Literal, Order, Position, Test, Value, parse};

use super::comparison::NamedField;
use super::cost::Costs;
use super::search_error::SearchError;
use super::{ListingRequest, order};
use crate::respond::problem::Problem;

/// The filter of a query, and its order, which may be empty.
pub(super) fn read<F: Field>(
    text: &str,
    request: ListingRequest<'_>,
    costs: &Costs,
) -> Result<(Filter<F>, Vec<Sort<F>>), Problem> {
    let query = parse(text).map_err(|error| Problem::zenql(error.position, &error.detail()))?;
    let reader = ZenqlReader { request, costs, caller: OnceCell::new() };
    let filter = query.filter.map_or_else(|| Ok(Filter::all()), |expression| reader.filter(&expression))?;
    Ok((filter, sorted(&query.order)?))
}

/// Converts the syntax tree of a query.
struct ZenqlReader<'a> {
    request: ListingRequest<'a>,
    costs: &'a Costs,
    /// The caller's username, read when first needed.
    caller: OnceCell<Value>,
}

impl ZenqlReader<'_> {
    fn filter<F: Field>(&self, expression: &Expression) -> Result<Filter<F>, Problem> {
        match expression {
            Expression::Or(any) => Ok(Filter::Any(self.filters(any)?)),
            Expression::And(all) => Ok(Filter::All(self.filters(all)?)),
            Expression::Not(inner) => Ok(self.filter::<F>(inner)?.negated()),
            Expression::Clause(clause) => self.clause(clause),
            Expression::Anywhere { words, .. } => match self.known(words)?.text() {
                Some(text) => Ok(Filter::with_words(text)),
                None => Err(zenql_error(words.position, "words should stand here")),
            },
        }
    }

    fn filters<F: Field>(&self, expressions: &[Expression]) -> Result<Vec<Filter<F>>, Problem> {
        expressions.iter().map(|expression| self.filter(expression)).collect()
    }

    fn clause<F: Field>(&self, clause: &Clause) -> Result<Filter<F>, Problem> {
        let named = NamedField::find(&clause.field.name).map_err(|error| zenql_error(clause.field.position, error))?;
        let compared = |operator, value: &Value| {
            let to_problem = |error: SearchError| {
                zenql_error(if error.is_operator() { clause.position } else { value.position }, error)
            };
            named.compared(operator, self.known(value)?, self.request.now).map_err(to_problem)
        };
        let filter = match &clause.test {
            Test::Equal(value) => compared(Operator::Equal, value),
            Test::Greater(value) => compared(Operator::Greater, value),
            Test::GreaterOrEqual(value) => compared(Operator::GreaterOrEqual, value),
            Test::Less(value) => compared(Operator::Less, value),
            Test::LessOrEqual(value) => compared(Operator::LessOrEqual, value),
            Test::Contains(value) => compared(Operator::Contains, value),
            Test::StartsWith(value) => compared(Operator::StartsWith, value),
            Test::EndsWith(value) => compared(Operator::EndsWith, value),
            Test::FreeText { words, .. } => compared(Operator::FreeText, words),
            Test::In(values) => {
                Ok(Filter::Any(values.iter().map(|value| compared(Operator::Equal, value)).collect::<Result<_, _>>()?))
            }
            Test::Between(least, most) => {
                let bounds = [compared(Operator::GreaterOrEqual, least)?, compared(Operator::LessOrEqual, most)?];
                Ok(Filter::All(bounds.into()))
            }
            Test::Empty => Ok(Filter::without(named.field)),
            Test::Exists => Ok(Filter::with(named.field)),
        }?;
        self.costs.admit(filter).map_err(|error| zenql_error(clause.field.position, error))
    }

    /// `value`, with `currentUser()` replaced by the caller's username.
    fn known<'v>(&'v self, value: &'v Value) -> Result<&'v Value, Problem> {
        if value.literal != Literal::CurrentUser {
            return Ok(value);
        }
        if let Some(caller) = self.caller.get() {
            return Ok(caller);
        }
        let literal = Literal::Text(self.request.username()?);
        Ok(self.caller.get_or_init(|| Value { literal, position: Position::default() }))
    }
}

fn sorted<F: Field>(fields: &[Order]) -> Result<Vec<Sort<F>>, Problem> {
    let mut order = Vec::new();
    for Order { field, direction } in fields {
        let to_problem = |error| zenql_error(field.position, error);
        let named = NamedField::find(&field.name).map_err(to_problem)?;
        let sort = Sort { field: named.field, is_descending: *direction == Direction::Descending };
        order::push(&mut order, sort).map_err(to_problem)?;
    }
    Ok(order)
}

fn zenql_error(position: Position, detail: impl fmt::Display) -> Problem {
    Problem::zenql(position.0, &detail.to_string())
}
