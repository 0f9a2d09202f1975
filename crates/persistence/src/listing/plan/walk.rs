//! Pages of a walk: those that begin at a position.

use guildhall_domain::search::{Field, Filter, Kind, Test};

use super::{PageQuery, PageWindow, SqlItem};
use crate::connection::AnyConnection;
use crate::sql_types::Key;
use crate::unit_of_work::Failure;

impl<F: SqlItem> PageQuery<'_, F> {
    /// The ids of a page that begins at a position. The items from there on are those that pass one of `filters`, first those that
    /// pass the first one. Each of these lists is read on its own, because databases use an index for a condition on a field and a
    /// later one in its order, and not for alternatives of such conditions.
    pub(super) fn ids_from_position(
        &self,
        connection: &mut AnyConnection,
        total: u64,
        filters: Vec<Filter<F>>,
    ) -> Result<Vec<Key>, Failure> {
        let order = self.listing.full_order();
        let by_boolean = order.first().filter(|first| order.len() == 2 && first.field.kind() == Kind::Boolean);
        let mut ids = Vec::new();
        for bounds in filters {
            let limit = self.listing.page.lookahead() - ids.len() as u64;
            if limit == 0 {
                break;
            }
            let window = PageWindow { offset: 0, limit };
            let filter = self.listing.filter.clone().and(bounds.clone());
            // Each of the two lists of a boolean is sorted by id.
            ids.extend(match by_boolean.and_then(|_| boolean_test(&bounds)) {
                Some(value) => {
                    let count = self.count_of(connection, &self.listing.filter.clone().and(value))?;
                    self.ids_of(connection, &filter, order.get(1..).unwrap_or_default(), count, window)?
                }
                None => self.ids_of(connection, &filter, &order, total, window)?,
            });
        }
        Ok(ids)
    }
}

/// The test of a boolean field in `bounds`.
fn boolean_test<F: Field>(bounds: &Filter<F>) -> Option<Filter<F>> {
    match bounds {
        Filter::Is(_, Test::Boolean(_)) => Some(bounds.clone()),
        Filter::All(all) => all.iter().find_map(boolean_test),
        _ => None,
    }
}
