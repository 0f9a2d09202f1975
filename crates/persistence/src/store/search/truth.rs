//! Orders by what is true or false.

use diesel::prelude::*;
use guildhall_domain::search::{Filter, Sort, Test};

use super::column::{Dialect, Use, condition};
use super::fragment::Fragment;
use super::page::{Table, Wanted, direction};
use super::slice::Slice;
use crate::connection::AnyConnection;
use crate::sql_types::{Key, UuidSql};
use crate::store::Failure;

/// A page that ends after so many items may be met soon.
const SOON: u64 = 500;

impl<F: Table> Wanted<'_, F> {
    /// An order by what is true or false is two lists, one after the other, each by id.
    pub(super) fn ids_by_truth(
        &self,
        connection: &mut AnyConnection,
        total: u64,
        Sort { field, is_descending }: &Sort<F>,
        id: &Sort<F>,
    ) -> Result<Vec<Key>, Failure> {
        let is_descending = *is_descending;
        if let Some(ids) = self.first_by_truth(connection, field, is_descending, id.is_descending)? {
            return Ok(ids);
        }
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

    /// The same, if the page is full with what comes first in the order, and that is met soon.
    fn first_by_truth(
        &self,
        connection: &mut AnyConnection,
        field: &F,
        truth: bool,
        is_descending: bool,
    ) -> Result<Option<Vec<Key>>, Failure> {
        let slice = Slice::of(self.listing.page);
        let Some(opening) = F::first_items(is_descending)
            .filter(|_| self.within.is_none() && self.listing.filter.is_all() && slice.offset + slice.limit <= SOON)
        else {
            return Ok(None);
        };
        let dialect = Dialect::of(connection);
        let wanted = Filter::Is(field.clone(), Test::Boolean(truth));
        let (condition, _) = condition(&wanted, Use::Probing, dialect, self.listing.now);
        let statement =
            Fragment::of(opening).then(condition).sql(" ORDER BY u.id").sql(direction(is_descending, false));
        let ids: Vec<Key> = slice.of_statement(statement).query::<UuidSql>().load(connection)?;
        Ok((ids.len() as u64 == slice.limit).then_some(ids))
    }
}
