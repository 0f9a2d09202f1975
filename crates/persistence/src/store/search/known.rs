//! What is remembered of large listings until they change: how many users they have, and where some of their pages begin.
//!
//! A listing of users without a filter depends on who its members are and on their names, and the database counts the changes
//! of both, for every group and for all users, beside the numbers of users. Whatever is remembered is remembered with these
//! numbers, read in the same unit of work as what is to be answered: if they are the same, nothing has changed, whichever
//! process would have changed it. So what is answered is never stale.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use guildhall_domain::ports::Reach;
use guildhall_domain::search::{Field, UserField, UserListing};

use super::column::{Dialect, Homes, Use};
use super::fragment::Fragment;
use super::page::{Table, Wanted};
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
/// A subtree with more groups that have users costs more to compare than to count.
const MOST_GROUPS: usize = 4096;
/// Fewer users than this are counted as fast as looked up.
const FEW: u64 = 1000;

/// Of whom a listing is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// All users.
    Everybody,
    /// The members of a group, but for those of the excluded ones.
    Members { group: Key, reach: Reach, excluded: Vec<Key> },
}

impl Subject {
    /// That the user whose id stands in this column is one of them.
    pub(super) fn condition(&self, purpose: Use, id: &'static str) -> Fragment {
        match self {
            Self::Everybody => Fragment::of("1 = 1"),
            Self::Members { group, reach, excluded } => {
                let members = membership(&[*group], *reach, purpose, id);
                if excluded.is_empty() {
                    return members;
                }
                members.sql(" AND NOT ").then(membership(excluded, *reach, Use::Probing, id))
            }
        }
    }
}

fn membership(groups: &[Key], reach: Reach, purpose: Use, id: &'static str) -> Fragment {
    let groups = groups.iter().copied();
    match (purpose, reach) {
        (Use::Finding, Reach::Direct) => {
            Fragment::of(id).sql(" IN (SELECT m.user_id FROM group_users m WHERE m.group_id IN ").ids(groups).sql(")")
        }
        (Use::Finding, Reach::Effective) => Fragment::of(id)
            .sql(" IN (SELECT m.user_id FROM group_closure c JOIN group_users m ON m.group_id = c.descendant_id ")
            .sql("WHERE c.ancestor_id IN ")
            .ids(groups)
            .sql(")"),
        // As a value rather than with EXISTS, which PostgreSQL would turn into a join.
        (Use::Probing, Reach::Direct) => {
            Fragment::of("coalesce((SELECT 1 FROM group_users m WHERE m.user_id = ").sql(id).sql(" AND m.group_id IN ").ids(groups)
                .sql(" LIMIT 1), 0) = 1")
        }
        (Use::Probing, Reach::Effective) => Fragment::of(
            "coalesce((SELECT 1 FROM group_users m JOIN group_closure c ON c.descendant_id = m.group_id WHERE m.user_id = ",
        )
        .sql(id)
        .sql(" AND c.ancestor_id IN ")
        .ids(groups)
        .sql(" LIMIT 1), 0) = 1"),
    }
}

/// How many users there are.
pub(super) fn count_of_users(connection: &mut AnyConnection) -> Result<u64, Failure> {
    Ok(everybody(connection)?.0.unsigned_abs())
}

/// The number of users, and of changes of who they are and what they are called.
fn everybody(connection: &mut AnyConnection) -> Result<(i64, i64), Failure> {
    let slots: Vec<(i64, i64)> =
        user_counts::table.select((user_counts::users, user_counts::changes)).load(connection)?;
    Ok(slots.into_iter().fold((0, 0), |sum, slot| (sum.0 + slot.0, sum.1 + slot.1)))
}

/// The groups that have a say in a listing, with the numbers of their users and of their changes.
type Fingerprint = Vec<(Key, i64, i64)>;

fn group_counts(connection: &mut AnyConnection, groups: &[Key], reach: Reach) -> Result<Fingerprint, Failure> {
    let groups = groups.iter().copied();
    let statement = match reach {
        Reach::Direct => Fragment::of(
            "SELECT n.group_id, CAST(sum(n.users) AS bigint), CAST(sum(n.changes) AS bigint) FROM group_user_counts n \
             WHERE n.group_id IN ",
        )
        .ids(groups)
        .sql(" GROUP BY n.group_id ORDER BY n.group_id"),
        Reach::Effective => Fragment::of(
            "SELECT n.group_id, CAST(sum(n.users) AS bigint), CAST(sum(n.changes) AS bigint) FROM group_user_counts n \
             WHERE n.group_id IN (SELECT c.descendant_id FROM group_closure c WHERE c.ancestor_id IN ",
        )
        .ids(groups)
        .sql(") GROUP BY n.group_id ORDER BY n.group_id"),
    };
    Ok(statement.query::<(UuidSql, BigInt, BigInt)>().load(connection)?)
}

/// Whether all users are meant: because one group has as many.
pub(super) fn holds_all(connection: &mut AnyConnection, subject: &Subject, all: u64) -> Result<bool, Failure> {
    let Subject::Members { group, reach, excluded } = subject else { return Ok(true) };
    if !excluded.is_empty() {
        return Ok(false);
    }
    let largest = match reach {
        Reach::Direct => {
            Fragment::of("SELECT CAST(sum(n.users) AS bigint) FROM group_user_counts n WHERE n.group_id = ").id(*group)
        }
        Reach::Effective => Fragment::of(
            "SELECT max(t.users) FROM (SELECT CAST(sum(n.users) AS bigint) AS users FROM group_closure c \
             JOIN group_user_counts n ON n.group_id = c.descendant_id WHERE c.ancestor_id = ",
        )
        .id(*group)
        .sql(" GROUP BY n.group_id) t"),
    };
    let largest: Option<i64> = largest.query::<Nullable<BigInt>>().get_result(connection)?;
    Ok(largest.is_some_and(|largest| largest.unsigned_abs() == all))
}

/// What is remembered of listings.
#[derive(Debug, Default)]
pub(in crate::store) struct KnownListings(Mutex<VecDeque<Arc<Known>>>);

#[derive(Clone, Debug)]
struct Known {
    subject: Subject,
    fingerprint: Fingerprint,
    total: u64,
    /// The name at every [`STRIDE`]th place, if anybody asked for a page far from the start.
    places: Option<Arc<Vec<String>>>,
}

impl KnownListings {
    /// How many users a listing has that has no filter.
    pub(super) fn total(
        &self,
        connection: &mut AnyConnection,
        subject: &Subject,
        wanted: &Wanted<'_, UserField>,
    ) -> Result<u64, Failure> {
        let Subject::Members { reach, excluded, .. } = subject else { return Ok(wanted.all) };
        let fingerprint = fingerprint(connection, subject)?;
        let with_users = || fingerprint.iter().filter(|(_, users, _)| *users > 0);
        if excluded.is_empty() && (*reach == Reach::Direct || with_users().count() <= 1) {
            return Ok(with_users().map(|(_, users, _)| users.unsigned_abs()).sum());
        }
        if let Some(known) = self.find(subject, &fingerprint) {
            return Ok(known.total);
        }
        let total = wanted.count(connection)?;
        if total >= FEW && fingerprint.len() <= MOST_GROUPS {
            self.remember(Known { subject: subject.clone(), fingerprint, total, places: None });
        }
        Ok(total)
    }

    /// The ids of a page that is far from the start of a listing by username without a filter.
    pub(super) fn page(
        &self,
        connection: &mut AnyConnection,
        subject: &Subject,
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
        let fingerprint = fingerprint(connection, subject)?;
        if fingerprint.len() > MOST_GROUPS {
            return Ok(None);
        }
        let known = self.find(subject, &fingerprint).and_then(|known| known.places.clone());
        let places = if let Some(places) = known {
            places
        } else {
            let places = Arc::new(places(connection, subject)?);
            let known = Known { subject: subject.clone(), fingerprint, total, places: Some(Arc::clone(&places)) };
            self.remember(known);
            places
        };
        let Some(start) = usize::try_from(offset / STRIDE).ok().and_then(|place| places.get(place)) else {
            return Ok(None);
        };
        let statement = by_name(subject, Dialect::of(connection), "SELECT u.id FROM ")
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

    fn find(&self, subject: &Subject, fingerprint: &Fingerprint) -> Option<Arc<Known>> {
        let listings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = listings.iter().find(|known| known.subject == *subject && known.fingerprint == *fingerprint);
        found.map(Arc::clone)
    }

    fn remember(&self, known: Known) {
        let mut listings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        listings.retain(|other| other.subject != known.subject);
        listings.push_front(Arc::new(known));
        listings.truncate(LISTINGS);
    }
}

/// The numbers that change whenever the listing does.
fn fingerprint(connection: &mut AnyConnection, subject: &Subject) -> Result<Fingerprint, Failure> {
    match subject {
        Subject::Everybody => {
            let (users, changes) = everybody(connection)?;
            Ok(vec![(Key(uuid::Uuid::nil()), users, changes)])
        }
        Subject::Members { group, reach, excluded } => {
            let mut fingerprint = group_counts(connection, &[*group], *reach)?;
            if !excluded.is_empty() {
                // What separates the two is no group.
                fingerprint.push((Key(uuid::Uuid::nil()), 0, 0));
                fingerprint.extend(group_counts(connection, excluded, *reach)?);
            }
            Ok(fingerprint)
        }
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

/// The users of a listing along the index of their names, up to the condition.
fn by_name(subject: &Subject, dialect: Dialect, select: &'static str) -> Fragment {
    let index = "users_by_username_key";
    Fragment::of(select)
        .then(UserField::tables(Homes::OWN, Homes::OWN, Some(index), dialect))
        .sql(" WHERE ")
        .then(subject.condition(Use::Probing, "u.id"))
}
