//! Histories made up at random: what they tell about the past is what a replay of the events comes to.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::fixture::must;
use super::numbers::Numbers;
use super::patches::ATOMIC;
use super::replay::{Snapshot, named};
use super::{Fixture, Given};
use crate::directory::{MemberList, Patch};
use crate::event::{Event, EventType};
use crate::group::{GroupDraft, GroupId, SystemGroup};
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::page::{Page, Paged};
use crate::ports::{EventQuery, Former, Reach};
use crate::time::Timestamp;
use crate::user::{ShownUser, UserDraft, UserId};
use crate::validity::ValidityChange;
use crate::version::Precondition;

const GROUPS: usize = 6;
const USERS: usize = 7;
const STEPS: usize = 240;

/// A directory with a history.
struct History {
    fixture: Fixture,
    random: Numbers,
    now: i64,
    everyone: GroupId,
    groups: Vec<GroupId>,
    users: Vec<UserId>,
    /// All that there ever were.
    all_groups: Vec<GroupId>,
    all_users: Vec<UserId>,
}

impl History {
    fn begin(given: Given, seed: u64) -> Self {
        let fixture = Fixture::given(given);
        let everyone = fixture.system(SystemGroup::Everyone);
        let (groups, users) = (Vec::new(), Vec::new());
        let (all_groups, all_users) = (vec![everyone], vec![fixture.admin.user]);
        let random = Numbers(seed);
        let mut history = Self { fixture, random, now: 0, everyone, groups, users, all_groups, all_users };
        for number in 0..GROUPS {
            let group = history.new_group(&format!("g{number}"), number == 0);
            history.groups.push(group);
        }
        for number in 0..USERS {
            let user = history.new_user(&format!("u{number}"));
            history.users.push(user);
        }
        history
    }

    /// A group, which new users with an address in its domain join if it has one.
    fn new_group(&mut self, name: &str, has_domain: bool) -> GroupId {
        let domains = if has_domain { vec!["soap.example".to_owned()] } else { Vec::new() };
        let draft =
            GroupDraft { name: Some(name.to_owned()), auto_membership_email_domains: domains, ..GroupDraft::default() };
        let fixture = &self.fixture;
        let group = must(fixture.directory.create_group(&fixture.by(&fixture.admin), draft)).id;
        self.all_groups.push(group);
        group
    }

    fn new_user(&mut self, name: &str) -> UserId {
        let domain = if self.random.below(2) == 0 { "soap.example" } else { "lye.example" };
        let draft = UserDraft {
            username: Some(name.to_owned()),
            email: Some(format!("{}@{domain}", name.replace(' ', "."))),
            password: Some("F1ghtC1ub1234!".to_owned()),
            ..UserDraft::default()
        };
        let fixture = &self.fixture;
        let user = must(fixture.directory.create_user(&fixture.by(&fixture.admin), draft)).id;
        self.all_users.push(user);
        user
    }

    #[expect(clippy::option_option, reason = "as in the type of a change")]
    fn date(&mut self) -> Option<Option<Timestamp>> {
        match self.random.below(4) {
            0 => None,
            1 => Some(None),
            _ => Some(Some(self.fixture.at(self.now - 20 + i64::try_from(self.random.below(120)).unwrap_or_default()))),
        }
    }

    fn dates(&mut self) -> ValidityChange {
        ValidityChange { from: self.date(), until: self.date() }
    }

    fn some_users(&mut self) -> BTreeSet<UserId> {
        let users = self.users.clone();
        users.into_iter().filter(|_| self.random.below(2) == 0).collect()
    }

    /// Does something. What is refused changes nothing: edges that close a cycle, dates that are over.
    fn step(&mut self, number: usize) {
        let (group, child) = (self.random.below(GROUPS), self.random.below(GROUPS));
        let user = self.random.below(USERS);
        let (id, below) = (GroupIdentifier::Id(self.groups[group]), GroupIdentifier::Id(self.groups[child]));
        let named = UserIdentifier::Id(self.users[user]);
        let change = self.dates();
        let some = self.some_users();
        let (by, directory) = (self.fixture.by(&self.fixture.admin), self.fixture.directory.clone());
        let list = |users: &BTreeSet<UserId>| users.iter().map(|id| UserIdentifier::Id(*id)).collect::<MemberList<_>>();
        match self.random.below(14) {
            0 | 1 => drop(directory.schedule_member(&by, &id, &named, change)),
            2 => must(directory.add_member(&by, &id, &named)),
            3 => drop(directory.remove_member(&by, &id, &named)),
            4 => drop(must(directory.add_members(&by, &id, &some))),
            5 => drop(must(directory.patch_members(&by, &id, &Patch::Set(list(&some)), ATOMIC))),
            6 => {
                let mut add: MemberList<UserId> = [named].into_iter().collect();
                add.date_last(change);
                let remove = list(&some.into_iter().filter(|other| *other != self.users[user]).collect());
                drop(directory.patch_members(&by, &id, &Patch::Change { add, remove }, ATOMIC));
            }
            7 | 8 => drop(directory.schedule_child(&by, &id, &below, change)),
            9 => drop(directory.add_child(&by, &id, &below)),
            10 if number.is_multiple_of(2) => drop(directory.remove_child(&by, &id, &below)),
            10 => {
                let set: MemberList<GroupId> = [below].into_iter().collect();
                drop(directory.patch_children(&by, &id, &Patch::Set(set), ATOMIC));
            }
            11 if number.is_multiple_of(3) => {
                must(directory.delete_group(&by, &id, &Precondition::default()));
                self.groups[group] = self.new_group(&format!("g{group} at {number}"), false);
            }
            11 if number % 3 == 1 => {
                must(directory.delete_user(&by, &named, &Precondition::default()));
                self.users[user] = self.new_user(&format!("u{user} at {number}"));
            }
            _ => {
                self.now += i64::try_from(self.random.below(40)).unwrap_or_default();
                self.fixture.set_clock(self.now);
            }
        }
    }

    /// All events, as a reader of the log follows them.
    fn events(&self) -> Vec<Event> {
        let mut events: Vec<Event> = Vec::new();
        loop {
            let after = events.last().map_or(0, |last| last.sequence);
            let by = self.fixture.by(&self.fixture.admin);
            let page = must(self.fixture.directory.events(&by, &EventQuery::following(after, 500)));
            if page.events.is_empty() {
                return events;
            }
            events.extend(page.events);
        }
    }

    fn agrees(&mut self, moments: usize) {
        let events = self.events();
        let mut names = BTreeMap::new();
        for event in &events {
            let data = event.data();
            match event.kind {
                EventType::UserDeleted => names.extend(named(&data, "user", "username")),
                EventType::GroupDeleted => names.extend(named(&data, "group", "name")),
                _ => {}
            }
        }
        for _ in 0..moments {
            let ago = i64::try_from(self.random.below(usize::try_from(self.now).unwrap_or_default() + 2));
            let at = self.fixture.at(self.now - ago.unwrap_or_default());
            let snapshot = Snapshot::at(&events, self.everyone, at);
            for reach in [Reach::Direct, Reach::Effective] {
                let group = *self.random.one_of(&self.all_groups);
                let of_group = |page: &Page| {
                    let (by, id) = (self.fixture.by(&self.fixture.admin), GroupIdentifier::Id(group));
                    let found = must(self.fixture.directory.members_as_of(&by, &id, (reach, at), page));
                    found.map(|user| match user {
                        Former::Existing(ShownUser::Whole(user)) => (user.id.0, None),
                        Former::Existing(ShownUser::Summary(user)) => (user.id.0, None),
                        Former::Deleted(user) => (user.id.0, Some(user.name)),
                    })
                };
                check(&snapshot.members_of(group, reach), &names, of_group);
                let user = *self.random.one_of(&self.all_users);
                let of_user = |page: &Page| {
                    let (by, id) = (self.fixture.by(&self.fixture.admin), UserIdentifier::Id(user));
                    let found = must(self.fixture.directory.groups_as_of(&by, &id, (reach, at), page));
                    found.map(|group| match group {
                        Former::Existing(group) => (group.id.0, None),
                        Former::Deleted(group) => (group.id.0, Some(group.name)),
                    })
                };
                check(&snapshot.groups_of(user, reach), &names, of_user);
                self.explains(&snapshot, group, user, at);
            }
        }
    }

    /// The paths of an explanation are those of the snapshot.
    fn explains(&self, snapshot: &Snapshot, group: GroupId, user: UserId, at: Timestamp) {
        let (id, named) = (GroupIdentifier::Id(group), UserIdentifier::Id(user));
        let by = self.fixture.by(&self.fixture.admin);
        let told = must(self.fixture.directory.explain_membership_as_of(&by, (&id, &named), at, 100));
        assert_eq!(told.is_member(), snapshot.members_of(group, Reach::Effective).contains(&user.0));
        assert_eq!(told.direct.is_some(), snapshot.members.contains(&(group.0, user.0)));
        for path in &told.paths {
            let groups: Vec<Uuid> = path.groups.iter().map(|(id, _)| id.0).collect();
            assert!(groups.windows(2).all(|edge| snapshot.edges.contains(&(edge[0], edge[1]))), "{path:?}");
            assert!(groups.last().is_some_and(|last| snapshot.members.contains(&(*last, user.0))), "{path:?}");
            assert!(path.membership.added <= at && path.until.is_none_or(|until| at < until), "{path:?}");
        }
    }
}

/// A listing has these items, once each, whether it is walked or read by numbers; those that were deleted with their names.
fn check(
    expected: &BTreeSet<Uuid>,
    names: &BTreeMap<Uuid, String>,
    read: impl Fn(&Page) -> Paged<(Uuid, Option<String>)>,
) {
    let all = read(&must(Page::new(0, 1000)));
    assert_eq!(all.total, expected.len() as u64);
    let found: Vec<Uuid> = all.items.iter().map(|(id, _)| *id).collect();
    assert_eq!((found.len(), &found.iter().copied().collect::<BTreeSet<_>>()), (expected.len(), expected));
    for (id, name) in &all.items {
        assert_eq!(names.get(id), name.as_ref());
    }
    let second = read(&must(Page::new(1, 2)));
    assert_eq!(second.items, all.items.iter().skip(2).take(2).cloned().collect::<Vec<_>>());
    let (mut walked, mut page) = (Vec::new(), must(Page::first(3)));
    loop {
        let read = read(&page);
        assert_eq!(read.total, all.total);
        walked.extend(read.items);
        let Some(next) = read.next else { break };
        page = must(Page::after(next, 3));
    }
    assert_eq!(walked, all.items);
}

/// After any history with diamonds, dates, deletions and changes of many, what is told of any moment is what a replay of the events comes to.
pub fn the_past_is_what_a_replay_comes_to(given: Given) {
    let mut history = History::begin(given, 29);
    for number in 0..STEPS {
        history.step(number);
        if number % 60 == 59 {
            history.agrees(12);
        }
    }
    history.agrees(40);
}
