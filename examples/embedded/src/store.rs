//! The store, in a file of [redb](https://docs.rs/redb).
//!
//! | File | What |
//! |---|---|
//! | `tables.rs`, `relation.rs` | tables of rows, and relations between ids; undoing a part of the changes |
//! | `rows.rs` | the parts of rows that several aggregates need |
//! | the others | the reader and the writer of one aggregate |

mod accounts;
mod api_keys;
mod children;
mod dates;
mod effects;
mod events;
mod groups;
mod idempotency;
mod identities;
mod imports;
mod lockouts;
mod managers;
mod membership_listings;
mod memberships;
mod past;
mod paths;
mod relation;
mod rows;
mod sessions;
mod tables;
mod user_row;
mod users;
mod validity;
mod webhooks;

use std::path::Path;
use std::sync::Arc;

use guildhall_domain::page::{Page, Paged};
use guildhall_domain::ports::{Cancellation, Clock, Reader, Store, StoreError, Undo, Writer};
use guildhall_domain::search::{Field, Listing};
use guildhall_domain::time::Timestamp;
use redb::{Database, ReadableDatabase, WriteTransaction};

use tables::{Changes, failed};

/// Keeps the directory in a file.
///
/// One unit of work writes at a time, in one transaction. Readers do not wait: each sees the last commit before it began.
/// Cancellations are ignored, because no read takes long.
pub struct RedbStore {
    database: Database,
    clock: Arc<dyn Clock>,
}

impl RedbStore {
    /// Opens the file at `path`, which is created if it does not exist. One process at a time can have it open. Memberships begin and end by `clock`.
    pub fn open(path: impl AsRef<Path>, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let database = Database::create(path).map_err(failed)?;
        let transaction = database.begin_write().map_err(failed)?;
        create_tables(&transaction)?;
        transaction.commit().map_err(failed)?;
        Ok(Self { database, clock })
    }
}

/// Creates the tables that do not exist. A read transaction cannot open a table that was never created.
fn create_tables(transaction: &WriteTransaction) -> Result<(), StoreError> {
    users::USERS.create(transaction)?;
    users::NAMES.create(transaction)?;
    accounts::ACCOUNTS.create(transaction)?;
    groups::GROUPS.create(transaction)?;
    groups::NAMES.create(transaction)?;
    memberships::MEMBERS.create(transaction)?;
    children::CHILDREN.create(transaction)?;
    managers::MANAGERS.create(transaction)?;
    dates::DATES.create(transaction)?;
    dates::NEXT.create(transaction)?;
    api_keys::OWNERS.create(transaction)?;
    sessions::OWNERS.create(transaction)?;
    identities::OWNERS.create(transaction)?;
    lockouts::UNKNOWN_NAMES.create(transaction)?;
    idempotency::KEPT_ANSWERS.create(transaction)?;
    idempotency::EXPIRIES.create(transaction)?;
    idempotency::COUNTS.create(transaction)?;
    idempotency::ENDS.create(transaction)?;
    events::EVENTS.create(transaction)?;
    events::CHECKPOINT.create(transaction)?;
    webhooks::WEBHOOKS.create(transaction)?;
    past::PAST.create(transaction)?;
    past::BEGUN.create(transaction)?;
    past::DELETED_USERS.create(transaction)?;
    past::DELETED_GROUPS.create(transaction)
}

impl Store for RedbStore {
    fn reading(&self, _: &Cancellation, work: &mut dyn FnMut(&mut dyn Reader)) -> Result<(), StoreError> {
        let transaction = self.database.begin_read().map_err(failed)?;
        let mut unit = UnitOfWork(transaction, Present::of(&*self.clock));
        work(&mut unit);
        unit.1.unless_due()
    }

    fn writing(&self, work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), Undo>) -> Result<(), StoreError> {
        // Waits for the end of the write transaction before.
        let transaction = self.database.begin_write().map_err(failed)?;
        let mut unit = UnitOfWork(Changes::new(transaction), Present::of(&*self.clock));
        let returned = work(&mut unit);
        let UnitOfWork(changes, present) = unit;
        match present.unless_due().map(|()| returned) {
            Ok(Ok(())) => changes.commit(),
            Ok(Err(Undo)) => changes.abort(),
            Err(due) => changes.abort().and(Err(due)),
        }
    }

    fn writing_alone(&self, work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), Undo>) -> Result<(), StoreError> {
        self.writing(work)
    }

    /// A write transaction would wait for the one before, so this opens one that reads: the file is this process's alone.
    fn ready(&self) -> Result<(), StoreError> {
        self.database.begin_read().map(drop).map_err(failed)
    }
}

/// A unit of work: over a `ReadTransaction` it is a [`Reader`], over [`Changes`] a [`Writer`] too.
struct UnitOfWork<T>(T, Present);

/// The present of a unit of work.
#[derive(Clone, Copy)]
struct Present {
    /// When it began.
    now: Timestamp,
    /// Whether it found that something is due.
    is_due: bool,
}

impl Present {
    fn of(clock: &dyn Clock) -> Self {
        Self { now: clock.now(), is_due: false }
    }

    /// Fails if something was due: the unit of work is to be run again after that.
    fn unless_due(self) -> Result<(), StoreError> {
        if self.is_due { Err(StoreError::due(self.now)) } else { Ok(()) }
    }
}

/// The page of the items that pass the listing's filter.
fn listed<F: Field>(mut items: Vec<F::Item>, listing: &Listing<F>) -> Paged<F::Item> {
    items.retain(|item| listing.filter.lets_pass(item, listing.now));
    items.sort_by(|one, other| listing.compare(one, other));
    let total = items.len() as u64;
    if let Some(filters) = listing.filters_from_position() {
        items.retain(|item| filters.iter().any(|filter| filter.lets_pass(item, listing.now)));
    }
    listing.paged(total, window(items, &listing.page))
}

/// The items that are read for a page, of those from its position on.
fn window<I>(items: Vec<I>, page: &Page) -> Vec<I> {
    let saturating = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    items.into_iter().skip(saturating(page.offset())).take(saturating(page.lookahead())).collect()
}
