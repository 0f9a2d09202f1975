//! The tokenizer: words, keywords, quoted strings, signs and punctuation.

use winnow::Parser;
use winnow::combinator::{alt, preceded, repeat, terminated};
use winnow::error::EmptyError;
use winnow::token::{one_of, rest, take_till, take_while};

/// A token.
#[derive(Clone, Debug)]
pub(crate) struct Token<'s> {
    pub(crate) kind: Kind,
    /// As written, with its quotes.
    pub(crate) text: &'s str,
    /// The number of characters before the token.
    pub(crate) position: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Word,
    Keyword(Keyword),
    /// A quoted string; the value is its content with escapes resolved.
    Quoted(String),
    Sign(Sign),
    Open,
    Close,
    Comma,
    /// The rest of the text after a quote that is not closed.
    Unclosed,
    /// A `!` that is not part of a sign.
    Bang,
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keyword {
    And,
    Or,
    Not,
    In,
    Between,
    StartsWith,
    EndsWith,
    FreeText,
    Is,
    Empty,
    Exists,
    DistanceWithin,
    Order,
    By,
    Asc,
    Desc,
    Null,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sign {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    Contains,
    NotContains,
}

const KEYWORDS: [(&str, Keyword); 17] = [
    ("AND", Keyword::And),
    ("OR", Keyword::Or),
    ("NOT", Keyword::Not),
    ("IN", Keyword::In),
    ("BETWEEN", Keyword::Between),
    ("STARTSWITH", Keyword::StartsWith),
    ("ENDSWITH", Keyword::EndsWith),
    ("FREETEXT", Keyword::FreeText),
    ("IS", Keyword::Is),
    ("EMPTY", Keyword::Empty),
    ("EXISTS", Keyword::Exists),
    ("DISTANCEWITHIN", Keyword::DistanceWithin),
    ("ORDER", Keyword::Order),
    ("BY", Keyword::By),
    ("ASC", Keyword::Asc),
    ("DESC", Keyword::Desc),
    ("NULL", Keyword::Null),
];

/// Quotes that word processors put in the place of straight ones.
const TYPOGRAPHIC: [char; 4] = ['“', '”', '„', '‟'];

type Read<T> = Result<T, EmptyError>;

/// Splits `text` into tokens. The last one is [`Kind::End`].
pub(crate) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut input = text;
    let mut position = 0;
    let mut tokens = Vec::new();
    loop {
        position += space.parse_next(&mut input).map_or(0, |space| space.chars().count());
        let Ok((kind, text)) = kind.with_taken().parse_next(&mut input) else { break };
        tokens.push(Token { kind, text, position });
        position += text.chars().count();
    }
    tokens.push(Token { kind: Kind::End, text: "", position });
    tokens
}

fn space<'s>(input: &mut &'s str) -> Read<&'s str> {
    take_while(0.., char::is_whitespace).parse_next(input)
}

/// Parses one token. Fails only at the end of the text.
fn kind(input: &mut &str) -> Read<Kind> {
    alt((
        word,
        '('.value(Kind::Open),
        ')'.value(Kind::Close),
        ','.value(Kind::Comma),
        sign.map(Kind::Sign),
        '!'.value(Kind::Bang),
        quoted,
    ))
    .parse_next(input)
}

fn word(input: &mut &str) -> Read<Kind> {
    take_while(1.., is_part_of_word).map(|word| keyword(word).map_or(Kind::Word, Kind::Keyword)).parse_next(input)
}

fn is_part_of_word(character: char) -> bool {
    !character.is_whitespace()
        && !matches!(character, '(' | ')' | ',' | '"' | '=' | '!' | '<' | '>' | '~')
        && !TYPOGRAPHIC.contains(&character)
}

fn keyword(word: &str) -> Option<Keyword> {
    KEYWORDS.iter().find(|(spelling, _)| spelling.eq_ignore_ascii_case(word)).map(|&(_, keyword)| keyword)
}

fn sign(input: &mut &str) -> Read<Sign> {
    alt((
        "!=".value(Sign::NotEqual),
        "!~".value(Sign::NotContains),
        ">=".value(Sign::GreaterOrEqual),
        "<=".value(Sign::LessOrEqual),
        '='.value(Sign::Equal),
        '>'.value(Sign::Greater),
        '<'.value(Sign::Less),
        '~'.value(Sign::Contains),
    ))
    .parse_next(input)
}

fn quoted(input: &mut &str) -> Read<Kind> {
    alt((preceded('"', between(&['"'])), preceded(one_of(TYPOGRAPHIC), between(&TYPOGRAPHIC)))).parse_next(input)
}

/// Parses the content of a quoted string up to one of `closing`. A backslash escapes a quote or a backslash; before any
/// other character it is a literal backslash, as it is in a word.
fn between<'s>(closing: &'static [char]) -> impl Parser<&'s str, Kind, EmptyError> {
    let plain = take_till(1.., move |character| character == '\\' || closing.contains(&character));
    let escaped = preceded('\\', alt((one_of(['\\', '"']), one_of(TYPOGRAPHIC))).take());
    let pieces = repeat(0.., alt((plain, escaped, "\\"))).fold(String::new, |text, piece: &str| text + piece);
    alt((terminated(pieces, one_of(closing)).map(Kind::Quoted), rest.value(Kind::Unclosed)))
}
