//! Where a field stands, and what a test of it is in SQL.

use std::ops::Bound;

use guildhall_domain::name::MARKS;
use guildhall_domain::search::{Field, Filter, Pattern, Test, TextTest};
use guildhall_domain::time::Timestamp;

use super::fragment::Fragment;
use super::sets::{Alternatives, Values};
use super::text;
use crate::connection::AnyConnection;
use crate::sql_types::Key;

/// Which database a statement is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Postgres,
    Sqlite,
}

impl Dialect {
    pub(super) fn of(connection: &AnyConnection) -> Self {
        match connection {
            AnyConnection::Postgres(_) => Self::Postgres,
            AnyConnection::Sqlite(_) => Self::Sqlite,
        }
    }

    /// What opens the condition of a statement that looks at many rows: SQLite asks for each whether it is to go on, while
    /// PostgreSQL is stopped from outside.
    pub(super) fn going_on(self) -> &'static str {
        match self {
            Self::Postgres => "",
            Self::Sqlite => "guildhall_goes_on() AND ",
        }
    }
}

/// For what a condition is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// To find what passes it: by index, where there is one.
    Finding,
    /// To look at one row after the other.
    Probing,
}

/// In which of an item's tables something stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Homes {
    /// The item's own.
    pub(super) own: bool,
    /// That of its keys.
    pub(super) keys: bool,
}

impl Homes {
    pub(super) const OWN: Self = Self { own: true, keys: false };
    pub(super) const KEYS: Self = Self { own: false, keys: true };

    pub(super) fn and(self, other: Self) -> Self {
        Self { own: self.own || other.own, keys: self.keys || other.keys }
    }
}

/// What holds a field's value.
pub(super) struct Column {
    pub(super) sql: Fragment,
    pub(super) home: Homes,
    pub(super) is_nullable: bool,
    /// The index that has it first, and the item's id next.
    pub(super) index: Option<&'static str>,
}

impl Column {
    pub(super) fn own(sql: &'static str) -> Self {
        Self { sql: Fragment::of(sql), home: Homes::OWN, is_nullable: false, index: None }
    }

    pub(super) fn key(sql: &'static str) -> Self {
        Self { home: Homes::KEYS, ..Self::own(sql) }
    }

    pub(super) fn nullable(self) -> Self {
        Self { is_nullable: true, ..self }
    }

    pub(super) fn by(self, index: &'static str) -> Self {
        Self { index: Some(index), ..self }
    }

    pub(super) fn computed(sql: Fragment, home: Homes) -> Self {
        Self { sql, home, is_nullable: false, index: None }
    }
}

/// A field that can be found in the database.
pub(super) trait Columns: Field {
    /// Where it stands.
    fn column(&self, dialect: Dialect, now: Timestamp) -> Column;
    /// The same value as the column's, in the table of the keys.
    fn beside_keys(&self, dialect: Dialect) -> Option<Fragment>;
    /// What sorts as that value does.
    fn order_beside_keys(&self, dialect: Dialect) -> Option<Fragment> {
        self.beside_keys(dialect)
    }
    /// Whether the index finds nothing else but what holds `pattern`.
    fn is_gram_exact(&self, pattern: &Pattern, dialect: Dialect) -> bool;
    /// A condition that an index answers, and that everything fulfils in which this field holds `pattern`.
    fn gram_condition(&self, pattern: &Pattern, dialect: Dialect) -> Option<(Fragment, Homes)>;
}

/// How many conditions of one filter are answered by the index of parts of texts. Each collects all its hits first, so that
/// many of them cost more time and memory than a look at every row.
const MOST_BY_PARTS: usize = 8;

/// `filter` as a condition that is true or false, never null, and the tables that it needs.
pub(super) fn condition<F: Columns>(
    filter: &Filter<F>,
    purpose: Use,
    dialect: Dialect,
    now: Timestamp,
) -> (Fragment, Homes) {
    let purpose = if parts(filter) > MOST_BY_PARTS { Use::Probing } else { purpose };
    Writing { purpose, dialect, now }.condition(filter)
}

/// How many conditions the index of parts of texts could answer.
fn parts<F>(filter: &Filter<F>) -> usize {
    match filter {
        Filter::All(several) | Filter::Any(several) => several.iter().map(parts).sum(),
        Filter::Not(filter) => parts(filter),
        Filter::Is(_, Test::Text(TextTest::Contains(pattern))) => usize::from(text::indexed(pattern).is_some()),
        Filter::Is(..) => 0,
    }
}

/// For what conditions are written, and in what.
#[derive(Clone, Copy)]
struct Writing {
    purpose: Use,
    dialect: Dialect,
    now: Timestamp,
}

impl Writing {
    fn condition<F: Columns>(self, filter: &Filter<F>) -> (Fragment, Homes) {
        match filter {
            Filter::All(filters) => joined(filters.iter().map(|filter| self.condition(filter)), " AND ", "1 = 1"),
            Filter::Any(filters) => {
                let Alternatives { sets, rest } = Alternatives::of(filters);
                let sets = sets.iter().map(|(field, values)| self.one_of(*field, values));
                joined(sets.chain(rest.into_iter().map(|filter| self.condition(filter))), " OR ", "1 = 0")
            }
            Filter::Not(filter) => {
                let (fragment, homes) = self.condition(&**filter);
                (Fragment::of("NOT (").then(fragment).sql(")"), homes)
            }
            Filter::Is(field, test) => leaf(field, test, self.purpose, self.dialect, self.now),
        }
    }

    fn one_of<F: Columns>(self, field: &F, values: &Values<'_>) -> (Fragment, Homes) {
        let Column { sql, home, is_nullable, .. } = field.column(self.dialect, self.now);
        (present(&sql, is_nullable, values.hold(sql.clone(), self.dialect)), home)
    }
}

fn joined(
    conditions: impl Iterator<Item = (Fragment, Homes)>,
    operator: &'static str,
    none: &'static str,
) -> (Fragment, Homes) {
    let (mut parts, mut homes) = (Vec::new(), Homes::default());
    for (part, needed) in conditions {
        parts.push(part);
        homes = homes.and(needed);
    }
    (Fragment::joined(parts, operator, none), homes)
}

fn leaf<F: Columns>(field: &F, test: &Test, purpose: Use, dialect: Dialect, now: Timestamp) -> (Fragment, Homes) {
    let Column { sql, home, is_nullable, .. } = field.column(dialect, now);
    let column = || sql.clone();
    let test = match test {
        Test::Null if is_nullable => return (Fragment::of("(").then(column()).sql(" IS NULL)"), home),
        Test::Null => return (Fragment::of("1 = 0"), Homes::default()),
        Test::Id(id) => column().sql(" = ").id(Key(*id)),
        Test::Boolean(true) => column(),
        Test::Boolean(false) => Fragment::of("NOT ").then(column()),
        Test::Integer(from, to) => {
            range(&sql, from.as_ref(), to.as_ref(), |number| Fragment::default().number(*number))
        }
        Test::Moment(from, to) => {
            range(&sql, from.as_ref(), to.as_ref(), |moment| Fragment::default().number(moment.milliseconds()))
        }
        Test::Text(TextTest::Contains(pattern)) => {
            let found = if purpose == Use::Finding { field.gram_condition(pattern, dialect) } else { None };
            match found {
                Some((found, needed)) => {
                    if field.is_gram_exact(pattern, dialect) {
                        return (found, needed);
                    }
                    // What the index finds is looked at where it finds it.
                    let beside = if needed == Homes::KEYS { field.beside_keys(dialect) } else { None };
                    let (sql, home) = beside.map_or((sql, home), |sql| (sql, needed));
                    let holds = present(&sql, is_nullable, holding(&sql, pattern));
                    return (Fragment::of("(").then(found).sql(" AND ").then(holds).sql(")"), home.and(needed));
                }
                None => holding(&sql, pattern),
            }
        }
        Test::Text(wanted) => text_test(&sql, wanted),
    };
    (present(&sql, is_nullable, test), home)
}

/// The test where there is a value, and false where there is none.
fn present(column: &Fragment, is_nullable: bool, test: Fragment) -> Fragment {
    if is_nullable {
        return Fragment::of("(").then(column.clone()).sql(" IS NOT NULL AND ").then(test).sql(")");
    }
    Fragment::of("(").then(test).sql(")")
}

fn text_test(column: &Fragment, wanted: &TextTest) -> Fragment {
    let column = || column.clone();
    match wanted {
        TextTest::Equal(text) => column().sql(" = ").text(text.as_str()),
        TextTest::Between(from, to) => {
            range(&column(), from.as_ref(), to.as_ref(), |text| Fragment::default().text(text.as_str()))
        }
        TextTest::Contains(pattern) => holding(&column(), pattern),
        TextTest::StartsWith(start) => {
            let from = column().sql(" >= ").text(start.as_str());
            match text::after(start) {
                Some(end) => from.sql(" AND ").then(column()).sql(" < ").text(end),
                None => from,
            }
        }
        TextTest::EndsWith(end) => column().sql(" LIKE ").text(text::ending(end)).sql(" ESCAPE '\\'"),
        TextTest::Word(word) => {
            Fragment::of("guildhall_has_word(").then(column()).sql(", ").text(word.as_str()).sql(")")
        }
    }
}

fn holding(column: &Fragment, pattern: &Pattern) -> Fragment {
    let mut held = column.clone();
    if pattern.counts_characters() {
        held = Fragment::of("replace(replace(").then(held).sql(", '/', ''), ':', '')");
        for (mark, stand_in) in MARKS {
            held = Fragment::of("replace(").then(held).sql(", ").text(stand_in).sql(", ").text(mark).sql(")");
        }
    }
    held.sql(" LIKE ").text(text::containing(pattern)).sql(" ESCAPE '\\'")
}

fn range<T>(column: &Fragment, from: Bound<&T>, to: Bound<&T>, value: impl Fn(&T) -> Fragment) -> Fragment {
    let compared = |operator: &'static str, bound: &T| column.clone().sql(operator).then(value(bound));
    let from = match from {
        Bound::Included(bound) => Some(compared(" >= ", bound)),
        Bound::Excluded(bound) => Some(compared(" > ", bound)),
        Bound::Unbounded => None,
    };
    let to = match to {
        Bound::Included(bound) => Some(compared(" <= ", bound)),
        Bound::Excluded(bound) => Some(compared(" < ", bound)),
        Bound::Unbounded => None,
    };
    Fragment::joined(from.into_iter().chain(to).collect(), " AND ", "1 = 1")
}
