//! Parser for conditions, AND, OR, NOT and ORDER BY, over tokens.

use winnow::Parser;
use winnow::combinator::{alt, cut_err, delimited, fail, not, opt, peek, preceded, separated};
use winnow::error::ErrMode;
use winnow::token::any;

use crate::MAX_DEPTH;
use crate::error::{Reason, SyntaxError};
use crate::input::{Failure, Input, Outcome, keyword, kind, one, position, read, refused};
use crate::operand::{Subject, field, subject, value};
use crate::token::{Keyword, Kind, Sign, Token};
use crate::tree::{Clause, Direction, Expression, Field, Order, Position, Query, Test};
use crate::value::Value;

/// Parses a query without checking its length.
pub(crate) fn query(text: &str) -> Result<Query, SyntaxError> {
    read(text, whole_query)
}

fn whole_query(input: &mut Input<'_, '_>) -> Outcome<Query> {
    let is_over = peek(alt((kind(Kind::End), keyword(Keyword::Order)))).parse_next(input).is_ok();
    let filter = if is_over { None } else { Some(expression(input)?) };
    let order: Option<Vec<Order>> = opt(preceded(keyword(Keyword::Order), cut_err(sorting))).parse_next(input)?;
    let end = if order.is_some() { "',' or the end" } else { "AND, OR, ORDER BY or the end" };
    kind(Kind::End).context(end).parse_next(input)?;
    Ok(Query { filter, order: order.unwrap_or_default() })
}

fn sorting(input: &mut Input<'_, '_>) -> Outcome<Vec<Order>> {
    preceded(keyword(Keyword::By).context("BY"), separated(1.., cut_err(order), kind(Kind::Comma))).parse_next(input)
}

fn order(input: &mut Input<'_, '_>) -> Outcome<Order> {
    let ascending = keyword(Keyword::Asc).value(Direction::Ascending);
    let descending = keyword(Keyword::Desc).value(Direction::Descending);
    let direction = opt(alt((ascending, descending))).map(Option::unwrap_or_default);
    (field.context("a field name"), direction).map(|(field, direction)| Order { field, direction }).parse_next(input)
}

fn expression(input: &mut Input<'_, '_>) -> Outcome<Expression> {
    separated(1.., conjunction, keyword(Keyword::Or)).map(|all| joined(all, Expression::Or)).parse_next(input)
}

fn conjunction(input: &mut Input<'_, '_>) -> Outcome<Expression> {
    separated(1.., cut_err(unary), keyword(Keyword::And)).map(|all| joined(all, Expression::And)).parse_next(input)
}

/// Joins several conditions; a single one is returned as it is.
fn joined(mut all: Vec<Expression>, join: fn(Vec<Expression>) -> Expression) -> Expression {
    match all.pop() {
        Some(only) if all.is_empty() => only,
        last => {
            all.extend(last);
            join(all)
        }
    }
}

fn unary(input: &mut Input<'_, '_>) -> Outcome<Expression> {
    alt((negation, group, clause)).context("a field name, NOT or '('").parse_next(input)
}

/// Parses NOT before a condition. In `NOT IN` and the like, NOT is part of the operator of a clause that reuses a
/// field.
fn negation(input: &mut Input<'_, '_>) -> Outcome<Expression> {
    nested(input, (keyword(Keyword::Not), not(one(is_word_operator))), unary).map(negated)
}

fn group(input: &mut Input<'_, '_>) -> Outcome<Expression> {
    let expression = nested(input, kind(Kind::Open), expression)?;
    cut_err(kind(Kind::Close)).context("AND, OR or ')'").value(expression).parse_next(input)
}

/// Parses `opening` and then `inner`, one nesting level deeper.
fn nested<'t, 's, T>(
    input: &mut Input<'t, 's>,
    mut opening: impl Parser<Input<'t, 's>, T, ErrMode<Failure>>,
    inner: fn(&mut Input<'_, '_>) -> Outcome<Expression>,
) -> Outcome<Expression> {
    let start = position(input);
    opening.parse_next(input)?;
    if input.state.depth >= MAX_DEPTH {
        return refused(start, Reason::TooDeep);
    }
    input.state.depth += 1;
    let expression = cut_err(inner).parse_next(input)?;
    input.state.depth -= 1;
    Ok(expression)
}

fn negated(expression: Expression) -> Expression {
    Expression::Not(Box::new(expression))
}

/// Parses a field or `*` with an operator. Without a field, the clause reuses the one of the clause before it.
fn clause(input: &mut Input<'_, '_>) -> Outcome<Expression> {
    let subject = alt((subject, reused)).parse_next(input)?;
    input.state.subject = Some(Subject { boost: None, ..subject.clone() });
    cut_err(|input: &mut Input<'_, '_>| predicate(input, &subject)).parse_next(input)
}

fn reused(input: &mut Input<'_, '_>) -> Outcome<Subject> {
    peek(one(is_operator)).parse_next(input)?;
    match &input.state.subject {
        Some(subject) => Ok(subject.clone()),
        None => fail(input),
    }
}

fn is_operator(token: &Token<'_>) -> bool {
    matches!(token.kind, Kind::Sign(_) | Kind::Keyword(Keyword::Not | Keyword::Is)) || is_word_operator(token)
}

/// Whether the token is an operator that NOT may precede.
fn is_word_operator(token: &Token<'_>) -> bool {
    use Keyword::{Between, DistanceWithin, EndsWith, Exists, FreeText, In, StartsWith};
    let Kind::Keyword(keyword) = token.kind else { return false };
    matches!(keyword, In | Between | StartsWith | EndsWith | FreeText | Exists | DistanceWithin)
}

/// Parses the operator and operand. `*` and `^` are valid only with FREETEXT.
fn predicate(input: &mut Input<'_, '_>, subject: &Subject) -> Outcome<Expression> {
    let position = Position(position(input));
    let boost = subject.boost;
    let (is_negated, expression) = match &subject.name {
        None => {
            let (is_negated, words) = free_text.context("FREETEXT or NOT FREETEXT").parse_next(input)?;
            (is_negated, Expression::Anywhere { words, boost, position: subject.position })
        }
        Some(name) => {
            let (is_negated, test) = match boost {
                Some(_) => free_text
                    .context("FREETEXT or NOT FREETEXT")
                    .map(|(is_negated, words)| (is_negated, Test::FreeText { words, boost }))
                    .parse_next(input)?,
                None => operator.context("an operator").parse_next(input)?,
            };
            let field = Field { name: name.clone(), position: subject.position };
            (is_negated, Expression::Clause(Clause { field, test, position }))
        }
    };
    Ok(if is_negated { negated(expression) } else { expression })
}

/// Parses an operator with its operand. The flag tells whether it is negated.
fn operator(input: &mut Input<'_, '_>) -> Outcome<(bool, Test)> {
    alt((comparison, emptiness, word_operator)).parse_next(input)
}

fn comparison(input: &mut Input<'_, '_>) -> Outcome<(bool, Test)> {
    let sign = any.verify_map(|token: &Token<'_>| match token.kind {
        Kind::Sign(sign) => Some(sign),
        _ => None,
    });
    let (sign, value) = (sign, cut_err(value)).parse_next(input)?;
    Ok(match sign {
        Sign::Equal => (false, Test::Equal(value)),
        Sign::NotEqual => (true, Test::Equal(value)),
        Sign::Greater => (false, Test::Greater(value)),
        Sign::GreaterOrEqual => (false, Test::GreaterOrEqual(value)),
        Sign::Less => (false, Test::Less(value)),
        Sign::LessOrEqual => (false, Test::LessOrEqual(value)),
        Sign::Contains => (false, Test::Contains(value)),
        Sign::NotContains => (true, Test::Contains(value)),
    })
}

fn emptiness(input: &mut Input<'_, '_>) -> Outcome<(bool, Test)> {
    let not = opt(keyword(Keyword::Not)).map(|not| not.is_some());
    delimited(keyword(Keyword::Is), not, cut_err(keyword(Keyword::Empty)).context("EMPTY"))
        .map(|is_negated| (is_negated, Test::Empty))
        .parse_next(input)
}

fn word_operator(input: &mut Input<'_, '_>) -> Outcome<(bool, Test)> {
    let (not, operator) = (opt(keyword(Keyword::Not)), one(is_word_operator)).parse_next(input)?;
    let test = match operator.kind {
        Kind::Keyword(Keyword::In) => cut_err(list).map(Test::In).parse_next(input)?,
        Kind::Keyword(Keyword::Between) => cut_err(range).parse_next(input)?,
        Kind::Keyword(Keyword::StartsWith) => cut_err(value).map(Test::StartsWith).parse_next(input)?,
        Kind::Keyword(Keyword::EndsWith) => cut_err(value).map(Test::EndsWith).parse_next(input)?,
        Kind::Keyword(Keyword::FreeText) => Test::FreeText { words: cut_err(value).parse_next(input)?, boost: None },
        Kind::Keyword(Keyword::Exists) => Test::Exists,
        _ => return refused(operator.position, Reason::DistanceWithin),
    };
    Ok((not.is_some(), test))
}

fn free_text(input: &mut Input<'_, '_>) -> Outcome<(bool, Value)> {
    let not = opt(keyword(Keyword::Not)).map(|not| not.is_some());
    (not, preceded(keyword(Keyword::FreeText), cut_err(value))).parse_next(input)
}

fn list(input: &mut Input<'_, '_>) -> Outcome<Vec<Value>> {
    let values = separated(1.., cut_err(value), kind(Kind::Comma));
    delimited(open, values, kind(Kind::Close).context("',' or ')'")).parse_next(input)
}

fn range(input: &mut Input<'_, '_>) -> Outcome<Test> {
    let (least, most) = (value, preceded(kind(Kind::Comma).context("','"), value));
    delimited(open, (least, most), kind(Kind::Close).context("')'"))
        .map(|(least, most)| Test::Between(least, most))
        .parse_next(input)
}

fn open(input: &mut Input<'_, '_>) -> Outcome<()> {
    kind(Kind::Open).context("'('").void().parse_next(input)
}
