//! One page of what is wanted.
//!
//! The exact total is owed in any case, so it is counted first; then it decides how the page is read. Few hits are collected
//! and sorted. Many are met soon by going along the index of the order and looking at each item. Databases choose between the
//! two by estimates, which are wrong by orders of magnitude where texts and memberships are concerned, so each statement is
//! written in a form that leaves no choice. Either finds ids alone; the rows, which are wide, are read last.

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use guildhall_domain::search::{Filter, Kind, Listing, Sort, Test};
use guildhall_domain::time::Timestamp;

use super::column::{Columns, Dialect, Homes, Use, condition};
use super::fragment::Fragment;
use super::slice::Slice;
use super::way::Way;
use crate::connection::AnyConnection;
use crate::dialect;
use crate::sql_types::{Key, UuidSql};
use crate::store::{Failure, saturating};

/// What an item looked at on the way costs, against a hit that is sorted.
const LOOK: u64 = 3;

/// So many hits are collected and sorted before they are counted.
const FEW: u64 = 5000;

/// Where items of a kind stand.
pub(super) trait Table: Columns + Sized {
    /// The tables in which it is looked for.
    fn tables(first: Homes, all: Homes, way: Way, dialect: Dialect) -> Fragment;
    /// The item's id in the first table.
    fn id_in(first: Homes) -> &'static str;
    /// The ids of a part of all items, where there is a better way than along an index.
    fn all_in_order(order: &[Sort<Self>], slice: Slice, dialect: Dialect) -> Option<Fragment>;
    /// The ids of some items from the start of all by their ids, or from the end, up to a condition on them.
    fn first_items(from_end: bool) -> Option<&'static str>;
    /// How many items there are for which a field is true, if that is counted by index.
    fn how_many_hold(&self, now: Timestamp) -> Option<Fragment>;
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

    /// How many items are wanted and the ids of the page, if that is known at once: because a few hits are all of them. The
    /// same hits need not be found twice then, once to be counted and once to be sorted.
    pub(super) fn few(&self, connection: &mut AnyConnection) -> Result<Option<(u64, Vec<Key>)>, Failure> {
        if self.listing.filter.is_all() || self.counts_by_index(&self.listing.filter).is_some() {
            return Ok(None);
        }
        let most = FEW + 1;
        let statement = self.sorted(Dialect::of(connection), &self.listing.filter, &self.order(), Some(most));
        let statement = Slice::of(self.listing.page).of_statement(statement);
        let rows: Vec<(Key, i64)> = statement.query::<(UuidSql, BigInt)>().load(connection)?;
        // Nothing on a later page says nothing of those before.
        let nothing = (self.listing.page.offset() == 0).then_some(0);
        let total = rows.first().map_or(nothing, |(_, total)| Some(total.unsigned_abs())).filter(|total| *total < most);
        Ok(total.map(|total| (total, rows.into_iter().map(|(id, _)| id).collect())))
    }

    /// How many items pass a filter that is no more than a truth.
    fn counts_by_index(&self, filter: &Filter<F>) -> Option<(Fragment, bool)> {
        match filter {
            Filter::Is(field, Test::Boolean(truth)) if self.within.is_none() => {
                field.how_many_hold(self.listing.now).map(|counted| (counted, *truth))
            }
            _ => None,
        }
    }

    pub(super) fn count_of(&self, connection: &mut AnyConnection, filter: &Filter<F>) -> Result<u64, Failure> {
        if let Some((counted, truth)) = self.counts_by_index(filter) {
            let count: i64 = counted.query::<BigInt>().get_result(connection)?;
            let count = count.unsigned_abs();
            return Ok(if truth { count } else { self.all.saturating_sub(count) });
        }
        let dialect = Dialect::of(connection);
        let (condition, homes) = condition(filter, Use::Finding, dialect, self.listing.now);
        let (way, first) = Way::to_find(homes);
        let counted = Fragment::of("SELECT count(*) FROM ")
            .then(F::tables(first, homes.and(first), way, dialect))
            .sql(" WHERE ")
            .sql(dialect.going_on())
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

    pub(super) fn ids_of(
        &self,
        connection: &mut AnyConnection,
        filter: &Filter<F>,
        order: &[Sort<F>],
        total: u64,
        slice: Slice,
    ) -> Result<Vec<Key>, Failure> {
        let is_everything = self.within.is_none() && filter.is_all();
        let merged = F::all_in_order(order, slice, Dialect::of(connection)).filter(|_| is_everything);
        if let Some(merged) = merged {
            return Ok(merged.query::<UuidSql>().load(connection)?);
        }
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
            .then(F::tables(first, homes, Way::Led(index), dialect))
            .sql(" WHERE ")
            .sql(dialect.going_on())
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
        let statement = slice.of_statement(self.sorted(Dialect::of(connection), filter, order, None));
        Ok(statement.query::<UuidSql>().load(connection)?)
    }

    /// The ids of hits in order, and with `most`, of no more than so many, each with how many these are.
    fn sorted(&self, dialect: Dialect, filter: &Filter<F>, order: &[Sort<F>], most: Option<u64>) -> Fragment {
        let (condition, needed) = condition(filter, Use::Finding, dialect, self.listing.now);
        let (way, first) = Way::to_find(needed);
        let mut homes = needed.and(first);
        let (mut selected, mut sorted) = (Fragment::default(), Fragment::of(" ORDER BY "));
        let mut separator = "";
        for (place, sort) in order.iter().enumerate() {
            let column = sort.field.column(dialect, self.listing.now);
            let beside = if first == Homes::KEYS { sort.field.order_beside_keys(dialect) } else { None };
            let value = beside.unwrap_or_else(|| {
                homes = homes.and(column.home);
                column.sql
            });
            selected = selected.sql(", ").then(value).sql(" AS ").place(place);
            sorted = sorted.sql(separator).place(place).sql(direction(sort.is_descending, column.is_nullable));
            separator = ", ";
        }
        let mut statement = Fragment::of("WITH hits AS MATERIALIZED (SELECT ")
            .sql(F::id_in(first))
            .sql(" AS id")
            .then(selected)
            .sql(" FROM ")
            .then(F::tables(first, homes, way, dialect))
            .sql(" WHERE ")
            .sql(dialect.going_on())
            .then(self.and_within(condition, Use::Finding, F::id_in(first)));
        let Some(most) = most else { return statement.sql(") SELECT id FROM hits").then(sorted) };
        // PostgreSQL would look for a few in another way than for all; it takes no more of the latter than it needs.
        if dialect == Dialect::Sqlite {
            statement = statement.sql(" LIMIT ").number(saturating(most));
        }
        statement
            .sql("), few AS MATERIALIZED (SELECT * FROM hits LIMIT ")
            .number(saturating(most))
            .sql(") SELECT id, (SELECT count(*) FROM few) FROM few")
            .then(sorted)
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
            Some(within) => within(purpose, id).sql(" AND (").then(condition).sql(")"),
            None => Fragment::of("(").then(condition).sql(")"),
        }
    }
}

pub(super) fn direction(is_descending: bool, is_nullable: bool) -> &'static str {
    match (is_descending, is_nullable) {
        (false, false) => " ASC",
        (true, false) => " DESC",
        // No value is less than any.
        (false, true) => " ASC NULLS FIRST",
        (true, true) => " DESC NULLS LAST",
    }
}
