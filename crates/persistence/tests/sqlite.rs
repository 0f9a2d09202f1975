//! The store in SQLite keeps the contract.

use std::sync::Arc;

use guildhall_domain::ports::Store;
use guildhall_persistence::{Database, DatabaseSettings};
use tempfile::TempDir;

fn sqlite() -> (Arc<dyn Store>, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite://{}", folder.path().join("guildhall.db").display());
    let database = Database::connect(&DatabaseSettings { url, pool_size: 4 }).expect("a database");
    database.migrate().expect("tables");
    (database.store(), folder)
}

guildhall_domain::contract_tests!(sqlite);
