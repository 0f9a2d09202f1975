//! Reads records some thousands at a time, beside what is done with those that were read before.

use std::ops::ControlFlow;
use std::panic::resume_unwind;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use guildhall_domain::directory::ImportOutcome;
use guildhall_domain::record::Record;
use guildhall_domain::validation::InvalidField;

use crate::import::{ImportFailure, RecordPlace};
use crate::source::{RecordKind, Source, SourceError, Sourced};

/// How many records are imported at once: enough that a statement for all of them costs little for each, and few enough that others do not wait long.
fn at_once(kind: RecordKind) -> usize {
    match kind {
        RecordKind::Users => 10_000,
        // The log has an event for each group, so the more there are for a group, the less is written.
        RecordKind::Memberships => 100_000,
        RecordKind::Groups | RecordKind::Managers => 5_000,
        // All edges that are there are read each time.
        RecordKind::Edges => 50_000,
    }
}

/// Records that are imported together, and those between them that cannot be.
#[derive(Default)]
pub(crate) struct Batch {
    /// Where each was read, and what is wrong with its columns.
    pub(crate) places: Vec<(RecordPlace, Option<ImportOutcome>)>,
    /// Those without a fault.
    pub(crate) records: Vec<Record>,
}

impl Batch {
    fn add(&mut self, place: RecordPlace, record: Result<Record, Vec<InvalidField>>) {
        let fault = match record {
            Ok(record) => {
                self.records.push(record);
                None
            }
            Err(faults) => Some(ImportOutcome::Refused(faults)),
        };
        self.places.push((place, fault));
    }
}

/// Calls `each` with all records of a kind until it fails. A thread reads the next batch meanwhile, and waits with it.
pub(crate) fn read_ahead(
    source: &mut dyn Source,
    kind: RecordKind,
    each: &mut dyn FnMut(Batch) -> Result<(), ImportFailure>,
) -> Result<(), ImportFailure> {
    thread::scope(|scope| {
        let (sender, batches) = sync_channel(0);
        let reading = thread::Builder::new()
            .spawn_scoped(scope, move || read(source, kind, &sender))
            .map_err(ImportFailure::Thread)?;
        let done = batches.iter().try_for_each(each);
        // Who still reads learns that nobody wants more.
        drop(batches);
        let read = reading.join().unwrap_or_else(|panic| resume_unwind(panic));
        done.and_then(|()| Ok(read?))
    })
}

/// Sends all batches of a kind, as long as they are taken.
fn read(source: &mut dyn Source, kind: RecordKind, sender: &SyncSender<Batch>) -> Result<(), SourceError> {
    let mut batch = Batch::default();
    let mut is_wanted = true;
    source.read(kind, &mut |Sourced { file, line, record }| {
        batch.add(RecordPlace { kind, file, line }, record);
        if batch.places.len() >= at_once(kind) {
            is_wanted = sender.send(std::mem::take(&mut batch)).is_ok();
        }
        if is_wanted { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    if is_wanted && !batch.places.is_empty() {
        // Whoever takes none has failed, and tells so.
        _ = sender.send(batch);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::path::PathBuf;

    use guildhall_domain::record::GroupRecord;

    use super::*;

    /// So many groups, and then an end or a fault.
    struct Groups {
        count: u64,
        fails: bool,
        told: u64,
    }

    impl Source for Groups {
        fn read(&mut self, _: RecordKind, each: &mut dyn FnMut(Sourced) -> ControlFlow<()>) -> Result<(), SourceError> {
            for line in 1..=self.count {
                self.told = line;
                let record = if line % 1000 == 0 {
                    Err(Vec::new())
                } else {
                    Ok(Record::Group(Box::new(GroupRecord { name: Some(line.to_string()), ..GroupRecord::default() })))
                };
                if each(Sourced { file: 0, line, record }).is_break() {
                    return Ok(());
                }
            }
            if self.fails {
                return Err(SourceError::Format {
                    path: PathBuf::new(),
                    line: self.count,
                    message: "broken".to_owned(),
                });
            }
            Ok(())
        }

        fn files(&self) -> &[PathBuf] {
            &[]
        }
    }

    /// The lines of each batch.
    fn batches(source: &mut Groups) -> (Vec<Vec<u64>>, Result<(), ImportFailure>) {
        let mut lines = Vec::new();
        let done = read_ahead(source, RecordKind::Groups, &mut |batch| {
            assert_eq!(batch.records.len(), batch.places.iter().filter(|(_, fault)| fault.is_none()).count());
            lines.push(batch.places.iter().map(|(place, _)| place.line).collect());
            Ok(())
        });
        (lines, done)
    }

    #[test]
    fn all_batches_come_in_order() {
        for (count, wanted) in [(0, vec![]), (1, vec![1]), (5_000, vec![5_000]), (12_345, vec![5_000, 5_000, 2_345])] {
            let (lines, done) = batches(&mut Groups { count, fails: false, told: 0 });
            done.unwrap();
            assert_eq!(lines.iter().map(Vec::len).collect::<Vec<_>>(), wanted);
            assert_eq!(lines.concat(), (1..=count).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_source_that_fails_is_told_after_the_whole_batches_before() {
        let (lines, done) = batches(&mut Groups { count: 12_345, fails: true, told: 0 });
        assert_eq!(lines.concat(), (1..=10_000).collect::<Vec<_>>());
        let Err(ImportFailure::Source(SourceError::Format { line, .. })) = done else { panic!("{done:?}") };
        assert_eq!(line, 12_345);
    }

    #[test]
    fn nobody_reads_on_after_a_failure() {
        let mut source = Groups { count: u64::MAX, fails: false, told: 0 };
        let mut batches = 0;
        let done = read_ahead(&mut source, RecordKind::Groups, &mut |_| {
            batches += 1;
            if batches == 2 { Err(ImportFailure::Thread(io::Error::other("no more"))) } else { Ok(()) }
        });
        assert!(matches!(done, Err(ImportFailure::Thread(_))), "{done:?}");
        assert_eq!(batches, 2);
        // Two were taken, and one more was read.
        assert_eq!(source.told, 15_000);
    }
}
