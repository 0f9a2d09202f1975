//! Limits, and hostile input.

use guildhall_zenql::{Expression, MAX_DEPTH, MAX_LENGTH, Reason, SyntaxError, parse};

use crate::condition;

/// Repeats `piece` up to the maximum length of a query.
fn fill(piece: &str) -> String {
    piece.chars().cycle().take(MAX_LENGTH).collect()
}

#[test]
fn a_query_has_at_most_8000_characters() {
    let longest = format!("f = {}", "é".repeat(MAX_LENGTH - 4));
    assert_eq!(longest.chars().count(), MAX_LENGTH);
    assert_eq!(crate::printed(&longest), longest);
    let too_long = Err(SyntaxError { position: MAX_LENGTH, reason: Reason::TooLong });
    assert_eq!(parse(&format!("{longest}é")), too_long);
    assert_eq!(parse(&" ".repeat(10_000_000)), too_long);
    assert!(parse(&fill(" ")).is_ok());
}

#[test]
fn parentheses_and_nots_nest_at_most_50_deep() {
    let nested = |open: &str, close: &str, depth: usize| format!("{}f = a{}", open.repeat(depth), close.repeat(depth));
    for (open, close) in [("(", ")"), ("NOT ", ""), ("not(", ")")] {
        let each = if open == "not(" { 2 } else { 1 };
        assert!(parse(&nested(open, close, MAX_DEPTH / each)).is_ok(), "{open}");
        let error = parse(&nested(open, close, MAX_DEPTH / each + 1)).unwrap_err();
        let position = MAX_DEPTH / each * open.chars().count();
        assert_eq!(error, SyntaxError { position, reason: Reason::TooDeep }, "{open}");
    }
    let side_by_side = vec!["((f = a))"; 400].join(" OR ");
    assert!(parse(&side_by_side).is_ok());
}

#[test]
fn as_many_conditions_as_fit_are_read() {
    for (query, count) in [
        (vec!["f=a"; MAX_LENGTH / 7].join(" or "), MAX_LENGTH / 7),
        (format!("f~a{}", " or~a".repeat(1599)), 1600),
        (format!("f~a{}", " or~a and~b".repeat(700)), 701),
    ] {
        let Expression::Or(all) = condition(&query) else { panic!("{query}") };
        assert_eq!(all.len(), count);
    }
}

#[test]
fn hostile_texts_are_answered_at_once() {
    for piece in [
        "(",
        ")",
        "NOT ",
        "not(",
        "f=a AND (",
        "f=(",
        "f IN (",
        "f IN (a,",
        ",",
        "\"",
        "“",
        "”",
        "\\",
        "\"\\",
        "'",
        "!",
        "!!=",
        "=",
        ">=<",
        "~",
        "*",
        "* ",
        "^",
        "f^",
        "a.",
        ".",
        "9",
        "-",
        "9d ",
        "-9d ",
        "2020-01-01 ",
        "2020-01-01 12:00 ",
        "12:00 ",
        "now(",
        "f=now(9d ",
        "now()",
        "AND ",
        "OR ",
        "ORDER BY ",
        "f=a ORDER BY a,",
        "IS ",
        "f IS NOT ",
        "f BETWEEN (",
        "f DISTANCEWITHIN (",
        "NULL ",
        "\0",
        "\u{feff}",
        "\u{200b}",
        "\u{202e}",
        "\u{d7ff}",
        "\u{fffd}",
        "\u{ffff}",
        "\u{10ffff}",
        "e\u{301}",
        "👨‍👩‍👧 ",
        "\u{a0}",
        "\u{2028}",
        "İı ",
        "ſ=K",
        "f=a or f=b and not ",
        "f=\"a\" or ",
        "f~\"a\\\"\" and ",
    ] {
        let text = fill(piece);
        if let Err(error) = parse(&text) {
            assert!(error.position <= MAX_LENGTH && error.to_string().len() < 500, "{piece:?}: {error}");
        }
        for before in ["f = ", "f = a AND ", "f IN (", "f > now(", "f = \"", "f FREETEXT "] {
            let text: String = before.chars().chain(text.chars()).take(MAX_LENGTH).collect();
            let Ok(query) = parse(&text) else { continue };
            let printed = query.to_string();
            if printed.chars().count() <= MAX_LENGTH {
                assert!(parse(&printed) == Ok(query), "{piece:?} after {before:?}");
            }
        }
    }
}

#[test]
fn a_long_name_is_not_copied_for_every_clause_that_reuses_it() {
    let query = format!("{}~x{}", "n".repeat(MAX_LENGTH / 2), " or~x".repeat(MAX_LENGTH / 10 - 1));
    let Expression::Or(all) = condition(&query) else { panic!() };
    let names = all.iter().map(|clause| match clause {
        Expression::Clause(clause) => clause.field.name.as_ptr(),
        other => panic!("{other:?}"),
    });
    assert_eq!(names.collect::<std::collections::BTreeSet<_>>().len(), 1);
}
