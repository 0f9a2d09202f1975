//! Patches, previews, kept answers and issuers, where there are dates.

use std::collections::BTreeSet;

use super::external::{later, trusted};
use super::fixture::must;
use super::patches::{ATOMIC, PARTIAL};
use super::validity::NO_DATES;
use super::{Fixture, Given};
use crate::access::{On, Permission};
use crate::directory::{
    AnswerKeeping, Effects, KeyedOutcome, KeyedRequest, MemberError, MemberList, Patch, PatchChildrenError,
    PatchEffect, PatchMembersError, PatchOptions, PatchReport, PatchedList, Place, Refusal, RefusalReason,
    ScheduleMemberError,
};
use crate::external::ExternalIdentity;
use crate::group::{GroupDraft, GroupId, SystemGroup};
use crate::idempotency_key::IdempotencyKey;
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::user::UserId;
use crate::validity::{ValidityChange, ValidityDate, ValidityError};

fn of_users(elements: &[(UserId, ValidityChange)]) -> MemberList<UserId> {
    let mut list = MemberList::default();
    for (user, change) in elements {
        list.extend([UserIdentifier::Id(*user)]);
        list.date_last(*change);
    }
    list
}

fn of_groups(elements: &[(GroupId, ValidityChange)]) -> MemberList<GroupId> {
    let mut list = MemberList::default();
    for (group, change) in elements {
        list.extend([GroupIdentifier::Id(*group)]);
        list.date_last(*change);
    }
    list
}

const SILENT: ValidityChange = ValidityChange { from: None, until: None };

/// The counts of a report: added, updated, removed, unchanged, and how many belong to the group then.
fn counts<Id>(report: &PatchReport<Id>) -> [u64; 5] {
    [report.added, report.updated, report.removed, report.unchanged, report.count]
}

/// A patch gives each element its own dates; `set` cancels whoever it does not name.
pub fn a_patch_gives_dates(given: Given) {
    let fixture = Fixture::given(given);
    let group = fixture.group("group");
    let id = GroupIdentifier::Id(group);
    let users: Vec<_> = (0..6).map(|number| fixture.user(&format!("u{number}"))).collect();
    let patch = |patch: &Patch<UserId>, options| {
        must(fixture.directory.patch_members(&fixture.by(&fixture.admin), &id, patch, options))
    };
    let (soon, ends) = (fixture.dates(Some(1000), None), fixture.dates(None, Some(2000)));
    let add = of_users(&[(users[0], soon), (users[1], ends), (users[2], SILENT), (users[3], soon), (users[3], ends)]);
    let adding = Patch::Change { add, remove: MemberList::default() };
    let undone = PatchOptions { effect: PatchEffect::DryRun, ..ATOMIC };
    assert_eq!(counts(&patch(&adding, undone)), [4, 0, 0, 0, 3]);
    assert_eq!(counts(&patch(&adding, ATOMIC)), [4, 0, 0, 0, 3]);
    assert_eq!(counts(&patch(&adding, ATOMIC)), [0, 0, 0, 4, 3]);
    // Of two elements that name the same, the later one counts for what it says.
    let standing = fixture.standing(group, users[3]).map(|standing| standing.validity.until);
    assert_eq!(standing, Some(Some(fixture.at(2000))));
    // Other dates; who is to come in later comes in when nothing is said; who goes until later is no member.
    let add = of_users(&[(users[0], SILENT), (users[1], NO_DATES), (users[2], soon)]);
    let remove = of_users(&[(users[3], SILENT), (users[4], SILENT)]);
    assert_eq!(counts(&patch(&Patch::Change { add, remove }, ATOMIC)), [1, 2, 1, 1, 2]);
    assert!(fixture.is_in(group, users[0]) && fixture.is_in(group, users[1]) && !fixture.is_in(group, users[2]));
    // Scheduled: 2. Present: 0 and 1. Set: 1 and 5, and 4 later.
    let set = Patch::Set(of_users(&[(users[1], ends), (users[5], SILENT), (users[4], soon)]));
    assert_eq!(counts(&patch(&set, ATOMIC)), [2, 1, 2, 0, 2]);
    assert_eq!(counts(&patch(&set, PARTIAL)), [0, 0, 0, 3, 2]);
    fixture.set_clock(1000);
    assert_eq!(fixture.read(group).user_count, 3);
    assert!(!fixture.is_in(group, users[2]) && fixture.is_in(group, users[4]));
    fixture.set_clock(2000);
    assert_eq!(fixture.read(group).user_count, 2);
    // Bad dates name their element, and nothing is done, in any mode.
    let bad = fixture.dates(Some(5000), Some(4000));
    let add = of_users(&[(users[0], SILENT), (users[2], bad)]);
    for options in [ATOMIC, PARTIAL] {
        let patched =
            fixture.directory.patch_members(&fixture.by(&fixture.admin), &id, &Patch::adding(add.clone()), options);
        let place = Place { list: PatchedList::Add, index: 1 };
        let error = ValidityError::EndsBeforeItBegins(ValidityDate::Until);
        assert!(matches!(patched, Err(PatchMembersError::Invalid(at, found)) if (at, found) == (place, error)));
    }
    assert_eq!(fixture.read(group).user_count, 2);
    // Nobody is in `Everyone` for a time.
    let everyone = GroupIdentifier::Id(fixture.system(SystemGroup::Everyone));
    let dated = Patch::adding(of_users(&[(users[0], fixture.dates(None, Some(9000)))]));
    let patch_everyone =
        |options| fixture.directory.patch_members(&fixture.by(&fixture.admin), &everyone, &dated, options);
    assert!(matches!(patch_everyone(ATOMIC), Err(PatchMembersError::EveryoneHasNoDates)));
    let place = Some(Place { list: PatchedList::Add, index: 0 });
    let refused = vec![Refusal { place, id: users[0], reason: RefusalReason::Everyone }];
    assert_eq!(must(patch_everyone(PARTIAL)).refused, refused);
}

/// The same of groups below a group.
pub fn a_patch_of_children_gives_dates(given: Given) {
    let fixture = Fixture::given(given);
    let parent = fixture.group("parent");
    let id = GroupIdentifier::Id(parent);
    let groups: Vec<_> = (0..6).map(|number| fixture.group(&format!("g{number}"))).collect();
    let patch = |patch: &Patch<GroupId>| {
        must(fixture.directory.patch_children(&fixture.by(&fixture.admin), &id, patch, ATOMIC))
    };
    let (soon, ends) = (fixture.dates(Some(1000), None), fixture.dates(None, Some(2000)));
    let adding = Patch::adding(of_groups(&[(groups[0], soon), (groups[1], ends), (groups[2], SILENT)]));
    assert_eq!(counts(&patch(&adding)), [3, 0, 0, 0, 2]);
    let add = of_groups(&[(groups[0], SILENT), (groups[1], NO_DATES), (groups[2], soon)]);
    let remove = of_groups(&[(groups[3], SILENT)]);
    assert_eq!(counts(&patch(&Patch::Change { add, remove })), [1, 2, 0, 1, 2]);
    let set = Patch::Set(of_groups(&[(groups[1], ends), (groups[5], SILENT), (groups[4], soon)]));
    assert_eq!(counts(&patch(&set)), [2, 1, 2, 0, 2]);
    fixture.set_clock(1000);
    assert_eq!(fixture.read(parent).child_group_count, 3);
    fixture.set_clock(2000);
    assert_eq!(fixture.read(parent).child_group_count, 2);
    let patched = fixture.directory.patch_children(
        &fixture.by(&fixture.admin),
        &id,
        &Patch::adding(of_groups(&[(groups[0], fixture.dates(None, Some(2000)))])),
        PARTIAL,
    );
    assert!(matches!(patched, Err(PatchChildrenError::Invalid(_, ValidityError::HasEnded))));
}

/// A preview tells who would be in no more, and leaves no date behind. What is due happens before it.
pub fn a_preview_tells_what_dates_take(given: Given) {
    let fixture = Fixture::given(given);
    let (above, group, user) = (fixture.group("above"), fixture.group("group"), fixture.user("user"));
    fixture.nest(above, group);
    must(fixture.schedule(group, user, fixture.dates(Some(1000), None)));
    fixture.set_clock(1000);
    let (id, by) = (GroupIdentifier::Id(group), UserIdentifier::Id(user));
    let preview = |change| {
        must(fixture.directory.preview(&fixture.by(&fixture.admin), |directory, context| {
            directory.schedule_member(context, &id, &by, change).map_err(|error| match error {
                ScheduleMemberError::Refused(refused) => refused,
                other => must(Err(other)),
            })
        }))
        .1
    };
    let lost = |effects: Effects| -> Vec<(GroupId, u64)> {
        effects.groups.iter().map(|effect| (effect.id, effect.users_lost)).collect()
    };
    let mut expected = vec![(above, 1), (group, 1)];
    let mut found = lost(preview(fixture.dates(Some(5000), None)));
    expected.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, expected);
    assert_eq!(lost(preview(fixture.dates(None, Some(5000)))), []);
    let standing = fixture.standing(group, user).map(|standing| standing.validity);
    assert_eq!(standing.map(|validity| (validity.from, validity.until)), Some((Some(fixture.at(1000)), None)));
}

/// A request that is to be done once is done once, also if something is due when it comes.
pub fn a_request_is_done_once_after_what_is_due(given: Given) {
    let fixture = Fixture::given(given);
    let (group, user, other) = (fixture.group("group"), fixture.user("user"), fixture.user("other"));
    must(fixture.schedule(group, user, fixture.dates(Some(1000), Some(2000))));
    let key = must(IdempotencyKey::try_from("once".to_owned()));
    let (permission, on, keeping) = (Permission::ChangeMembers, On::All, AnswerKeeping::default());
    let request = KeyedRequest { key: &key, permission, on, keeping };
    let mut seen = Vec::new();
    for moment in [1000, 2000] {
        fixture.set_clock(moment);
        let done =
            fixture.directory.once::<_, MemberError>(&fixture.by(&fixture.admin), &request, |directory, context| {
                let group = GroupIdentifier::Id(group);
                directory.add_member(context, &group, &UserIdentifier::Id(other))?;
                Ok((directory.is_member(context, &group, &UserIdentifier::Id(user))?, Some(b"kept".to_vec())))
            });
        seen.push(must(done));
    }
    assert_eq!(seen, [KeyedOutcome::Done(true), KeyedOutcome::Kept(b"kept".to_vec())]);
    assert!(fixture.is_in(group, other));
}

/// An issuer that names a group again makes a member of whom a date had taken away, and one that leaves it out ends what has an end.
pub fn an_issuer_goes_by_the_dates_that_have_come(given: Given) {
    let fixture = Fixture::given(given);
    let draft = GroupDraft { name: Some("Soap".into()), kind: Some("external".into()), ..GroupDraft::default() };
    let soap = must(fixture.directory.create_group(&fixture.by(&fixture.admin), draft)).id;
    let identity = trusted(&fixture, "msinger");
    let signs_in = |names: &[&str], seconds: i64| {
        let groups = Some(names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>());
        let identity = ExternalIdentity { groups, issued: later(&identity, seconds), ..identity.clone() };
        must(fixture.directory.sign_in_external(&fixture.anonymous(), &identity)).user
    };
    let user = signs_in(&["soap"], 1);
    must(fixture.schedule(soap, user, fixture.dates(None, Some(1000))));
    signs_in(&["soap"], 2);
    assert_eq!(fixture.standing(soap, user).map(|standing| standing.validity.until), Some(Some(fixture.at(1000))));
    fixture.set_clock(1000);
    signs_in(&["soap"], 3);
    assert_eq!(fixture.standing(soap, user).map(|standing| standing.validity.until), Some(None));
    must(fixture.schedule(soap, user, fixture.dates(None, Some(5000))));
    signs_in(&[], 4);
    assert_eq!(fixture.standing(soap, user), None);
    must(fixture.schedule(soap, user, fixture.dates(Some(2000), None)));
    signs_in(&["soap"], 5);
    assert!(fixture.is_in(soap, user));
}
