//! The token stream of the parser, and its errors.

use winnow::error::{AddContext, ErrMode, ParserError};
use winnow::stream::{Stateful, Stream, TokenSlice};
use winnow::token::any;
use winnow::{ModalResult, Parser};

use crate::error::{Reason, SyntaxError, expected};
use crate::operand::Subject;
use crate::token::{Keyword, Kind, Token, tokens};

/// The remaining tokens, with the parser's state.
pub(crate) type Input<'t, 's> = Stateful<TokenSlice<'t, Token<'s>>, State>;

/// The result of a parser. Alternatives are decided by their first tokens and then committed to (`cut_err`), so that
/// parsing takes linear time and reports the first error.
pub(crate) type Outcome<T> = ModalResult<T, Failure>;

#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    /// The current nesting depth of parentheses and NOTs.
    pub(crate) depth: usize,
    /// The subject of the last clause, for a clause without one.
    pub(crate) subject: Option<Subject>,
}

/// A parse failure. It is cheap to build, because most failures only cause backtracking to another alternative.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    /// Unexpected token; its position is given by the number of tokens that remain.
    Expected { what: &'static str, remaining: usize },
    /// Any other error.
    Other(SyntaxError),
}

impl ParserError<Input<'_, '_>> for Failure {
    type Inner = Self;

    fn from_input(input: &Input<'_, '_>) -> Self {
        Self::Expected { what: "", remaining: input.eof_offset() }
    }

    fn into_inner(self) -> Result<Self, Self> {
        Ok(self)
    }
}

impl<'t, 's> AddContext<Input<'t, 's>> for Failure {
    /// Sets what was expected, unless an inner parser has set it.
    fn add_context(self, _: &Input<'t, 's>, _: &<Input<'t, 's> as Stream>::Checkpoint, context: &'static str) -> Self {
        match self {
            Self::Expected { what: "", remaining } => Self::Expected { what: context, remaining },
            said => said,
        }
    }
}

/// Tokenizes `text` and runs `parser` on it.
pub(crate) fn read<T>(text: &str, parser: fn(&mut Input<'_, '_>) -> Outcome<T>) -> Result<T, SyntaxError> {
    let tokens = tokens(text);
    let mut input = Stateful { input: TokenSlice::new(&tokens), state: State::default() };
    let failure = match parser(&mut input) {
        Ok(read) => return Ok(read),
        Err(error) => error.into_inner().unwrap_or_else(|_| Failure::from_input(&input)),
    };
    match failure {
        Failure::Other(error) => Err(error),
        Failure::Expected { what, remaining } => {
            let (before, after) = tokens.split_at(tokens.len() - remaining.max(1));
            Err(expected(what, before.last(), &after[0]))
        }
    }
}

/// Fails without backtracking, with `reason` at `position`.
pub(crate) fn refused<T>(position: usize, reason: Reason) -> Outcome<T> {
    Err(ErrMode::Cut(Failure::Other(SyntaxError { position, reason })))
}

/// Returns the position of the next token.
pub(crate) fn position(input: &Input<'_, '_>) -> usize {
    input.peek_token().map_or(0, |token| token.position)
}

/// Parses a token that matches the predicate.
pub(crate) fn one<'t, 's>(
    is_right: impl Fn(&Token<'s>) -> bool,
) -> impl Parser<Input<'t, 's>, &'t Token<'s>, ErrMode<Failure>>
where
    's: 't,
{
    any.verify(move |token: &&Token<'s>| is_right(token))
}

/// Parses a token of this kind.
pub(crate) fn kind<'t, 's>(kind: Kind) -> impl Parser<Input<'t, 's>, &'t Token<'s>, ErrMode<Failure>>
where
    's: 't,
{
    one(move |token: &Token<'s>| token.kind == kind)
}

/// Parses this keyword.
pub(crate) fn keyword<'t, 's>(keyword: Keyword) -> impl Parser<Input<'t, 's>, &'t Token<'s>, ErrMode<Failure>>
where
    's: 't,
{
    kind(Kind::Keyword(keyword))
}

/// Parses a word that matches the predicate.
pub(crate) fn word<'t, 's>(is_right: fn(&str) -> bool) -> impl Parser<Input<'t, 's>, &'s str, ErrMode<Failure>>
where
    's: 't,
{
    one(move |token: &Token<'s>| token.kind == Kind::Word && is_right(token.text)).map(|token| token.text)
}
