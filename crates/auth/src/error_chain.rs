//! Errors for the log.

use std::error::Error;
use std::fmt::Write;

/// An error and everything that led to it, in one line.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        // Writing to a string does not fail.
        let _ = write!(line, ": {error}");
        source = error.source();
    }
    line
}
