//! The memory of SQLite: one limit for all connections of the process.
//!
//! The SQLite that is compiled in (`SQLITE_ENABLE_MEMORY_MANAGEMENT`) keeps the pages of all connections in one list. Once all its
//! memory together reaches the limit, the pages that were used least recently are given up, whichever connection read them, and sorts
//! that would grow go to temporary files.

use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use crate::database::Workload;

/// How much memory SQLite may take before it gives up pages, in MiB.
fn limit_of(workload: Workload) -> u64 {
    match workload {
        Workload::Service => 16,
        Workload::Bulk => 96,
    }
}

/// Limits the memory of all connections of this process, and lets temporary files be made in `folder`: of all folders, that of the
/// database is known to be writable. A temporary file is deleted as soon as it is open, so a crash leaves none.
pub(crate) fn limit(connection: &mut SqliteConnection, folder: &Path, workload: Workload) -> QueryResult<()> {
    let folder = folder.to_string_lossy().replace('\'', "''");
    connection.batch_execute(&format!(
        "PRAGMA soft_heap_limit = {}; PRAGMA temp_store_directory = '{folder}'",
        limit_of(workload) * 1024 * 1024
    ))
}

#[cfg(test)]
mod tests {
    use diesel::prelude::*;
    use diesel::sql_query;
    use diesel::sql_types::Text;

    use super::limit;
    use crate::database::Workload;

    #[derive(QueryableByName)]
    struct Setting {
        #[diesel(sql_type = Text)]
        temp_store_directory: String,
    }

    #[test]
    fn a_folder_of_any_name_takes_temporary_files() {
        let parent = tempfile::tempdir().unwrap();
        for name in ["plain", "o'brien''s", "a b;c", "100%", "caf\u{e9}"] {
            let folder = parent.path().join(name);
            std::fs::create_dir(&folder).unwrap();
            let mut connection = SqliteConnection::establish(":memory:").unwrap();
            limit(&mut connection, &folder, Workload::Service).unwrap();
            let setting: Setting = sql_query("PRAGMA temp_store_directory").get_result(&mut connection).unwrap();
            assert_eq!(setting.temp_store_directory, folder.display().to_string());
        }
    }
}
