//! Pages that are read by one statement, with their items.

use guildhall_domain::search::{Field, Kind};

use super::{PageItems, PageQuery, PageWindow, SqlItem};
use crate::connection::AnyConnection;
use crate::dialect::Dialect;
use crate::unit_of_work::Failure;

/// Up to so many matches are collected and sorted without being counted first.
const MAX_UNCOUNTED: u64 = 5000;

/// The total of a listing, and the items of its page.
type TotalAndItems<F> = (u64, Vec<<F as Field>::Item>);
/// The items of a page, each with a number.
type Rows<F> = Vec<(i64, <F as Field>::Item)>;

impl<F: SqlItem> PageQuery<'_, F> {
    /// The total and the items of the page, if there are few matches. This way they are searched once, and not twice to be counted
    /// and sorted.
    pub(in crate::listing) fn page_of_few(
        &self,
        connection: &mut AnyConnection,
    ) -> Result<Option<TotalAndItems<F>>, Failure> {
        if self.boolean_count(&self.listing.filter).is_some() {
            return Ok(None);
        }
        let max = MAX_UNCOUNTED + 1;
        let order = self.listing.full_order();
        let statement = self.sorted(Dialect::of(connection), &self.listing.filter, &order, Some(max));
        let statement = PageWindow::of(&self.listing.page).apply_to(statement);
        let rows = F::load(connection, PageItems::counted(statement))?;
        // If the first page is empty, there are no matches; if a later one is, there may be some.
        let is_first = self.listing.page.offset() == 0 && self.listing.page.position().is_none();
        let if_empty = is_first.then_some(0);
        let total = rows.first().map_or(if_empty, |(total, _)| Some(total.unsigned_abs())).filter(|total| *total < max);
        Ok(total.map(|total| (total, rows.into_iter().map(|(_, item)| item).collect())))
    }

    /// The total, which `total` selects, and the items of the page, if it is one of all items and is not past the end.
    pub(in crate::listing) fn page_of_all(
        &self,
        connection: &mut AnyConnection,
        total: &'static str,
    ) -> Result<Option<TotalAndItems<F>>, Failure> {
        let is_everything = self.within.is_none() && self.listing.filter.is_all();
        // How many items there are is not known yet, and looking for a page past the end would go through all of them.
        let rows = if is_everything && self.listing.page.offset() <= MAX_UNCOUNTED {
            self.rows_in_one_statement(connection, self.item_count, total)?
        } else {
            None
        };
        let total = rows.iter().flatten().map(|(total, _)| total.unsigned_abs()).next();
        Ok(total.zip(rows).map(|(total, rows)| (total, rows.into_iter().map(|(_, item)| item).collect())))
    }

    /// The items of the page, where `total` match.
    pub(in crate::listing) fn items(
        &self,
        connection: &mut AnyConnection,
        total: u64,
    ) -> Result<Option<Vec<F::Item>>, Failure> {
        if self.listing.page.offset() >= total {
            return Ok(Some(Vec::new()));
        }
        let rows = self.rows_in_one_statement(connection, total, "CAST(0 AS bigint)")?;
        Ok(rows.map(|rows| rows.into_iter().map(|(_, item)| item).collect()))
    }

    /// The items of the page, each with what `column` selects. `None`: it takes several statements.
    fn rows_in_one_statement(
        &self,
        connection: &mut AnyConnection,
        total: u64,
        column: &'static str,
    ) -> Result<Option<Rows<F>>, Failure> {
        let (page, order) = (&self.listing.page, self.listing.full_order());
        let is_by_boolean = order.len() == 2 && order.iter().any(|sort| sort.field.kind() == Kind::Boolean);
        if page.position().is_some() || is_by_boolean {
            return Ok(None);
        }
        let dialect = Dialect::of(connection);
        let (ids, is_plan_free) = self.statement(dialect, &self.listing.filter, &order, total, PageWindow::of(page));
        if !is_plan_free {
            return Ok(None);
        }
        F::load(connection, PageItems::of_total(ids, column)).map(Some)
    }
}
