//! The bounded queue before the log. Logging never blocks: lines that do not fit are dropped and counted.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use prometheus::IntCounter;
use tracing_subscriber::fmt::MakeWriter;

use super::lines::{LineWriter, LossReport, one_line};

/// The most lines, and the most bytes in all, in the queue.
const MOST_LINES: usize = 8192;
const MOST_BYTES: usize = 4 << 20;
/// How long the end of the program waits for the queue to empty.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);
/// The pause between two attempts to enqueue a flush while the queue is full.
const RETRY: Duration = Duration::from_millis(10);

/// The queue before the thread that writes the log.
#[derive(Clone)]
pub(crate) struct LineQueue {
    items: SyncSender<Item>,
    state: Arc<State>,
}

enum Item {
    Line {
        line: Vec<u8>,
        /// How many lines were dropped before this one.
        dropped: u64,
    },
    Flush(SyncSender<()>),
}

struct State {
    bytes: AtomicUsize,
    dropped: AtomicU64,
    report: LossReport,
    /// All lines that were lost, here or by the writer.
    lost: IntCounter,
}

impl LineQueue {
    /// Starts the thread that writes to `destination`.
    ///
    /// # Errors
    ///
    /// When the thread cannot be started.
    pub(crate) fn start(destination: impl Write + Send + 'static, report: LossReport) -> io::Result<Self> {
        let (items, received) = sync_channel(MOST_LINES);
        let lost = IntCounter::new("guildhall_log_lines_lost_total", "Lines of the log that were lost")
            .map_err(io::Error::other)?;
        let state = Arc::new(State { bytes: AtomicUsize::new(0), dropped: AtomicU64::new(0), report, lost });
        let queue = Self { items, state: Arc::clone(&state) };
        let writer = LineWriter::new(destination, report);
        thread::Builder::new().name("log".to_owned()).spawn(move || work(&received, writer, &state))?;
        Ok(queue)
    }

    /// How many lines were lost.
    pub(crate) fn lost(&self) -> IntCounter {
        self.state.lost.clone()
    }

    /// Waits until all queued lines and the report of losses are written, for at most a second.
    pub(crate) fn flush(&self) {
        let deadline = Instant::now() + FLUSH_TIMEOUT;
        let (flushed, is_flushed) = sync_channel(1);
        while let Err(TrySendError::Full(_)) = self.items.try_send(Item::Flush(flushed.clone())) {
            if Instant::now() >= deadline {
                return;
            }
            thread::sleep(RETRY);
        }
        // Nothing can be done about a log that nobody reads.
        let _ = is_flushed.recv_timeout(deadline.saturating_duration_since(Instant::now()));
    }

    fn push(&self, line: Vec<u8>) {
        let State { bytes, dropped, lost, .. } = &*self.state;
        let length = line.len();
        if bytes.fetch_add(length, Ordering::Relaxed).saturating_add(length) > MOST_BYTES {
            bytes.fetch_sub(length, Ordering::Relaxed);
            dropped.fetch_add(1, Ordering::Relaxed);
            lost.inc();
            return;
        }
        let before = dropped.swap(0, Ordering::Relaxed);
        if self.items.try_send(Item::Line { line, dropped: before }).is_err() {
            bytes.fetch_sub(length, Ordering::Relaxed);
            dropped.fetch_add(before + 1, Ordering::Relaxed);
            lost.inc();
        }
    }
}

fn work<W: Write>(items: &Receiver<Item>, mut writer: LineWriter<W>, state: &State) {
    for item in items {
        match item {
            Item::Line { line, dropped } => {
                if !writer.write(&line, dropped) {
                    state.lost.inc();
                }
                state.bytes.fetch_sub(line.len(), Ordering::Relaxed);
            }
            Item::Flush(flushed) => {
                writer.report(state.dropped.swap(0, Ordering::Relaxed));
                // Whoever asked may have given up.
                let _ = flushed.send(());
            }
        }
    }
}

impl<'a> MakeWriter<'a> for LineQueue {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}

/// Each call writes one line.
impl Write for &LineQueue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.push(one_line(line, self.state.report));
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::{LineQueue, LossReport, MOST_BYTES, MOST_LINES};

    /// A destination that writes each piece when it is told to.
    struct Gate {
        opened: Receiver<()>,
        written: Sender<String>,
    }

    impl Write for Gate {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // Once nobody holds the gate it stays open.
            let _ = self.opened.recv();
            self.written.send(String::from_utf8_lossy(bytes).into_owned()).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Logs `lines`, all of which are kept but those that do not fit, and says which lines were written then.
    fn written_of(lines: usize, line: &str) -> Vec<String> {
        let (open, opened) = channel();
        let (written, lines_written) = channel();
        let queue = LineQueue::start(Gate { opened, written }, LossReport::Text).unwrap();
        for _ in 0..lines {
            (&queue).write_all(line.as_bytes()).unwrap();
        }
        drop(open);
        while queue.state.bytes.load(std::sync::atomic::Ordering::Relaxed) > 0 {
            std::thread::yield_now();
        }
        (&queue).write_all(b"the last\n").unwrap();
        queue.flush();
        lines_written.try_iter().collect()
    }

    #[test]
    fn lines_that_do_not_fit_are_counted_where_they_are_missing() {
        let lines = written_of(MOST_LINES + 500, "a line\n");
        let [kept @ .., report, last] = &lines[..] else { panic!("{lines:?}") };
        assert!(kept.iter().all(|line| line == "a line\n"));
        let missing = MOST_LINES + 500 - kept.len();
        assert!(missing >= 499, "{missing}");
        assert!(report.contains(&format!("{missing} lines of this log were lost")), "{report}");
        assert_eq!(last, "the last\n");
    }

    #[test]
    fn the_bytes_that_wait_are_bounded() {
        let line = format!("{}\n", "x".repeat(MOST_BYTES / 4));
        let lines = written_of(10, &line);
        let [kept @ .., report, _] = &lines[..] else { panic!() };
        assert_eq!(kept.len(), 3);
        assert!(report.contains("7 lines of this log were lost"), "{report}");
    }
}
