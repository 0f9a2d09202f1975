//! The items of a page in one statement with their order and the total.

use crate::dialect::Dialect;
use crate::listing::filter_sql::Fragment;

/// A statement that selects the ids of a page in order, and where the total of the listing comes from.
pub(in crate::listing) struct PageItems {
    ids: Fragment,
    columns: &'static str,
    total: &'static str,
}

impl PageItems {
    /// `ids` selects the total beside each id.
    pub(super) fn counted(ids: Fragment) -> Self {
        Self { ids, columns: "WITH found (id, total) AS (", total: "found.total" }
    }

    /// `total` is a scalar subquery.
    pub(super) fn of_total(ids: Fragment, total: &'static str) -> Self {
        Self { ids, columns: "WITH found (id) AS (", total }
    }

    /// Selects the place of each item, from 1, the total, and `columns` of its row of `table`, in any order.
    ///
    /// PostgreSQL looks the rows up one by one: by its estimate of a page it may read the whole table.
    pub(in crate::listing) fn select(self, dialect: Dialect, table: &'static str, columns: Fragment) -> Fragment {
        let page = Fragment::of(self.columns)
            .then(self.ids)
            .sql("), page AS MATERIALIZED (SELECT row_number() OVER () AS place, ")
            .sql(self.total)
            .sql(" AS total, found.id AS id FROM found) SELECT page.place, page.total, ")
            .then(columns)
            .sql(" FROM page ");
        match dialect {
            Dialect::Postgres => page
                .sql("JOIN LATERAL (SELECT * FROM ")
                .sql(table)
                .sql(" AS r WHERE r.id = page.id LIMIT 1) AS ")
                .sql(table)
                .sql(" ON true"),
            Dialect::Sqlite => page.sql("CROSS JOIN ").sql(table).sql(" ON ").sql(table).sql(".id = page.id"),
        }
    }
}
