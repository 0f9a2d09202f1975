//! Parts of lists.

use guildhall_domain::page::Page;

use super::fragment::Fragment;
use crate::store::saturating;

/// A part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slice {
    pub(super) offset: u64,
    pub(super) limit: u64,
}

impl Slice {
    pub(super) fn of(page: Page) -> Self {
        Self { offset: page.offset(), limit: page.size() }
    }

    /// What of it lies before `end`, and what behind, counted from there.
    pub(super) fn cut_at(self, end: u64) -> (Self, Self) {
        let before = Self { offset: self.offset, limit: self.limit.min(end.saturating_sub(self.offset)) };
        let after = Self { offset: self.offset.saturating_sub(end), limit: self.limit - before.limit };
        (before, after)
    }

    pub(super) fn of_statement(self, statement: Fragment) -> Fragment {
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
