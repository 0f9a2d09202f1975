//! In which order an item's tables are read.

use crate::dialect::Dialect;
use crate::listing::filter_sql::{Fragment, TableSet};

/// In which order an item's tables are read, and by which index.
#[derive(Clone, Copy, Debug)]
pub(in crate::listing) enum AccessPath {
    /// The first table drives the join; it is read in the order of this index, if there is one.
    Driven(Option<&'static str>),
    /// The database chooses.
    Any,
}

impl AccessPath {
    /// What follows the first table.
    pub(in crate::listing) fn index(self, dialect: Dialect) -> Fragment {
        match (self, dialect) {
            (Self::Driven(Some(index)), Dialect::Sqlite) => Fragment::of(" INDEXED BY ").sql(index),
            _ => Fragment::default(),
        }
    }

    /// What joins the second table to the first. SQLite does not reorder the tables of a CROSS JOIN.
    pub(in crate::listing) fn join(self, dialect: Dialect) -> &'static str {
        if matches!((self, dialect), (Self::Driven(_), Dialect::Sqlite)) { " CROSS JOIN " } else { " JOIN " }
    }

    /// The access path by which the items that pass a condition are found, and the first table in it: the one that the condition
    /// needs, if that is only one.
    pub(super) fn to_matches(needed: TableSet) -> (Self, TableSet) {
        let first = if needed == TableSet::SIDE { TableSet::SIDE } else { TableSet::MAIN };
        (if needed.main && needed.side { Self::Any } else { Self::Driven(None) }, first)
    }
}
