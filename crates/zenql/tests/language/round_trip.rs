//! Round trips: printing and parsing again gives the same tree.

use guildhall_zenql::{
    Anchor, Clause, Direction, Expression, Field, Function, Literal, MAX_LENGTH, Moment, Order, Period, Position,
    Query, Span, Test, Unit, Value, parse,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::value;

/// Fragments of valid and invalid queries.
const PIECES: [&str; 58] = [
    "f",
    "status.locked",
    "\"my field\"",
    "*",
    "^80",
    "=",
    "!=",
    ">",
    ">=",
    "<",
    "<=",
    "~",
    "!~",
    "!",
    "IN",
    "NOT",
    "BETWEEN",
    "STARTSWITH",
    "endswith",
    "FreeText",
    "IS",
    "EMPTY",
    "EXISTS",
    "DISTANCEWITHIN",
    "AND",
    "OR",
    "(",
    ")",
    ",",
    "ORDER",
    "BY",
    "ASC",
    "DESC",
    "NULL",
    "true",
    "-5",
    "2020-03-01",
    "12:00:00",
    "-1w",
    "2d",
    "5M",
    "now(",
    "now()",
    "startOfWeek(-1)",
    "endOfYear(",
    "currentUser()",
    "nothing()",
    "\"",
    "“",
    "”",
    "\\",
    "word",
    "é😀",
    "\0",
    ".",
    "f = a",
    "f IN (1, 2)",
    "ORDER BY f DESC",
];

/// Texts that need quotes, or look as if they did.
const SPECIAL: [&str; 20] = [
    "",
    " ",
    "AND",
    "null",
    "true",
    "5d",
    "-1w 2d",
    "-1w  2d",
    "2020-03-01 12:00:00",
    "now()",
    "a\\",
    "\\\"",
    "“x”",
    "*",
    "*^5",
    "a^5",
    "a.b",
    "a..b",
    "O'Brien",
    "{}",
];

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[a-zA-Z0-9._-]{1,8}",
        2 => select(SPECIAL.as_slice()).prop_map(str::to_owned),
        1 => vec(any::<char>(), 0..8).prop_map(String::from_iter),
        1 => vec(select(PIECES.as_slice()), 0..3).prop_map(|pieces| pieces.join(" ")),
    ]
}

fn any_period() -> impl Strategy<Value = Period> {
    let units = select([Unit::Minute, Unit::Hour, Unit::Day, Unit::Week, Unit::Month, Unit::Year].as_slice());
    let segments = vec((0..=i64::MAX / 4, select(b"mhdwMy".as_slice())), 1..4).prop_map(|segments| {
        segments.iter().map(|&(amount, unit)| format!("{amount}{}", char::from(unit))).collect::<Vec<_>>().join(" ")
    });
    prop_oneof![
        (-100_i64..100, units).prop_map(|(amount, unit)| Period::of(amount, unit)),
        (select(["", "-", "+"].as_slice()), segments)
            .prop_map(|(sign, segments)| Period::parse(&format!("{sign}{segments}")).unwrap()),
    ]
}

fn any_function() -> impl Strategy<Value = Function> {
    let span = select([Span::Day, Span::Week, Span::Month, Span::Year].as_slice());
    let anchor = prop_oneof![Just(Anchor::Now), span.clone().prop_map(Anchor::StartOf), span.prop_map(Anchor::EndOf)];
    (anchor, any_period()).prop_map(|(anchor, shift)| Function { anchor, shift })
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        6 => any_text().prop_map(Literal::Text),
        1 => Just(Literal::Null),
        1 => Just(Literal::CurrentUser),
        2 => any_function().prop_map(Literal::Function),
    ]
    .prop_map(value)
}

fn any_field() -> impl Strategy<Value = Field> {
    any_text().prop_map(|name| Field { name: name.into(), position: Position::default() })
}

fn any_test() -> impl Strategy<Value = Test> {
    prop_oneof![
        any_value().prop_map(Test::Equal),
        any_value().prop_map(Test::Greater),
        any_value().prop_map(Test::GreaterOrEqual),
        any_value().prop_map(Test::Less),
        any_value().prop_map(Test::LessOrEqual),
        any_value().prop_map(Test::Contains),
        any_value().prop_map(Test::StartsWith),
        any_value().prop_map(Test::EndsWith),
        (any_value(), option::of(any::<u32>())).prop_map(|(words, boost)| Test::FreeText { words, boost }),
        vec(any_value(), 1..4).prop_map(Test::In),
        (any_value(), any_value()).prop_map(|(least, most)| Test::Between(least, most)),
        Just(Test::Empty),
        Just(Test::Exists),
    ]
}

fn any_expression() -> impl Strategy<Value = Expression> {
    let position = Position::default();
    let clause =
        (any_field(), any_test()).prop_map(move |(field, test)| Expression::Clause(Clause { field, test, position }));
    let anywhere = (any_value(), option::of(any::<u32>())).prop_map(move |(words, boost)| Expression::Anywhere {
        words,
        boost,
        position,
    });
    prop_oneof![9 => clause, 1 => anywhere].prop_recursive(6, 24, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 2..4).prop_map(Expression::Or),
            vec(inner.clone(), 2..4).prop_map(Expression::And),
            inner.prop_map(Box::new).prop_map(Expression::Not),
        ]
    })
}

fn any_query() -> impl Strategy<Value = Query> {
    let direction = select([Direction::Ascending, Direction::Descending].as_slice());
    let order = (any_field(), direction).prop_map(|(field, direction)| Order { field, direction });
    (option::weighted(0.9, any_expression()), vec(order, 0..3)).prop_map(|(filter, order)| Query { filter, order })
}

/// Parses `text`. If it is a query, printing and parsing it again must give the same query.
fn check(text: &str) -> Result<(), TestCaseError> {
    match parse(text) {
        Ok(query) => prop_assert_eq!(parse(&query.to_string()), Ok(query)),
        Err(error) => prop_assert!(error.position <= text.chars().count() && !error.detail().is_empty()),
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_printed_is_read_as_the_same_tree(query in any_query()) {
        let printed = query.to_string();
        prop_assume!(printed.chars().count() <= MAX_LENGTH);
        prop_assert_eq!(parse(&printed), Ok(query), "{}", printed);
    }

    #[test]
    fn any_text_is_a_query_or_an_error(text in any::<String>()) {
        check(&text)?;
    }

    #[test]
    fn any_pieces_in_any_order_are_a_query_or_an_error(
        pieces in vec((select(PIECES.as_slice()), select(["", " "].as_slice())), 0..20),
    ) {
        check(&pieces.into_iter().flat_map(<[&str; 2]>::from).collect::<String>())?;
    }

    #[test]
    fn any_moment_is_found_or_an_error(text in any_text(), function in any_function(), now in any::<i64>()) {
        prop_assert_eq!(Moment::parse(&function.to_string()), Ok(Moment::Relative(function)));
        let _ = function.at(now);
        let _ = Moment::parse(&text).map(|moment| moment.at(now));
    }

    #[test]
    fn spans_follow_one_another_without_a_gap(
        now in -62_000_000_000_000_i64..253_000_000_000_000,
        span in select([Span::Day, Span::Week, Span::Month, Span::Year].as_slice()),
    ) {
        let find = |anchor, now| Function { anchor, shift: Period::default() }.at(now);
        let (start, end) = (find(Anchor::StartOf(span), now)?, find(Anchor::EndOf(span), now)?);
        prop_assert!(start <= now && now <= end);
        prop_assert_eq!(find(Anchor::StartOf(span), end), Ok(start));
        prop_assert_eq!(find(Anchor::StartOf(span), end + 1), Ok(end + 1));
    }
}
