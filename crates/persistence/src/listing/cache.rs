//! Caches of large listings of users, as long as they do not change: how many users they have, and where some of their pages begin.
//!
//! A listing without a filter depends on the memberships and on the usernames. The database counts the changes of both, for each
//! group and for all users, beside the numbers of users. A cache entry is stored with these counters, and is used only if they
//! still have the same values in the unit of work that wants it. So no answer is stale, whichever process made a change. The
//! counters of all users tell whether anything changed at all; only if so, those of the listing's groups are compared.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use diesel::prelude::*;
use diesel::sql_types::Text;
use guildhall_domain::ports::Reach;
use guildhall_domain::search::{Field, UserField, UserListing};

use super::filter_sql::Fragment;
use super::user_scope::{Fingerprint, UserScope, count, fingerprint, in_name_order};
use crate::connection::AnyConnection;
use crate::dialect::{self, Dialect};
use crate::schema::user_counts;
use crate::sql_types::{Key, UuidSql, saturating};
use crate::unit_of_work::Failure;

/// A listing has a seek key at every so many users.
const SEEK_INTERVAL: u64 = 250;
/// Pages with a smaller offset are read from the start of the listing.
pub(super) const MIN_SEEK_OFFSET: u64 = 4 * SEEK_INTERVAL;
/// How many listings are cached at most.
const MAX_LISTINGS: usize = 64;
/// Listings that depend on more groups are not cached.
const MAX_GROUPS: usize = 16_384;
/// Listings that depend on more groups are cached even if they have few users.
const MANY_GROUPS: usize = 64;
/// Counting fewer users takes no longer than a look-up in the cache.
const MIN_CACHED_TOTAL: u64 = 1000;

/// Numbers of which one changes with every change that a listing without a filter depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ChangeCounters {
    /// How many users there are.
    pub(super) users: u64,
    /// How often users were added, deleted or renamed.
    pub(super) changes: i64,
    /// How often memberships or edges between groups changed.
    memberships: i64,
}

impl ChangeCounters {
    pub(super) fn read(connection: &mut AnyConnection) -> Result<Self, Failure> {
        let slots: Vec<(i64, i64, i64)> = user_counts::table
            .select((user_counts::users, user_counts::changes, user_counts::memberships))
            .load(connection)?;
        let sum = slots.into_iter().fold((0, 0, 0), |sum, slot| (sum.0 + slot.0, sum.1 + slot.1, sum.2 + slot.2));
        Ok(Self { users: sum.0.unsigned_abs(), changes: sum.1, memberships: sum.2 })
    }
}

/// The cached listings, the latest first.
#[derive(Debug, Default)]
pub(crate) struct ListingCache(Mutex<VecDeque<Arc<CachedListing>>>);

/// A listing of users without a filter, as of the counters.
#[derive(Clone, Debug)]
pub(super) struct CachedListing {
    scope: UserScope,
    counters: ChangeCounters,
    fingerprint: Fingerprint,
    /// How many users it has, if they were counted.
    total: Option<u64>,
    /// The username key at every [`SEEK_INTERVAL`]th position, if a page far from the start was read.
    seek_keys: Option<Arc<Vec<String>>>,
}

impl CachedListing {
    /// Whether the listing holds all users: because one of its groups has as many members as there are users.
    pub(super) fn holds_all(&self) -> bool {
        let UserScope::Members { excluded, .. } = &self.scope else { return true };
        excluded.is_empty() && self.fingerprint.iter().any(|(_, users, _)| users.unsigned_abs() == self.counters.users)
    }

    /// How many users the listing has, if the counters or the cache tell.
    fn total(&self) -> Option<u64> {
        let UserScope::Members { reach, excluded, .. } = &self.scope else { return Some(self.counters.users) };
        let with_users = || self.fingerprint.iter().filter(|(_, users, _)| *users > 0);
        if excluded.is_empty() && (*reach == Reach::Direct || with_users().count() <= 1) {
            return Some(with_users().map(|(_, users, _)| users.unsigned_abs()).sum());
        }
        self.total
    }
}

impl ListingCache {
    /// The listing in the state of `counters`, with the cached values if they are of the same state.
    pub(super) fn get(
        &self,
        connection: &mut AnyConnection,
        scope: &UserScope,
        counters: ChangeCounters,
    ) -> Result<Arc<CachedListing>, Failure> {
        let cached = self.find(scope);
        if let Some(cached) = cached.as_ref().filter(|cached| cached.counters == counters) {
            return Ok(Arc::clone(cached));
        }
        let fingerprint = fingerprint(connection, scope, counters)?;
        let (total, seek_keys) = match cached.filter(|cached| cached.fingerprint == fingerprint) {
            Some(cached) => (cached.total, cached.seek_keys.clone()),
            None => (None, None),
        };
        let listing = CachedListing { scope: scope.clone(), counters, fingerprint, total, seek_keys };
        let is_expensive =
            listing.total.is_some() || listing.seek_keys.is_some() || listing.fingerprint.len() > MANY_GROUPS;
        Ok(if is_expensive { self.insert(listing) } else { Arc::new(listing) })
    }

    /// How many users a listing without a filter has.
    pub(super) fn total(&self, connection: &mut AnyConnection, cached: &Arc<CachedListing>) -> Result<u64, Failure> {
        if let Some(total) = cached.total() {
            return Ok(total);
        }
        let total = count(connection, &cached.scope)?;
        if total >= MIN_CACHED_TOTAL || cached.fingerprint.len() > MANY_GROUPS {
            self.insert(CachedListing { total: Some(total), ..CachedListing::clone(cached) });
        }
        Ok(total)
    }

    /// The ids of a page far from the start of a listing by username without a filter. `None` if the page is another one.
    pub(super) fn page(
        &self,
        connection: &mut AnyConnection,
        cached: &Arc<CachedListing>,
        listing: &UserListing,
        total: u64,
    ) -> Result<Option<Vec<Key>>, Failure> {
        let offset = listing.page.offset();
        let is_by_name = match listing.order.as_slice() {
            [] => true,
            [first, ..] => first.field == UserField::default_order() && !first.is_descending,
        };
        if !listing.filter.is_all() || !is_by_name || offset < MIN_SEEK_OFFSET || offset >= total {
            return Ok(None);
        }
        let seek_keys = if let Some(seek_keys) = &cached.seek_keys {
            Arc::clone(seek_keys)
        } else {
            let seek_keys = Arc::new(seek_keys(connection, &cached.scope)?);
            let total = cached.total.or(Some(total));
            let stored = Some(Arc::clone(&seek_keys));
            self.insert(CachedListing { total, seek_keys: stored, ..CachedListing::clone(cached) });
            seek_keys
        };
        let Some(start) = usize::try_from(offset / SEEK_INTERVAL).ok().and_then(|number| seek_keys.get(number)) else {
            return Ok(None);
        };
        let statement = in_name_order(&cached.scope, Dialect::of(connection), "SELECT u.id FROM ")
            .sql(" AND u.username_key >= ")
            .text(start.as_str())
            .sql(" ORDER BY u.username_key LIMIT ")
            .number(saturating(listing.page.lookahead()))
            .sql(" OFFSET ")
            .number(saturating(offset % SEEK_INTERVAL));
        dialect::force_index_order(connection, true)?;
        let ids = statement.query::<UuidSql>().load(connection)?;
        dialect::force_index_order(connection, false)?;
        Ok(Some(ids))
    }

    fn find(&self, scope: &UserScope) -> Option<Arc<CachedListing>> {
        let listings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        listings.iter().find(|cached| cached.scope == *scope).map(Arc::clone)
    }

    fn insert(&self, listing: CachedListing) -> Arc<CachedListing> {
        let listing = Arc::new(listing);
        if listing.fingerprint.len() <= MAX_GROUPS {
            let mut listings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            listings.retain(|other| other.scope != listing.scope);
            listings.push_front(Arc::clone(&listing));
            listings.truncate(MAX_LISTINGS);
        }
        listing
    }
}

/// The username key at every [`SEEK_INTERVAL`]th position.
fn seek_keys(connection: &mut AnyConnection, scope: &UserScope) -> Result<Vec<String>, Failure> {
    let numbered = Fragment::of("SELECT t.username_key FROM (")
        .then(in_name_order(
            scope,
            Dialect::of(connection),
            "SELECT u.username_key AS username_key, row_number() OVER (ORDER BY u.username_key) AS place FROM ",
        ))
        .sql(") t WHERE (t.place - 1) % ")
        .number(saturating(SEEK_INTERVAL))
        .sql(" = 0 ORDER BY t.place");
    Ok(numbered.query::<Text>().load(connection)?)
}
