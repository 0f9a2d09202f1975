//! AND, OR, NOT, parentheses and ORDER BY.

use guildhall_zenql::{Direction, Expression, Field, Order, Position, Query, Test, parse};

use crate::{clause, condition, empty, not, text};

fn f(is: &str) -> Expression {
    clause("f", Test::Equal(text(is)))
}

fn order(by: &[(&str, Direction)]) -> Vec<Order> {
    let field = |name: &str| Field { name: name.into(), position: Position::default() };
    by.iter().map(|&(name, direction)| Order { field: field(name), direction }).collect()
}

#[test]
fn not_binds_tighter_than_and_and_and_tighter_than_or() {
    let (and, or) = (Expression::And, Expression::Or);
    for (query, tree) in [
        ("f=a or f=b and f=c", or(vec![f("a"), and(vec![f("b"), f("c")])])),
        ("f=a and f=b or f=c", or(vec![and(vec![f("a"), f("b")]), f("c")])),
        ("(f=a or f=b) and f=c", and(vec![or(vec![f("a"), f("b")]), f("c")])),
        ("not f=a and f=b", and(vec![not(f("a")), f("b")])),
        ("not (f=a and f=b)", not(and(vec![f("a"), f("b")]))),
        ("not not f=a", not(not(f("a")))),
        ("not f!=a", not(not(f("a")))),
        ("NOT(f=a)OR f=b", or(vec![not(f("a")), f("b")])),
        ("f=a and f=b and f=c", and(vec![f("a"), f("b"), f("c")])),
        ("f=a and (f=b and f=c)", and(vec![f("a"), and(vec![f("b"), f("c")])])),
        ("((f=a))", f("a")),
    ] {
        assert_eq!(condition(query), tree, "{query}");
    }
}

#[test]
fn a_query_may_be_empty() {
    for query in ["", " ", "\n\t"] {
        assert_eq!(parse(query), Ok(empty()));
    }
    assert_eq!(empty().to_string(), "");
}

#[test]
fn a_query_may_say_how_to_sort() {
    use Direction::{Ascending, Descending};
    for (query, by) in [
        ("order by name", vec![("name", Ascending)]),
        ("ORDER  BY name ASC", vec![("name", Ascending)]),
        (
            "Order By name desc,created , \"my field\" Asc",
            vec![("name", Descending), ("created", Ascending), ("my field", Ascending)],
        ),
        ("ORDER BY status.locked DESC", vec![("status.locked", Descending)]),
    ] {
        assert_eq!(parse(query), Ok(Query { filter: None, order: order(&by) }), "{query}");
        let with_filter = format!("f=a {query}");
        assert_eq!(parse(&with_filter), Ok(Query { filter: Some(f("a")), order: order(&by) }), "{with_filter}");
    }
}

#[test]
fn what_is_printed_has_no_more_parentheses_than_it_needs() {
    for (query, printed) in [
        ("((f = a) AND (f = b)) OR (f = c)", "f = a AND f = b OR f = c"),
        ("f = a AND (f = b OR f = c)", "f = a AND (f = b OR f = c)"),
        ("f = a OR (f = b OR f = c)", "f = a OR (f = b OR f = c)"),
        ("NOT (f > a)", "NOT f > a"),
        ("NOT (NOT (f > a OR f = b))", "NOT NOT (f > a OR f = b)"),
        ("NOT (f != a)", "NOT f != a"),
        ("order by a asc, b desc", "ORDER BY a, b DESC"),
    ] {
        assert_eq!(crate::printed(query), printed, "{query}");
    }
}
