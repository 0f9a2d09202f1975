//! Reads a source of arbitrary bytes. What it gives the second time must be what it gave the first time, and no text of a fault or a
//! warning may be long.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::OnceLock;

use guildhall_domain::password::PasswordHash;
use guildhall_transfer::{AcceptedPassword, RecordKind, Source};
use tempfile::TempDir;

/// The file that the bytes are in.
pub fn file(bytes: &[u8]) -> Vec<PathBuf> {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    let path = FOLDER.get_or_init(|| TempDir::new().expect("there is a folder")).path().join("file");
    std::fs::write(&path, bytes).expect("the file is written");
    vec![path]
}

/// Accepts hashes in the PHC string format.
pub fn accept(text: &str) -> Result<AcceptedPassword, String> {
    if !text.starts_with('$') {
        return Err("the algorithm is not known".to_owned());
    }
    Ok(AcceptedPassword { hash: PasswordHash(text.to_owned()), warning: None })
}

/// Reads everything twice.
pub fn read(source: &mut dyn Source) {
    let mut all = || {
        let mut found = Vec::new();
        for kind in RecordKind::ALL {
            let result = source.read(kind, &mut |sourced| {
                let faults = sourced.record.as_ref().err().into_iter().flatten();
                faults.for_each(|fault| assert!(fault.field.len() + fault.message.len() < 800, "{fault:?}"));
                found.push(format!("{sourced:?}"));
                ControlFlow::Continue(())
            });
            found.push(result.map_or_else(|error| error.to_string(), |()| String::new()));
        }
        let warnings = source.warnings();
        warnings.iter().for_each(|warning| assert!(warning.len() < 500, "{warning}"));
        found.extend(warnings);
        found
    };
    assert_eq!(all(), all());
}
