//! Who waits for whom.

use std::collections::BTreeSet;
use std::sync::{Arc, Barrier};
use std::thread;

use super::Fixture;
use super::fixture::must;
use crate::directory::{AddChildrenError, AddMembersError, ChangeUserError, CreateUserError, RemoveMemberError};
use crate::group::SystemGroup;
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::page::Page;
use crate::ports::{Reach, Store};
use crate::provenance::Provenance;
use crate::time::Timestamp;
use crate::user::{UserChanges, UserDraft, UserId};
use crate::version::{Precondition, Version};

/// Runs `work` for every number below `count` at the same time.
pub(super) fn together<T: Send>(count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let start = Barrier::new(count);
    thread::scope(|scope| {
        let run = |number| {
            let (start, work) = (&start, &work);
            scope.spawn(move || {
                start.wait();
                work(number)
            })
        };
        let threads: Vec<_> = (0..count).map(run).collect();
        threads.into_iter().map(|thread| must(thread.join())).collect()
    })
}

/// Each sees what those before it did: nobody adds the same next member.
pub fn writers_alone_take_turns(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let group = fixture.group("Soap");
    let users: Vec<UserId> = (0..12).map(|number| fixture.user(&format!("u{number}"))).collect();
    together(12, |_| {
        must(fixture.store.write_alone(|directory| {
            let next = usize::try_from(
                directory.members(group, Reach::Direct, &BTreeSet::new(), &fixture.all(Page::default()))?.total,
            )
            .unwrap_or_default();
            directory.insert_members(
                group,
                &BTreeSet::from([users[next]]),
                Provenance::at(Timestamp::from_milliseconds(0)),
            )
        }));
    });
    assert_eq!(fixture.read(group).user_count, 12);
}

/// Lists that overlap, added at once in any order: all of them succeed, and the union is what there is.
pub fn overlapping_adds_all_succeed(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let group = fixture.group("Soap");
    let users: Vec<UserId> = (0..120).map(|number| fixture.user(&format!("u{number}"))).collect();
    let new = together(12, |number| fixture.join(group, &users[number * 8..number * 8 + 30]));
    assert_eq!(new.iter().sum::<u64>(), 118);
    assert_eq!(fixture.read(group).user_count, 118);
    let page = must(Page::new(0, 1000));
    let members = must(
        fixture
            .store
            .read(|directory| directory.members(group, Reach::Direct, &BTreeSet::new(), &fixture.all(page.clone()))),
    );
    let found: BTreeSet<UserId> = members.items.iter().map(|user| user.id).collect();
    assert_eq!(found, users[..118].iter().copied().collect());
}

/// Many ask for the same name at once, as username or as address: one gets it, the others are told that it is taken.
pub fn one_of_many_gets_a_name(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let outcomes = together(8, |number| {
        let other = format!("u{number}@fightclub.com");
        let wanted = "wanted@fightclub.com".to_owned();
        let (username, email) = if number % 2 == 0 { (wanted, other) } else { (other, wanted) };
        let draft = UserDraft {
            username: Some(username),
            email: Some(email),
            password: Some("pr0j3ctM4yh3m".to_owned()),
            ..UserDraft::default()
        };
        fixture.directory.create_user(&fixture.by(&fixture.admin), draft)
    });
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    let told =
        |error: &CreateUserError| matches!(error, CreateUserError::UsernameTaken(_) | CreateUserError::EmailTaken(_));
    assert!(outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).all(told), "{outcomes:?}");
}

/// Two administrators remove each other at once: one of them stays.
pub fn the_last_two_administrators_cannot_remove_each_other(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let system = GroupIdentifier::Id(fixture.system(SystemGroup::SystemAdministrators));
    for round in 0..4 {
        let other = fixture.user(&format!("other {round}"));
        fixture.join(fixture.system(SystemGroup::SystemAdministrators), &[other]);
        let callers = [fixture.admin.clone(), fixture.caller(other)];
        let removed = together(2, |number| {
            let target = UserIdentifier::Id(callers[1 - number].user);
            fixture.directory.remove_member(&fixture.by(&callers[number]), &system, &target)
        });
        assert_eq!(removed.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{removed:?}");
        // Whoever stayed lets the other in again.
        let stayed = usize::from(removed[1].is_ok());
        let again = UserIdentifier::Id(fixture.admin.user);
        must(fixture.directory.add_member(&fixture.by(&callers[stayed]), &system, &again));
        must(
            fixture.directory.remove_member(&fixture.by(&fixture.admin), &system, &UserIdentifier::Id(other)).or_else(
                |error| match error {
                    RemoveMemberError::NotAMember | RemoveMemberError::Inherited(_) => Ok(()),
                    other => Err(other),
                },
            ),
        );
    }
    let alone = fixture.directory.remove_member(&fixture.by(&fixture.admin), &system, &UserIdentifier::Current);
    assert!(matches!(alone, Err(RemoveMemberError::LastAdministrator)));
}

/// A group is put below System Administrators, and the other administrator removed, while the group's only member is removed from it: one
/// of them stays an administrator.
pub fn a_removal_beside_a_new_edge_does_not_take_the_last_administrator(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let (directory, system) = (&fixture.directory, fixture.system(SystemGroup::SystemAdministrators));
    let (system, admin) = (GroupIdentifier::Id(system), UserIdentifier::Id(fixture.admin.user));
    for round in 0..8 {
        let (user, group) = (fixture.user(&format!("user {round}")), fixture.group(&format!("group {round}")));
        fixture.join(group, &[user]);
        let (user, group) = (UserIdentifier::Id(user), GroupIdentifier::Id(group));
        together(2, |number| {
            if number == 0 {
                drop(directory.remove_member(&fixture.operator(), &group, &user));
            } else {
                must(directory.add_child(&fixture.operator(), &system, &group));
                drop(directory.remove_member(&fixture.operator(), &system, &admin));
            }
        });
        assert!(must(fixture.store.read(|reader| reader.has_lasting_administrator())));
        must(directory.add_member(&fixture.operator(), &system, &admin));
        must(directory.remove_child(&fixture.operator(), &system, &group));
    }
}

/// Two edges that together close a cycle: one is added, the other refused.
pub fn two_edges_cannot_close_a_cycle(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    for round in 0..6 {
        let groups = [format!("a{round}"), format!("b{round}")].map(|name| GroupIdentifier::Id(fixture.group(&name)));
        let added = together(2, |number| {
            fixture.directory.add_child(&fixture.by(&fixture.admin), &groups[number], &groups[1 - number])
        });
        let refused = added.iter().filter(|outcome| matches!(outcome, Err(AddChildrenError::Cycle(_)))).count();
        assert_eq!((refused, added.iter().filter(|outcome| outcome.is_ok()).count()), (1, 1), "{added:?}");
    }
}

/// Of twenty changes made for the same version at once, one is done and nineteen are told that it is past.
pub fn one_of_many_changes_for_the_same_version_wins(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let user = UserIdentifier::Id(fixture.user("user"));
    let first = Precondition::one_of([Version::FIRST]);
    let outcomes = together(20, |number| {
        let changes = UserChanges { first_name: Some(Some(format!("name {number}"))), ..UserChanges::default() };
        fixture.directory.change_user(&fixture.by(&fixture.admin), &user, &changes, &first)
    });
    let stale = outcomes.iter().filter(|outcome| matches!(outcome, Err(ChangeUserError::Stale))).count();
    assert_eq!((outcomes.iter().filter(|outcome| outcome.is_ok()).count(), stale), (1, 19), "{outcomes:?}");
}

/// Without a version, the last change wins, but only over what it changes: nobody's property is put back as it was read.
pub fn changes_of_different_properties_do_not_undo_each_other(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let user = UserIdentifier::Id(fixture.user("user"));
    together(3, |number| {
        let text = || Some(Some("changed".to_owned()));
        let changes = match number {
            0 => UserChanges { first_name: text(), ..UserChanges::default() },
            1 => UserChanges { last_name: text(), ..UserChanges::default() },
            _ => return must(fixture.directory.act(&fixture.by(&fixture.admin), &user, "suspend")),
        };
        must(fixture.directory.change_user(&fixture.by(&fixture.admin), &user, &changes, &Precondition::default()));
    });
    let changed = must(fixture.directory.user(&fixture.by(&fixture.admin), &user));
    let names = (changed.first_name.as_deref(), changed.last_name.as_deref());
    assert_eq!((names, changed.suspended, changed.version), ((Some("changed"), Some("changed")), true, Version(4)));
}

/// Users and a group are deleted while they are added: what is gone is not found, and nothing fails.
pub fn what_vanishes_meanwhile_is_not_found(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    for round in 0..4 {
        let group = GroupIdentifier::Id(fixture.group(&format!("Soap {round}")));
        let users: BTreeSet<UserId> = (0..20).map(|number| fixture.user(&format!("u{round} {number}"))).collect();
        let last = users.iter().next_back().copied().map(UserIdentifier::Id);
        together(6, |number| match (number, &last) {
            (0, Some(last)) => {
                must(fixture.directory.delete_user(&fixture.by(&fixture.admin), last, &Precondition::default()));
            }
            (1, _) if round % 2 == 0 => {
                must(fixture.directory.delete_group(&fixture.by(&fixture.admin), &group, &Precondition::default()));
            }
            _ => match fixture.directory.add_members(&fixture.by(&fixture.admin), &group, &users) {
                Ok(_) | Err(AddMembersError::UsersNotFound(_) | AddMembersError::GroupNotFound) => {}
                Err(error) => assert_eq!(error.to_string(), "", "no other outcome is right"),
            },
        });
        if round % 2 == 1 {
            let read = must(fixture.directory.group(&fixture.by(&fixture.admin), &group));
            let page = must(Page::new(0, 1000));
            let members = must(fixture.directory.members(
                &fixture.by(&fixture.admin),
                &group,
                Reach::Direct,
                &[],
                &fixture.all(page),
            ));
            assert_eq!(read.user_count, members.total);
        }
    }
}
