//! Dates, where they make or end administrators, and where they are going to make edges.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::fixture::{must, user_named};
use super::patches::{ATOMIC, PARTIAL};
use super::validity::NO_DATES;
use super::{Fixture, Given};
use uuid::Uuid;

use crate::access::{Denied, Permission, Policy, Refused};
use crate::directory::{
    AddChildrenError, AppointError, ChangeUserError, Cycle, Directory, MemberError, MemberList, Patch,
    PatchChildrenError, PatchMembersError, RemoveMemberError, ScheduleChildError, ScheduleMemberError,
};
use crate::group::{GroupId, SystemGroup};
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::manager::ManagerId;
use crate::page::Page;
use crate::ports::{Member, Reach};
use crate::user::{UserChanges, UserId};
use crate::validity::ValidityChange;
use crate::version::Precondition;

/// No date is set that would leave nobody who administers for ever: of their membership, of an edge on the way, of their account, one by one or in a patch.
pub fn somebody_administers_without_an_end(given: Given) {
    let fixture = Fixture::given(given);
    let (directory, admin) = (&fixture.directory, fixture.admin.user);
    let system = fixture.system(SystemGroup::SystemAdministrators);
    let [middle, bottom] = ["middle", "bottom"].map(|name| fixture.group(name));
    fixture.nest(system, middle);
    fixture.nest(middle, bottom);
    fixture.join(bottom, &[admin]);
    let ends = fixture.dates(None, Some(1000));
    let goes = fixture.dates(Some(500), None);
    // The direct membership may end, because there is another one.
    must(fixture.schedule(system, admin, ends));
    for change in [ends, goes] {
        let refused = fixture.schedule(bottom, admin, change);
        assert!(matches!(refused, Err(ScheduleMemberError::LastAdministrator)), "{refused:?}");
        for (parent, child) in [(system, middle), (middle, bottom)] {
            let (parent, child) = (GroupIdentifier::Id(parent), GroupIdentifier::Id(child));
            let refused = directory.schedule_child(&fixture.by(&fixture.admin), &parent, &child, change);
            assert!(matches!(refused, Err(ScheduleChildError::LastAdministrator)), "{refused:?}");
            let patch = Patch::adding(dated(child, change));
            let refused = directory.patch_children(&fixture.by(&fixture.admin), &parent, &patch, ATOMIC);
            assert!(matches!(refused, Err(PatchChildrenError::LastAdministrator)), "{refused:?}");
            let report = must(directory.patch_children(&fixture.by(&fixture.admin), &parent, &patch, PARTIAL));
            assert_eq!((report.updated, report.refused.len()), (0, 1));
        }
        let patch = Patch::adding(dated(UserIdentifier::Id(admin), change));
        let group = GroupIdentifier::Id(bottom);
        let refused = directory.patch_members(&fixture.by(&fixture.admin), &group, &patch, ATOMIC);
        assert!(matches!(refused, Err(PatchMembersError::LastAdministrator)), "{refused:?}");
        let report = must(directory.patch_members(&fixture.by(&fixture.admin), &group, &patch, PARTIAL));
        assert_eq!((report.updated, report.refused.len()), (0, 1));
    }
    let expiring = UserChanges { expiry: Some(Some(fixture.at(1000))), ..UserChanges::default() };
    let expires = |user: UserId| {
        let user = UserIdentifier::Id(user);
        directory.change_user(&fixture.by(&fixture.admin), &user, &expiring, &Precondition::default())
    };
    assert!(matches!(expires(admin), Err(ChangeUserError::Invalid(faults)) if faults[0].field == "expiry"));
    // Somebody who is scheduled, or has an end, is nobody who stays.
    let (later, shortly) = (fixture.user("later"), fixture.user("shortly"));
    must(fixture.schedule(system, later, fixture.dates(Some(100), None)));
    must(fixture.schedule(system, shortly, fixture.dates(None, Some(9000))));
    assert!(matches!(fixture.schedule(bottom, admin, ends), Err(ScheduleMemberError::LastAdministrator)));
    let (by, from) = (fixture.by(&fixture.admin), GroupIdentifier::Id(bottom));
    let refused = directory.remove_member(&by, &from, &UserIdentifier::Id(admin));
    assert!(matches!(refused, Err(RemoveMemberError::LastAdministrator)));
    // Once the beginning has come, they do.
    fixture.set_clock(100);
    must(fixture.schedule(bottom, admin, ends));
    must(expires(admin));
    fixture.set_clock(1000);
    assert_eq!(fixture.may(&fixture.admin, Permission::ManageGroups), Err(Denied::Unauthenticated));
    assert_eq!(fixture.may(&fixture.caller(later), Permission::ManageGroups), Ok(()));
}

/// A scheduled edge is one when cycles are looked for, so it can always come into force; the cycle is named with it.
pub fn a_scheduled_edge_lets_no_cycle_arise(given: Given) {
    let fixture = Fixture::given(given);
    let groups = ["a", "b", "c", "d"].map(|name| fixture.group(name));
    let [a, b, c, d] = groups;
    fixture.nest(a, b);
    fixture.schedule_edge(b, c, fixture.dates(Some(1000), Some(2000)));
    fixture.nest(c, d);
    let (directory, ids) = (&fixture.directory, groups.map(GroupIdentifier::Id));
    let names = |cycle: Cycle| cycle.into_iter().map(|(_, name)| name.as_str().to_owned()).collect::<String>();
    for (parent, child, expected) in [(3, 0, "dabc"), (2, 1, "cb"), (3, 2, "dc"), (2, 2, "c")] {
        let (parent, child) = (&ids[parent], &ids[child]);
        for change in [fixture.dates(Some(3000), None), NO_DATES] {
            let refused = directory.schedule_child(&fixture.by(&fixture.admin), parent, child, change);
            assert!(matches!(refused, Err(ScheduleChildError::Cycle(cycle)) if names(cycle.clone()) == expected));
        }
        let refused = directory.add_child(&fixture.by(&fixture.admin), parent, child);
        assert!(matches!(refused, Err(AddChildrenError::Cycle(cycle)) if names(cycle.clone()) == expected));
        let GroupIdentifier::Id(id) = child else { continue };
        let refused = directory.add_children(&fixture.by(&fixture.admin), parent, &BTreeSet::from([*id]));
        assert!(matches!(refused, Err(AddChildrenError::Cycle(cycle)) if names(cycle.clone()) == expected));
        for change in [fixture.dates(Some(3000), None), NO_DATES] {
            let patch = Patch::adding(dated(child.clone(), change));
            let refused = directory.patch_children(&fixture.by(&fixture.admin), parent, &patch, ATOMIC);
            assert!(matches!(refused, Err(PatchChildrenError::Cycle(cycle)) if names(cycle.clone()) == expected));
            let report = must(directory.patch_children(&fixture.by(&fixture.admin), parent, &patch, PARTIAL));
            assert_eq!((report.added, report.refused.len()), (0, 1));
        }
    }
    fixture.set_clock(1000);
    must(directory.authenticate(&fixture.by(&fixture.admin)));
    let below = |group: GroupId| must(fixture.store.read(|reader| reader.at_or_above_among(group, &groups.into())));
    assert_eq!(below(d), BTreeSet::from(groups));
    fixture.set_clock(2000);
    must(directory.add_child(&fixture.by(&fixture.admin), &ids[3], &ids[0]));
}

/// A group that is going to be below an administrators' group makes administrators: it has no managers, and delegates keep their hands off it.
pub fn what_is_going_to_administer_is_protected(given: Given) {
    let store = Arc::clone(&given.store);
    let fixture = Fixture::given(given);
    let [soap, lye, ash] = ["Soap", "Lye", "Ash"].map(|name| fixture.group(name));
    fixture.nest(soap, lye);
    fixture.nest(lye, ash);
    let marla = fixture.user("marla");
    fixture.appoint(soap, ManagerId::User(marla));
    let marla = fixture.caller(marla);
    let bob = fixture.insert(&user_named("bob", Uuid::from_u128(0xb0b)));
    fixture.join(fixture.system(SystemGroup::GroupAdministrators), &[bob]);
    let delegates =
        fixture.directory_over(store).with_policy(Policy { delegated_administration: true, ..Policy::default() });
    let bob = fixture.caller(bob);
    let joins = |directory: &Directory<'_>, caller, group| {
        let (group, user) = (GroupIdentifier::Id(group), UserIdentifier::Current);
        directory.add_member(&fixture.by(caller), &group, &user)
    };
    let is_denied = |outcome: Result<(), MemberError>| {
        matches!(outcome, Err(MemberError::Refused(Refused::Denied(Denied::NotPermitted))))
    };
    must(joins(&fixture.directory, &marla, ash));
    must(joins(&delegates, &bob, ash));
    // By a group between, which is scheduled too.
    let between = fixture.group("between");
    fixture.schedule_edge(fixture.system(SystemGroup::ApiKeyAdministrators), between, fixture.dates(Some(2000), None));
    fixture.schedule_edge(between, lye, fixture.dates(Some(1000), Some(9000)));
    for moment in [0, 1000, 2000] {
        fixture.set_clock(moment);
        for group in [lye, ash] {
            assert!(is_denied(joins(&fixture.directory, &marla, group)), "at {moment}");
            assert!(is_denied(joins(&delegates, &bob, group)), "at {moment}");
            let (group, manager) = (GroupIdentifier::Id(group), UserIdentifier::Id(bob.user));
            let appointed =
                fixture.directory.appoint_manager(&fixture.by(&fixture.admin), &group, Member::User(&manager));
            assert!(matches!(appointed, Err(AppointError::MakesAdministrators)));
        }
        must(joins(&fixture.directory, &marla, soap));
        let listing = fixture.all(must(Page::new(0, 100)));
        let managed = fixture.directory.managed_groups(&fixture.by(&marla), &UserIdentifier::Current, &listing);
        assert_eq!(must(managed).items.iter().map(|group| group.id).collect::<Vec<_>>(), [soap]);
        let group = GroupIdentifier::Id(soap);
        let reach = (Reach::Effective, false);
        let children = fixture.directory.children(&fixture.by(&marla), &group, reach, &[], &listing);
        assert!(must(children).items.is_empty());
    }
    fixture.set_clock(9000);
    must(joins(&fixture.directory, &marla, ash));
    must(joins(&delegates, &bob, ash));
}

/// What begins by its date while a use case runs is seen by it from its beginning: an administrators' group is one in the same request.
pub fn whatever_is_due_counts_for_the_request_that_finds_it(given: Given) {
    let fixture = Fixture::given(given);
    let system = fixture.system(SystemGroup::SystemAdministrators);
    let users: Vec<_> = (0..4).map(|number| fixture.user(&format!("u{number}"))).collect();
    let group = fixture.group("group");
    let id = GroupIdentifier::Id(group);
    for (number, user) in users.iter().enumerate() {
        let begin = 1000 * (1 + i64::try_from(number).unwrap_or_default());
        must(fixture.schedule(system, *user, fixture.dates(Some(begin), None)));
        fixture.set_clock(begin - 1);
        let caller = fixture.caller(*user);
        let add = || match number {
            0 => fixture.directory.add_member(&fixture.by(&caller), &id, &UserIdentifier::Current).is_ok(),
            1 => fixture.directory.add_members(&fixture.by(&caller), &id, &BTreeSet::from([*user])).is_ok(),
            2 => fixture.directory.groups(&fixture.by(&caller), &fixture.all(must(Page::new(0, 1)))).is_ok(),
            _ => fixture
                .directory
                .preview(&fixture.by(&caller), |directory, context| {
                    directory.add_member(context, &id, &UserIdentifier::Current)
                })
                .is_ok(),
        };
        assert!(!add(), "{number}");
        fixture.set_clock(begin);
        assert!(add(), "{number}");
    }
}

/// A list of one, with these dates.
pub(super) fn dated<Id, I>(identifier: I, change: ValidityChange) -> MemberList<Id>
where
    MemberList<Id>: FromIterator<I>,
{
    let mut list = MemberList::from_iter([identifier]);
    list.date_last(change);
    list
}
