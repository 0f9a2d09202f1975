//! Imports: what other installations and other programs keep, taken over many at once, for an operator.

mod accounts;
mod edges;
mod groups;
mod managers;
mod members;
mod naming;
mod placing;

use super::Directory;
use super::unit_of_work::{Finish, Turn, Writing};
use crate::access::{Denied, Refused, contains_refused};
use crate::context::Context;
use crate::ports::Ids;
use crate::provenance::Provenance;
use crate::record::{AddedRecord, Record};
use crate::time::Timestamp;
use crate::validation::InvalidField;

/// Why an import was not made. Nothing of the unit of work was done.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// There would be no active System Administrator who stays one, and there was one before (contract 10 row 12). With
    /// [`ImportOptions::protects_administrators`] what causes that is refused, and the rest is imported.
    #[error("no active System Administrator would be left")]
    LastAdministrator,
    /// The actor lacks the permission, or the store failed.
    #[error(transparent)]
    Refused(#[from] Refused),
}

contains_refused!(ImportError);

/// How records are imported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportOptions {
    /// Whether new users join the groups of their email domains (contract 5.6), and not `Everyone` alone.
    pub joins_domains: bool,
    /// Whether nothing closes the account of a System Administrator, or lets a membership end that makes one.
    pub protects_administrators: bool,
}

/// What became of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportOutcome {
    /// It was added.
    Created,
    /// It was there, and had other values in these columns.
    Changed(Vec<&'static str>),
    /// It was there as it is told.
    Unchanged,
    /// It was not imported: what is wrong with its columns.
    Refused(Vec<InvalidField>),
}

impl ImportOutcome {
    fn refused(column: &str, message: impl Into<String>) -> Self {
        Self::Refused(vec![InvalidField::new(column, message)])
    }
}

/// How an import ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportEnd<T> {
    /// What was imported is kept.
    Keep(T),
    /// It is undone.
    Undo(T),
}

/// An import that is being made, in one unit of work.
pub struct Import<'i, 'w> {
    work: &'i mut Writing<'w>,
    ids: &'i dyn Ids,
    now: Timestamp,
    options: ImportOptions,
}

impl Directory<'_> {
    /// Imports what `work` gives to the import, all of it or nothing, for an operator. No other change of administrators or edges runs beside it. `work` may be called again, and then
    /// begins anew. The store decides how much it can hold back until the end; what is given at once is held in memory.
    ///
    /// # Errors
    ///
    /// When the actor is no operator, no administrator would be left, or the store failed.
    pub fn import<T>(
        &self,
        context: &Context,
        options: ImportOptions,
        mut work: impl FnMut(&mut Import<'_, '_>) -> Result<ImportEnd<T>, ImportError>,
    ) -> Result<T, ImportError> {
        self.write(context, Turn::Alone, |unit| {
            if !unit.actor.is_operator() {
                return Err(Refused::from(Denied::NotPermitted).into());
            }
            let had_administrator = unit.has_lasting_administrator()?;
            let mut import = Import { work: unit, ids: &*self.ids, now: context.now(), options };
            match work(&mut import)? {
                ImportEnd::Keep(_) if had_administrator && !unit.has_lasting_administrator()? => {
                    Err(ImportError::LastAdministrator)
                }
                ImportEnd::Keep(value) => Ok(Finish::Commit(value)),
                ImportEnd::Undo(value) => Ok(Finish::Rollback(value)),
            }
        })
    }
}

impl Import<'_, '_> {
    /// Imports records, and tells what became of each. A record is found by its id, or else by its name; it is added if it is not found, and changed if it is. A constant number of statements
    /// for records of one kind, as long as none of them is named twice.
    ///
    /// # Errors
    ///
    /// When the store failed.
    pub fn records(&mut self, records: &[Record]) -> Result<Vec<ImportOutcome>, ImportError> {
        let mut outcomes = Vec::with_capacity(records.len());
        let is_same_kind = |one: &Record, other: &Record| std::mem::discriminant(one) == std::mem::discriminant(other);
        for run in records.chunk_by(is_same_kind) {
            /// Those of a run that are of this kind: all.
            macro_rules! of_kind {
                ($kind:path) => {
                    run.iter().filter_map(|record| match record {
                        $kind(record) => Some(record),
                        _ => None,
                    })
                };
            }
            outcomes.extend(match run.first() {
                None => Vec::new(),
                Some(Record::User(_)) => self.users(&of_kind!(Record::User).map(|user| &**user).collect::<Vec<_>>())?,
                Some(Record::Group(_)) => {
                    self.groups(&of_kind!(Record::Group).map(|group| &**group).collect::<Vec<_>>())?
                }
                Some(Record::Edge(_)) => self.edges(&of_kind!(Record::Edge).collect::<Vec<_>>())?,
                Some(Record::Membership(_)) => self.members(&of_kind!(Record::Membership).collect::<Vec<_>>())?,
                Some(Record::Manager(_)) => self.managers(&of_kind!(Record::Manager).collect::<Vec<_>>())?,
            });
        }
        Ok(outcomes)
    }

    /// When something was added, and by whom: at this moment, where that is not told.
    fn provenance(&self, added: AddedRecord) -> Provenance {
        Provenance { at: added.at.flatten().unwrap_or(self.now), by: added.by }
    }
}

/// The parts of `records` in which nobody is named twice.
fn without_repetition<R, K: Ord>(records: &[R], keys: impl Fn(&R) -> Vec<K>) -> Vec<&[R]> {
    let (mut parts, mut rest) = (Vec::new(), records);
    while !rest.is_empty() {
        let mut seen = std::collections::BTreeSet::new();
        let is_new = |record: &R| keys(record).into_iter().all(|key| seen.insert(key));
        let length = rest.iter().map(is_new).take_while(|is_new| *is_new).count();
        let (part, further) = rest.split_at(length.max(1));
        parts.push(part);
        rest = further;
    }
    parts
}
