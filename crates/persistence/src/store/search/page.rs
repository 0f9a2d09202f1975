//! One page of what is wanted.
//!
//! The exact total is owed in any case, so it is counted first; then it decides how the page is read. Few hits are collected
//! and sorted. Many are met soon by going along the index of the order and looking at each item. Databases choose between the
//! two by estimates, which are wrong by orders of magnitude where texts and memberships are concerned, so each statement is
//! written in a form that leaves no choice. Either finds ids alone; the rows, which are wide, are read last.

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use guildhall_domain::page::Page;
use guildhall_domain::search::{Filter, Kind, Listing, Sort, Test};

use super::column::{Columns, Dialect, Homes, Use, condition};
use super::fragment::Fragment;
use crate::connection::AnyConnection;
use crate::dialect;
use crate::sql_types::{Key, UuidSql};
use crate::store::{Failure, saturating};

/// What an item looked at on the way costs, against a hit that is sorted.
const LOOK: u64 = 3;

/// Where items of a kind stand.
pub(super) trait Table: Columns {
    /// The tables in which it is looked for, the one of the order first; `index` is the order's.
    fn tables(first: Homes, all: Homes, index: Option<&'static str>, dialect: Dialect) -> Fragment;
    /// The item's id in the first table.
    fn id_in(first: Homes) -> &'static str;
    /// Whether no two items share the field's value, so that nothing after it in an order matters.
    fn is_unique(&self) -> bool;
}

/// A condition on an item whose id stands in this column.
pub(super) type Within<'a> = dyn Fn(Use, &'static str) -> Fragment + 'a;

/// What is wanted, within what, and what is known of it.
pub(super) struct Wanted<'a, F> {
    pub(super) listing: &'a Listing<F>,
    /// Nothing: all items are meant.
    pub(super) within: Option<&'a Within<'a>>,
    /// How many items there are, wanted or not.
    pub(super) all: u64,
}

impl<F: Table> Wanted<'_, F> {
    /// How many items are wanted.
    pub(super) fn count(&self, connection: &mut AnyConnection) -> Result<u64, Failure> {
        if self.within.is_none() && self.listing.filter.is_all() {
            return Ok(self.all);
        }
        self.count_of(connection, &self.listing.filter)
    }

    fn count_of(&self, connection: &mut AnyConnection, filter: &Filter<F>) -> Result<u64, Failure> {
        let dialect = Dialect::of(connection);
        let (condition, homes) = condition(filter, Use::Finding, dialect, self.listing.now);
        let first = if homes == Homes::KEYS { Homes::KEYS } else { Homes::OWN };
        let counted = Fragment::of("SELECT count(*) FROM ")
            .then(F::tables(first, homes.and(first), None, dialect))
            .sql(" WHERE ")
            .then(self.and_within(condition, Use::Finding, F::id_in(first)));
        let count: i64 = counted.query::<BigInt>().get_result(connection)?;
        Ok(count.unsigned_abs())
    }

    /// The ids of the page, in order. `total` is how many items are wanted.
    pub(super) fn ids(&self, connection: &mut AnyConnection, total: u64) -> Result<Vec<Key>, Failure> {
        let page = self.listing.page;
        if page.offset() >= total {
            return Ok(Vec::new());
        }
        let order = self.order();
        match order.as_slice() {
            [truth, id] if truth.field.kind() == Kind::Boolean => self.ids_by_truth(connection, total, truth, id),
            _ => self.ids_of(connection, &self.listing.filter, &order, total, Slice::of(page)),
        }
    }

    /// An order by what is true or false is two lists, one after the other, each by id.
    fn ids_by_truth(
        &self,
        connection: &mut AnyConnection,
        total: u64,
        Sort { field, is_descending }: &Sort<F>,
        id: &Sort<F>,
    ) -> Result<Vec<Key>, Failure> {
        let is_descending = *is_descending;
        let that = |truth| self.listing.filter.clone().and(Filter::Is(field.clone(), Test::Boolean(truth)));
        let by_id = [id.clone()];
        let how_many_hold = self.count_of(connection, &that(true))?;
        let first = if is_descending { how_many_hold } else { total.saturating_sub(how_many_hold) };
        let slice = Slice::of(self.listing.page);
        let (before, after) = slice.cut_at(first);
        let mut ids = Vec::new();
        for (truth, count, slice) in [(is_descending, first, before), (!is_descending, total - first, after)] {
            if slice.limit > 0 && slice.offset < count {
                ids.extend(self.ids_of(connection, &that(truth), &by_id, count, slice)?);
            }
        }
        Ok(ids)
    }

    fn ids_of(
        &self,
        connection: &mut AnyConnection,
        filter: &Filter<F>,
        order: &[Sort<F>],
        total: u64,
        slice: Slice,
    ) -> Result<Vec<Key>, Failure> {
        let is_everything = self.within.is_none() && filter.is_all();
        let looks = (slice.offset + slice.limit).saturating_mul(self.all) / total.max(1);
        if is_everything || looks.saturating_mul(LOOK) <= total {
            self.walk(connection, filter, order, slice, is_everything || order.len() > 2)
        } else {
            self.sort(connection, filter, order, slice)
        }
    }

    /// Goes along the index of the order.
    fn walk(
        &self,
        connection: &mut AnyConnection,
        filter: &Filter<F>,
        order: &[Sort<F>],
        slice: Slice,
        is_free: bool,
    ) -> Result<Vec<Key>, Failure> {
        let dialect = Dialect::of(connection);
        let (condition, needed) = condition(filter, Use::Probing, dialect, self.listing.now);
        let columns: Vec<_> =
            order.iter().map(|sort| (sort.field.column(dialect, self.listing.now), sort.is_descending)).collect();
        let first = columns.first().map_or(Homes::OWN, |(column, _)| column.home);
        let first = if first.own { Homes::OWN } else { first };
        let index = columns.first().and_then(|(column, _)| column.index);
        let homes = columns.iter().fold(needed.and(first), |homes, (column, _)| homes.and(column.home));
        let (id, last) = (F::id_in(first), columns.len().saturating_sub(1));
        // The id at the end of an order is the one of the table whose index is gone along.
        let homes = if order.len() == 2 { needed.and(first) } else { homes };
        let mut statement = Fragment::of("SELECT ")
            .sql(id)
            .sql(" FROM ")
            .then(F::tables(first, homes, index, dialect))
            .sql(" WHERE ")
            .then(self.and_within(condition, Use::Probing, id));
        let mut opening = " ORDER BY ";
        for (place, (column, is_descending)) in columns.into_iter().enumerate() {
            let value = if place == last { Fragment::of(id) } else { column.sql };
            let nulls = column.is_nullable && place != last;
            statement = statement.sql(opening).then(value).sql(direction(is_descending, nulls));
            opening = ", ";
        }
        let statement = slice.of_statement(statement);
        if is_free {
            return Ok(statement.query::<UuidSql>().load(connection)?);
        }
        dialect::force_index_order(connection, true)?;
        let ids = statement.query::<UuidSql>().load(connection)?;
        dialect::force_index_order(connection, false)?;
        Ok(ids)
    }

    /// Collects all hits and sorts them.
    fn sort(
        &self,
        connection: &mut AnyConnection,
        filter: &Filter<F>,
        order: &[Sort<F>],
        slice: Slice,
    ) -> Result<Vec<Key>, Failure> {
        let dialect = Dialect::of(connection);
        let (condition, needed) = condition(filter, Use::Finding, dialect, self.listing.now);
        let mut homes = needed;
        let (mut selected, mut sorted) = (Fragment::default(), Fragment::of(" ORDER BY "));
        let mut separator = "";
        for (place, sort) in order.iter().enumerate() {
            let column = sort.field.column(dialect, self.listing.now);
            homes = homes.and(column.home);
            selected = selected.sql(", ").then(column.sql).sql(" AS ").place(place);
            sorted = sorted.sql(separator).place(place).sql(direction(sort.is_descending, column.is_nullable));
            separator = ", ";
        }
        let first = if homes == Homes::KEYS { Homes::KEYS } else { Homes::OWN };
        let hits = Fragment::of("WITH hits AS MATERIALIZED (SELECT ")
            .sql(F::id_in(first))
            .sql(" AS id")
            .then(selected)
            .sql(" FROM ")
            .then(F::tables(first, homes.and(first), None, dialect))
            .sql(" WHERE ")
            .then(self.and_within(condition, Use::Finding, F::id_in(first)))
            .sql(") SELECT id FROM hits");
        Ok(slice.of_statement(hits.then(sorted)).query::<UuidSql>().load(connection)?)
    }

    /// The order without what cannot matter in it: it ends with the id, or with what is as good.
    fn order(&self) -> Vec<Sort<F>> {
        let mut order = self.listing.full_order();
        let end = order.iter().position(|sort| sort.field.is_unique()).map_or(order.len(), |place| place + 1);
        let is_descending = order.get(end.saturating_sub(1)).is_some_and(|sort| sort.is_descending);
        order.truncate(end);
        if order.last().is_some_and(|sort| sort.field != F::id()) {
            order.push(Sort { field: F::id(), is_descending });
        }
        order
    }

    fn and_within(&self, condition: Fragment, purpose: Use, id: &'static str) -> Fragment {
        match self.within {
            Some(within) => within(purpose, id).sql(" AND ").then(condition),
            None => condition,
        }
    }
}

fn direction(is_descending: bool, is_nullable: bool) -> &'static str {
    match (is_descending, is_nullable) {
        (false, false) => " ASC",
        (true, false) => " DESC",
        // No value is less than any.
        (false, true) => " ASC NULLS FIRST",
        (true, true) => " DESC NULLS LAST",
    }
}

/// A part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Slice {
    offset: u64,
    limit: u64,
}

impl Slice {
    fn of(page: Page) -> Self {
        Self { offset: page.offset(), limit: page.size() }
    }

    /// What of it lies before `end`, and what behind, counted from there.
    fn cut_at(self, end: u64) -> (Self, Self) {
        let before = Self { offset: self.offset, limit: self.limit.min(end.saturating_sub(self.offset)) };
        let after = Self { offset: self.offset.saturating_sub(end), limit: self.limit - before.limit };
        (before, after)
    }

    fn of_statement(self, statement: Fragment) -> Fragment {
        statement.sql(" LIMIT ").number(saturating(self.limit)).sql(" OFFSET ").number(saturating(self.offset))
    }
}

#[cfg(test)]
mod tests {
    use super::Slice;

    #[test]
    fn a_slice_is_cut_where_one_list_ends_and_the_next_begins() {
        let slice = |offset, limit| Slice { offset, limit };
        assert_eq!(slice(10, 5).cut_at(12), (slice(10, 2), slice(0, 3)));
        assert_eq!(slice(10, 5).cut_at(10), (slice(10, 0), slice(0, 5)));
        assert_eq!(slice(10, 5).cut_at(4), (slice(10, 0), slice(6, 5)));
        assert_eq!(slice(0, 5).cut_at(100), (slice(0, 5), slice(0, 0)));
    }
}
