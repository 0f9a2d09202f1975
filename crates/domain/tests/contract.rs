//! The store in memory keeps the contract.

use std::sync::Arc;

use guildhall_domain::memory::Memory;
use guildhall_domain::ports::{Clock, Store};

fn memory(clock: Arc<dyn Clock>) -> (Arc<dyn Store>, ()) {
    (Arc::new(Memory::new(clock)), ())
}

guildhall_domain::contract_tests!(memory);
