//! Captures the log, for tests.

use std::io;
use std::sync::{Arc, Mutex};

use tracing_subscriber::filter::LevelFilter;

/// The log of a test, as text.
#[derive(Clone, Default)]
pub(crate) struct LogLines(Arc<Mutex<Vec<u8>>>);

impl io::Write for LogLines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl LogLines {
    /// Runs `work` and returns the level and the message of each line that this thread logs meanwhile, without its fields.
    pub(crate) fn of(work: impl FnOnce()) -> Vec<String> {
        let lines = Self::default();
        let writer = lines.clone();
        let log = tracing_subscriber::fmt()
            .with_max_level(LevelFilter::INFO)
            .with_ansi(false)
            .with_target(false)
            .without_time()
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(log, work);
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        text.lines().filter_map(message).collect()
    }
}

/// The part of a line before its first field. Every line that this crate logs has one.
fn message(line: &str) -> Option<String> {
    let (text, _) = line.split_once('=')?;
    let (message, _) = text.rsplit_once(' ')?;
    Some(message.trim().to_owned())
}
