//! Messages and positions of syntax errors.

use guildhall_zenql::{Found, Reason, SyntaxError, parse};

fn check(table: &[(&str, usize, &str)]) {
    for &(query, position, detail) in table {
        let error = parse(query).unwrap_err();
        assert_eq!((error.position, error.detail().as_str()), (position, detail), "{query}");
        assert_eq!(error.to_string(), format!("{detail} (at position {position})"), "{query}");
    }
}

#[test]
fn an_error_says_what_was_expected_and_where() {
    check(&[
        ("f =", 3, "expected a value after '=', found the end"),
        ("f = ", 4, "expected a value after '=', found the end"),
        ("f = )", 4, "expected a value after '=', found ')'"),
        ("f == x", 3, "expected a value after '=', found '='"),
        ("f <> x", 3, "expected a value after '<', found '>'"),
        (
            "f = and",
            4,
            "expected a value after '=', found the keyword 'and' (as a name or a text it needs double quotes)",
        ),
        ("é😀", 2, "expected an operator after 'é😀', found the end"),
        ("f x", 2, "expected an operator after 'f', found 'x'"),
        ("f NOT x", 6, "expected an operator after 'NOT', found 'x'"),
        ("f NOT = x", 6, "expected an operator after 'NOT', found '='"),
        ("f = a b", 6, "expected AND, OR, ORDER BY or the end after 'a', found 'b'"),
        ("f = a)", 5, "expected AND, OR, ORDER BY or the end after 'a', found ')'"),
        ("(f = a", 6, "expected AND, OR or ')' after 'a', found the end"),
        ("(f = a b)", 7, "expected AND, OR or ')' after 'a', found 'b'"),
        ("()", 1, "expected a field name, NOT or '(' after '(', found ')'"),
        (")", 0, "expected a field name, NOT or '(', found ')'"),
        ("= a", 0, "expected a field name, NOT or '(', found '='"),
        (
            "NOT IN (a)",
            0,
            "expected a field name, NOT or '(', found the keyword 'NOT' (as a name or a text it needs double quotes)",
        ),
        ("f = a AND", 9, "expected a field name, NOT or '(' after 'AND', found the end"),
        (
            "f = a AND OR g = b",
            10,
            "expected a field name, NOT or '(' after 'AND', found the keyword 'OR' (as a name or a text it needs double quotes)",
        ),
        ("NOT", 3, "expected a field name, NOT or '(' after 'NOT', found the end"),
        (
            "empty = a",
            0,
            "expected a field name, NOT or '(', found the keyword 'empty' (as a name or a text it needs double quotes)",
        ),
        ("f IN a", 5, "expected '(' after 'IN', found 'a'"),
        ("f IN ()", 6, "expected a value after '(', found ')'"),
        ("f IN (a,)", 8, "expected a value after ',', found ')'"),
        ("f IN (a b)", 8, "expected ',' or ')' after 'a', found 'b'"),
        ("f IN (a", 7, "expected ',' or ')' after 'a', found the end"),
        ("f BETWEEN 1", 10, "expected '(' after 'BETWEEN', found '1'"),
        ("f BETWEEN (1)", 12, "expected ',' after '1', found ')'"),
        ("f BETWEEN (1, 2, 3)", 15, "expected ')' after '2', found ','"),
        (
            "f IS NULL",
            5,
            "expected EMPTY after 'IS', found the keyword 'NULL' (as a name or a text it needs double quotes)",
        ),
        ("f IS NOT x", 9, "expected EMPTY after 'NOT', found 'x'"),
        ("f STARTSWITH", 12, "expected a value after 'STARTSWITH', found the end"),
    ]);
}

#[test]
fn an_error_says_what_is_wrong_with_a_name_or_a_value() {
    check(&[
        ("f = \"abc", 4, "this quote is not closed"),
        ("f x \"abc", 2, "expected an operator after 'f', found 'x'"),
        ("\"", 0, "this quote is not closed"),
        ("f = “abc\"", 4, "this quote is not closed"),
        ("f = \"abc\\\"", 4, "this quote is not closed"),
        ("f = hello!", 9, "expected '=' or '~' after '!' (text with a '!' in it needs double quotes)"),
        ("f ! = a", 2, "expected '=' or '~' after '!' (text with a '!' in it needs double quotes)"),
        ("f = foo(1)", 4, "there is no function 'foo' (text with parentheses in it needs double quotes)"),
        ("f > now(x)", 8, "expected a whole number, a period or ')' after '(', found 'x'"),
        ("f > now(\"1d\")", 8, "expected a whole number, a period or ')' after '(', found '\"1d\"'"),
        ("f > now(1 2)", 10, "expected ')' after '1', found '2'"),
        ("f > now(1d 2)", 11, "expected ')' after '1d', found '2'"),
        ("f > now(", 8, "expected a whole number, a period or ')' after '(', found the end"),
        ("f > now(99999999999999999999)", 8, "this number is too large"),
        ("f = currentUser(1)", 16, "expected ')' after '(', found '1'"),
        ("a..b = 1", 0, "expected a field name without empty parts around its dots (any other needs double quotes)"),
        (
            "a = 1 AND .b = 1",
            10,
            "expected a field name without empty parts around its dots (any other needs double quotes)",
        ),
        ("é^x FREETEXT a", 1, "expected a whole number of at most 4294967295 after '^'"),
        ("f^ FREETEXT a", 1, "expected a whole number of at most 4294967295 after '^'"),
        ("f^+5 FREETEXT a", 1, "expected a whole number of at most 4294967295 after '^'"),
        ("\"f\"^4294967296 FREETEXT a", 3, "expected a whole number of at most 4294967295 after '^'"),
        ("f = a ORDER", 11, "expected BY after 'ORDER', found the end"),
        ("ORDER BY", 8, "expected a field name after 'BY', found the end"),
        ("ORDER BY a,", 11, "expected a field name after ',', found the end"),
        ("ORDER BY a b", 11, "expected ',' or the end after 'a', found 'b'"),
        (
            "ORDER BY a DESC ASC",
            16,
            "expected ',' or the end after 'DESC', found the keyword 'ASC' (as a name or a text it needs double quotes)",
        ),
        (
            "ORDER BY a AND b = 1",
            11,
            "expected ',' or the end after 'a', found the keyword 'AND' (as a name or a text it needs double quotes)",
        ),
        ("ORDER BY *", 9, "expected a field name after 'BY', found '*'"),
        ("f DistanceWithin(25.1363888,97.3733773, 100km)", 2, "DISTANCEWITHIN is not supported"),
        ("f = 1 and not distancewithin(", 14, "DISTANCEWITHIN is not supported"),
    ]);
}

#[test]
fn an_error_can_be_told_apart_without_its_words() {
    let found = Found::Text("x".to_owned());
    let reason = Reason::Expected { what: "an operator", after: Some("f".to_owned()), found };
    assert_eq!(parse("f x"), Err(SyntaxError { position: 2, reason }));
    assert_eq!(parse("f DISTANCEWITHIN (1)"), Err(SyntaxError { position: 2, reason: Reason::DistanceWithin }));
}

#[test]
fn long_text_is_cut_in_an_error() {
    let query = format!("{} {}", "é".repeat(100), "x".repeat(100));
    let detail = format!("expected an operator after '{}…', found '{}…'", "é".repeat(40), "x".repeat(40));
    let error = parse(&query).unwrap_err();
    assert_eq!((error.position, error.detail()), (101, detail));
}
