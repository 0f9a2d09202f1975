//! Imports records from a source.

use std::io;

use guildhall_domain::context::Context;
use guildhall_domain::directory::{Directory, Import, ImportEnd, ImportError, ImportOptions, ImportOutcome};
use guildhall_domain::record::Record;

use crate::batches::{Batch, read_ahead};
use crate::source::{RecordKind, Source, SourceError};

/// Why an import ended.
#[derive(Debug, thiserror::Error)]
pub enum ImportFailure {
    /// The source cannot be read any further.
    #[error("cannot read what is to be imported")]
    Source(#[from] SourceError),
    /// The system has no thread to read with.
    #[error("cannot begin to read")]
    Thread(#[source] io::Error),
    /// The directory refused it.
    #[error("cannot import")]
    Directory(#[from] ImportError),
}

/// What is kept of an import.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ImportMode {
    /// Everything but what is refused. What was imported stays, should the import end early: another one goes on from there.
    #[default]
    RowByRow,
    /// Everything, or nothing if anything is refused. Others who write wait meanwhile.
    Atomic,
    /// Nothing. Others who write wait meanwhile.
    DryRun,
}

/// How many records of a kind had which outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// They were added.
    pub created: u64,
    /// They were there otherwise.
    pub changed: u64,
    /// They were there.
    pub unchanged: u64,
    /// They were not imported.
    pub refused: u64,
}

/// What became of the records of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// In the order of [`RecordKind::ALL`].
    pub kinds: [Outcomes; 5],
}

impl ImportReport {
    /// How many were refused.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.kinds.iter().map(|outcomes| outcomes.refused).sum()
    }
}

/// Where a record was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordPlace {
    /// The kind.
    pub kind: RecordKind,
    /// The number of the file, counted from 0.
    pub file: usize,
    /// The number of the line, counted from 1.
    pub line: u64,
}

/// Is told what becomes of each record.
pub trait ImportWatcher {
    /// The import begins, or begins anew: what was told before is not so.
    fn begin(&mut self);
    /// What became of a record, or becomes of it if the import is kept.
    fn outcome(&mut self, place: RecordPlace, outcome: &ImportOutcome);
}

/// Imports everything that a source tells, kind by kind. `context` is that of an operator.
///
/// # Errors
///
/// When the source cannot be read, or the store failed. In [`ImportMode::RowByRow`] what was imported until then stays.
pub fn import(
    directory: &Directory<'_>,
    context: &dyn Fn() -> Context,
    source: &mut dyn Source,
    mode: ImportMode,
    watcher: &mut dyn ImportWatcher,
) -> Result<ImportReport, ImportFailure> {
    let options = ImportOptions { joins_domains: !source.tells_memberships(), ..ImportOptions::default() };
    if mode == ImportMode::RowByRow {
        watcher.begin();
        let mut counting = Counting { watcher, report: ImportReport::default() };
        return all_batches(source, &mut counting, &mut |records| {
            let run =
                |options| directory.import(&context(), options, |import| Ok(ImportEnd::Keep(import.records(records)?)));
            protecting(options, run)
        });
    }
    protecting(options, |options| {
        let mut failed = None;
        let imported = directory.import(&context(), options, |import| {
            watcher.begin();
            let mut counting = Counting { watcher, report: ImportReport::default() };
            whole(source, import, &mut counting, mode, &mut failed)
        });
        Ok(match (imported, failed) {
            (Err(error), _) => return Err(error),
            (Ok(_), Some(failure)) => Err(failure),
            (Ok(report), None) => Ok(report),
        })
    })?
}

/// Imports everything in one unit of work. A failure of the source undoes it.
fn whole(
    source: &mut dyn Source,
    import: &mut Import<'_, '_>,
    counting: &mut Counting<'_>,
    mode: ImportMode,
    failed: &mut Option<ImportFailure>,
) -> Result<ImportEnd<ImportReport>, ImportError> {
    *failed = None;
    match all_batches(source, counting, &mut |records| import.records(records)) {
        Ok(report) if mode == ImportMode::Atomic && report.refused() == 0 => Ok(ImportEnd::Keep(report)),
        Ok(report) => Ok(ImportEnd::Undo(report)),
        Err(ImportFailure::Directory(error)) => Err(error),
        Err(failure) => {
            *failed = Some(failure);
            Ok(ImportEnd::Undo(ImportReport::default()))
        }
    }
}

/// Runs an import, and once more without what would leave no administrator if it would.
fn protecting<T>(
    options: ImportOptions,
    mut run: impl FnMut(ImportOptions) -> Result<T, ImportError>,
) -> Result<T, ImportError> {
    match run(options) {
        Err(ImportError::LastAdministrator) => run(ImportOptions { protects_administrators: true, ..options }),
        done => done,
    }
}

/// Counts outcomes and passes them on.
struct Counting<'w> {
    watcher: &'w mut dyn ImportWatcher,
    report: ImportReport,
}

impl Counting<'_> {
    fn add(&mut self, place: RecordPlace, outcome: &ImportOutcome) {
        let number = RecordKind::ALL.iter().position(|kind| *kind == place.kind);
        if let Some(outcomes) = number.and_then(|number| self.report.kinds.get_mut(number)) {
            match outcome {
                ImportOutcome::Created => outcomes.created += 1,
                ImportOutcome::Changed(_) => outcomes.changed += 1,
                ImportOutcome::Unchanged => outcomes.unchanged += 1,
                ImportOutcome::Refused(_) => outcomes.refused += 1,
            }
        }
        self.watcher.outcome(place, outcome);
    }
}

/// Imports records, and tells what became of each.
type ImportRecords<'i> = &'i mut dyn FnMut(&[Record]) -> Result<Vec<ImportOutcome>, ImportError>;

/// Imports records together, and tells what became of each, in the order in which they were read.
fn run(batch: Batch, counting: &mut Counting<'_>, import: ImportRecords<'_>) -> Result<(), ImportError> {
    let outcomes = if batch.records.is_empty() { Vec::new() } else { import(&batch.records)? };
    let mut outcomes = outcomes.into_iter();
    for (place, refused) in batch.places {
        if let Some(outcome) = refused.or_else(|| outcomes.next()) {
            counting.add(place, &outcome);
        }
    }
    Ok(())
}

fn all_batches(
    source: &mut dyn Source,
    counting: &mut Counting<'_>,
    import: ImportRecords<'_>,
) -> Result<ImportReport, ImportFailure> {
    for kind in RecordKind::ALL {
        read_ahead(source, kind, &mut |batch| Ok(run(batch, counting, import)?))?;
    }
    Ok(counting.report)
}
