//! Operators.

use guildhall_zenql::{Clause, Expression, Literal, Position, Test, parse};

use crate::{clause, condition, not, text, value};

fn free_text(words: &str) -> Test {
    Test::FreeText { words: text(words), boost: None }
}

#[test]
fn every_operator_is_read() {
    let in_list = || Test::In(vec![text("a"), text("b c"), value(Literal::Null)]);
    let between = || Test::Between(text("1"), text("5"));
    for (query, tree) in [
        ("f = x", clause("f", Test::Equal(text("x")))),
        ("f != x", not(clause("f", Test::Equal(text("x"))))),
        ("f > x", clause("f", Test::Greater(text("x")))),
        ("f >= x", clause("f", Test::GreaterOrEqual(text("x")))),
        ("f < x", clause("f", Test::Less(text("x")))),
        ("f <= x", clause("f", Test::LessOrEqual(text("x")))),
        ("f ~ x", clause("f", Test::Contains(text("x")))),
        ("f !~ x", not(clause("f", Test::Contains(text("x"))))),
        ("f IN (a, \"b c\", NULL)", clause("f", in_list())),
        ("f NOT IN (a, \"b c\", NULL)", not(clause("f", in_list()))),
        ("f IN (a)", clause("f", Test::In(vec![text("a")]))),
        ("f BETWEEN (1, 5)", clause("f", between())),
        ("f NOT BETWEEN (1, 5)", not(clause("f", between()))),
        ("f STARTSWITH x", clause("f", Test::StartsWith(text("x")))),
        ("f NOT STARTSWITH x", not(clause("f", Test::StartsWith(text("x"))))),
        ("f ENDSWITH x", clause("f", Test::EndsWith(text("x")))),
        ("f NOT ENDSWITH x", not(clause("f", Test::EndsWith(text("x"))))),
        ("f FREETEXT x", clause("f", free_text("x"))),
        ("f NOT FREETEXT x", not(clause("f", free_text("x")))),
        ("f IS EMPTY", clause("f", Test::Empty)),
        ("f IS NOT EMPTY", not(clause("f", Test::Empty))),
        ("f EXISTS", clause("f", Test::Exists)),
        ("f NOT EXISTS", not(clause("f", Test::Exists))),
    ] {
        assert_eq!(condition(query), tree, "{query}");
        assert_eq!(condition(&query.to_lowercase().replace("null", "Null")), tree, "{query} in lower case");
    }
}

#[test]
fn the_examples_of_the_spec_are_read() {
    for (query, printed) in [
        ("firstname~test", "firstname ~ test"),
        ("created>now(-7)", "created > now(-7d)"),
        ("name=\"test\"", "name = test"),
        ("username=\"Geoff\"", "username = Geoff"),
        (
            "created >= startOfYear(-1) and <= endOfYear(-1)",
            "created >= startOfYear(-1y) AND created <= endOfYear(-1y)",
        ),
        ("created > -30d", "created > -30d"),
        ("created > 5d", "created > 5d"),
        ("userCount = 0", "userCount = 0"),
        ("created >= startOfDay(7h)", "created >= startOfDay(7h)"),
        ("created >= startOfWeek(-1d)", "created >= startOfWeek(-1d)"),
        ("created <= endOfMonth(-1)", "created <= endOfMonth(-1M)"),
        ("modified > 2020-03-01 12:00:00", "modified > 2020-03-01 12:00:00"),
        ("modified > -1w 2d", "modified > -1w 2d"),
        ("username = currentUser()", "username = currentUser()"),
        ("status.suspended = true", "status.suspended = true"),
        ("* FREETEXT “your home”", "* FREETEXT \"your home\""),
        ("title^80 FREETEXT “Boston”", "title^80 FREETEXT Boston"),
        ("custom.office != NULL", "custom.office != NULL"),
    ] {
        assert_eq!(crate::printed(query), printed, "{query}");
    }
}

#[test]
fn signs_need_no_space_around_them() {
    for query in ["f>=x AND g!~y", " f >=x AND g !~y ", "f\t>=\nx\u{a0}AND\u{2003}g!~ y"] {
        assert_eq!(crate::printed(query), "f >= x AND g !~ y", "{query:?}");
    }
    assert_eq!(
        crate::printed("f IN(a,b)AND(g BETWEEN(1,2)OR NOT(h=\"x\"))"),
        "f IN (a, b) AND (g BETWEEN (1, 2) OR h != x)"
    );
    assert_eq!(crate::printed("f STARTSWITH\"x\"AND g=y"), "f STARTSWITH x AND g = y");
}

#[test]
fn names_may_have_dots_or_quotes() {
    for (query, name) in [
        ("status.passwordResetRequired = x", "status.passwordResetRequired"),
        ("\"custom.my field\" = x", "custom.my field"),
        ("\"order\" = x", "order"),
        ("“desc” = x", "desc"),
        ("\"*\" = x", "*"),
        ("\"a^1\" = x", "a^1"),
        ("custom.office-2 = x", "custom.office-2"),
        ("\"\" = x", ""),
        ("naïve_名前 = x", "naïve_名前"),
    ] {
        assert_eq!(condition(query), clause(name, Test::Equal(text("x"))), "{query}");
    }
}

#[test]
fn only_free_text_knows_any_field_and_boost() {
    let anywhere = |boost| Expression::Anywhere { words: text("x"), boost, position: Position::default() };
    assert_eq!(condition("* FREETEXT x"), anywhere(None));
    assert_eq!(condition("*^3 FREETEXT x"), anywhere(Some(3)));
    assert_eq!(condition("* NOT FREETEXT x"), not(anywhere(None)));
    for query in ["f^80 FREETEXT x", "\"f\"^80 FREETEXT x", "f ^80 FREETEXT x"] {
        assert_eq!(condition(query), clause("f", Test::FreeText { words: text("x"), boost: Some(80) }), "{query}");
    }
    assert_eq!(
        parse("* = x").unwrap_err().to_string(),
        "expected FREETEXT or NOT FREETEXT after '*', found '=' (at position 2)"
    );
    assert_eq!(parse("f^2 = x").unwrap_err().position, 4);
    assert_eq!(parse("f^2 NOT IN (x)").unwrap_err().position, 8);
}

#[test]
fn a_clause_without_a_field_is_about_the_one_before() {
    for (query, printed) in [
        ("f > 1 AND < 5 OR = 9", "f > 1 AND f < 5 OR f = 9"),
        ("f = 1 OR IN (2, 3) OR NOT IN (4)", "f = 1 OR f IN (2, 3) OR f NOT IN (4)"),
        ("f = 1 AND NOT = 2 AND IS NOT EMPTY AND EXISTS", "f = 1 AND f != 2 AND f IS NOT EMPTY AND f EXISTS"),
        ("f = 1 AND (g = 2 OR = 3) AND = 4", "f = 1 AND (g = 2 OR g = 3) AND g = 4"),
        ("f = 1 AND (> 2 OR STARTSWITH 3)", "f = 1 AND (f > 2 OR f STARTSWITH 3)"),
        ("* FREETEXT a OR FREETEXT b", "* FREETEXT a OR * FREETEXT b"),
        ("f^80 FREETEXT a OR = b", "f^80 FREETEXT a OR f = b"),
    ] {
        assert_eq!(crate::printed(query), printed, "{query}");
    }
    assert_eq!(parse("* FREETEXT a OR = b").unwrap_err().position, 16);
}

#[test]
fn what_a_consumer_may_complain_about_says_where_it_is() {
    let Some(Expression::Or(all)) = parse("né = 1 OR NOT IN (2,\"3\") OR * FREETEXT x").unwrap().filter else {
        panic!()
    };
    let Expression::Clause(first) = &all[0] else { panic!() };
    let Test::Equal(one) = &first.test else { panic!() };
    assert_eq!((first.field.position.0, first.position.0, one.position.0), (0, 3, 5));
    let Expression::Not(inner) = &all[1] else { panic!() };
    let Expression::Clause(Clause { field, test: Test::In(values), position }) = inner.as_ref() else { panic!() };
    assert_eq!((field.position.0, position.0, values[0].position.0, values[1].position.0), (0, 10, 18, 20));
    let Expression::Anywhere { words, position, .. } = &all[2] else { panic!() };
    assert_eq!((position.0, words.position.0), (28, 39));
    assert_eq!(parse("ORDER BY a, 😀 DESC").unwrap().order[1].field.position.0, 12);
}
