//! Errors as text for the log.

use std::error::Error;
use std::fmt::Write;

/// The message of `error` and of each of its sources, in one line.
pub(crate) fn error_chain(error: &(dyn Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        // Writing to a string does not fail.
        let _ = write!(line, ": {error}");
        source = error.source();
    }
    line
}
