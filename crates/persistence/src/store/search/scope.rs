//! Listings: of everything, within a group, of a user.

use std::collections::BTreeSet;

use diesel::prelude::*;
use guildhall_domain::group::{Group, GroupId};
use guildhall_domain::page::Paged;
use guildhall_domain::ports::{Children, Reach};
use guildhall_domain::search::{GroupListing, UserListing};
use guildhall_domain::user::{User, UserId};

use super::column::{Dialect, Use};
use super::fragment::Fragment;
use super::known::{KnownListings, Stamp};
use super::page::{Wanted, Within};
use super::subject::Subject;
use crate::connection::AnyConnection;
use crate::schema::group_counts;
use crate::sql_types::Key;
use crate::store::{Failure, groups, users};

pub(in crate::store) fn all_users(
    connection: &mut AnyConnection,
    known: &KnownListings,
    listing: &UserListing,
) -> Result<Paged<User>, Failure> {
    users_of(connection, known, &Subject::Everybody, listing)
}

/// The members of a group. If all users are among them, this is the listing of all users.
pub(in crate::store) fn members(
    connection: &mut AnyConnection,
    known: &KnownListings,
    group: GroupId,
    reach: Reach,
    excluded: &BTreeSet<GroupId>,
    listing: &UserListing,
) -> Result<Paged<User>, Failure> {
    let excluded = excluded.iter().map(|group| Key(group.0)).collect();
    users_of(connection, known, &Subject::Members { group: Key(group.0), reach, excluded }, listing)
}

fn users_of(
    connection: &mut AnyConnection,
    listings: &KnownListings,
    subject: &Subject,
    listing: &UserListing,
) -> Result<Paged<User>, Failure> {
    let stamp = Stamp::read(connection)?;
    let mut known = listings.of(connection, subject, stamp)?;
    let holds_all = known.holds_all();
    let subject = if holds_all { &Subject::Everybody } else { subject };
    if holds_all {
        known = listings.of(connection, subject, stamp)?;
    }
    let dialect = Dialect::of(connection);
    let within = |purpose: Use, id: &'static str| subject.condition(purpose, id, dialect);
    let within: Option<&Within<'_>> = if holds_all { None } else { Some(&within) };
    let wanted = Wanted { listing, within, all: stamp.users };
    if let Some((total, ids)) = wanted.few(connection)? {
        return Ok(Paged { page: listing.page, total, items: users::in_order(connection, &ids)? });
    }
    let is_plain = listing.filter.is_all();
    let total = if is_plain { listings.total(connection, &known)? } else { wanted.count(connection)? };
    let ids = match listings.page(connection, &known, listing, total)? {
        Some(ids) => ids,
        None => wanted.ids(connection, total)?,
    };
    let items = users::in_order(connection, &ids)?;
    Ok(Paged { page: listing.page, total, items })
}

pub(in crate::store) fn all_groups(
    connection: &mut AnyConnection,
    listing: &GroupListing,
) -> Result<Paged<Group>, Failure> {
    groups_within(connection, None, listing)
}

/// The groups below a group.
pub(in crate::store) fn children(
    connection: &mut AnyConnection,
    group: GroupId,
    children: &Children,
    listing: &GroupListing,
) -> Result<Paged<Group>, Failure> {
    let within = |_: Use, id: &'static str| {
        let itself = Fragment::of(id).sql(" = ").id(Key(group.0));
        let below = below(&[Key(group.0)], children.reach, id);
        let wanted =
            if children.include_self { Fragment::of("(").then(below).sql(" OR ").then(itself).sql(")") } else { below };
        without_below(wanted, &children.excluded, children.reach, id)
    };
    groups_within(connection, Some(&within), listing)
}

/// The groups that a user belongs to.
pub(in crate::store) fn groups_of(
    connection: &mut AnyConnection,
    user: UserId,
    reach: Reach,
    excluded: &BTreeSet<GroupId>,
    listing: &GroupListing,
) -> Result<Paged<Group>, Failure> {
    let within = |_: Use, id: &'static str| {
        let direct = " IN (SELECT m.group_id FROM group_users m WHERE m.user_id = ";
        let effective = " IN (SELECT c.ancestor_id FROM group_users m \
             JOIN group_closure c ON c.descendant_id = m.group_id WHERE m.user_id = ";
        let memberships = if reach == Reach::Direct { direct } else { effective };
        let wanted = Fragment::of(id).sql(memberships).id(Key(user.0)).sql(")");
        without_below(wanted, excluded, reach, id)
    };
    groups_within(connection, Some(&within), listing)
}

fn groups_within(
    connection: &mut AnyConnection,
    within: Option<&Within<'_>>,
    listing: &GroupListing,
) -> Result<Paged<Group>, Failure> {
    if let Some((total, ids)) = (Wanted { listing, within, all: 0 }).few(connection)? {
        return Ok(Paged { page: listing.page, total, items: groups::in_order(connection, &ids)? });
    }
    let slots: Vec<i64> = group_counts::table.select(group_counts::groups).load(connection)?;
    let wanted = Wanted { listing, within, all: slots.into_iter().sum::<i64>().unsigned_abs() };
    let total = wanted.count(connection)?;
    let ids = wanted.ids(connection, total)?;
    Ok(Paged { page: listing.page, total, items: groups::in_order(connection, &ids)? })
}

fn below(groups: &[Key], reach: Reach, id: &'static str) -> Fragment {
    let ids = || groups.iter().copied();
    match reach {
        Reach::Direct => Fragment::of(id)
            .sql(" IN (SELECT e.child_id FROM group_children e WHERE e.parent_id IN ")
            .ids(ids())
            .sql(")"),
        // A group is not below itself, but it may be below another of them.
        Reach::Effective => Fragment::of(id)
            .sql(" IN (SELECT c.descendant_id FROM group_closure c WHERE c.ancestor_id IN ")
            .ids(ids())
            .sql(" AND c.descendant_id <> c.ancestor_id)"),
    }
}

fn without_below(wanted: Fragment, excluded: &BTreeSet<GroupId>, reach: Reach, id: &'static str) -> Fragment {
    if excluded.is_empty() {
        return wanted;
    }
    let excluded: Vec<Key> = excluded.iter().map(|group| Key(group.0)).collect();
    wanted.sql(" AND NOT ").then(below(&excluded, reach, id))
}
