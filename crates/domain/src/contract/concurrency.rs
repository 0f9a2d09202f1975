//! Who waits for whom.

use std::collections::BTreeSet;
use std::sync::{Arc, Barrier};
use std::thread;

use super::Fixture;
use super::fixture::must;
use crate::directory::{AddChildError, CreateUserError, RemoveMemberError};
use crate::group::SystemGroup;
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::page::Page;
use crate::ports::{Reach, Store};
use crate::user::{UserDraft, UserId};

/// Runs `work` for every number below `count` at the same time.
fn together<T: Send>(count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
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
            let next =
                usize::try_from(directory.members(group, Reach::Direct, &BTreeSet::new(), Page::default())?.total).unwrap_or_default();
            directory.insert_members(
                group,
                &BTreeSet::from([users[next]]),
                crate::time::Timestamp::from_milliseconds(0),
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
    let members = must(fixture.store.read(|directory| directory.members(group, Reach::Direct, &BTreeSet::new(), page)));
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
        fixture.directory.create_user(&fixture.admin, draft)
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
            fixture.directory.remove_member(&callers[number], &system, &target)
        });
        assert_eq!(removed.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{removed:?}");
        // Whoever stayed lets the other in again.
        let stayed = usize::from(removed[1].is_ok());
        let again = UserIdentifier::Id(fixture.admin.user);
        must(fixture.directory.add_member(&callers[stayed], &system, &again));
        must(fixture.directory.remove_member(&fixture.admin, &system, &UserIdentifier::Id(other)).or_else(|error| {
            match error {
                RemoveMemberError::NotAMember => Ok(()),
                other => Err(other),
            }
        }));
    }
    let alone = fixture.directory.remove_member(&fixture.admin, &system, &UserIdentifier::Current);
    assert!(matches!(alone, Err(RemoveMemberError::LastAdministrator)));
}

/// Two edges that together close a cycle: one is added, the other refused.
pub fn two_edges_cannot_close_a_cycle(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    for round in 0..6 {
        let groups = [format!("a{round}"), format!("b{round}")].map(|name| GroupIdentifier::Id(fixture.group(&name)));
        let added =
            together(2, |number| fixture.directory.add_child(&fixture.admin, &groups[number], &groups[1 - number]));
        let refused = added.iter().filter(|outcome| matches!(outcome, Err(AddChildError::Cycle))).count();
        assert_eq!((refused, added.iter().filter(|outcome| outcome.is_ok()).count()), (1, 1), "{added:?}");
    }
}
