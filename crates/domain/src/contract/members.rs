//! Who belongs to a group.

use std::collections::BTreeSet;
use std::sync::Arc;

use uuid::Uuid;

use super::Fixture;
use super::fixture::{Outcome, must};
use crate::directory::{AddMembersError, InheritedMembership, RemoveMemberError};
use crate::group::{Group, GroupDraft, GroupId, GroupName, SystemGroup};
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::page::{Page, Paged};
use crate::ports::{Reach, Store, StoreError};
use crate::provenance::Provenance;
use crate::user::{User, UserDraft, UserId};

fn page(fixture: &Fixture, group: GroupId, reach: Reach, index: u64, size: u64) -> Paged<User> {
    let page = must(Page::new(index, size));
    must(fixture.directory.members(
        &fixture.by(&fixture.admin),
        &GroupIdentifier::Id(group),
        reach,
        &[],
        &fixture.all(page),
    ))
}

fn usernames(page: &Paged<User>) -> Vec<&str> {
    page.items.iter().map(|user| user.username.as_str()).collect()
}

/// Who was a member is not counted as new, and nobody is counted twice.
pub fn adding_counts_only_those_who_are_new(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let group = fixture.group("Soap");
    let users: Vec<UserId> = (0..5).map(|number| fixture.user(&format!("u{number}"))).collect();
    assert_eq!(fixture.join(group, &users[..3]), 3);
    assert_eq!(fixture.join(group, &users), 2);
    assert_eq!(fixture.join(group, &users), 0);
    assert_eq!(fixture.join(group, &[]), 0);
    assert_eq!(fixture.read(group).user_count, 5);
}

/// A membership and an edge keep who made them and when, also when they are made again by somebody else.
pub fn who_added_a_member_or_a_child_is_kept(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let (group, child, user) = (fixture.group("Soap"), fixture.group("Lye"), fixture.user("u"));
    let (first, began) = (fixture.admin.user, fixture.now());
    let other = fixture.user("other");
    fixture.join(fixture.system(SystemGroup::SystemAdministrators), &[other]);
    let by_other = fixture.by(fixture.caller(other));
    let read = || {
        must(fixture.store.read(|reader| {
            let membership = reader.membership(group, user)?.map(|membership| membership.added);
            Ok::<_, StoreError>((membership, reader.edge(group, child)?.map(|edge| edge.added)))
        }))
    };
    assert_eq!(read(), (None, None));
    fixture.join(group, &[user]);
    fixture.nest(group, child);
    let added = Provenance { at: began, by: Some(first) };
    assert_eq!(read(), (Some(added), Some(Some(added))));
    fixture.wait_minutes(1);
    let group_id = GroupIdentifier::Id(group);
    must(fixture.directory.add_member(&by_other, &group_id, &UserIdentifier::Id(user)));
    must(fixture.directory.add_members(&by_other, &group_id, &BTreeSet::from([user, other])));
    must(fixture.directory.add_child(&by_other, &group_id, &GroupIdentifier::Id(child)));
    assert_eq!(read(), (Some(added), Some(Some(added))));
    // What ends and begins again is made by whoever made it last.
    must(fixture.directory.remove_member(&by_other, &group_id, &UserIdentifier::Id(user)));
    must(fixture.directory.remove_child(&by_other, &group_id, &GroupIdentifier::Id(child)));
    assert_eq!(read(), (None, None));
    must(fixture.directory.add_member(&by_other, &group_id, &UserIdentifier::Id(user)));
    must(fixture.directory.add_children(&by_other, &group_id, &BTreeSet::from([child])));
    let again = Provenance { at: by_other.now(), by: Some(other) };
    assert_eq!(read(), (Some(again), Some(Some(again))));
}

/// Every id that no user has is named, and then nobody is added.
pub fn unknown_users_are_all_reported(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let group = fixture.group("Soap");
    let unknown: BTreeSet<UserId> = (0..3).map(|number| UserId(Uuid::from_u128(0xdead_0000 + number))).collect();
    let mut asked = unknown.clone();
    asked.insert(fixture.user("known"));
    let refused = fixture.directory.add_members(&fixture.by(&fixture.admin), &GroupIdentifier::Id(group), &asked);
    assert!(matches!(refused, Err(AddMembersError::UsersNotFound(named)) if named == unknown));
    assert_eq!(fixture.read(group).user_count, 0);
}

/// 70,000 ids in one call: more than SQLite (32,766) or PostgreSQL (65,535) take as parameters.
pub fn a_list_far_beyond_any_parameter_limit_is_taken(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let asked: BTreeSet<UserId> = (0..70_000).map(|number| UserId(Uuid::from_u128(0xdead_0000 + number))).collect();
    let unknown: Outcome<_> = fixture.store.read(|directory| directory.unknown_users(&asked));
    assert_eq!(must(unknown), asked);
}

/// Somebody who is a member only through a child cannot be removed from the parent.
pub fn removing_ends_a_direct_membership_only(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let (parent, child, user) = (fixture.group("parent"), fixture.group("child"), fixture.user("user"));
    fixture.nest(parent, child);
    fixture.join(child, &[user]);
    let remove = |group| {
        fixture.directory.remove_member(
            &fixture.by(&fixture.admin),
            &GroupIdentifier::Id(group),
            &UserIdentifier::Id(user),
        )
    };
    assert!(matches!(remove(parent), Err(RemoveMemberError::Inherited(_))));
    assert!(fixture.is_in(parent, user));
    must(remove(child));
    assert!(!fixture.is_in(parent, user) && !fixture.is_in(child, user));
    assert_eq!(fixture.read(child).user_count, 0);
    assert!(matches!(remove(child), Err(RemoveMemberError::NotAMember)));
}

/// A group whose name was stored by other rules is told of, too.
pub fn an_inherited_membership_tells_of_a_name_that_could_not_be_given(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let (parent, child, user) = (fixture.group("parent"), fixture.group("child"), fixture.user("user"));
    // Nobody may give a group the name `..`.
    let stored = Group { name: GroupName::stored("..".to_owned()), ..fixture.read(child) };
    must(fixture.store.write(|directory| {
        directory.group_to_change(child)?;
        directory.update_group(&stored)
    }));
    fixture.nest(parent, child);
    fixture.join(child, &[user]);
    let removed = fixture.directory.remove_member(
        &fixture.by(&fixture.admin),
        &GroupIdentifier::Id(parent),
        &UserIdentifier::Id(user),
    );
    let told = match removed {
        Err(RemoveMemberError::Inherited(inherited)) => inherited.groups,
        outcome => {
            must(outcome);
            Vec::new()
        }
    };
    assert_eq!(told, [(child, stored.name)]);
}

/// The refusal names the groups below that hold the user, by name and at most so many.
pub fn an_inherited_membership_tells_where_it_comes_from(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let (top, middle) = (fixture.group("top"), fixture.group("middle"));
    let (user, other) = (fixture.user("user"), fixture.user("other"));
    fixture.nest(top, middle);
    let remove = |group| {
        let removed = fixture.directory.remove_member(
            &fixture.by(&fixture.admin),
            &GroupIdentifier::Id(group),
            &UserIdentifier::Id(user),
        );
        match removed {
            Err(RemoveMemberError::Inherited(inherited)) => {
                let names = inherited.groups.iter().map(|(_, name)| name.as_str().to_owned()).collect::<Vec<_>>();
                Some((names, inherited.has_more))
            }
            Err(RemoveMemberError::NotAMember) => None,
            outcome => {
                must(outcome);
                Some((Vec::new(), false))
            }
        }
    };
    let below: Vec<GroupId> = (0..InheritedMembership::MOST_GROUPS)
        .rev()
        .map(|number| {
            let group = fixture.group(&format!("Below {number:02}"));
            fixture.nest(if number % 2 == 0 { top } else { middle }, group);
            group
        })
        .collect();
    assert_eq!(remove(top), None);
    for (place, group) in below.iter().enumerate() {
        fixture.join(*group, &[user, other]);
        let first = InheritedMembership::MOST_GROUPS - 1 - place;
        let expected = (first..InheritedMembership::MOST_GROUPS).map(|number| format!("Below {number:02}")).collect();
        assert_eq!(remove(top), Some((expected, false)));
    }
    // One that is no member of a group beside, above or in itself.
    let beside = fixture.group("Aside");
    fixture.join(beside, &[user]);
    assert_eq!(remove(top).map(|(names, _)| names.len()), Some(InheritedMembership::MOST_GROUPS));
    fixture.nest(middle, beside);
    let (names, has_more) = remove(top).unwrap_or_default();
    assert_eq!((names.first().map(String::as_str), names.len(), has_more), (Some("Aside"), below.len(), true));
    assert_eq!(remove(below[0]), Some((Vec::new(), false)));
    assert_eq!(remove(below[0]), None);
    assert!(fixture.is_in(top, user));
}

/// Symbols, digits, letters; pages that fit together; nothing past the end.
pub fn members_come_by_username_and_in_pages(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let group = fixture.group("Soap");
    let names = ["!! New key", "_child", "11179", "532", "AD", "alias", "Émile"];
    let users: Vec<UserId> = names.iter().rev().map(|name| fixture.user(name)).collect();
    fixture.user("stranger");
    fixture.join(group, &users);
    assert_eq!(usernames(&page(&fixture, group, Reach::Direct, 0, 25)), names);
    assert_eq!(usernames(&page(&fixture, group, Reach::Direct, 1, 3)), names[3..6]);
    let last = page(&fixture, group, Reach::Direct, 2, 3);
    assert_eq!((usernames(&last), last.total, last.page_count()), (vec!["Émile"], 7, 3));
    assert_eq!(page(&fixture, group, Reach::Direct, u64::MAX, 1000).items, []);
}

/// A member of a group and of two groups below it stands in the list once.
pub fn effective_members_come_once(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let (top, left, right) = (fixture.group("top"), fixture.group("left"), fixture.group("right"));
    fixture.nest(top, left);
    fixture.nest(top, right);
    let users = [fixture.user("a"), fixture.user("b"), fixture.user("c")];
    fixture.join(top, &users[..1]);
    fixture.join(left, &users[..2]);
    fixture.join(right, &users);
    let all = page(&fixture, top, Reach::Effective, 0, 25);
    assert_eq!((usernames(&all), all.total), (vec!["a", "b", "c"], 3));
    assert_eq!(usernames(&page(&fixture, top, Reach::Direct, 0, 25)), ["a"]);
}

/// Creating an account joins it to `Everyone` and to each group that lists its domain; accounts that exist stay as they are.
pub fn a_new_user_joins_everyone_and_the_groups_of_their_domain(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let before = fixture.user("old@fightclub.com");
    let draft = GroupDraft {
        name: Some("Fighters".to_owned()),
        auto_membership_email_domains: vec!["@FightClub.com".to_owned()],
        ..GroupDraft::default()
    };
    let group = must(fixture.directory.create_group(&fixture.by(&fixture.admin), draft)).id;
    let create = |email: &str| {
        let draft = UserDraft {
            email: Some(email.to_owned()),
            password: Some("pr0j3ctM4yh3m".to_owned()),
            ..UserDraft::default()
        };
        must(fixture.directory.create_user(&fixture.by(&fixture.admin), draft)).id
    };
    let (inside, below, outside) =
        (create("t@FIGHTCLUB.com"), create("t@mail.fightclub.com"), create("t@soap.example"));
    let members: Vec<bool> = [inside, below, outside, before].map(|user| fixture.is_in(group, user)).into();
    assert_eq!(members, [true, false, false, false]);
    let everyone = fixture.system(SystemGroup::Everyone);
    assert!([inside, below, outside].iter().all(|user| fixture.is_in(everyone, *user)));
    assert_eq!((fixture.read(group).user_count, fixture.read(everyone).user_count), (1, 4));
}
