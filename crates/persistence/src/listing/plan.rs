//! Reads one page of a listing.
//!
//! The exact total is part of the answer in any case, so it is counted first; then it decides how the page is read. If there are
//! few matches, all of them are collected and sorted. If there are many, the index of the order is scanned and each item is checked
//! until the page is full. Databases choose between the two by estimates, which are wrong by orders of magnitude for texts and
//! memberships; so each statement is written in a form that leaves no choice. Both ways read ids only; the rows, which are wide, are
//! read last.

mod access_path;
mod boolean_order;
mod one_statement;
mod page_items;
mod page_window;
mod walk;

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use guildhall_domain::search::{Filter, Kind, Listing, Sort, Test};
use guildhall_domain::time::Timestamp;

use super::filter_sql::{Column, ConditionUse, Fragment, SqlField, TableSet, condition};
use crate::connection::AnyConnection;
use crate::dialect::{self, Dialect};
use crate::sql_types::{Key, UuidSql, saturating};
use crate::unit_of_work::Failure;

pub(super) use access_path::AccessPath;
pub(super) use page_items::PageItems;
pub(super) use page_window::PageWindow;

/// The cost of checking an item during an index scan, relative to collecting and sorting a match.
pub(crate) const CHECK_COST: u64 = 3;

/// An item of a listing, by its fields.
pub(super) trait SqlItem: SqlField + Sized {
    /// The tables in a FROM clause: the `first` one, joined with the other one if both are in `all`.
    fn from_clause(first: TableSet, all: TableSet, path: AccessPath, dialect: Dialect) -> Fragment;
    /// The column with the item's id in this table.
    fn id_column(table: TableSet) -> &'static str;
    /// The ids of a window of all items in this order, if there is a better statement for it than an index scan.
    fn all_in_order(order: &[Sort<Self>], window: PageWindow, dialect: Dialect) -> Option<Fragment>;
    /// The start of a statement that selects from the first items by id, or from the last, up to its condition.
    fn first_items(from_end: bool) -> Option<&'static str>;
    /// The items that `page` selects, each with the number that it selects first.
    fn load(connection: &mut AnyConnection, page: PageItems) -> Result<Vec<(i64, Self::Item)>, Failure>;
    /// Counts the items for which a boolean field is true, if indexes answer that.
    fn count_true(&self, now: Timestamp) -> Option<Fragment>;
}

/// Makes a condition on an item whose id is in this column.
pub(super) type ScopeCondition<'a> = dyn Fn(ConditionUse, &'static str) -> Fragment + 'a;

/// The query for one page of a listing.
pub(super) struct PageQuery<'a, F> {
    pub(super) listing: &'a Listing<F>,
    /// The condition that restricts the listing beside its filter. `None`: all items are meant.
    pub(super) within: Option<&'a ScopeCondition<'a>>,
    /// How many items there are, whether they match or not.
    pub(super) item_count: u64,
}

impl<F: SqlItem> PageQuery<'_, F> {
    /// How many items match.
    pub(super) fn count(&self, connection: &mut AnyConnection) -> Result<u64, Failure> {
        if self.within.is_none() && self.listing.filter.is_all() {
            return Ok(self.item_count);
        }
        self.count_of(connection, &self.listing.filter)
    }

    /// The statement that counts the items for which a boolean field is true, and whether these are the ones that match, if the
    /// filter is only a test of that field.
    fn boolean_count(&self, filter: &Filter<F>) -> Option<(Fragment, bool)> {
        match filter {
            Filter::Is(field, Test::Boolean(value)) if self.within.is_none() => {
                field.count_true(self.listing.now).map(|counted| (counted, *value))
            }
            _ => None,
        }
    }

    fn count_of(&self, connection: &mut AnyConnection, filter: &Filter<F>) -> Result<u64, Failure> {
        if let Some((counted, value)) = self.boolean_count(filter) {
            let count: i64 = counted.query::<BigInt>().get_result(connection)?;
            let count = count.unsigned_abs();
            return Ok(if value { count } else { self.item_count.saturating_sub(count) });
        }
        let dialect = Dialect::of(connection);
        let (condition, tables) = condition(filter, ConditionUse::IndexLookup, dialect, self.listing.now);
        let (path, first) = AccessPath::to_matches(tables);
        let counted = Fragment::of("SELECT count(*) FROM ")
            .then(F::from_clause(first, tables.and(first), path, dialect))
            .sql(" WHERE ")
            .sql(dialect.interrupt_check())
            .then(self.and_within(condition, ConditionUse::IndexLookup, F::id_column(first)));
        let count: i64 = counted.query::<BigInt>().get_result(connection)?;
        Ok(count.unsigned_abs())
    }

    /// The ids of the page, in order. `total` is how many items match.
    pub(super) fn ids(&self, connection: &mut AnyConnection, total: u64) -> Result<Vec<Key>, Failure> {
        let page = &self.listing.page;
        if page.offset() >= total {
            return Ok(Vec::new());
        }
        if let Some(filters) = self.listing.filters_from_position() {
            return self.ids_from_position(connection, total, filters);
        }
        let order = self.listing.full_order();
        match order.as_slice() {
            [boolean, id] if boolean.field.kind() == Kind::Boolean => {
                self.ids_by_boolean(connection, total, boolean, id)
            }
            _ => self.ids_of(connection, &self.listing.filter, &order, total, PageWindow::of(page)),
        }
    }

    fn ids_of(
        &self,
        connection: &mut AnyConnection,
        filter: &Filter<F>,
        order: &[Sort<F>],
        total: u64,
        window: PageWindow,
    ) -> Result<Vec<Key>, Failure> {
        let (statement, is_plan_free) = self.statement(Dialect::of(connection), filter, order, total, window);
        if is_plan_free {
            return Ok(statement.query::<UuidSql>().load(connection)?);
        }
        dialect::force_index_order(connection, true)?;
        let ids = statement.query::<UuidSql>().load(connection)?;
        dialect::force_index_order(connection, false)?;
        Ok(ids)
    }

    /// The statement that selects the ids of a window, and whether PostgreSQL may be left to plan it.
    fn statement(
        &self,
        dialect: Dialect,
        filter: &Filter<F>,
        order: &[Sort<F>],
        total: u64,
        window: PageWindow,
    ) -> (Fragment, bool) {
        let is_everything = self.within.is_none() && filter.is_all();
        if let Some(statement) = F::all_in_order(order, window, dialect).filter(|_| is_everything) {
            return (statement, true);
        }
        // If the matches are spread evenly over the order.
        let checks = (window.offset + window.limit).saturating_mul(self.item_count) / total.max(1);
        if is_everything || checks.saturating_mul(CHECK_COST) <= total {
            (self.index_scan(dialect, filter, order, window), is_everything || order.len() > 2)
        } else {
            (window.apply_to(self.sorted(dialect, filter, order, None)), true)
        }
    }

    /// Scans the index of the order and checks each item, until the window is full.
    fn index_scan(&self, dialect: Dialect, filter: &Filter<F>, order: &[Sort<F>], window: PageWindow) -> Fragment {
        let (condition, needed) = condition(filter, ConditionUse::RowFilter, dialect, self.listing.now);
        let columns: Vec<_> =
            order.iter().map(|sort| (self.sort_column(&sort.field, dialect), sort.is_descending)).collect();
        let first = columns.first().map_or(TableSet::MAIN, |(column, _)| column.tables);
        let first = if first.main { TableSet::MAIN } else { first };
        let index = columns.first().and_then(|(column, _)| column.index);
        let tables = columns.iter().fold(needed.and(first), |tables, (column, _)| tables.and(column.tables));
        let (id, last) = (F::id_column(first), columns.len().saturating_sub(1));
        // The id at the end of an order is taken from the table whose index is scanned.
        let tables = if order.len() == 2 { needed.and(first) } else { tables };
        let mut statement = Fragment::of("SELECT ")
            .sql(id)
            .sql(" FROM ")
            .then(F::from_clause(first, tables, AccessPath::Driven(index), dialect))
            .sql(" WHERE ")
            .sql(dialect.interrupt_check())
            .then(self.and_within(condition, ConditionUse::RowFilter, id));
        let mut separator = " ORDER BY ";
        for (number, (column, is_descending)) in columns.into_iter().enumerate() {
            let value = if number == last { Fragment::of(id) } else { column.sql };
            let is_nullable = column.is_nullable && number != last;
            statement = statement.sql(separator).then(value).sql(direction(is_descending, is_nullable));
            separator = ", ";
        }
        window.apply_to(statement)
    }

    /// Collects the matches and sorts their ids; with `max`, no more than so many matches, and each id with how many these are.
    fn sorted(&self, dialect: Dialect, filter: &Filter<F>, order: &[Sort<F>], max: Option<u64>) -> Fragment {
        let now = self.listing.now;
        let from_position = self.listing.filters_from_position().filter(|_| max.is_some());
        let is_after =
            from_position.map(|filters| condition(&Filter::Any(filters), ConditionUse::RowFilter, dialect, now));
        let (condition, needed) = condition(filter, ConditionUse::IndexLookup, dialect, now);
        let (path, first) = AccessPath::to_matches(needed);
        let mut tables = needed.and(first);
        let (mut selected, mut sorted) = (Fragment::default(), Fragment::of(" ORDER BY "));
        let mut separator = "";
        // Of the few, those before the position are left out when they have been counted.
        let mut from_position = Fragment::default();
        if let Some((is_after, needed)) = is_after {
            tables = tables.and(needed);
            selected = selected.sql(", (").then(is_after).sql(") AS is_after");
            from_position = Fragment::of(" WHERE is_after");
        }
        for (number, sort) in order.iter().enumerate() {
            let column = self.sort_column(&sort.field, dialect);
            let side = if first == TableSet::SIDE { sort.field.side_order(dialect) } else { None };
            let value = side.unwrap_or_else(|| {
                tables = tables.and(column.tables);
                column.sql
            });
            selected = selected.sql(", ").then(value).sql(" AS ").alias(number);
            sorted = sorted.sql(separator).alias(number).sql(direction(sort.is_descending, column.is_nullable));
            separator = ", ";
        }
        let mut statement = Fragment::of("WITH hits AS MATERIALIZED (SELECT ")
            .sql(F::id_column(first))
            .sql(" AS id")
            .then(selected)
            .sql(" FROM ")
            .then(F::from_clause(first, tables, path, dialect))
            .sql(" WHERE ")
            .sql(dialect.interrupt_check())
            .then(self.and_within(condition, ConditionUse::IndexLookup, F::id_column(first)));
        let Some(max) = max else { return statement.sql(") SELECT id FROM hits").then(sorted) };
        // PostgreSQL chooses another plan for a statement with a limit. It computes no more rows of `hits` than `few` reads.
        if dialect == Dialect::Sqlite {
            statement = statement.sql(" LIMIT ").number(saturating(max));
        }
        statement
            .sql("), few AS MATERIALIZED (SELECT * FROM hits LIMIT ")
            .number(saturating(max))
            .sql(") SELECT id, (SELECT count(*) FROM few) FROM few")
            .then(from_position)
            .then(sorted)
    }

    fn sort_column(&self, field: &F, dialect: Dialect) -> Column {
        field.sort_column(dialect, self.listing.now, self.listing.long_text_characters())
    }

    fn and_within(&self, condition: Fragment, condition_use: ConditionUse, id: &'static str) -> Fragment {
        match self.within {
            Some(within) => within(condition_use, id).sql(" AND (").then(condition).sql(")"),
            None => Fragment::of("(").then(condition).sql(")"),
        }
    }
}

/// The direction of an order. No value sorts before any value.
pub(super) fn direction(is_descending: bool, is_nullable: bool) -> &'static str {
    match (is_descending, is_nullable) {
        (false, false) => " ASC",
        (true, false) => " DESC",
        (false, true) => " ASC NULLS FIRST",
        (true, true) => " DESC NULLS LAST",
    }
}
