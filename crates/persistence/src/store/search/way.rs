//! How several tables are gone through.

use super::column::{Dialect, Homes};
use super::fragment::Fragment;

/// How an item's tables are gone through.
#[derive(Clone, Copy, Debug)]
pub(super) enum Way {
    /// The first one leads, along this index if there is one.
    Led(Option<&'static str>),
    /// As the database likes.
    Free,
}

impl Way {
    /// What follows the first table.
    pub(super) fn index(self, dialect: Dialect) -> Fragment {
        match (self, dialect) {
            (Self::Led(Some(index)), Dialect::Sqlite) => Fragment::of(" INDEXED BY ").sql(index),
            _ => Fragment::default(),
        }
    }

    /// What joins the second table to the first. SQLite keeps the order of a CROSS JOIN.
    pub(super) fn join(self, dialect: Dialect) -> &'static str {
        if matches!((self, dialect), (Self::Led(_), Dialect::Sqlite)) { " CROSS JOIN " } else { " JOIN " }
    }

    /// The way to what passes a condition, and the table that comes first in it: the one in which the condition stands, if
    /// that is one.
    pub(super) fn to_find(needed: Homes) -> (Self, Homes) {
        let first = if needed == Homes::KEYS { Homes::KEYS } else { Homes::OWN };
        (if needed.own && needed.keys { Self::Free } else { Self::Led(None) }, first)
    }
}
