//! The store in a file keeps the contract.

use std::sync::Arc;

use embedded::store::RedbStore;
use guildhall_domain::ports::{Clock, Store};
use tempfile::TempDir;

#[expect(clippy::unwrap_used, reason = "without a store, the test fails")]
fn store(clock: Arc<dyn Clock>) -> (Arc<dyn Store>, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = RedbStore::open(folder.path().join("directory.redb"), clock).unwrap();
    (Arc::new(store), folder)
}

guildhall_domain::contract_tests!(store);
