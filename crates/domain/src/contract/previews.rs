//! What a preview says is what the change then does, and a preview does nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Fixture;
use super::fixture::{Outcome, must};
use super::numbers::Numbers;
use super::sign_in::PASSWORD;
use crate::access::Refused;
use crate::api_key::{ApiKeyDraft, ApiKeyIdentifier};
use crate::context::Context;
use crate::directory::{Directory, Effects, Patch, PatchEffect, PatchMode, PatchOptions};
use crate::group::{GroupDraft, GroupId, SystemGroup};
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::page::Page;
use crate::ports::{Store, StoreError};
use crate::user::{UserDraft, UserId};
use crate::version::Precondition;

/// One to three of them.
fn some<T: Copy + Ord>(numbers: &mut Numbers, all: &[T]) -> BTreeSet<T> {
    (0..=numbers.below(3)).map(|_| *numbers.one_of(all)).collect()
}

/// A change, with everything that it names.
#[derive(Clone, Debug)]
enum Change {
    AddMembers(GroupId, BTreeSet<UserId>),
    AddMember(GroupId, UserId),
    RemoveMember(GroupId, UserId),
    AddChildren(GroupId, BTreeSet<GroupId>),
    AddChild(GroupId, GroupId),
    RemoveChild(GroupId, GroupId),
    DeleteGroup(GroupId),
    DeleteUser(UserId),
    Act(UserId, &'static str),
    CreateUser(String),
    CreateKey(String),
    CreateGroup(String),
    EnableKey(String, bool),
    DeleteKey(String),
    PatchMembers(GroupId, [BTreeSet<UserId>; 2], PatchMode),
    PatchChildren(GroupId, [BTreeSet<GroupId>; 2], PatchMode),
    SetMembers(GroupId, BTreeSet<UserId>),
    SetChildren(GroupId, BTreeSet<GroupId>),
}

impl Change {
    /// Makes the change. The answer says nothing of ids that are made by it.
    fn make(&self, directory: &Directory<'_>, context: &Context) -> Result<(), String> {
        let (group, user) = (|id: &GroupId| GroupIdentifier::Id(*id), |id: &UserId| UserIdentifier::Id(*id));
        let key = |name: &str| ApiKeyIdentifier::from(name);
        match self {
            Self::AddMembers(to, users) => told(directory.add_members(context, &group(to), users)),
            Self::AddMember(to, who) => told(directory.add_member(context, &group(to), &user(who))),
            Self::RemoveMember(from, who) => told(directory.remove_member(context, &group(from), &user(who))),
            Self::AddChildren(parent, children) => told(directory.add_children(context, &group(parent), children)),
            Self::AddChild(parent, child) => told(directory.add_child(context, &group(parent), &group(child))),
            Self::RemoveChild(parent, child) => told(directory.remove_child(context, &group(parent), &group(child))),
            Self::DeleteGroup(id) => told(directory.delete_group(context, &group(id), &Precondition::default())),
            Self::DeleteUser(id) => told(directory.delete_user(context, &user(id), &Precondition::default())),
            Self::Act(id, action) => told(directory.act(context, &user(id), action)),
            Self::CreateUser(name) => told(directory.create_user(
                context,
                UserDraft {
                    username: Some(name.clone()),
                    email: Some(format!("{name}@fightclub.com")),
                    password: Some(PASSWORD.to_owned()),
                    ..UserDraft::default()
                },
            )),
            Self::CreateKey(name) => {
                let draft = ApiKeyDraft { name: Some(Some(name.clone())), ..ApiKeyDraft::default() };
                told(directory.create_api_key(context, draft, &[]))
            }
            Self::CreateGroup(name) => {
                told(directory.create_group(context, GroupDraft { name: Some(name.clone()), ..GroupDraft::default() }))
            }
            Self::EnableKey(name, enabled) => {
                let draft = ApiKeyDraft { enabled: Some(*enabled), ..ApiKeyDraft::default() };
                told(directory.change_api_key(context, &key(name), &draft))
            }
            Self::DeleteKey(name) => told(directory.delete_api_key(context, &key(name))),
            Self::PatchMembers(id, lists, mode) => {
                let [add, remove] = lists.each_ref().map(|users| users.iter().map(user).collect());
                let options = PatchOptions { mode: *mode, effect: PatchEffect::Lasting };
                told(directory.patch_members(context, &group(id), &Patch::Change { add, remove }, options))
            }
            Self::PatchChildren(id, lists, mode) => {
                let [add, remove] = lists.each_ref().map(|groups| groups.iter().map(group).collect());
                let options = PatchOptions { mode: *mode, effect: PatchEffect::Lasting };
                told(directory.patch_children(context, &group(id), &Patch::Change { add, remove }, options))
            }
            Self::SetMembers(id, users) => {
                let patch = Patch::Set(users.iter().map(user).collect());
                told(directory.patch_members(context, &group(id), &patch, PatchOptions::default()))
            }
            Self::SetChildren(id, groups) => {
                let patch = Patch::Set(groups.iter().map(group).collect());
                told(directory.patch_children(context, &group(id), &patch, PatchOptions::default()))
            }
        }
    }
}

fn told<T, E: std::fmt::Debug>(outcome: Result<T, E>) -> Result<(), String> {
    outcome.map(drop).map_err(|error| format!("{error:?}"))
}

/// Who is an effective member of what, who could administer, and the versions and counts of groups and users.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    members: BTreeSet<(GroupId, UserId)>,
    administrators: BTreeSet<UserId>,
    rest: Vec<String>,
}

fn look(fixture: &Fixture) -> Seen {
    let context = fixture.operator();
    let page = must(Page::new(0, 1000));
    let users =
        must(fixture.directory.users(&context, &fixture.all(page.clone())).map_err(|error| format!("{error:?}"))).items;
    let groups =
        must(fixture.directory.groups(&context, &fixture.all(page)).map_err(|error| format!("{error:?}"))).items;
    let pairs = groups.iter().flat_map(|group| users.iter().map(|user| (user.id, group.id))).collect();
    let found = must(fixture.store.read(|store| -> Outcome<_> { store.effective_memberships_among(&pairs) }));
    let members: BTreeSet<_> = found.into_iter().map(|(user, group)| (group, user)).collect();
    let administrators = fixture.system(SystemGroup::SystemAdministrators);
    let open = users.iter().filter(|user| !user.is_suspended(fixture.now())).map(|user| user.id);
    let administrators = open.filter(|user| members.contains(&(administrators, *user))).collect();
    let rest = users.iter().map(|user| format!("{user:?}")).chain(groups.iter().map(|group| format!("{group:?}")));
    Seen { members, administrators, rest: rest.collect() }
}

/// The effects as pairs.
fn pairs(effects: &Effects) -> [BTreeSet<(GroupId, UserId)>; 2] {
    let side = |gained: bool| {
        effects.groups.iter().flat_map(move |group| {
            let (people, count) =
                if gained { (&group.gained, group.users_gained) } else { (&group.lost, group.users_lost) };
            assert_eq!(people.len() as u64, count, "{group:?}");
            people.iter().map(|person| (group.id, person.id))
        })
    };
    [side(true).collect(), side(false).collect()]
}

/// Changes of which some are to change something.
const KINDS: &str = "members,member,removal,child,children,detached,group deleted,user deleted,user,key,action,\
    members patched,children patched,members set,children set";

/// Over random graphs and random changes: the preview's effects are the difference that the change then makes, what is refused is refused alike, and the preview leaves no
/// trace.
pub fn a_preview_says_what_the_change_does(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let mut numbers = Numbers(7);
    let mut users: Vec<UserId> = (0..6).map(|number| fixture.user(&format!("user {number}"))).collect();
    let mut groups: Vec<GroupId> = (0..7).map(|number| fixture.group(&format!("group {number}"))).collect();
    fixture.nest(fixture.system(SystemGroup::SystemAdministrators), groups[0]);
    groups.push(fixture.system(SystemGroup::SystemAdministrators));
    users.push(fixture.admin.user);
    let mut keys: Vec<String> = Vec::new();
    let (mut changed, mut refused) = (BTreeMap::<&str, u32>::new(), 0);
    for round in 0..500 {
        let (group, user) = (*numbers.one_of(&groups), *numbers.one_of(&users));
        let other = *numbers.one_of(&groups);
        let key = if keys.is_empty() { "none".to_owned() } else { numbers.one_of(&keys).clone() };
        let mode = [PatchMode::Atomic, PatchMode::Partial][round % 2];
        let (kind, change) = match numbers.below(32) {
            24 | 25 => {
                let lists = [some(&mut numbers, &users), some(&mut numbers, &users)];
                ("members patched", Change::PatchMembers(group, lists, mode))
            }
            26..=28 => {
                let lists = [some(&mut numbers, &groups), some(&mut numbers, &groups)];
                ("children patched", Change::PatchChildren(group, lists, mode))
            }
            29 => ("members set", Change::SetMembers(group, some(&mut numbers, &users))),
            30 | 31 => ("children set", Change::SetChildren(group, some(&mut numbers, &groups))),
            0..=2 => ("members", Change::AddMembers(group, some(&mut numbers, &users))),
            3 | 4 => ("member", Change::AddMember(group, user)),
            5..=8 => ("removal", Change::RemoveMember(group, user)),
            9 | 10 => ("children", Change::AddChildren(group, some(&mut numbers, &groups))),
            11..=13 => ("child", Change::AddChild(group, other)),
            14 | 15 => ("detached", Change::RemoveChild(group, other)),
            16 if round % 3 == 0 => ("group deleted", Change::DeleteGroup(group)),
            17 if round % 3 != 1 => ("user deleted", Change::DeleteUser(user)),
            16..=19 => ("action", Change::Act(user, ["suspend", "unsuspend", "unlock"][numbers.below(3)])),
            20 => ("user", Change::CreateUser(format!("new {round}").replace(' ', "-"))),
            21 => ("key", Change::CreateKey(format!("key-{round}"))),
            22 => ("key enabled", Change::EnableKey(key, round % 2 == 0)),
            _ if round % 2 == 0 => ("key deleted", Change::DeleteKey(key)),
            _ => ("group", Change::CreateGroup(format!("group {round}"))),
        };
        let before = look(&fixture);
        let context = fixture.operator();
        let previewed = fixture
            .directory
            .preview(&context, |directory, context| change.make(directory, context).map_err(Stop::Refused));
        assert!(context.take_notes().is_empty());
        assert_eq!(look(&fixture), before, "{change:?} was made by its preview");
        let real = change.make(&fixture.directory, &fixture.operator());
        let after = look(&fixture);
        let effects = match (previewed, real) {
            (Ok(((), effects)), Ok(())) => effects,
            (Err(Stop::Refused(preview)), Err(refusal)) => {
                assert_eq!(preview, refusal, "{change:?}");
                refused += 1;
                continue;
            }
            (previewed, real) => return assert_eq!(format!("{previewed:?}"), format!("{real:?}"), "{change:?}"),
        };
        // An id that the preview made up is not that of the change.
        let is_new = matches!(change, Change::CreateUser(_) | Change::CreateKey(_));
        let expected = [&after.members - &before.members, &before.members - &after.members];
        if is_new {
            let counts = |pairs: &[BTreeSet<(GroupId, UserId)>; 2]| pairs.each_ref().map(BTreeSet::len);
            assert_eq!(counts(&pairs(&effects)), counts(&expected), "{change:?}");
        } else {
            assert_eq!(pairs(&effects), expected, "{change:?} {effects:?}");
            let ids = |people: &[crate::ports::Person]| people.iter().map(|person| person.id).collect::<BTreeSet<_>>();
            assert_eq!(
                ids(&effects.administrators_gained),
                &after.administrators - &before.administrators,
                "{change:?}"
            );
            assert_eq!(ids(&effects.administrators_lost), &before.administrators - &after.administrators, "{change:?}");
        }
        *changed.entry(kind).or_default() +=
            u32::from(before.members != after.members || before.administrators != after.administrators);
        match &change {
            Change::CreateKey(name) => keys.push(name.clone()),
            Change::CreateGroup(name) => {
                let identifier = GroupIdentifier::from(name.as_str());
                groups.extend(must(fixture.store.read(|store| -> Outcome<_> { store.group_id(&identifier) })));
            }
            Change::DeleteGroup(id) => groups.retain(|group| group != id),
            Change::DeleteUser(id) => users.retain(|user| user != id),
            Change::CreateUser(name) => users.push(
                must(
                    fixture
                        .directory
                        .user(&fixture.operator(), &UserIdentifier::from(name.as_str()))
                        .map_err(|error| format!("{error:?}")),
                )
                .id,
            ),
            _ => {}
        }
    }
    for kind in KINDS.split(',') {
        assert!(changed.get(kind).is_some_and(|count| *count > 0), "{kind}: {changed:?}");
    }
    assert!(refused > 20, "{refused}");
}

/// Why a preview has no effects.
#[derive(Debug)]
pub(super) enum Stop {
    Refused(String),
    Store,
}

impl From<StoreError> for Stop {
    fn from(_: StoreError) -> Self {
        Self::Store
    }
}

impl From<Refused> for Stop {
    fn from(refused: Refused) -> Self {
        Self::Refused(format!("{refused:?}"))
    }
}
