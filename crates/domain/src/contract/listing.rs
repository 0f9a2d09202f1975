//! Pages of users and of groups.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Fixture;
use super::fixture::must;
use crate::group::{Group, GroupId, SystemGroup};
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::page::{Page, Paged};
use crate::ports::{Reach, Store};

fn names(page: &Paged<Group>) -> Vec<&str> {
    page.items.iter().map(|group| group.name.as_str()).collect()
}

/// All users by username and all groups by name, in pages that fit together, with the counts of each group.
pub fn all_users_and_groups_are_listed_in_pages(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let users: Vec<_> = ["b", "_a", "C", "1"].map(|name| fixture.user(name)).into();
    let group = fixture.group("_first");
    fixture.join(group, &users);
    fixture.nest(group, fixture.system(SystemGroup::AdUsers));
    let page = |index| must(Page::new(index, 3));
    let first = must(fixture.directory.users(&fixture.by(&fixture.admin), &fixture.all(page(0))));
    let second = must(fixture.directory.users(&fixture.by(&fixture.admin), &fixture.all(page(1))));
    let listed: Vec<&str> = first.items.iter().chain(&second.items).map(|user| user.username.as_str()).collect();
    assert_eq!((listed, first.total, second.page_count()), (vec!["_a", "1", "admin", "b", "C"], 5, 2));
    let groups = must(fixture.directory.groups(&fixture.by(&fixture.admin), &fixture.all(page(0))));
    assert_eq!((names(&groups), groups.total), (vec!["_first", "AD Users", "API Key Administrators"], 10));
    assert_eq!((groups.items[0].user_count, groups.items[0].child_group_count), (4, 1));
    assert!(must(fixture.directory.groups(&fixture.by(&fixture.admin), &fixture.all(page(9)))).items.is_empty());
}

fn diamond(fixture: &Fixture) -> [GroupId; 4] {
    let groups = ["top", "left", "right", "bottom"].map(|name| fixture.group(name));
    for (parent, child) in [(0, 1), (0, 2), (1, 3), (2, 3)] {
        fixture.nest(groups[parent], groups[child]);
    }
    groups
}

/// Direct or all, with or without the group itself, without what stands below an excluded group.
pub fn children_are_listed_within_reach(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let [top, left, ..] = diamond(&fixture);
    let list = |reach, include_self, excluded: &[GroupId]| {
        let excluded: Vec<_> =
            excluded.iter().copied().map(GroupIdentifier::Id).chain([GroupIdentifier::from("nothing")]).collect();
        let top = GroupIdentifier::Id(top);
        let page = must(fixture.directory.children(
            &fixture.by(&fixture.admin),
            &top,
            (reach, include_self),
            &excluded,
            &fixture.all(Page::default()),
        ));
        assert_eq!(page.total, page.items.len() as u64);
        names(&page).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(list(Reach::Direct, false, &[]), ["left", "right"]);
    assert_eq!(list(Reach::Direct, true, &[]), ["left", "right", "top"]);
    assert_eq!(list(Reach::Effective, false, &[]), ["bottom", "left", "right"]);
    assert_eq!(list(Reach::Effective, true, &[]), ["bottom", "left", "right", "top"]);
    assert_eq!(list(Reach::Effective, true, &[left]), ["left", "right", "top"]);
    assert_eq!(list(Reach::Direct, true, &[top]), ["top"]);
}

/// The groups of a user, direct or with all above them, without what stands below an excluded group.
pub fn groups_of_a_user_are_listed_within_reach(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let [_, left, _, bottom] = diamond(&fixture);
    let user = fixture.user("user");
    fixture.join(bottom, &[user]);
    let list = |reach, excluded: &[GroupId]| {
        let excluded: Vec<_> = excluded.iter().copied().map(GroupIdentifier::Id).collect();
        let user = UserIdentifier::Id(user);
        let page = must(fixture.directory.groups_of_user(
            &fixture.by(&fixture.admin),
            &user,
            reach,
            &excluded,
            &fixture.all(Page::default()),
        ));
        names(&page).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(list(Reach::Direct, &[]), ["bottom"]);
    assert_eq!(list(Reach::Effective, &[]), ["bottom", "left", "right", "top"]);
    assert_eq!(list(Reach::Effective, &[left]), ["left", "right", "top"]);
    assert!(list(Reach::Direct, &[left]).is_empty());
}

/// The members of an excluded group are left out, within the same reach.
pub fn members_of_excluded_groups_are_left_out(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let [top, left, right, bottom] = diamond(&fixture);
    let users = ["a", "b", "c", "d"].map(|name| fixture.user(name));
    [top, left, right, bottom]
        .into_iter()
        .zip(users)
        .for_each(|(group, user)| assert_eq!(fixture.join(group, &[user]), 1));
    fixture.join(top, &users[1..2]);
    let list = |reach, excluded: &[GroupId]| {
        let excluded: Vec<_> = excluded.iter().copied().map(GroupIdentifier::Id).collect();
        let top = GroupIdentifier::Id(top);
        let page = must(fixture.directory.members(
            &fixture.by(&fixture.admin),
            &top,
            reach,
            &excluded,
            &fixture.all(Page::default()),
        ));
        assert_eq!(page.total, page.items.len() as u64);
        page.items.iter().map(|user| user.username.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(list(Reach::Effective, &[]), ["a", "b", "c", "d"]);
    assert_eq!(list(Reach::Effective, &[left]), ["a", "c"]);
    assert_eq!(list(Reach::Direct, &[left]), ["a"]);
    assert_eq!(list(Reach::Direct, &[right, bottom]), ["a", "b"]);
}

/// One of the groups is enough; the whole text is a name before it is a list; unknown groups have no members.
pub fn membership_of_any_group_is_enough(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let [top, left, _, bottom] = diamond(&fixture);
    let (user, listed) = (fixture.user("user"), fixture.group("top, left"));
    fixture.join(left, &[user]);
    let is_in = |names: &str| {
        must(fixture.directory.is_member_of_any(&fixture.by(&fixture.admin), &UserIdentifier::Id(user), names))
    };
    assert!(is_in("nothing, TOP ,") && is_in(&format!("{bottom},{{{top}}}")));
    assert!(!is_in("bottom") && !is_in("nothing") && !is_in(",") && !is_in("top, left"));
    fixture.join(listed, &[user]);
    assert!(is_in("top, left"));
    let all: BTreeSet<GroupId> = BTreeSet::from([bottom, listed]);
    assert!(must(fixture.store.read(|directory| directory.is_effective_member_of_any(&all, user))));
}
