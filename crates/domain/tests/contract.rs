//! The store in memory keeps the contract.

use std::sync::Arc;

use guildhall_domain::memory::Memory;
use guildhall_domain::ports::Store;

fn memory() -> (Arc<dyn Store>, ()) {
    (Arc::new(Memory::new()), ())
}

guildhall_domain::contract_tests!(memory);
