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
//! | `table_source`, `reading`, `row` | CSV and JSON lines that are read |
//! | `import` | imports records |
//! | `batches` | reads them some thousands at a time |
//! | `rejects` | a file of what was not imported |
//! | `ldif` | records of an LDAP directory |
//! | `keycloak` | records of a Keycloak realm |
//! | `authentik` | records of authentik's API |
//! | `json` | a JSON file that is read element by element |
//! | `passwords` | hashes of passwords that another program made |
//! | `language` | languages as other programs write them |
//! | `notes` | what whoever imports should know |

mod authentik;
mod batches;
mod cell;
mod export;
mod file;
mod formula;
mod import;
mod json;
mod keycloak;
mod language;
mod ldif;
mod notes;
mod passwords;
mod reading;
mod rejects;
mod row;
mod source;
mod table_source;
mod tables;

pub use authentik::Authentik;
pub use export::{ExportError, Exported, export};
pub use file::Format;
pub use formula::{neutralised, original};
pub use import::{ImportFailure, ImportMode, ImportReport, ImportWatcher, Outcomes, RecordPlace, import};
pub use keycloak::Keycloak;
pub use ldif::Ldif;
pub use passwords::{AcceptPassword, AcceptedPassword};
pub use rejects::Rejects;
pub use source::{RecordKind, Source, SourceError, Sourced};
pub use table_source::{TableSource, TableSourceError};
