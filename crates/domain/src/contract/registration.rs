//! New users, held to the long forms that define what decides about them and what they become.

use std::collections::BTreeSet;
use std::sync::Arc;

use uuid::Uuid;

use super::Fixture;
use super::checks::{comparable_account, populate};
use super::fixture::{must, user_named};
use crate::group::GroupId;
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::page::Page;
use crate::ports::{AccountStatus, Membership, NameSource, Reach, Registration, Store, StoreError};
use crate::provenance::Provenance;
use crate::user::{Email, SecurityStamp, User, UserId};

use crate::validity::Validity;

/// New users whose ids, usernames and addresses are taken or not, in domains of which one makes members of an administrators' group.
fn new_users(fixture: &Fixture) -> Vec<User> {
    let taken = must(fixture.store.read(|reader| reader.user_id(&UserIdentifier::from("member"))));
    let administrators = GroupIdentifier::from("User Administrators");
    must(fixture.directory.add_child(&fixture.operator(), &administrators, &GroupIdentifier::from("domains")));
    let mut users = Vec::new();
    for email in [None, Some("new@example.com"), Some("new@example.net"), Some("member@example.com")] {
        for name in ["new", "MEMBER", "member@example.com", "new@example.com"] {
            let free = UserId(Uuid::from_u128(0xdef0_0000 + users.len() as u128));
            for id in [Some(free), taken].into_iter().flatten() {
                let email = email.and_then(|email| Email::try_from(email.to_owned()).ok());
                users.push(User { email, ..user_named(name, id.0) });
            }
        }
    }
    users
}

/// For every kind of caller and every new user, what decides about adding the user is what the long form says.
pub fn new_users_are_decided_about_as_by_the_long_form(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let (callers, ..) = populate(&fixture);
    let (mut free, mut taken, mut administering) = (0, [0; 3], 0);
    for user in new_users(&fixture) {
        for caller in callers.iter().map(|caller| Some(caller.user)).chain([None]) {
            let (answer, expected) = must(fixture.store.read(|reader| {
                let answer = reader.registration(caller, &user)?;
                Ok::<_, StoreError>((answer, Registration::by_reading(reader, caller, &user)?))
            }));
            let [answer, expected] = [answer, expected].map(|decision| match (caller, decision.caller) {
                (Some(_), None) => Registration::default(),
                (_, account) => Registration { caller: account.map(comparable_account), ..decision },
            });
            assert_eq!(answer, expected, "{caller:?} {user:?}");
            let reasons = [expected.has_id, expected.has_username, expected.has_email];
            free += usize::from(!reasons.contains(&true));
            for (count, reason) in taken.iter_mut().zip(reasons) {
                *count += usize::from(reason);
            }
            administering += usize::from(!expected.administrators.is_empty());
        }
    }
    let counts = [[free, administering].as_slice(), &taken].concat();
    assert!(counts.iter().all(|count| *count > 10), "{counts:?}");
}

/// What a new user is, how they stand, the groups they belong to, and how many members those have.
type Seen = (Option<User>, Option<AccountStatus>, BTreeSet<GroupId>, Vec<Option<Membership>>, Vec<Option<u64>>);

/// Every new user comes to be the same and a member of the same groups as by the long form, which count them, and count them no more
/// when the user is deleted.
pub fn new_users_are_added_as_by_the_long_form(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    populate(&fixture);
    let (all, mut count) = (fixture.all(Page::default()), 0);
    for user in new_users(&fixture) {
        let decision = must(fixture.store.read(|reader| reader.registration(None, &user)));
        if decision.has_id || decision.has_username || decision.has_email {
            continue;
        }
        let added = Provenance { at: user.created, by: Some(fixture.admin.user) };
        let (groups, stamp, names) = (&decision.groups, SecurityStamp(user.id.0), NameSource::Authority);
        let seen = |is_long: bool| -> Seen {
            let before = user_counts(&fixture, groups);
            let (found, status, of, joined) = must(fixture.store.write(|writer| {
                if is_long {
                    writer.insert_user(&user, None, stamp, names)?;
                    for group in groups {
                        writer.insert_members(*group, &BTreeSet::from([user.id]), added)?;
                    }
                } else {
                    writer.insert_member_of((groups, added), &user, None, stamp, names)?;
                }
                let of = writer.groups_of(user.id, Reach::Effective, &BTreeSet::new(), &all)?;
                let joined = groups.iter().map(|group| writer.membership(*group, user.id)).collect::<Result<_, _>>()?;
                Ok::<_, StoreError>((writer.user(user.id)?, writer.account_status(user.id)?, of, joined))
            }));
            let after = user_counts(&fixture, groups);
            must(fixture.store.write_alone(|writer| writer.delete_user(user.id, fixture.now())));
            assert_eq!(user_counts(&fixture, groups), before);
            (found, status, of.items.into_iter().map(|group| group.id).collect(), joined, after)
        };
        let expected = seen(true);
        assert!(expected.3.iter().all(|joined| *joined == Some(Membership { added, validity: Validity::ALWAYS })));
        assert_eq!(expected.1, Some(decision.account(&user, stamp)));
        assert_eq!(seen(false), expected, "{user:?}");
        count += 1;
    }
    assert!(count > 2, "{count}");
}

fn user_counts(fixture: &Fixture, groups: &BTreeSet<GroupId>) -> Vec<Option<u64>> {
    let count = |group: &GroupId| must(fixture.store.read(|reader| reader.group(*group))).map(|group| group.user_count);
    groups.iter().map(count).collect()
}
