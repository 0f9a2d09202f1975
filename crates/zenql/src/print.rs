//! Prints a query in query syntax.

use std::fmt::{self, Display, Formatter};

use crate::operand::{is_bare_name, is_bare_value};
use crate::tree::{Clause, Direction, Expression, Field, Order, Query, Test};
use crate::value::{Literal, Value};

impl Display for Query {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        if let Some(filter) = &self.filter {
            write!(formatter, "{filter}")?;
        }
        if self.order.is_empty() {
            return Ok(());
        }
        let space = if self.filter.is_some() { " " } else { "" };
        write!(formatter, "{space}ORDER BY {}", Joined(&self.order, ", "))
    }
}

impl Display for Expression {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Or(any) => {
                write!(formatter, "{}", Joined(&grouped(any, |inner| matches!(inner, Self::Or(_))), " OR "))
            }
            Self::And(all) => write!(formatter, "{}", Joined(&grouped(all, Self::is_joined), " AND ")),
            Self::Not(inner) => match inner.as_ref() {
                Self::Clause(clause) if clause.test.negated_name().is_some() => clause.print(formatter, true),
                Self::Anywhere { words, boost, .. } => write!(formatter, "*{} NOT FREETEXT {words}", Boost(*boost)),
                inner => write!(formatter, "NOT {}", Grouped(inner, inner.is_joined())),
            },
            Self::Clause(clause) => clause.print(formatter, false),
            Self::Anywhere { words, boost, .. } => write!(formatter, "*{} FREETEXT {words}", Boost(*boost)),
        }
    }
}

impl Expression {
    fn is_joined(&self) -> bool {
        matches!(self, Self::Or(_) | Self::And(_))
    }
}

impl Clause {
    fn print(&self, formatter: &mut Formatter<'_>, is_negated: bool) -> fmt::Result {
        let negated = self.test.negated_name().filter(|_| is_negated);
        let operator = negated.unwrap_or(self.test.name());
        match &self.test {
            Test::Equal(value)
            | Test::Greater(value)
            | Test::GreaterOrEqual(value)
            | Test::Less(value)
            | Test::LessOrEqual(value)
            | Test::Contains(value)
            | Test::StartsWith(value)
            | Test::EndsWith(value) => write!(formatter, "{} {operator} {value}", self.field),
            Test::FreeText { words, boost } => write!(formatter, "{}{} {operator} {words}", self.field, Boost(*boost)),
            Test::In(values) => write!(formatter, "{} {operator} ({})", self.field, Joined(values, ", ")),
            Test::Between(least, most) => write!(formatter, "{} {operator} ({least}, {most})", self.field),
            Test::Empty | Test::Exists => write!(formatter, "{} {operator}", self.field),
        }
    }
}

impl Test {
    fn name(&self) -> &'static str {
        match self {
            Self::Equal(_) => "=",
            Self::Greater(_) => ">",
            Self::GreaterOrEqual(_) => ">=",
            Self::Less(_) => "<",
            Self::LessOrEqual(_) => "<=",
            Self::Contains(_) => "~",
            Self::StartsWith(_) => "STARTSWITH",
            Self::EndsWith(_) => "ENDSWITH",
            Self::FreeText { .. } => "FREETEXT",
            Self::In(_) => "IN",
            Self::Between(..) => "BETWEEN",
            Self::Empty => "IS EMPTY",
            Self::Exists => "EXISTS",
        }
    }

    /// The negated form of the operator, if there is one.
    fn negated_name(&self) -> Option<&'static str> {
        match self {
            Self::Equal(_) => Some("!="),
            Self::Greater(_) | Self::GreaterOrEqual(_) | Self::Less(_) | Self::LessOrEqual(_) => None,
            Self::Contains(_) => Some("!~"),
            Self::StartsWith(_) => Some("NOT STARTSWITH"),
            Self::EndsWith(_) => Some("NOT ENDSWITH"),
            Self::FreeText { .. } => Some("NOT FREETEXT"),
            Self::In(_) => Some("NOT IN"),
            Self::Between(..) => Some("NOT BETWEEN"),
            Self::Empty => Some("IS NOT EMPTY"),
            Self::Exists => Some("NOT EXISTS"),
        }
    }
}

impl Display for Order {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self.direction {
            Direction::Ascending => write!(formatter, "{}", self.field),
            Direction::Descending => write!(formatter, "{} DESC", self.field),
        }
    }
}

impl Display for Field {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        if is_bare_name(&self.name) { formatter.write_str(&self.name) } else { quote(&self.name, formatter) }
    }
}

impl Display for Value {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        self.literal.fmt(formatter)
    }
}

impl Display for Literal {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => formatter.write_str("NULL"),
            Self::CurrentUser => formatter.write_str("currentUser()"),
            Self::Function(function) => function.fmt(formatter),
            Self::Text(text) if is_bare_value(text) => formatter.write_str(text),
            Self::Text(text) => quote(text, formatter),
        }
    }
}

fn quote(text: &str, formatter: &mut Formatter<'_>) -> fmt::Result {
    write!(formatter, "\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The items, separated by `.1`.
struct Joined<'a, T>(&'a [T], &'static str);

impl<T: Display> Display for Joined<'_, T> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let Self(items, separator) = self;
        items.iter().enumerate().try_for_each(|(index, item)| {
            let before = if index == 0 { "" } else { separator };
            write!(formatter, "{before}{item}")
        })
    }
}

/// An expression, in parentheses if `.1` is true.
struct Grouped<'a>(&'a Expression, bool);

impl Display for Grouped<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let Self(inner, is_grouped) = self;
        if *is_grouped { write!(formatter, "({inner})") } else { write!(formatter, "{inner}") }
    }
}

fn grouped(all: &[Expression], needs_group: fn(&Expression) -> bool) -> Vec<Grouped<'_>> {
    all.iter().map(|inner| Grouped(inner, needs_group(inner))).collect()
}

/// The boost after a field name, if there is one.
struct Boost(Option<u32>);

impl Display for Boost {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |boost| write!(formatter, "^{boost}"))
    }
}
