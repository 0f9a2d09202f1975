//! Parser for fields and values, over tokens.

use std::sync::Arc;

use winnow::Parser;
use winnow::combinator::{alt, cut_err, opt, repeat};
use winnow::token::any;

use crate::date;
use crate::error::{Reason, SyntaxError, shortened};
use crate::input::{Input, Outcome, keyword, kind, one, position, read, refused, word};
use crate::moment::{Anchor, Function, MomentError};
use crate::period::Period;
use crate::token::{Keyword, Kind, Token};
use crate::tree::{Field, Position};
use crate::value::{Literal, Value};

/// The left operand of a clause.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    /// The name of the field; `None` for `*`, which is any text field.
    pub(crate) name: Option<Arc<str>>,
    pub(crate) boost: Option<u32>,
    pub(crate) position: Position,
}

/// Parses a field or `*`, with an optional boost (`^` and a number).
pub(crate) fn subject(input: &mut Input<'_, '_>) -> Outcome<Subject> {
    let token = one(is_name).parse_next(input)?;
    let position = Position(token.position);
    let word = if let Kind::Quoted(_) = token.kind { "" } else { token.text };
    let (plain, boost) = word.split_once('^').map_or((word, None), |(plain, boost)| (plain, Some(boost)));
    let name = match &token.kind {
        Kind::Quoted(name) => Some(name.as_str()),
        _ if plain == "*" => None,
        _ if plain.split('.').any(str::is_empty) => return refused(token.position, Reason::EmptyPart),
        _ => Some(plain),
    }
    .map(Arc::from);
    let boost = match boost {
        Some(digits) => Some((digits, token.position + plain.chars().count())),
        None => opt(any.verify_map(boost_alone)).parse_next(input)?,
    };
    let Some((digits, at)) = boost else { return Ok(Subject { name, boost: None, position }) };
    match digits.parse() {
        Ok(boost) if !digits.starts_with('+') => Ok(Subject { name, boost: Some(boost), position }),
        _ => refused(at, Reason::Boost),
    }
}

fn is_name(token: &Token<'_>) -> bool {
    matches!(token.kind, Kind::Word | Kind::Quoted(_))
}

/// The boost after a quoted name, which is a token of its own, with the position of the `^`.
fn boost_alone<'s>(token: &Token<'s>) -> Option<(&'s str, usize)> {
    token.text.strip_prefix('^').map(|digits| (digits, token.position))
}

/// Parses a field to sort by.
pub(crate) fn field(input: &mut Input<'_, '_>) -> Outcome<Field> {
    subject
        .verify_map(|subject| match subject {
            Subject { name: Some(name), boost: None, position } => Some(Field { name, position }),
            _ => None,
        })
        .parse_next(input)
}

/// Parses a value.
pub(crate) fn value(input: &mut Input<'_, '_>) -> Outcome<Value> {
    let position = Position(position(input));
    let null = keyword(Keyword::Null).value(Literal::Null);
    let literal = alt((null, quoted, call, words.map(Literal::Text))).context("a value").parse_next(input)?;
    Ok(Value { literal, position })
}

fn quoted(input: &mut Input<'_, '_>) -> Outcome<Literal> {
    any.verify_map(|token: &Token<'_>| match &token.kind {
        Kind::Quoted(text) => Some(Literal::Text(text.clone())),
        _ => None,
    })
    .parse_next(input)
}

/// Parses a word without quotes. A date includes the time after it, and a period all its segments.
fn words(input: &mut Input<'_, '_>) -> Outcome<String> {
    let first = kind(Kind::Word).parse_next(input)?.text;
    let mut words = vec![first];
    if date::is_day(first) {
        words.extend(opt(word(date::is_clock)).parse_next(input)?);
    } else if Period::is_start(first) {
        words.append(&mut repeat(0.., word(Period::is_segment)).parse_next(input)?);
    }
    Ok(words.join(" "))
}

/// Parses a function call.
fn call(input: &mut Input<'_, '_>) -> Outcome<Literal> {
    let (name, _) = (kind(Kind::Word), kind(Kind::Open)).parse_next(input)?;
    let close = |what| cut_err(kind(Kind::Close)).context(what);
    if name.text.eq_ignore_ascii_case("currentUser") {
        return close("')'").value(Literal::CurrentUser).parse_next(input);
    }
    let Some(anchor) = Anchor::named(name.text) else {
        return refused(name.position, Reason::UnknownFunction(shortened(name.text)));
    };
    let start = position(input);
    let argument = words.verify_map(|text| match Period::parse_argument(&text, anchor.unit()) {
        Err(MomentError::NotAMoment) => None,
        read => Some(read),
    });
    let shift = match opt(argument).parse_next(input)? {
        Some(Ok(shift)) => close("')'").value(shift).parse_next(input)?,
        Some(Err(_)) => return refused(start, Reason::TooLarge),
        None => close("a whole number, a period or ')'").value(Period::default()).parse_next(input)?,
    };
    Ok(Literal::Function(Function { anchor, shift }))
}

/// Parses `text` as a call of a date function.
pub(crate) fn function(text: &str) -> Result<Function, MomentError> {
    match read(text, |input| (call, kind(Kind::End)).map(|(literal, _)| literal).parse_next(input)) {
        Ok(Literal::Function(function)) => Ok(function),
        Err(SyntaxError { reason: Reason::TooLarge, .. }) => Err(MomentError::OutOfRange),
        _ => Err(MomentError::NotAMoment),
    }
}

/// Whether `text` can be written as a value without quotes.
pub(crate) fn is_bare_value(text: &str) -> bool {
    let read = read(text, |input| (words, kind(Kind::End)).map(|(words, _)| words).parse_next(input));
    read.is_ok_and(|words| words == text)
}

/// Whether `text` can be written as a field name without quotes.
pub(crate) fn is_bare_name(text: &str) -> bool {
    let read = read(text, |input| (subject, kind(Kind::End)).map(|(subject, _)| subject).parse_next(input));
    read.is_ok_and(|subject| subject.name.as_deref() == Some(text))
}
