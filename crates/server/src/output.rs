//! Writing to standard output with a time limit.

use std::io::{self, ErrorKind, Write};
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

/// The most time that a write may take.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Writes `text`, for at most a second.
///
/// # Errors
///
/// When it cannot be written, or the reader does not read in time. In the latter case it is written once they read.
pub(crate) fn write_in_time(mut stream: impl Write + Send + 'static, text: String) -> io::Result<()> {
    let (written, is_written) = sync_channel(1);
    thread::Builder::new().name("output".to_owned()).spawn(move || {
        let outcome = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
        // Whoever asked may have given up.
        let _ = written.send(outcome);
    })?;
    is_written.recv_timeout(TIMEOUT).unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()))
}
