//! Many members and children in one request, with a report.

use std::collections::BTreeSet;
use std::sync::Arc;

use uuid::Uuid;

use super::Fixture;
use super::fixture::must;
use crate::audit::{AdministratorsChange, AuditNote};
use crate::context::Context;
use crate::directory::{
    Contradiction, MemberList, Patch, PatchChildrenError, PatchEffect, PatchMembersError, PatchMode, PatchOptions,
    PatchReport, PatchedList, Place, Refusal, RefusalReason,
};
use crate::group::{GroupId, SystemGroup};
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::page::Page;
use crate::ports::{Reach, Store};
use crate::user::{User, UserId};

pub(super) const ATOMIC: PatchOptions = PatchOptions { mode: PatchMode::Atomic, effect: PatchEffect::Lasting };
pub(super) const PARTIAL: PatchOptions = PatchOptions { mode: PatchMode::Partial, effect: PatchEffect::Lasting };

pub(super) fn ids<I, Id>(ids: &[Id], identifier: fn(Id) -> I) -> MemberList<Id>
where
    MemberList<Id>: FromIterator<I>,
    Id: Copy,
{
    ids.iter().map(|id| identifier(*id)).collect()
}

pub(super) fn users(list: &[UserId]) -> MemberList<UserId> {
    ids(list, UserIdentifier::Id)
}

pub(super) fn groups(list: &[GroupId]) -> MemberList<GroupId> {
    ids(list, GroupIdentifier::Id)
}

pub(super) fn removing<Id>(remove: MemberList<Id>) -> Patch<Id> {
    Patch::Change { add: MemberList::default(), remove }
}

fn named(list: &[&str]) -> MemberList<UserId> {
    list.iter().map(|name| UserIdentifier::from(*name)).collect()
}

impl Fixture {
    pub(super) fn patch(
        &self,
        group: GroupId,
        patch: &Patch<UserId>,
        options: PatchOptions,
    ) -> Result<PatchReport<UserId>, PatchMembersError> {
        self.directory.patch_members(&self.by(&self.admin), &GroupIdentifier::Id(group), patch, options)
    }

    pub(super) fn patch_below(
        &self,
        parent: GroupId,
        patch: &Patch<GroupId>,
        options: PatchOptions,
    ) -> Result<PatchReport<GroupId>, PatchChildrenError> {
        self.directory.patch_children(&self.by(&self.admin), &GroupIdentifier::Id(parent), patch, options)
    }

    pub(super) fn direct_members(&self, group: GroupId) -> BTreeSet<UserId> {
        let page = must(self.directory.members(
            &self.by(&self.admin),
            &GroupIdentifier::Id(group),
            Reach::Direct,
            &[],
            &self.all(must(Page::new(0, 1000))),
        ));
        page.items.iter().map(|user: &User| user.id).collect()
    }
}

pub(super) fn report<Id>(group: GroupId, [added, removed, unchanged, count]: [u64; 4]) -> PatchReport<Id> {
    PatchReport { group, added, updated: 0, removed, unchanged, count, not_found: Vec::new(), refused: Vec::new() }
}

pub(super) fn place(list: PatchedList, index: usize) -> Place {
    Place { list, index }
}

/// Users are named in any way; who is named twice is counted once, and who is in or out already is no fault.
pub fn a_patch_adds_and_removes_by_any_identifier(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let group = fixture.group("Soap");
    let [a, b, c] = ["a@fightclub.com", "b@fightclub.com", "c"].map(|name| fixture.user(name));
    fixture.join(group, &[a, fixture.admin.user]);
    let patch = Patch::Change {
        add: named(&["C", &a.to_string(), "A@FightClub.com", &b.to_string().to_uppercase(), "b@fightclub.com"]),
        remove: named(&["@current", "admin"]),
    };
    assert_eq!(must(fixture.patch(group, &patch, ATOMIC)), report(group, [2, 1, 1, 3]));
    assert_eq!(fixture.direct_members(group), BTreeSet::from([a, b, c]));
    assert_eq!(must(fixture.patch(group, &patch, PARTIAL)), report(group, [0, 0, 4, 3]));
    let set = Patch::Set(named(&["c", "admin", "C"]));
    assert_eq!(must(fixture.patch(group, &set, ATOMIC)), report(group, [1, 2, 1, 2]));
    assert_eq!(fixture.direct_members(group), BTreeSet::from([c, fixture.admin.user]));
    assert_eq!(must(fixture.patch(group, &Patch::Set(MemberList::default()), ATOMIC)), report(group, [0, 2, 0, 0]));
    let nothing = Patch::adding(MemberList::default());
    assert_eq!(must(fixture.patch(group, &nothing, ATOMIC)), report(group, [0, 0, 0, 0]));
}

/// Every unknown identifier is named; atomically nothing is done then, partially the rest.
pub fn every_unknown_identifier_of_a_patch_is_named(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let group = fixture.group("Soap");
    let (known, gone) = (fixture.user("known"), fixture.user("gone"));
    fixture.join(group, &[gone]);
    let stranger = UserId(Uuid::from_u128(0xdead)).to_string();
    let patch = Patch::Change {
        add: named(&[&stranger, "known", "nobody", "nobody", ""]),
        remove: named(&["gone", "no-one", "ffffffff-0000-0000-0000-000000000001"]),
    };
    let unknown: Vec<Place> =
        [(PatchedList::Add, 0), (PatchedList::Add, 2), (PatchedList::Add, 3), (PatchedList::Add, 4)]
            .into_iter()
            .chain([(PatchedList::Remove, 1), (PatchedList::Remove, 2)])
            .map(|(list, index)| place(list, index))
            .collect();
    let refused = fixture.patch(group, &patch, ATOMIC);
    assert!(matches!(&refused, Err(PatchMembersError::UsersNotFound(places)) if *places == unknown), "{refused:?}");
    assert_eq!(fixture.direct_members(group), BTreeSet::from([gone]));
    let done = must(fixture.patch(group, &patch, PARTIAL));
    assert_eq!(done, PatchReport { not_found: unknown, ..report(group, [1, 1, 0, 1]) });
    assert_eq!(fixture.direct_members(group), BTreeSet::from([known]));
    let set = Patch::Set(named(&["nobody", "known", &stranger]));
    let unknown = vec![place(PatchedList::Set, 0), place(PatchedList::Set, 2)];
    let refused = fixture.patch(group, &set, ATOMIC);
    assert!(matches!(&refused, Err(PatchMembersError::UsersNotFound(places)) if *places == unknown), "{refused:?}");
    let done = must(fixture.patch(group, &set, PARTIAL));
    assert_eq!(done, PatchReport { not_found: unknown, ..report(group, [0, 0, 1, 1]) });
    let nowhere = fixture.patch(GroupId(Uuid::from_u128(0xdead)), &set, PARTIAL);
    assert!(matches!(nowhere, Err(PatchMembersError::GroupNotFound)), "{nowhere:?}");
}

/// Who is to join and to leave, by whatever identifiers, is told by both places, also where nobody is that.
pub fn a_patch_that_contradicts_itself_is_refused(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let group = fixture.group("Soap");
    let user = fixture.user("u@fightclub.com");
    fixture.user("other");
    for (add, remove, expected) in [
        (vec!["other", "u@fightclub.com"], vec![user.to_string()], (1, 0)),
        (vec!["nobody", "admin"], vec!["other".to_owned(), "@current".to_owned()], (1, 1)),
        (vec!["nobody"], vec!["other".to_owned(), "NOBODY".to_owned()], (0, 1)),
        (
            vec!["00000000-0000-0000-0000-00000000dead"],
            vec!["{00000000-0000-0000-0000-00000000DEAD}".to_owned()],
            (0, 0),
        ),
    ] {
        let remove: Vec<&str> = remove.iter().map(String::as_str).collect();
        let patch = Patch::Change { add: named(&add), remove: named(&remove) };
        for options in [ATOMIC, PARTIAL] {
            let refused = fixture.patch(group, &patch, options);
            let (add, remove) = expected;
            assert!(
                matches!(refused, Err(PatchMembersError::Contradiction(found)) if found == Contradiction { add, remove }),
                "{patch:?} {refused:?}"
            );
        }
    }
    let child = fixture.group("child");
    let add: MemberList<GroupId> = [GroupIdentifier::from("CHILD")].into_iter().collect();
    let refused = fixture.patch_below(group, &Patch::Change { add, remove: groups(&[group, child]) }, PARTIAL);
    let both = Contradiction { add: 0, remove: 1 };
    assert!(matches!(refused, Err(PatchChildrenError::Contradiction(found)) if found == both), "{refused:?}");
    assert_eq!((fixture.read(group).user_count, fixture.read(group).child_group_count), (0, 0));
}

/// Nobody leaves `Everyone`.
pub fn a_patch_removes_nobody_from_everyone(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let everyone = fixture.system(SystemGroup::Everyone);
    let (user, outside) = (fixture.user("user"), fixture.user("outside"));
    fixture.join(everyone, &[user]);
    let members = fixture.direct_members(everyone);
    let others: Vec<UserId> = members.iter().copied().filter(|id| *id != user).collect();
    let set = Patch::Set(users(&others));
    let remove = Patch::Change { add: users(&[outside]), remove: named(&["admin", "USER", "user"]) };
    for patch in [&set, &remove] {
        let refused = fixture.patch(everyone, patch, ATOMIC);
        assert!(matches!(refused, Err(PatchMembersError::Everyone)), "{refused:?}");
    }
    assert_eq!(fixture.direct_members(everyone), members);
    let stays = |place, id| Refusal { place, id, reason: RefusalReason::Everyone };
    let done = must(fixture.patch(everyone, &set, PARTIAL));
    let (there, count) = (others.len() as u64, members.len() as u64);
    assert_eq!(done, PatchReport { refused: vec![stays(None, user)], ..report(everyone, [0, 0, there, count]) });
    let done = must(fixture.patch(everyone, &remove, PARTIAL));
    let refused = [(0, fixture.admin.user), (1, user)]
        .map(|(index, id)| stays(Some(place(PatchedList::Remove, index)), id))
        .to_vec();
    assert_eq!(done, PatchReport { refused, ..report(everyone, [1, 0, 0, count + 1]) });
    let all: Vec<UserId> = fixture.direct_members(everyone).into_iter().collect();
    assert_eq!(
        must(fixture.patch(everyone, &Patch::Set(users(&all)), ATOMIC)),
        report(everyone, [0, 0, count + 1, count + 1])
    );
}

/// Its report is that of the change, and the change, its notes included, is not made.
pub fn a_dry_run_reports_and_changes_nothing(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let administrators = fixture.system(SystemGroup::SystemAdministrators);
    let (user, child) = (fixture.user("user"), fixture.group("child"));
    let add = Patch::adding(users(&[user, fixture.admin.user]));
    let nest = Patch::adding(groups(&[child]));
    let id = GroupIdentifier::Id(administrators);
    let run = |effect| {
        let contexts = [fixture.by(&fixture.admin), fixture.by(&fixture.admin)];
        let options = PatchOptions { effect, ..ATOMIC };
        let reports = (
            must(fixture.directory.patch_members(&contexts[0], &id, &add, options)),
            must(fixture.directory.patch_children(&contexts[1], &id, &nest, options)),
        );
        (reports, contexts.map(|context| notes(&context)))
    };
    let (dry, dry_notes) = run(PatchEffect::DryRun);
    assert_eq!(dry_notes, [vec![], vec![]]);
    assert_eq!(fixture.direct_members(administrators), BTreeSet::from([fixture.admin.user]));
    assert_eq!((fixture.read(administrators).child_group_count, fixture.is_in(administrators, user)), (0, false));
    let (real, real_notes) = run(PatchEffect::Lasting);
    assert_eq!(dry, real);
    assert_eq!(real_notes, [vec![AdministratorsChange::UsersAdded], vec![AdministratorsChange::GroupsAdded]]);
    assert!(fixture.is_in(administrators, user));
    let context = fixture.by(&fixture.admin);
    must(fixture.directory.patch_members(&context, &id, &removing(users(&[user])), ATOMIC));
    must(fixture.directory.patch_children(&context, &id, &Patch::Set(MemberList::default()), ATOMIC));
    assert_eq!(notes(&context), [AdministratorsChange::UserRemoved, AdministratorsChange::GroupRemoved]);
}

fn notes(context: &Context) -> Vec<AdministratorsChange> {
    let change = |note: &AuditNote| match note {
        AuditNote::AdministratorsChanged { change, .. } => Some(*change),
        AuditNote::Locked { .. } | AuditNote::ApiKeyChanged { .. } => None,
    };
    context.take_notes().iter().filter_map(change).collect()
}
