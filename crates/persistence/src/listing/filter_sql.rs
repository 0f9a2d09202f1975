//! Filters as conditions in SQL.

mod column;
mod fragment;
mod in_list;
mod text;

use std::ops::Bound;

use guildhall_domain::name::MARKS;
use guildhall_domain::search::{Filter, Pattern, Test, TextTest};
use guildhall_domain::time::Timestamp;

use crate::dialect::Dialect;
use crate::sql_types::Key;

pub(super) use column::{Column, SqlField, TableSet};
pub(super) use fragment::Fragment;
pub(super) use text::{indexed, phrase, trigrams};

use in_list::{Alternatives, Values};

/// How the database is to use a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ConditionUse {
    /// To find the matching items, by index where there is one.
    IndexLookup,
    /// To check one row after the other.
    RowFilter,
}

/// How many conditions of one filter the trigram index answers at most. For each of them all its matches are collected first, so
/// that many of them cost more time and memory than checking every row.
const MAX_TRIGRAM_CONDITIONS: usize = 8;

/// `filter` as a condition that is true or false and never null, and the tables that it needs.
pub(super) fn condition<F: SqlField>(
    filter: &Filter<F>,
    condition_use: ConditionUse,
    dialect: Dialect,
    now: Timestamp,
) -> (Fragment, TableSet) {
    let is_too_many = count_trigram_conditions(filter) > MAX_TRIGRAM_CONDITIONS;
    let condition_use = if is_too_many { ConditionUse::RowFilter } else { condition_use };
    Writer { condition_use, dialect, now }.condition(filter)
}

/// How many conditions a trigram index could answer.
fn count_trigram_conditions<F>(filter: &Filter<F>) -> usize {
    match filter {
        Filter::All(several) | Filter::Any(several) => several.iter().map(count_trigram_conditions).sum(),
        Filter::Not(filter) => count_trigram_conditions(filter),
        Filter::Is(_, Test::Text(TextTest::Contains(pattern))) => usize::from(indexed(pattern).is_some()),
        Filter::Is(..) => 0,
    }
}

/// Writes the conditions of one filter.
#[derive(Clone, Copy)]
struct Writer {
    condition_use: ConditionUse,
    dialect: Dialect,
    now: Timestamp,
}

impl Writer {
    fn condition<F: SqlField>(self, filter: &Filter<F>) -> (Fragment, TableSet) {
        match filter {
            Filter::All(filters) => joined(filters.iter().map(|filter| self.condition(filter)), " AND ", "1 = 1"),
            Filter::Any(filters) => {
                let Alternatives { lists, rest } = Alternatives::of(filters);
                let lists = lists.iter().map(|(field, values)| self.in_list(*field, values));
                joined(lists.chain(rest.into_iter().map(|filter| self.condition(filter))), " OR ", "1 = 0")
            }
            Filter::Not(filter) => {
                let (fragment, tables) = self.condition(&**filter);
                (Fragment::of("NOT (").then(fragment).sql(")"), tables)
            }
            Filter::Is(field, test) => self.field_test(field, test),
        }
    }

    fn in_list<F: SqlField>(self, field: &F, values: &Values<'_>) -> (Fragment, TableSet) {
        let Column { sql, tables, is_nullable, .. } = field.column(self.dialect, self.now);
        (false_if_null(&sql, is_nullable, values.contains(sql.clone(), self.dialect)), tables)
    }

    fn field_test<F: SqlField>(self, field: &F, test: &Test) -> (Fragment, TableSet) {
        let Column { sql, tables, is_nullable, .. } = field.column(self.dialect, self.now);
        let column = || sql.clone();
        let test = match test {
            Test::Null if is_nullable => return (Fragment::of("(").then(column()).sql(" IS NULL)"), tables),
            Test::Null => return (Fragment::of("1 = 0"), TableSet::default()),
            Test::Id(id) => column().sql(" = ").id(Key(*id)),
            Test::IdRange(from, to) => range(&sql, from.as_ref(), to.as_ref(), |id| Fragment::default().id(Key(*id))),
            Test::Boolean(true) => column(),
            Test::Boolean(false) => Fragment::of("NOT ").then(column()),
            Test::Integer(from, to) => {
                range(&sql, from.as_ref(), to.as_ref(), |number| Fragment::default().number(*number))
            }
            Test::Moment(from, to) => {
                range(&sql, from.as_ref(), to.as_ref(), |moment| Fragment::default().number(moment.milliseconds()))
            }
            Test::Text(TextTest::Contains(pattern)) => {
                if let Some(found) = self.trigram_lookup(field, pattern) {
                    return found;
                }
                contains(&sql, pattern)
            }
            Test::Text(wanted) => text_test(&sql, wanted),
        };
        (false_if_null(&sql, is_nullable, test), tables)
    }

    /// The condition that a field contains a pattern, if a trigram index is to answer it.
    fn trigram_lookup<F: SqlField>(self, field: &F, pattern: &Pattern) -> Option<(Fragment, TableSet)> {
        if self.condition_use != ConditionUse::IndexLookup {
            return None;
        }
        let (found, needed) = field.trigram_condition(pattern, self.dialect)?;
        if field.is_trigram_exact(pattern, self.dialect) {
            return Some((found, needed));
        }
        // What the index finds is checked in the table in which it is found, if that holds the field's value too.
        let Column { sql, tables, is_nullable, .. } = field.column(self.dialect, self.now);
        let side = if needed == TableSet::SIDE { field.side_column(self.dialect) } else { None };
        let (sql, tables) = side.map_or((sql, tables), |sql| (sql, needed));
        let checked = false_if_null(&sql, is_nullable, contains(&sql, pattern));
        Some((Fragment::of("(").then(found).sql(" AND ").then(checked).sql(")"), tables.and(needed)))
    }
}

fn joined(
    conditions: impl Iterator<Item = (Fragment, TableSet)>,
    operator: &'static str,
    none: &'static str,
) -> (Fragment, TableSet) {
    let (mut parts, mut tables) = (Vec::new(), TableSet::default());
    for (part, needed) in conditions {
        parts.push(part);
        tables = tables.and(needed);
    }
    (Fragment::joined(parts, operator, none), tables)
}

/// The test, or false if the column is null.
fn false_if_null(column: &Fragment, is_nullable: bool, test: Fragment) -> Fragment {
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
        TextTest::Contains(pattern) => contains(&column(), pattern),
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

fn contains(column: &Fragment, pattern: &Pattern) -> Fragment {
    let mut folded = column.clone();
    if pattern.counts_characters() {
        folded = Fragment::of("replace(replace(").then(folded).sql(", '/', ''), ':', '')");
        for (mark, stand_in) in MARKS {
            folded = Fragment::of("replace(").then(folded).sql(", ").text(stand_in).sql(", ").text(mark).sql(")");
        }
    }
    folded.sql(" LIKE ").text(text::containing(pattern)).sql(" ESCAPE '\\'")
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
