//! What whoever imports should know of the files.

use std::collections::BTreeMap;

use guildhall_domain::validation::Truncated;

use crate::source::RecordKind;

/// The most different notes of a kind of records. Further ones are counted together.
const MOST: usize = 50;

/// Notes, with how often each was made. They belong to a kind of records, because records are read again kind by kind.
#[derive(Debug, Default)]
pub(crate) struct Notes(BTreeMap<RecordKind, BTreeMap<String, u64>>);

impl Notes {
    /// Forgets what was noted when records of this kind were read before.
    pub(crate) fn begin(&mut self, kind: RecordKind) {
        self.0.remove(&kind);
    }

    /// Makes a note, in words before which a number can stand.
    pub(crate) fn add(&mut self, kind: RecordKind, what: impl Into<String>) {
        self.add_many(kind, what, 1);
    }

    /// Makes a note a number of times, which may be none.
    pub(crate) fn add_many(&mut self, kind: RecordKind, what: impl Into<String>, count: u64) {
        if count == 0 {
            return;
        }
        let notes = self.0.entry(kind).or_default();
        let what = what.into();
        let what =
            if notes.len() < MOST || notes.contains_key(&what) { what } else { "more of other kinds".to_owned() };
        *notes.entry(what).or_default() += count;
    }

    /// All notes, each once with its number.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.values().flatten().map(|(what, count)| format!("{what}: {count}")).collect()
    }
}

/// A text from a file as part of a note: cut, and without characters that a terminal would obey.
pub(crate) fn quoted(text: &str) -> String {
    format!("{:?}", Truncated(text).to_string())
}

#[cfg(test)]
mod tests {
    use super::Notes;
    use crate::source::RecordKind;

    #[test]
    fn notes_are_counted_and_bounded() {
        let mut notes = Notes::default();
        for number in 0..1000 {
            notes.add(RecordKind::Users, format!("users with {number}"));
        }
        notes.add(RecordKind::Users, "users with 7");
        let lines = notes.lines();
        assert_eq!(lines.len(), 51);
        assert!(lines.contains(&"users with 7: 2".to_owned()), "{lines:?}");
        assert!(lines.contains(&"more of other kinds: 950".to_owned()), "{lines:?}");
        notes.begin(RecordKind::Users);
        assert_eq!(notes.lines(), Vec::<String>::new());
    }
}
