//! The store in a database: the contract in both, and tables that are what the code takes them for.

#[cfg(test)]
mod at_once;
#[cfg(test)]
mod backfill;
#[cfg(test)]
mod children;
#[cfg(test)]
mod conflicts;
#[cfg(test)]
mod counting;
#[cfg(test)]
mod databases;
#[cfg(test)]
mod due;
#[cfg(test)]
mod due_clock;
#[cfg(test)]
mod due_edges;
#[cfg(test)]
mod events;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod import_statements;
#[cfg(test)]
mod kept_answers;
#[cfg(test)]
mod listing_cache;
#[cfg(test)]
mod lone_statements;
#[cfg(test)]
mod member_counts;
#[cfg(test)]
mod migrations;
#[cfg(test)]
mod past;
#[cfg(test)]
mod rekey;
#[cfg(test)]
mod routes;
#[cfg(test)]
mod searching;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod statements;
#[cfg(test)]
mod tampering;

mod sqlite {
    use std::sync::Arc;

    use guildhall_domain::ports::{Clock, Store};

    fn store(clock: Arc<dyn Clock>) -> (Arc<dyn Store>, super::databases::Files) {
        let (database, _, folder) = super::databases::sqlite_by(clock);
        (database.store(), folder)
    }

    guildhall_domain::contract_tests!(store);
}

mod postgres {
    use std::sync::Arc;

    use guildhall_domain::ports::{Clock, Store};

    fn store(clock: Arc<dyn Clock>) -> (Arc<dyn Store>, super::databases::Dropped) {
        let (database, _, dropped) = super::databases::postgres_by(clock);
        (database.store(), dropped)
    }

    guildhall_domain::contract_tests!(store);
}
