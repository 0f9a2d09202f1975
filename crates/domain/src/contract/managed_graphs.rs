//! Any graph, any managers, any requests by them: against a plain model of who manages what.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Fixture;
use super::fixture::must;
use super::numbers::Numbers;
use crate::access::{Denied, Refused};
use crate::directory::{AddChildrenError, CreateGroupError, RemoveChildError};
use crate::group::{GroupChanges, GroupDraft, GroupId, SystemGroup};
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::manager::ManagerId;
use crate::ports::{Member, Store};
use crate::user::UserId;
use crate::version::Precondition;

const ROUNDS: u64 = 10;
const STEPS: usize = 40;
const GROUPS: usize = 7;
const USERS: usize = 5;

/// What the store ought to hold.
#[derive(Clone, Default)]
struct Model {
    groups: Vec<GroupId>,
    administrators: Vec<GroupId>,
    users: Vec<UserId>,
    edges: BTreeSet<(GroupId, GroupId)>,
    members: BTreeSet<(GroupId, UserId)>,
    appointed: BTreeSet<(GroupId, ManagerId)>,
}

impl Model {
    fn at_or_below(&self, group: GroupId) -> BTreeSet<GroupId> {
        let mut found = BTreeSet::from([group]);
        loop {
            let next = self.edges.iter().filter(|(parent, _)| found.contains(parent)).map(|(_, child)| *child);
            let more: BTreeSet<GroupId> = next.filter(|child| !found.contains(child)).collect();
            if more.is_empty() {
                return found;
            }
            found.extend(more);
        }
    }

    fn is_in(&self, group: GroupId, user: UserId) -> bool {
        self.at_or_below(group).into_iter().any(|below| self.members.contains(&(below, user)))
    }

    fn makes_administrators(&self, group: GroupId) -> bool {
        self.administrators.iter().any(|administrators| self.at_or_below(*administrators).contains(&group))
    }

    /// The groups that a user manages, or manages by one above alone.
    fn managed(&self, user: UserId, is_below: bool) -> BTreeSet<GroupId> {
        let mut managed = BTreeSet::new();
        for (group, manager) in &self.appointed {
            let is_theirs = match manager {
                ManagerId::User(appointee) => *appointee == user,
                ManagerId::Group(appointees) => self.is_in(*appointees, user),
            };
            if is_theirs {
                managed.extend(self.at_or_below(*group).into_iter().filter(|below| !is_below || below != group));
            }
        }
        managed.into_iter().filter(|group| !self.makes_administrators(*group)).collect()
    }

    fn effective(&self) -> BTreeSet<(UserId, GroupId)> {
        let all = self.groups.iter().flat_map(|group| self.users.iter().map(|user| (*user, *group)));
        all.filter(|(user, group)| self.is_in(*group, *user)).collect()
    }
}

/// What a manager asks for.
#[derive(Clone, Copy, Debug)]
enum Step {
    Add(GroupId, UserId),
    AddMany(GroupId, UserId),
    Remove(GroupId, UserId),
    Nest(GroupId, GroupId),
    NestMany(GroupId, GroupId),
    Unnest(GroupId, GroupId),
    Create(GroupId),
    Rename(GroupId),
    SetDomain(GroupId),
    Delete(GroupId),
    Appoint(GroupId, UserId),
}

/// No sequence of requests by managers changes the effective membership of a group that they do not manage, but for groups above theirs, and
/// none ever makes an administrator.
pub fn managers_change_nothing_but_what_is_theirs(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let mut done = 0;
    for round in 0..ROUNDS {
        let mut numbers = Numbers(round * 7919 + 1);
        let mut model = any_world(&fixture, round, &mut numbers);
        for number in 0..STEPS {
            let user = *numbers.one_of(&model.users);
            let (before, managed) = (model.effective(), model.managed(user, false));
            let step = any_step(&model, &managed, &mut numbers);
            let is_done = take(&fixture, &mut model, user, step, &format!("new {round} {number}"));
            done += usize::from(is_done);
            let after = model.effective();
            assert_eq!(stored(&fixture, &model), after, "{step:?}");
            for (_, group) in before.symmetric_difference(&after) {
                let is_above = managed.iter().any(|managed| model.at_or_below(*group).contains(managed));
                assert!(is_above, "{step:?} by {user} changed {group}");
                assert!(!model.administrators.contains(group), "{step:?} by {user} made an administrator");
            }
        }
        clear(&fixture, &model);
    }
    assert!(done > 100, "{done} of {} requests were permitted", STEPS as u64 * ROUNDS);
}

/// What the store holds, of the effective memberships of the model's users.
fn stored(fixture: &Fixture, model: &Model) -> BTreeSet<(UserId, GroupId)> {
    let all = model.groups.iter().flat_map(|group| model.users.iter().map(|user| (*user, *group)));
    let all: BTreeSet<(UserId, GroupId)> = all.collect();
    must(fixture.store.read(|directory| directory.effective_memberships_among(&all)))
}

fn any_world(fixture: &Fixture, round: u64, numbers: &mut Numbers) -> Model {
    let mut model = Model {
        groups: (0..GROUPS).map(|number| fixture.group(&format!("group {round} {number}"))).collect(),
        users: (0..USERS).map(|number| fixture.user(&format!("user {round} {number}"))).collect(),
        ..Model::default()
    };
    let own = model.groups.clone();
    model.administrators = [SystemGroup::SystemAdministrators, SystemGroup::ApiKeyAdministrators]
        .map(|group| fixture.system(group))
        .to_vec();
    model.groups.extend(model.administrators.clone());
    for _ in 0..GROUPS + 2 {
        let (parent, child) = (*numbers.one_of(&model.groups), *numbers.one_of(&model.groups));
        if !model.at_or_below(child).contains(&parent) {
            fixture.nest(parent, child);
            model.edges.insert((parent, child));
        }
    }
    for _ in 0..2 * USERS {
        let (group, user) = (*numbers.one_of(&own), *numbers.one_of(&model.users));
        if !model.makes_administrators(group) {
            fixture.join(group, &[user]);
            model.members.insert((group, user));
        }
    }
    for _ in 0..2 * USERS {
        let (group, other) = (*numbers.one_of(&own), *numbers.one_of(&own));
        let user = *numbers.one_of(&model.users);
        let manager = if numbers.below(3) == 0 { ManagerId::Group(other) } else { ManagerId::User(user) };
        if !model.makes_administrators(group) {
            fixture.appoint(group, manager);
            model.appointed.insert((group, manager));
        }
    }
    // What was appointed for may make administrators later.
    let group = *numbers.one_of(&own);
    if !model
        .groups
        .iter()
        .any(|below| model.administrators.contains(below) && model.at_or_below(group).contains(below))
        && !model.at_or_below(group).iter().any(|below| model.users.iter().any(|user| model.is_in(*below, *user)))
    {
        fixture.nest(model.administrators[1], group);
        model.edges.insert((model.administrators[1], group));
    }
    model
}

/// Any step, more often than not on what the caller manages.
fn any_step(model: &Model, managed: &BTreeSet<GroupId>, numbers: &mut Numbers) -> Step {
    let managed: Vec<GroupId> = managed.iter().copied().collect();
    let mut any_group = || {
        let is_theirs = !managed.is_empty() && numbers.below(4) > 0;
        *numbers.one_of(if is_theirs { &managed } else { &model.groups })
    };
    let (group, other) = (any_group(), any_group());
    let user = *numbers.one_of(&model.users);
    match numbers.below(14) {
        0 | 1 => Step::Add(group, user),
        2 => Step::AddMany(group, user),
        3 | 4 => Step::Remove(group, user),
        5 | 6 => Step::Nest(group, other),
        7 => Step::NestMany(group, other),
        8 => Step::Unnest(group, other),
        9 => Step::Create(group),
        10 => Step::Rename(group),
        11 => Step::SetDomain(group),
        12 => Step::Delete(group),
        _ => Step::Appoint(group, user),
    }
}

/// Asks the directory, holds the answer against the model, and changes the model. Returns whether something was done.
fn take(fixture: &Fixture, model: &mut Model, caller: UserId, step: Step, name: &str) -> bool {
    let directory = &fixture.directory;
    let context = fixture.by(fixture.caller(caller));
    let (managed, below) = (model.managed(caller, false), model.managed(caller, true));
    let (group, id) = (GroupIdentifier::Id, UserIdentifier::Id);
    let are_theirs = |groups: &[GroupId]| groups.iter().all(|group| managed.contains(group));
    macro_rules! held {
        ($outcome:expr, $permitted:expr) => {{
            let (outcome, is_permitted) = ($outcome, $permitted);
            let denied = format!("{:?}", Refused::Denied(Denied::NotPermitted));
            let is_denied = outcome.as_ref().err().is_some_and(|error| format!("{error:?}").contains(&denied));
            assert_eq!(is_denied, !is_permitted, "{step:?} by {caller}: {outcome:?}");
            outcome
        }};
    }
    match step {
        Step::Add(to, user) => {
            let added = held!(directory.add_member(&context, &group(to), &id(user)), are_theirs(&[to]));
            added.is_ok() && model.members.insert((to, user))
        }
        Step::AddMany(to, user) => {
            let users = BTreeSet::from([user, caller]);
            let added = held!(directory.add_members(&context, &group(to), &users), are_theirs(&[to]));
            model.members.extend(users.into_iter().filter(|_| added.is_ok()).map(|user| (to, user)));
            added.is_ok()
        }
        Step::Remove(from, user) => {
            let removed = held!(directory.remove_member(&context, &group(from), &id(user)), are_theirs(&[from]));
            removed.is_ok() && model.members.remove(&(from, user))
        }
        Step::Nest(parent, child) | Step::NestMany(parent, child) => {
            let added = if matches!(step, Step::Nest(..)) {
                directory.add_child(&context, &group(parent), &group(child))
            } else {
                directory.add_children(&context, &group(parent), &BTreeSet::from([child]))
            };
            let added = held!(added, are_theirs(&[parent, child]));
            let closes_cycle = model.at_or_below(child).contains(&parent);
            assert!(added.is_ok() || !are_theirs(&[parent, child]) || closes_cycle);
            assert!(!matches!(added, Err(AddChildrenError::Cycle(_))) || closes_cycle);
            added.is_ok() && model.edges.insert((parent, child))
        }
        Step::Unnest(parent, child) => {
            let removed =
                held!(directory.remove_child(&context, &group(parent), &group(child)), are_theirs(&[parent, child]));
            let has_edge = model.edges.contains(&(parent, child));
            assert!(!matches!(removed, Err(RemoveChildError::NotAChild)) || !has_edge);
            removed.is_ok() && model.edges.remove(&(parent, child))
        }
        Step::Create(parent) => {
            let draft = GroupDraft { name: Some(name.to_owned()), ..GroupDraft::default() };
            let created: Result<_, CreateGroupError> =
                held!(directory.create_group_below(&context, &group(parent), draft), are_theirs(&[parent]));
            let Ok(created) = created else { return false };
            model.groups.push(created.id);
            model.edges.insert((parent, created.id))
        }
        Step::Rename(of) => {
            let changes = GroupChanges { name: Some(Some(name.to_owned())), ..GroupChanges::default() };
            let outcome = directory.change_group(&context, &group(of), &changes, &Precondition::default());
            held!(outcome, below.contains(&of)).is_ok()
        }
        Step::SetDomain(of) => {
            let domains = Some(vec!["fightclub.com".to_owned()]);
            let changes = GroupChanges { auto_membership_email_domains: domains, ..GroupChanges::default() };
            held!(directory.change_group(&context, &group(of), &changes, &Precondition::default()), false).is_ok()
        }
        Step::Delete(of) => {
            held!(directory.delete_group(&context, &group(of), &Precondition::default()), false).is_ok()
        }
        Step::Appoint(of, user) => {
            held!(directory.appoint_manager(&context, &group(of), Member::User(&id(user))), false).is_ok()
        }
    }
}

/// Leaves nothing of this world below or above the administrators' groups.
fn clear(fixture: &Fixture, model: &Model) {
    let context = fixture.by(&fixture.admin);
    for group in model.groups.iter().filter(|group| !model.administrators.contains(group)) {
        must(fixture.directory.delete_group(&context, &GroupIdentifier::Id(*group), &Precondition::default()));
    }
    for (parent, child) in &model.edges {
        if model.administrators.contains(parent) && model.administrators.contains(child) {
            must(fixture.directory.remove_child(&context, &GroupIdentifier::Id(*parent), &GroupIdentifier::Id(*child)));
        }
    }
}
