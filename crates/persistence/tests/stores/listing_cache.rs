//! Pages far from the start, and totals of many groups: what is remembered of them is never stale.

use std::collections::BTreeSet;
use std::sync::Arc;

use guildhall_domain::contract::{Fixture, user_named};
use guildhall_domain::group::GroupId;
use guildhall_domain::identifier::{GroupIdentifier, UserIdentifier};
use guildhall_domain::page::{Page, Paged};
use guildhall_domain::ports::{NameSource, Reach, Store, StoreError};
use guildhall_domain::search::{Sort, UserField, UserListing};
use guildhall_domain::user::{SecurityStamp, User, UserChanges, UserId};
use guildhall_domain::version::Precondition;
use uuid::Uuid;

/// Enough for pages that are looked up, and for totals that are remembered.
const USERS: u128 = 2600;

#[test]
fn far_pages_in_sqlite_follow_every_change() {
    let (database, _, _folder) = super::databases::sqlite();
    far_pages_follow_every_change(database.store());
}

#[test]
fn far_pages_in_postgres_follow_every_change() {
    let (database, _, _dropped) = super::databases::postgres();
    far_pages_follow_every_change(database.store());
}

fn far_pages_follow_every_change(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let users: Vec<User> =
        (0..USERS).map(|number| user_named(&format!("u{number:05}"), Uuid::from_u128(number << 80 | 0xabc))).collect();
    for part in users.chunks(500) {
        let inserted: Result<(), StoreError> = fixture.store.write(|directory| {
            part.iter()
                .try_for_each(|user| directory.insert_user(user, None, SecurityStamp(user.id.0), NameSource::Authority))
        });
        inserted.expect("users");
    }
    let ids: Vec<UserId> = users.iter().map(|user| user.id).collect();
    let [top, odd, even, few] = ["top", "odd", "even", "few"].map(|name| fixture.group(name));
    for group in [odd, even, few] {
        fixture.nest(top, group);
    }
    fixture.join(odd, &ids.iter().copied().skip(1).step_by(2).collect::<Vec<_>>());
    fixture.join(even, &ids.iter().copied().step_by(2).chain(ids[..700].iter().copied()).collect::<Vec<_>>());
    fixture.join(few, &ids[..40]);
    let check = || {
        agree(&fixture, None);
        for group in [top, odd, even, few] {
            agree(&fixture, Some(group));
        }
    };
    check();
    let by_id = |place: usize| UserIdentifier::Id(ids[place]);
    let in_group = GroupIdentifier::Id;
    let (directory, admin) = (&fixture.directory, &fixture.admin);
    // Who is in and who is out, what somebody is called, and what is below what.
    directory.remove_member(&fixture.by(admin), &in_group(odd), &by_id(1)).expect("removed");
    check();
    directory.add_member(&fixture.by(admin), &in_group(even), &by_id(1)).expect("added");
    check();
    let rename = UserChanges { username: Some(Some("zzz".to_owned())), ..UserChanges::default() };
    directory.change_user(&fixture.by(admin), &by_id(3), &rename, &Precondition::default()).expect("renamed");
    check();
    directory.delete_user(&fixture.by(admin), &by_id(5), &Precondition::default()).expect("deleted");
    check();
    directory.remove_child(&fixture.by(admin), &in_group(top), &in_group(odd)).expect("removed");
    check();
    fixture.nest(few, odd);
    check();
    fixture.user("u00000a");
    check();
}

/// What the pages hold, put together, is what a listing that nobody remembers anything of holds.
fn agree(fixture: &Fixture, group: Option<GroupId>) {
    let whole = |order: Vec<Sort<UserField>>| -> (Vec<UserId>, u64) {
        let mut found = Vec::new();
        for index in 0.. {
            let page = Page::new(index, 450).expect("a page");
            let listing = UserListing { order: order.clone(), ..fixture.all(page) };
            let Paged { items, total, .. } = list(fixture, group, &listing);
            found.extend(items.iter().map(|user| user.id));
            if (index + 1) * 450 >= total {
                return (found, total);
            }
        }
        unreachable!("the last page ends it")
    };
    let (by_name, total) = whole(Vec::new());
    // In the other direction everything is read from the start.
    let (mut backwards, counted) = whole(vec![Sort { field: UserField::Username, is_descending: true }]);
    backwards.reverse();
    assert_eq!(by_name, backwards, "{group:?}");
    assert_eq!((by_name.len() as u64, by_name.iter().collect::<BTreeSet<_>>().len() as u64), (total, total));
    assert_eq!(total, counted);
}

fn list(fixture: &Fixture, group: Option<GroupId>, listing: &UserListing) -> Paged<User> {
    let (directory, admin) = (&fixture.directory, &fixture.admin);
    match group {
        None => directory.users(&fixture.by(admin), listing).expect("users"),
        Some(group) => directory
            .members(&fixture.by(admin), &GroupIdentifier::Id(group), Reach::Effective, &[], listing)
            .expect("members"),
    }
}
