//! How many dates callers may give who are no System Administrators.

use std::sync::Arc;

use super::fixture::must;
use super::patches::ATOMIC;
use super::validity::NO_DATES;
use super::validity_of_administrators::dated;
use super::{Fixture, Given};
use crate::access::{Policy, Refused};
use crate::context::Context;
use crate::directory::{
    MemberList, Patch, PatchChildrenError, PatchMembersError, ScheduleChildError, ScheduleMemberError,
};
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::manager::ManagerId;
use crate::validity::ValidityChange;

/// Dates that are yet to come count for whoever gave them first, until they have come or are taken away; System Administrators give as many as they want.
pub fn managers_give_no_more_dates_than_they_may(given: Given) {
    let store = Arc::clone(&given.store);
    let fixture = Fixture::given(given);
    let [soap, lye, ash] = ["Soap", "Lye", "Ash"].map(|name| fixture.group(name));
    fixture.nest(soap, lye);
    fixture.nest(soap, ash);
    let marla = fixture.user("marla");
    fixture.appoint(soap, ManagerId::User(marla));
    let marla = fixture.caller(marla);
    let users: Vec<_> = (0..6).map(|number| fixture.user(&format!("user {number}"))).collect();
    let policy = Policy { dates_per_caller: 3, ..Policy::default() };
    let directory = fixture.directory_over(store).with_policy(policy);
    let (by_manager, by_administrator) = (fixture.by(&marla), fixture.by(&fixture.admin));
    let put = |context: &Context, user: usize, change| {
        directory.schedule_member(context, &GroupIdentifier::Id(soap), &UserIdentifier::Id(users[user]), change)
    };
    let put_below =
        |change| directory.schedule_child(&by_manager, &GroupIdentifier::Id(lye), &GroupIdentifier::Id(ash), change);
    let patch = |of: &[usize], change| {
        let mut list = MemberList::default();
        for user in of {
            list.extend([UserIdentifier::Id(users[*user])]);
            list.date_last(change);
        }
        directory.patch_members(&by_manager, &GroupIdentifier::Id(lye), &Patch::adding(list), ATOMIC)
    };
    let is_refused = |outcome| matches!(outcome, Err(ScheduleMemberError::Refused(Refused::TooManyDates { most: 3 })));
    let (from, until) = (fixture.dates(Some(1000), None), fixture.dates(None, Some(2000)));

    // What others gave dates does not count, whoever changes them.
    must(put(&by_administrator, 0, until));
    must(put(&by_manager, 0, fixture.dates(None, Some(2500))));
    must(patch(&[1, 2], from));
    must(put_below(from));
    assert!(is_refused(put(&by_manager, 3, until)));
    assert!(is_refused(put(&by_manager, 3, from)));
    let refused = patch(&[3, 4], from);
    assert!(matches!(refused, Err(PatchMembersError::Refused(Refused::TooManyDates { most: 3 }))), "{refused:?}");
    assert_eq!(fixture.standing(lye, users[3]), None);
    // Without dates, and with others for those that have some, nothing changes.
    must(put(&by_manager, 3, ValidityChange::default()));
    must(patch(&[1, 2], fixture.dates(Some(1000), Some(2000))));
    for user in [4, 5] {
        must(put(&by_administrator, user, until));
    }
    // One is taken away, and another given; an edge counts as well.
    must(patch(&[2], NO_DATES));
    must(put(&by_manager, 3, until));
    assert!(is_refused(put(&by_manager, 2, until)));
    must(directory.remove_child(&by_manager, &GroupIdentifier::Id(lye), &GroupIdentifier::Id(ash)));
    must(put(&by_manager, 2, until));
    let refused = put_below(from);
    assert!(matches!(refused, Err(ScheduleChildError::Refused(Refused::TooManyDates { most: 3 }))), "{refused:?}");
    let patch = Patch::adding(dated(GroupIdentifier::Id(ash), from));
    let refused = directory.patch_children(&by_manager, &GroupIdentifier::Id(lye), &patch, ATOMIC);
    assert!(matches!(refused, Err(PatchChildrenError::Refused(Refused::TooManyDates { most: 3 }))), "{refused:?}");
    // A beginning that has come counts no more, where there is an end it does.
    fixture.set_clock(1500);
    assert!(is_refused(put(&fixture.by(&marla), 1, until)));
    fixture.set_clock(2000);
    must(put(&fixture.by(&marla), 1, fixture.dates(None, Some(3000))));
    // What others dated counts for whoever dates it again after the dates have come: otherwise two could date as much as they want.
    for user in 2..6 {
        must(put(&fixture.by(&fixture.admin), user, fixture.dates(Some(2500), None)));
    }
    fixture.set_clock(2600);
    let again = fixture.dates(None, Some(9000));
    must(put(&fixture.by(&marla), 2, again));
    must(put(&fixture.by(&marla), 3, again));
    assert!(is_refused(put(&fixture.by(&marla), 4, again)));
}
