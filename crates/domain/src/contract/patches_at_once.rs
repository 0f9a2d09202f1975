//! Patches beside one another and beside single changes.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Fixture;
use super::concurrency::together;
use super::fixture::{Outcome, must};
use super::patches::ATOMIC;
use crate::directory::{Patch, RemoveMemberError};
use crate::group::GroupId;
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::page::Page;
use crate::ports::{Reach, Store};
use crate::user::UserId;

fn members(fixture: &Fixture, group: GroupId) -> BTreeSet<UserId> {
    let all = fixture.all(must(Page::new(0, 1000)));
    let listed: Outcome<_> = fixture.store.read(|reader| reader.members(group, Reach::Direct, &BTreeSet::new(), &all));
    must(listed).items.iter().map(|user| user.id).collect()
}

fn set(fixture: &Fixture, group: GroupId, users: &[UserId]) {
    let patch = Patch::Set(users.iter().copied().map(UserIdentifier::Id).collect());
    let (context, group) = (fixture.by(&fixture.admin), GroupIdentifier::Id(group));
    must(fixture.directory.patch_members(&context, &group, &patch, ATOMIC));
}

/// Of sets at once, one comes last, and what it says is what there is.
pub fn one_of_many_sets_comes_last(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let group = fixture.group("Soap");
    let users: Vec<UserId> = (0..60).map(|number| fixture.user(&format!("u{number}"))).collect();
    for _ in 0..5 {
        together(4, |number| set(&fixture, group, &users[number * 10..number * 10 + 25]));
        let found = members(&fixture, group);
        let is_one = (0..4).any(|number| found == users[number * 10..number * 10 + 25].iter().copied().collect());
        assert!(is_one, "{found:?}");
        assert_eq!(fixture.read(group).user_count, 25);
    }
}

/// Sets, changes, adds and removals at once all succeed, and the counts are right.
pub fn patches_beside_single_changes_keep_the_counts(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let group = fixture.group("Soap");
    let users: Vec<UserId> = (0..60).map(|number| fixture.user(&format!("u{number}"))).collect();
    let id = GroupIdentifier::Id(group);
    for round in 0..5 {
        together(8, |number| {
            let context = fixture.by(&fixture.admin);
            let list = |start: usize| users[start..start + 30].iter().rev().copied().map(UserIdentifier::Id).collect();
            match number {
                0 | 1 => set(&fixture, group, &users[number * 20..number * 20 + 20]),
                2 | 3 => drop(fixture.join(group, &users[number * 5..])),
                4 => {
                    let patch = Patch::Change { add: list(0), remove: list(30) };
                    must(fixture.directory.patch_members(&context, &id, &patch, ATOMIC));
                }
                5 => {
                    let patch = Patch::Change { add: list(30), remove: list(0) };
                    must(fixture.directory.patch_members(&context, &id, &patch, ATOMIC));
                }
                _ => {
                    for user in users.iter().skip(number * 4 + round).take(10) {
                        match fixture.directory.remove_member(&context, &id, &UserIdentifier::Id(*user)) {
                            Err(RemoveMemberError::NotAMember) => {}
                            outcome => must(outcome),
                        }
                    }
                }
            }
        });
        assert_eq!(fixture.read(group).user_count, members(&fixture, group).len() as u64);
    }
}
