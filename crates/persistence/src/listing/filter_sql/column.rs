//! Which column holds a field, and in which table it is.

use guildhall_domain::search::{Field, Pattern};
use guildhall_domain::time::Timestamp;

use super::fragment::Fragment;
use crate::dialect::Dialect;

/// Which of an item's tables are needed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::listing) struct TableSet {
    /// The item's own table: `users` or `groups`.
    pub(in crate::listing) main: bool,
    /// The table with further columns of the item: `user_search`, or the member counts of groups.
    pub(in crate::listing) side: bool,
}

impl TableSet {
    pub(in crate::listing) const MAIN: Self = Self { main: true, side: false };
    pub(in crate::listing) const SIDE: Self = Self { main: false, side: true };

    pub(in crate::listing) fn and(self, other: Self) -> Self {
        Self { main: self.main || other.main, side: self.side || other.side }
    }
}

/// The column, or the expression, that holds a field's value.
pub(in crate::listing) struct Column {
    pub(in crate::listing) sql: Fragment,
    /// The tables that it is read from.
    pub(in crate::listing) tables: TableSet,
    pub(in crate::listing) is_nullable: bool,
    /// The index on this column and the item's id.
    pub(in crate::listing) index: Option<&'static str>,
}

impl Column {
    /// A column of the main table.
    pub(in crate::listing) fn main(sql: &'static str) -> Self {
        Self::computed(Fragment::of(sql), TableSet::MAIN)
    }

    /// A column of the side table.
    pub(in crate::listing) fn side(sql: &'static str) -> Self {
        Self::computed(Fragment::of(sql), TableSet::SIDE)
    }

    /// An expression over columns of these tables.
    pub(in crate::listing) fn computed(sql: Fragment, tables: TableSet) -> Self {
        Self { sql, tables, is_nullable: false, index: None }
    }

    pub(in crate::listing) fn nullable(self) -> Self {
        Self { is_nullable: true, ..self }
    }

    pub(in crate::listing) fn indexed_by(self, index: &'static str) -> Self {
        Self { index: Some(index), ..self }
    }
}

/// A field that is stored in the database.
pub(in crate::listing) trait SqlField: Field {
    /// The column that it is sorted by, or an expression, if only so many characters of long texts count.
    fn sort_column(&self, dialect: Dialect, now: Timestamp, long_text_characters: Option<usize>) -> Column {
        let column = self.column(dialect, now);
        let Some(characters) = long_text_characters.filter(|_| self.is_long()) else { return column };
        let characters = i64::try_from(characters).unwrap_or(i64::MAX);
        let sql = Fragment::of("substr(").then(column.sql).sql(", 1, CAST(").number(characters).sql(" AS integer))");
        Column { sql, index: None, ..column }
    }
    /// The column that holds it.
    fn column(&self, dialect: Dialect, now: Timestamp) -> Column;
    /// An expression of the side table with the same value as the column, if there is one.
    fn side_column(&self, dialect: Dialect) -> Option<Fragment>;
    /// An expression of the side table that sorts like the column, if there is one.
    fn side_order(&self, dialect: Dialect) -> Option<Fragment> {
        self.side_column(dialect)
    }
    /// Whether the trigram index finds only items that contain `pattern`.
    fn is_trigram_exact(&self, pattern: &Pattern, dialect: Dialect) -> bool;
    /// A condition that a trigram index answers, and that holds for every item whose field contains `pattern`.
    fn trigram_condition(&self, pattern: &Pattern, dialect: Dialect) -> Option<(Fragment, TableSet)>;
}
