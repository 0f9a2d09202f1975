//! What a preview says is what the change then does, and a preview does nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Fixture;
use super::fixture::{Outcome, must};
use super::sign_in::PASSWORD;
use crate::access::Refused;
use crate::api_key::{ApiKeyDraft, ApiKeyIdentifier};
use crate::context::Context;
use crate::directory::{Directory, Effects};
use crate::group::{GroupDraft, GroupId, SystemGroup};
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::page::Page;
use crate::ports::{Store, StoreError};
use crate::user::{UserDraft, UserId};
use crate::version::Precondition;

/// Numbers that look random and are the same each time (`SplitMix64`).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % most.max(1) as u64).unwrap_or_default()
    }

    fn of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())].clone()
    }

    fn some<T: Clone + Ord>(&mut self, all: &[T]) -> BTreeSet<T> {
        (0..=self.below(3)).map(|_| self.of(all)).collect()
    }
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
const KINDS: &str = "members,member,removal,child,children,detached,group deleted,user deleted,user,key,action";

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
    let mut keys = Vec::new();
    let (mut changed, mut refused) = (BTreeMap::<&str, u32>::new(), 0);
    for round in 0..260 {
        let (group, user) = (numbers.of(&groups), numbers.of(&users));
        let other = numbers.of(&groups);
        let key = if keys.is_empty() { "none".to_owned() } else { numbers.of(&keys) };
        let (kind, change) = match numbers.below(24) {
            0..=2 => ("members", Change::AddMembers(group, numbers.some(&users))),
            3 | 4 => ("member", Change::AddMember(group, user)),
            5..=8 => ("removal", Change::RemoveMember(group, user)),
            9 | 10 => ("children", Change::AddChildren(group, numbers.some(&groups))),
            11..=13 => ("child", Change::AddChild(group, other)),
            14 | 15 => ("detached", Change::RemoveChild(group, other)),
            16 if round % 3 == 0 => ("group deleted", Change::DeleteGroup(group)),
            17 if round % 3 == 0 => ("user deleted", Change::DeleteUser(user)),
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
        let made = change.make(&fixture.directory, &fixture.operator());
        let after = look(&fixture);
        let effects = match (previewed, made) {
            (Ok(effects), Ok(())) => effects,
            (Err(Stop::Refused(preview)), Err(made)) => {
                assert_eq!(preview, made, "{change:?}");
                refused += 1;
                continue;
            }
            (previewed, made) => return assert_eq!(format!("{previewed:?}"), format!("{made:?}"), "{change:?}"),
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
enum Stop {
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

/// Of many users and groups, the first are named and all are counted.
pub fn a_large_preview_names_the_first_and_counts_all(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let users: Vec<UserId> = (0..50).map(|number| fixture.user(&format!("user {number:02}"))).collect();
    let [top, middle, bottom, crowd] = ["top", "middle", "bottom", "crowd"].map(|name| fixture.group(name));
    fixture.nest(top, middle);
    fixture.nest(middle, bottom);
    fixture.join(crowd, &users);
    // In the top group are all but a few in the middle of the order, in the middle group every other one.
    let but_few: Vec<UserId> =
        users.iter().enumerate().filter(|(at, _)| !(20..25).contains(at)).map(|(_, user)| *user).collect();
    let every_other: Vec<UserId> = users.iter().step_by(2).copied().collect();
    fixture.join(top, &but_few);
    fixture.join(middle, &every_other);
    let attach = |directory: &Directory<'_>, context: &Context| {
        let attached = directory.add_child(context, &GroupIdentifier::Id(bottom), &GroupIdentifier::Id(crowd));
        attached.map_err(|error| Stop::Refused(format!("{error:?}")))
    };
    let effects = must(fixture.directory.preview(&fixture.by(&fixture.admin), attach));
    let found: Vec<_> = effects
        .groups
        .iter()
        .map(|group| {
            (
                group.id,
                group.users_gained,
                group.gained.iter().map(|person| person.username.clone()).collect::<Vec<_>>(),
            )
        })
        .collect();
    let named = |numbers: Vec<usize>| numbers.into_iter().map(|number| format!("user {number:02}")).collect::<Vec<_>>();
    assert_eq!(
        found,
        [
            (bottom, 50, named((0..20).collect())),
            (middle, 25, named((1..40).step_by(2).collect())),
            // Those with even numbers are in the middle group, and so in the top one.
            (top, 2, named(vec![21, 23])),
        ]
    );
    assert!(!effects.truncated && effects.administrators_gained.is_empty());
}
