//! Listings that are sorted by a boolean field.

use diesel::prelude::*;
use guildhall_domain::search::{Filter, Sort, Test};

use super::{PageQuery, PageWindow, SqlItem, direction};
use crate::connection::AnyConnection;
use crate::dialect::Dialect;
use crate::listing::filter_sql::{ConditionUse, Fragment, condition};
use crate::sql_types::{Key, UuidSql};
use crate::unit_of_work::Failure;

/// Pages that end within so many items are looked for among the first items by id ([`SqlItem::first_items`]).
const MAX_EARLY_END: u64 = 500;

impl<F: SqlItem> PageQuery<'_, F> {
    /// The ids of the page. A listing sorted by a boolean is two lists, one after the other, each sorted by id.
    pub(super) fn ids_by_boolean(
        &self,
        connection: &mut AnyConnection,
        total: u64,
        Sort { field, is_descending }: &Sort<F>,
        id: &Sort<F>,
    ) -> Result<Vec<Key>, Failure> {
        let is_descending = *is_descending;
        if let Some(ids) = self.early_page(connection, field, is_descending, id.is_descending)? {
            return Ok(ids);
        }
        let with = |value| self.listing.filter.clone().and(Filter::Is(field.clone(), Test::Boolean(value)));
        let by_id = [id.clone()];
        let count_true = self.count_of(connection, &with(true))?;
        let first = if is_descending { count_true } else { total.saturating_sub(count_true) };
        let (before, after) = PageWindow::of(&self.listing.page).split_at(first);
        let mut ids = Vec::new();
        for (value, count, window) in [(is_descending, first, before), (!is_descending, total - first, after)] {
            if window.limit > 0 && window.offset < count {
                ids.extend(self.ids_of(connection, &with(value), &by_id, count, window)?);
            }
        }
        Ok(ids)
    }

    /// The ids of the page, if the first items by id fill it with items of the first list.
    fn early_page(
        &self,
        connection: &mut AnyConnection,
        field: &F,
        value: bool,
        is_descending: bool,
    ) -> Result<Option<Vec<Key>>, Failure> {
        let window = PageWindow::of(&self.listing.page);
        let is_early = window.offset + window.limit <= MAX_EARLY_END;
        let is_everything = self.within.is_none() && self.listing.filter.is_all();
        let Some(select) = F::first_items(is_descending).filter(|_| is_everything && is_early) else {
            return Ok(None);
        };
        let filter = Filter::Is(field.clone(), Test::Boolean(value));
        let dialect = Dialect::of(connection);
        let (condition, _) = condition(&filter, ConditionUse::RowFilter, dialect, self.listing.now);
        let statement = Fragment::of(select).then(condition).sql(" ORDER BY u.id").sql(direction(is_descending, false));
        let ids: Vec<Key> = window.apply_to(statement).query::<UuidSql>().load(connection)?;
        Ok((ids.len() as u64 == window.limit).then_some(ids))
    }
}
