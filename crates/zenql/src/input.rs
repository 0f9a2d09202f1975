//! Tokens as a parser takes them.

use winnow::error::{AddContext, ErrMode, ParserError};
use winnow::stream::{Stateful, Stream, TokenSlice};
use winnow::token::any;
use winnow::{ModalResult, Parser};

use crate::error::{Reason, SyntaxError, expected};
use crate::operand::Subject;
use crate::token::{Keyword, Kind, Token, tokens};

/// The tokens still to be read.
pub(crate) type Input<'t, 's> = Stateful<TokenSlice<'t, Token<'s>>, State>;

/// What a parser answers. It backtracks no further than the token that tells it from the others, so that reading takes
/// linear time and the first thing wrong is what is said.
pub(crate) type Outcome<T> = ModalResult<T, Failure>;

#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    /// How many parentheses and NOTs are open.
    pub(crate) depth: usize,
    /// What the last clause was about, for the next one that does not say.
    pub(crate) subject: Option<Subject>,
}

/// Why a parser gave up: cheap, since most only make way for another.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    /// Something else should stand where so many tokens remain.
    Expected { what: &'static str, remaining: usize },
    /// Anything else.
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
    /// Says what should stand there, if it is not said yet.
    fn add_context(self, _: &Input<'t, 's>, _: &<Input<'t, 's> as Stream>::Checkpoint, context: &'static str) -> Self {
        match self {
            Self::Expected { what: "", remaining } => Self::Expected { what: context, remaining },
            said => said,
        }
    }
}

/// What `parser` makes of the tokens of `text`.
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

/// Stops all reading: `reason` is wrong with what stands at `position`.
pub(crate) fn refused<T>(position: usize, reason: Reason) -> Outcome<T> {
    Err(ErrMode::Cut(Failure::Other(SyntaxError { position, reason })))
}

/// The position of the next token.
pub(crate) fn position(input: &Input<'_, '_>) -> usize {
    input.peek_token().map_or(0, |token| token.position)
}

/// A token for which `is_right` holds.
pub(crate) fn one<'t, 's>(
    is_right: impl Fn(&Token<'s>) -> bool,
) -> impl Parser<Input<'t, 's>, &'t Token<'s>, ErrMode<Failure>>
where
    's: 't,
{
    any.verify(move |token: &&Token<'s>| is_right(token))
}

/// A token of this kind.
pub(crate) fn kind<'t, 's>(kind: Kind) -> impl Parser<Input<'t, 's>, &'t Token<'s>, ErrMode<Failure>>
where
    's: 't,
{
    one(move |token: &Token<'s>| token.kind == kind)
}

/// This keyword.
pub(crate) fn keyword<'t, 's>(keyword: Keyword) -> impl Parser<Input<'t, 's>, &'t Token<'s>, ErrMode<Failure>>
where
    's: 't,
{
    kind(Kind::Keyword(keyword))
}

/// A word for which `is_right` holds.
pub(crate) fn word<'t, 's>(is_right: fn(&str) -> bool) -> impl Parser<Input<'t, 's>, &'s str, ErrMode<Failure>>
where
    's: 't,
{
    one(move |token: &Token<'s>| token.kind == Kind::Word && is_right(token.text)).map(|token| token.text)
}
