//! What is remembered of large listings until they change: how many users they have, and where some of their pages begin.
//!
//! A listing of users without a filter depends on who its members are and on their names, and the database counts the changes
//! of both, for every group and for all users, beside the numbers of users. Whatever is remembered is remembered with these
//! numbers, read in the same unit of work as what is to be answered: if they are the same, nothing has changed, whichever
//! process would have changed it. So what is answered is never stale. The numbers for all users say whether anything changed
//! at all; only if so are those of the listing's groups compared.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use diesel::prelude::*;
use diesel::sql_types::Text;
use guildhall_domain::ports::Reach;
use guildhall_domain::search::{Field, UserField, UserListing};

use super::column::Dialect;
use super::fragment::Fragment;
use super::subject::{Fingerprint, Subject, by_name, count, fingerprint};
use crate::connection::AnyConnection;
use crate::dialect;
use crate::schema::user_counts;
use crate::sql_types::{Key, UuidSql};
use crate::store::{Failure, saturating};

/// Every so many users there is a place where a walk can begin.
const STRIDE: u64 = 250;
/// A page that begins before is walked to from the start.
const NEAR: u64 = 4 * STRIDE;
/// How many listings are remembered.
const LISTINGS: usize = 64;
/// Listings of more groups are not remembered.
const MOST_GROUPS: usize = 16_384;
/// Counts of more groups are worth remembering, whoever is in them.
const MANY_GROUPS: usize = 64;
/// Fewer users than this are counted as fast as looked up.
const FEW: u64 = 1000;

/// What changes with anything that a listing without a filter depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    /// How many users there are.
    pub(super) users: u64,
    pub(super) changes: i64,
    memberships: i64,
}

impl Stamp {
    pub(super) fn read(connection: &mut AnyConnection) -> Result<Self, Failure> {
        let slots: Vec<(i64, i64, i64)> = user_counts::table
            .select((user_counts::users, user_counts::changes, user_counts::memberships))
            .load(connection)?;
        let sum = slots.into_iter().fold((0, 0, 0), |sum, slot| (sum.0 + slot.0, sum.1 + slot.1, sum.2 + slot.2));
        Ok(Self { users: sum.0.unsigned_abs(), changes: sum.1, memberships: sum.2 })
    }
}

/// What is remembered of listings.
#[derive(Debug, Default)]
pub(in crate::store) struct KnownListings(Mutex<VecDeque<Arc<Known>>>);

/// What is known of a listing of users without a filter, as of a stamp.
#[derive(Clone, Debug)]
pub(super) struct Known {
    subject: Subject,
    stamp: Stamp,
    fingerprint: Fingerprint,
    /// How many users it has, if that was counted.
    total: Option<u64>,
    /// The name at every [`STRIDE`]th place, if anybody asked for a page far from the start.
    places: Option<Arc<Vec<String>>>,
}

impl Known {
    /// Whether all users are meant: because one group has as many.
    pub(super) fn holds_all(&self) -> bool {
        let Subject::Members { excluded, .. } = &self.subject else { return true };
        excluded.is_empty() && self.fingerprint.iter().any(|(_, users, _)| users.unsigned_abs() == self.stamp.users)
    }

    /// How many users the listing has, if nobody has to be counted for it.
    fn total(&self) -> Option<u64> {
        let Subject::Members { reach, excluded, .. } = &self.subject else { return Some(self.stamp.users) };
        let with_users = || self.fingerprint.iter().filter(|(_, users, _)| *users > 0);
        if excluded.is_empty() && (*reach == Reach::Direct || with_users().count() <= 1) {
            return Some(with_users().map(|(_, users, _)| users.unsigned_abs()).sum());
        }
        self.total
    }
}

impl KnownListings {
    /// What is known of the listing, in the state that the stamp is of.
    pub(super) fn of(
        &self,
        connection: &mut AnyConnection,
        subject: &Subject,
        stamp: Stamp,
    ) -> Result<Arc<Known>, Failure> {
        let remembered = self.find(subject);
        if let Some(known) = remembered.as_ref().filter(|known| known.stamp == stamp) {
            return Ok(Arc::clone(known));
        }
        let fingerprint = fingerprint(connection, subject, stamp)?;
        let (total, places) = match remembered.filter(|known| known.fingerprint == fingerprint) {
            Some(known) => (known.total, known.places.clone()),
            None => (None, None),
        };
        let known = Known { subject: subject.clone(), stamp, fingerprint, total, places };
        let is_dear = known.total.is_some() || known.places.is_some() || known.fingerprint.len() > MANY_GROUPS;
        Ok(if is_dear { self.remember(known) } else { Arc::new(known) })
    }

    /// How many users a listing has that has no filter.
    pub(super) fn total(&self, connection: &mut AnyConnection, known: &Arc<Known>) -> Result<u64, Failure> {
        if let Some(total) = known.total() {
            return Ok(total);
        }
        let total = count(connection, &known.subject)?;
        if total >= FEW || known.fingerprint.len() > MANY_GROUPS {
            self.remember(Known { total: Some(total), ..Known::clone(known) });
        }
        Ok(total)
    }

    /// The ids of a page that is far from the start of a listing by username without a filter.
    pub(super) fn page(
        &self,
        connection: &mut AnyConnection,
        known: &Arc<Known>,
        listing: &UserListing,
        total: u64,
    ) -> Result<Option<Vec<Key>>, Failure> {
        let offset = listing.page.offset();
        let is_by_name = match listing.order.as_slice() {
            [] => true,
            [first, ..] => first.field == UserField::default_order() && !first.is_descending,
        };
        if !listing.filter.is_all() || !is_by_name || offset < NEAR || offset >= total {
            return Ok(None);
        }
        let places = if let Some(places) = &known.places {
            Arc::clone(places)
        } else {
            let places = Arc::new(places(connection, &known.subject)?);
            let total = known.total.or(Some(total));
            self.remember(Known { total, places: Some(Arc::clone(&places)), ..Known::clone(known) });
            places
        };
        let Some(start) = usize::try_from(offset / STRIDE).ok().and_then(|place| places.get(place)) else {
            return Ok(None);
        };
        let statement = by_name(&known.subject, Dialect::of(connection), "SELECT u.id FROM ")
            .sql(" AND u.username_key >= ")
            .text(start.as_str())
            .sql(" ORDER BY u.username_key LIMIT ")
            .number(saturating(listing.page.size()))
            .sql(" OFFSET ")
            .number(saturating(offset % STRIDE));
        dialect::force_index_order(connection, true)?;
        let ids = statement.query::<UuidSql>().load(connection)?;
        dialect::force_index_order(connection, false)?;
        Ok(Some(ids))
    }

    fn find(&self, subject: &Subject) -> Option<Arc<Known>> {
        let listings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        listings.iter().find(|known| known.subject == *subject).map(Arc::clone)
    }

    fn remember(&self, known: Known) -> Arc<Known> {
        let known = Arc::new(known);
        if known.fingerprint.len() <= MOST_GROUPS {
            let mut listings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            listings.retain(|other| other.subject != known.subject);
            listings.push_front(Arc::clone(&known));
            listings.truncate(LISTINGS);
        }
        known
    }
}

/// The names at every [`STRIDE`]th place.
fn places(connection: &mut AnyConnection, subject: &Subject) -> Result<Vec<String>, Failure> {
    let dialect = Dialect::of(connection);
    let numbered = Fragment::of("SELECT t.username_key FROM (")
        .then(by_name(
            subject,
            dialect,
            "SELECT u.username_key AS username_key, row_number() OVER (ORDER BY u.username_key) AS place FROM ",
        ))
        .sql(") t WHERE (t.place - 1) % ")
        .number(saturating(STRIDE))
        .sql(" = 0 ORDER BY t.place");
    Ok(numbered.query::<Text>().load(connection)?)
}
