//! The window of a result that a page shows.

use guildhall_domain::page::Page;

use crate::listing::filter_sql::Fragment;
use crate::sql_types::saturating;

/// A window of a result: `LIMIT` and `OFFSET`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::listing) struct PageWindow {
    pub(in crate::listing) offset: u64,
    pub(in crate::listing) limit: u64,
}

impl PageWindow {
    pub(in crate::listing) fn of(page: &Page) -> Self {
        Self { offset: page.offset(), limit: page.lookahead() }
    }

    /// The part before position `end`, and the part after it with its offset counted from `end`.
    pub(super) fn split_at(self, end: u64) -> (Self, Self) {
        let before = Self { offset: self.offset, limit: self.limit.min(end.saturating_sub(self.offset)) };
        let after = Self { offset: self.offset.saturating_sub(end), limit: self.limit - before.limit };
        (before, after)
    }

    pub(in crate::listing) fn apply_to(self, statement: Fragment) -> Fragment {
        statement.sql(" LIMIT ").number(saturating(self.limit)).sql(" OFFSET ").number(saturating(self.offset))
    }
}

#[cfg(test)]
mod tests {
    use super::PageWindow;

    #[test]
    fn a_window_is_split_where_one_list_ends_and_the_next_begins() {
        let window = |offset, limit| PageWindow { offset, limit };
        assert_eq!(window(10, 5).split_at(12), (window(10, 2), window(0, 3)));
        assert_eq!(window(10, 5).split_at(10), (window(10, 0), window(0, 5)));
        assert_eq!(window(10, 5).split_at(4), (window(10, 0), window(6, 5)));
        assert_eq!(window(0, 5).split_at(100), (window(0, 5), window(0, 0)));
    }
}
