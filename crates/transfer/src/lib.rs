//! Users, groups and who belongs to which, as files.
//!
//! | Where | What |
//! |---|---|
//! | `tables` | the files and their columns |
//! | `cell` | a value, as CSV and as JSON |
//! | `formula` | what a spreadsheet would take for a formula |
//! | `file` | a file that is written: CSV or JSON lines |
//! | `export` | writes what a directory keeps |
//! | `source` | where records come from |

mod cell;
mod export;
mod file;
mod formula;
mod source;
mod tables;

pub use export::{ExportError, Exported, export};
pub use file::Format;
pub use formula::{neutralised, original};
pub use source::{RecordKind, Source, SourceError, Sourced};
