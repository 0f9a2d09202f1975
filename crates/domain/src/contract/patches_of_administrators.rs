//! Patches that could take the last System Administrator.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Fixture;
use super::fixture::must;
use super::patches::{ATOMIC, PARTIAL, groups, place, removing, report, users};
use crate::directory::{
    MemberList, Patch, PatchChildrenError, PatchEffect, PatchMembersError, PatchOptions, PatchReport, PatchedList,
    Refusal, RefusalReason,
};
use crate::group::SystemGroup;
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::ports::Store;

/// Of many administrators who are to leave, the first by id whose account is open stays, unless somebody else is there.
pub fn a_patch_leaves_an_administrator(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let administrators = fixture.system(SystemGroup::SystemAdministrators);
    let admin = fixture.admin.user;
    let [closed, open, stranger] = ["closed", "open", "stranger"].map(|name| fixture.user(name));
    fixture.join(administrators, &[closed, open]);
    must(fixture.directory.act(&fixture.by(&fixture.admin), &UserIdentifier::Id(closed), "suspend"));
    let remove = removing(users(&[stranger, open, closed, admin]));
    for patch in [&remove, &Patch::Set(MemberList::default()), &Patch::Set(users(&[closed]))] {
        let refused = fixture.patch(administrators, patch, ATOMIC);
        assert!(matches!(refused, Err(PatchMembersError::LastAdministrator)), "{refused:?}");
        assert_eq!(fixture.direct_members(administrators).len(), 3);
    }
    let first = admin.min(open);
    let index = if first == admin { 3 } else { 1 };
    let stays = |place| Refusal { place, id: first, reason: RefusalReason::LastAdministrator };
    let dry = PatchOptions { effect: PatchEffect::DryRun, ..PARTIAL };
    let expected = PatchReport {
        refused: vec![stays(Some(place(PatchedList::Remove, index)))],
        ..report(administrators, [0, 2, 1, 1])
    };
    assert_eq!(must(fixture.patch(administrators, &remove, dry)), expected);
    let set = Patch::Set(users(&[closed]));
    let kept = PatchReport { refused: vec![stays(None)], ..report(administrators, [0, 1, 1, 2]) };
    assert_eq!(must(fixture.patch(administrators, &set, dry)), kept);
    assert_eq!(must(fixture.patch(administrators, &remove, PARTIAL)), expected);
    assert_eq!(fixture.direct_members(administrators), BTreeSet::from([first]));
    // Who joins by the same patch may take their place.
    let by = fixture.by(fixture.caller(first));
    let group = GroupIdentifier::Id(administrators);
    let replaced = must(fixture.directory.patch_members(&by, &group, &Patch::Set(users(&[stranger])), ATOMIC));
    assert_eq!(replaced, report(administrators, [1, 1, 0, 1]));
}

/// The same of groups below: the first by id stays that has somebody with an open account.
pub fn a_patch_of_children_leaves_an_administrator(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let administrators = fixture.system(SystemGroup::SystemAdministrators);
    let admin = fixture.admin.user;
    let [empty, first, second, below] = ["empty", "first", "second", "below"].map(|name| fixture.group(name));
    for child in [empty, first, second] {
        fixture.nest(administrators, child);
    }
    fixture.nest(first, below);
    fixture.join(below, &[admin]);
    fixture.join(second, &[admin]);
    must(fixture.patch(administrators, &removing(users(&[admin])), ATOMIC));
    for patch in [removing(groups(&[second, empty, first])), Patch::Set(groups(&[empty]))] {
        let refused = fixture.patch_below(administrators, &patch, ATOMIC);
        assert!(matches!(refused, Err(PatchChildrenError::LastAdministrator)), "{refused:?}");
        assert_eq!(fixture.read(administrators).child_group_count, 3);
        assert!(fixture.is_in(administrators, admin));
    }
    let stays = first.min(second);
    let done = must(fixture.patch_below(administrators, &removing(groups(&[second, empty, first])), PARTIAL));
    let place = Some(place(PatchedList::Remove, if stays == second { 0 } else { 2 }));
    let refused = vec![Refusal { place, id: stays, reason: RefusalReason::LastAdministrator }];
    assert_eq!(done, PatchReport { refused, ..report(administrators, [0, 2, 0, 1]) });
    assert!(fixture.is_in(administrators, admin));
    // Where it is a single group, and where another takes its place.
    let done = must(fixture.patch_below(administrators, &Patch::Set(MemberList::default()), PARTIAL));
    assert_eq!((done.removed, done.refused.len(), done.count), (0, 1, 1));
    let other = if stays == first { second } else { first };
    let done = must(fixture.patch_below(administrators, &Patch::Set(groups(&[other])), ATOMIC));
    assert_eq!(done, report(administrators, [1, 1, 0, 1]));
}
