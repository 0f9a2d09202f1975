//! What was changed, and the events that tell it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::api_key::ApiKeyId;
use crate::context::{Context, Origin};
use crate::event::{
    EventActor, EventGroup, EventId, EventType, GroupsAbove, MOST_IDS, Members, NewEvent, Subject, Via,
};
use crate::group::GroupId;
use crate::manager::ManagerId;
use crate::ports::{DueChange, Ids};
use crate::time::Timestamp;
use crate::user::UserId;
use crate::validity::Validity;

/// Something that was changed.
#[derive(Clone, Debug)]
pub(in crate::directory) enum Change {
    /// Who belongs to a group.
    Members(MembersFact),
    /// Something else.
    Fact(Box<Fact>),
    /// Something whose event is there already.
    Event(Box<NewEvent>),
}

/// A change of who belongs to a group.
#[derive(Clone, Debug)]
pub(in crate::directory) struct MembersFact {
    pub(super) kind: EventType,
    pub(super) group: GroupId,
    /// In the order of their ids.
    pub(super) members: Members,
    /// The dates, where they are told.
    pub(super) validity: Option<Validity>,
    /// Whether they were only going to belong to it.
    pub(super) was_scheduled: bool,
}

impl MembersFact {
    pub(super) fn new(kind: EventType, group: GroupId, members: Members) -> Self {
        Self { kind, group, members, validity: None, was_scheduled: false }
    }
}

/// A change that one event tells.
#[derive(Clone, Debug)]
pub(in crate::directory) struct Fact {
    pub(super) kind: EventType,
    pub(super) subject: Subject,
    pub(super) user: Option<UserId>,
    pub(super) group: Option<EventGroup>,
    pub(super) members: Members,
    pub(super) details: Map<String, Value>,
    /// Whether the user that it is about did it, who was not known as the actor: their username, and the API key that they are the user of.
    pub(super) is_by_user: Option<(String, Option<ApiKeyId>)>,
}

impl Fact {
    /// About a user of this username.
    pub(super) fn of_user(kind: EventType, user: UserId, username: Option<&str>) -> Self {
        let details = Map::from_iter([("user".to_owned(), json!({ "id": user.to_string(), "username": username }))]);
        let subject = Subject::User(Some(user));
        Self { kind, subject, user: Some(user), group: None, members: Members::None, details, is_by_user: None }
    }

    /// About a group of this name.
    pub(super) fn of_group(kind: EventType, group: EventGroup) -> Self {
        let subject = Subject::Group(group.id);
        let (members, details) = (Members::None, Map::new());
        Self { kind, subject, user: None, group: Some(group), members, details, is_by_user: None }
    }

    /// The same, telling this too.
    pub(super) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }
}

impl From<Fact> for Change {
    fn from(fact: Fact) -> Self {
        Self::Fact(Box::new(fact))
    }
}

/// The service of this version started.
pub(in crate::directory) fn started(version: &str) -> Fact {
    let (kind, subject, members) = (EventType::SettingsStarted, Subject::Settings, Members::None);
    let fact = Fact { kind, subject, user: None, group: None, members, details: Map::new(), is_by_user: None };
    fact.with("version", version)
}

/// Makes the events of a call.
pub(in crate::directory) struct Teller<'a> {
    context: &'a Context,
    via: Option<&'a Via>,
    ids: &'a dyn Ids,
}

impl<'a> Teller<'a> {
    /// `via` is the way by which changes are made, unless it is that of the call.
    pub(in crate::directory) fn new(context: &'a Context, via: Option<&'a Via>, ids: &'a dyn Ids) -> Self {
        Self { context, via, ids }
    }

    /// The moment of the call.
    pub(super) fn now(&self) -> Timestamp {
        self.context.now()
    }

    /// The events that tell a change.
    pub(super) fn events(&self, change: Change) -> impl Iterator<Item = NewEvent> {
        let (one, many) = match change {
            Change::Event(event) => (Some(*event), None),
            Change::Fact(fact) => (Some(self.event(*fact)), None),
            Change::Members(members) => (None, Some(self.members(members))),
        };
        one.into_iter().chain(many.into_iter().flatten())
    }

    /// The event that tells a fact.
    pub(in crate::directory) fn event(&self, fact: Fact) -> NewEvent {
        let mut actor = self.actor();
        if let (Some((username, api_key)), Some(user)) = (fact.is_by_user, fact.user) {
            actor = EventActor { id: Some(user), username: Some(username), api_key, ..actor };
        }
        NewEvent {
            id: EventId(self.ids.next()),
            kind: fact.kind,
            time: self.context.now(),
            subject: fact.subject.to_string(),
            actor: actor.id,
            user: fact.user,
            group: fact.group,
            members: fact.members,
            details: self.details(&actor, fact.details),
        }
    }

    fn members(&self, fact: MembersFact) -> impl Iterator<Item = NewEvent> {
        let (actor, time) = (self.actor(), self.context.now());
        let details = self.details(&actor, Map::new());
        parts(fact).map(move |(kind, group, members, own)| {
            let details = details.clone().into_iter().chain(own).collect();
            of_members(EventId(self.ids.next()), (kind, time), actor.id, (group, members), details)
        })
    }

    fn actor(&self) -> EventActor {
        let via = self.via.cloned().unwrap_or(match self.context.origin() {
            Origin::Api => Via::Api,
            Origin::Cli => Via::Cli,
            Origin::Embedded => Via::Embedded,
        });
        let Some(admission) = self.context.admission() else { return EventActor::nobody(via) };
        let (id, username) = (Some(admission.user), Some(admission.username.clone()));
        EventActor { id, username, via, api_key: admission.api_key }
    }

    fn details(&self, actor: &EventActor, mut details: Map<String, Value>) -> Map<String, Value> {
        details.insert("actor".to_owned(), actor.json());
        details.insert("requestId".to_owned(), self.context.request_id().to_string().into());
        details.insert("address".to_owned(), self.context.address().map(|address| address.to_string()).into());
        details
    }
}

/// An event about members of a group, without what is the same in all of a change.
type Part = (EventType, GroupId, Members, Vec<(String, Value)>);

/// The parts of a change of members, each of at most [`MOST_IDS`] ids.
fn parts(fact: MembersFact) -> impl Iterator<Item = Part> {
    let MembersFact { kind, group, members, validity, was_scheduled } = fact;
    let count = members.len();
    let parts = count.div_ceil(MOST_IDS);
    (0..parts).map(move |part| {
        let range = part * MOST_IDS..count.min((part + 1) * MOST_IDS);
        let members = match &members {
            Members::None => Members::None,
            Members::Users(users) => Members::Users(users.get(range).unwrap_or_default().to_vec()),
            Members::Groups(groups) => Members::Groups(groups.get(range).unwrap_or_default().to_vec()),
        };
        let mut own = vec![("part".to_owned(), (part + 1).into()), ("parts".to_owned(), parts.into())];
        if let Some(validity) = validity {
            let date = |date: Option<Timestamp>| Value::from(date.map(|date| date.to_string()));
            own.push(("from".to_owned(), date(validity.from)));
            own.push(("until".to_owned(), date(validity.until)));
        }
        if was_scheduled {
            own.push(("scheduled".to_owned(), true.into()));
        }
        (kind, group, members, own)
    })
}

fn of_members(
    id: EventId,
    (kind, time): (EventType, Timestamp),
    actor: Option<UserId>,
    (group, members): (GroupId, Members),
    details: Map<String, Value>,
) -> NewEvent {
    NewEvent {
        id,
        kind,
        time,
        subject: Subject::Group(group).to_string(),
        actor,
        user: None,
        group: Some(EventGroup { id: group, name: None, above: GroupsAbove::ToFind }),
        members,
        details,
    }
}

/// Users or groups that joined or left a group together.
#[derive(Default)]
struct Joined {
    users: Vec<UserId>,
    groups: Vec<GroupId>,
}

/// The events that tell what became so because its date had come: who joined or left one group at one moment together.
pub(in crate::directory) fn due_events(changes: &[DueChange], ids: &dyn Ids) -> Vec<NewEvent> {
    let mut together: BTreeMap<(Timestamp, EventType, GroupId), Joined> = BTreeMap::new();
    for change in changes {
        let kind = match (change.member, change.is_in) {
            (ManagerId::User(_), true) => EventType::MembersAdded,
            (ManagerId::User(_), false) => EventType::MembersRemoved,
            (ManagerId::Group(_), true) => EventType::ChildrenAdded,
            (ManagerId::Group(_), false) => EventType::ChildrenRemoved,
        };
        let joined = together.entry((change.at, kind, change.group)).or_default();
        match change.member {
            ManagerId::User(user) => joined.users.push(user),
            ManagerId::Group(group) => joined.groups.push(group),
        }
    }
    let common = Map::from_iter([
        ("actor".to_owned(), EventActor::nobody(Via::Schedule).json()),
        ("requestId".to_owned(), Value::Null),
        ("address".to_owned(), Value::Null),
    ]);
    let mut events = Vec::new();
    for ((time, kind, group), Joined { mut users, mut groups }) in together {
        users.sort_unstable();
        groups.sort_unstable();
        let members = if groups.is_empty() { Members::Users(users) } else { Members::Groups(groups) };
        for (kind, group, members, own) in parts(MembersFact::new(kind, group, members)) {
            let details = common.clone().into_iter().chain(own).collect();
            events.push(of_members(EventId(ids.next()), (kind, time), None, (group, members), details));
        }
    }
    events
}

/// A sign-in that was refused without a change. `None`: of a name that no user can have.
pub(in crate::directory) fn refused_sign_in(user: Option<(UserId, &str)>, reason: &str) -> Fact {
    let kind = EventType::UserSignInFailed;
    let fact = user.map(|(user, username)| Fact::of_user(kind, user, Some(username)));
    fact.unwrap_or_else(|| of_unknown_name(kind)).with("reason", reason)
}

/// A program signed in as this user of its API key.
pub(in crate::directory) fn client_sign_in((user, username): (UserId, &str), key: ApiKeyId) -> Fact {
    let is_by_user = Some((username.to_owned(), Some(key)));
    Fact { is_by_user, ..Fact::of_user(EventType::UserSignedIn, user, Some(username)) }
}

/// Something about a name that no user has.
pub(super) fn of_unknown_name(kind: EventType) -> Fact {
    let details = Map::from_iter([("user".to_owned(), Value::Null)]);
    let (subject, members) = (Subject::User(None), Members::None);
    Fact { kind, subject, user: None, group: None, members, details, is_by_user: None }
}
