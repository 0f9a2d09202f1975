//! A store in memory: for tests, for trials, and for programs whose directory is small. Nothing is written to a disk.
//!
//! The feature `memory` enables this module. A program that runs its own tests over it asks for the feature in its
//! `dev-dependencies`:
//!
//! ```toml
//! [dev-dependencies]
//! guildhall-domain = { version = "…", features = ["memory"] }
//! ```
//!
//! ```
//! use std::sync::Arc;
//! use std::time::SystemTime;
//!
//! use guildhall_domain::memory::Memory;
//! use guildhall_domain::ports::{Clock, Store, StoreError};
//! use guildhall_domain::time::Timestamp;
//!
//! struct SystemClock;
//!
//! impl Clock for SystemClock {
//!     fn now(&self) -> Timestamp {
//!         let since_1970 = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
//!         Timestamp::from_milliseconds(0).plus(since_1970)
//!     }
//! }
//!
//! let store: Arc<dyn Store> = Arc::new(Memory::new(Arc::new(SystemClock)));
//! let administers: Result<bool, StoreError> = store.read(|directory| directory.has_lasting_administrator());
//! assert!(administers.is_ok_and(|administers| !administers));
//! ```

mod api_keys;
mod children;
mod dated;
mod effects;
mod events;
mod groups;
mod idempotency;
mod identities;
mod imports;
mod lockouts;
mod managers;
mod memberships;
mod past;
mod paths;
mod sessions;
mod users;
mod validity;
mod webhooks;

use std::sync::{Arc, PoisonError, RwLock};

use crate::page::Paged;
use crate::ports::{Cancellation, Clock, Reader, Store, StoreError, Undo, Writer};
use crate::search::{Field, Listing};
use crate::secret::SecretDigest;
use crate::time::Timestamp;

/// Keeps the directory in memory.
///
/// One unit of work writes at a time. It works on a copy, which replaces the directory if the work succeeds and no change was
/// refused; readers see the directory as it was when they began. A change that is refused (an id or a name that is not free) is not
/// tried again, because no other unit of work can have caused it. Cancellations are ignored, because no read takes long.
pub struct Memory {
    state: RwLock<State>,
    clock: Arc<dyn Clock>,
}

impl Memory {
    /// An empty directory, in which memberships begin and end by `clock`.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { state: RwLock::default(), clock }
    }

    /// A copy of what `state` holds, for a unit of work that begins at this moment.
    fn at_this_moment(&self, state: &State) -> State {
        State { now: self.clock.now(), ..state.clone() }
    }
}

impl Store for Memory {
    fn reading(&self, _: &Cancellation, work: &mut dyn FnMut(&mut dyn Reader)) -> Result<(), StoreError> {
        let mut snapshot = self.at_this_moment(&self.state.read().unwrap_or_else(PoisonError::into_inner));
        work(&mut snapshot);
        snapshot.failed.map_or(Ok(()), |failed| Err(failed.into()))
    }

    fn writing(&self, work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), Undo>) -> Result<(), StoreError> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let mut draft = self.at_this_moment(&state);
        let returned = work(&mut draft);
        if let Some(failed) = draft.failed {
            return Err(failed.into());
        }
        if returned.is_ok() {
            *state = draft;
        }
        Ok(())
    }

    fn writing_alone(&self, work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), Undo>) -> Result<(), StoreError> {
        self.writing(work)
    }

    fn ready(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// The directory. Copies share every map until one of them changes it (`Arc::make_mut`): a copy costs nothing, and a change
/// costs a copy of the maps that it touches.
#[derive(Clone, Debug, Default)]
struct State {
    users: users::Users,
    groups: groups::Groups,
    memberships: memberships::Memberships,
    children: children::ChildGroups,
    api_keys: api_keys::ApiKeys,
    sessions: sessions::Sessions,
    lockouts: lockouts::Lockouts,
    identities: identities::Identities,
    kept_answers: idempotency::KeptAnswers,
    managers: managers::Managers,
    events: events::Events,
    webhooks: webhooks::Webhooks,
    past: past::Past,
    /// When the unit of work began.
    now: Timestamp,
    /// Why a call failed: this copy must not replace the directory.
    failed: Option<Failed>,
}

/// Why a call failed.
#[derive(Clone, Copy, Debug)]
enum Failed {
    /// The change was not possible.
    Refused(&'static str),
    /// Something is due at this moment.
    Due(Timestamp),
}

impl From<Failed> for StoreError {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Refused(why) => Self::failed(why),
            Failed::Due(now) => Self::due(now),
        }
    }
}

impl State {
    fn refuse(&mut self, why: &'static str) -> StoreError {
        self.fail(Failed::Refused(why))
    }

    /// Keeps the first failure, and returns the error for the work.
    fn fail(&mut self, failed: Failed) -> StoreError {
        (*self.failed.get_or_insert(failed)).into()
    }
}

/// The page of the items that pass the listing's filter.
fn page<F: Field>(items: impl Iterator<Item = F::Item>, listing: &Listing<F>) -> Paged<F::Item> {
    let mut matching: Vec<_> = items.filter(|item| listing.filter.lets_pass(item, listing.now)).collect();
    matching.sort_by(|one, other| listing.compare(one, other));
    let total = matching.len() as u64;
    if let Some(filters) = listing.filters_from_position() {
        matching.retain(|item| filters.iter().any(|filter| filter.lets_pass(item, listing.now)));
    }
    let (offset, count) = (saturating(listing.page.offset()), saturating(listing.page.lookahead()));
    listing.paged(total, matching.into_iter().skip(offset).take(count).collect())
}

/// The digests of all items but the `most` latest.
fn all_but_latest(items: impl Iterator<Item = (Timestamp, SecretDigest)>, most: u32) -> Vec<SecretDigest> {
    let mut items: Vec<_> = items.collect();
    items.sort_unstable();
    items.truncate(items.len().saturating_sub(most as usize));
    items.into_iter().map(|(_, digest)| digest).collect()
}

fn saturating(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
