//! What a spreadsheet would take for a formula when it opens a CSV file, and how it is told apart from a text.

use std::borrow::Cow;

/// The first characters of what spreadsheets compute.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];
/// What says that a text follows.
const MARK: char = '\'';

/// Whether a text, after any marks, is empty or would be computed.
fn needs_mark(text: &str) -> bool {
    let unmarked = text.trim_start_matches(MARK);
    unmarked.is_empty() || unmarked.starts_with(FORMULA)
}

/// The text as a cell of a CSV file (contract 9): with a mark before it if a spreadsheet would compute it, or if it is empty, since an empty cell is no value.
#[must_use]
pub fn neutralised(text: &str) -> Cow<'_, str> {
    if needs_mark(text) { Cow::Owned(format!("{MARK}{text}")) } else { Cow::Borrowed(text) }
}

/// The text of which a cell is the [neutralised] form. A cell that is not neutralised, because another program wrote it, is taken as it is.
#[must_use]
pub fn original(cell: &str) -> &str {
    match cell.strip_prefix(MARK) {
        Some(text) if needs_mark(text) => text,
        _ => cell,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{FORMULA, neutralised, original};

    #[test]
    fn what_would_be_computed_is_marked() {
        for (text, cell) in [
            ("=1+2", "'=1+2"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("-1", "'-1"),
            ("", "'"),
            ("'", "''"),
            ("'=1", "''=1"),
            ("'tis", "'tis"),
            ("a=b", "a=b"),
        ] {
            assert_eq!((&*neutralised(text), original(cell)), (cell, text));
        }
        assert_eq!(original("=1"), "=1");
    }

    proptest! {
        #[test]
        fn every_text_comes_back(text in "['=+\\-@\t\r a]{0,6}") {
            let cell = neutralised(&text);
            prop_assert_eq!(original(&cell), &text);
            prop_assert!(!cell.starts_with(FORMULA) && !cell.is_empty());
        }
    }
}
