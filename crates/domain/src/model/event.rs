//! Events: who did what, when, to whom and with which effect.
//!
//! A change is told by a [`NewEvent`]. Once it is committed, the store gives it its place in the order of all events, and it becomes an
//! [`Event`]: the text that is shown to readers, chained to the event before it by its hash.

mod actor;
mod chain;
mod kind;
mod text;

use std::fmt;

use serde_json::{Map, Value};
use uuid::Uuid;

use super::api_key::ApiKeyId;
use super::group::GroupId;
use super::time::Timestamp;
use super::user::UserId;
use super::webhook::WebhookId;

pub use actor::{EventActor, Via};
pub use chain::{ChainError, EventHash, EventHead};
pub use kind::{EventType, TypePattern, UnknownType};

/// The most ids of members, and the most ids of groups above, that one event names.
pub const MOST_IDS: usize = 1000;

/// Who a refused sign-in or a lock is about if nobody has the name.
const NOBODY: UserId = UserId(Uuid::nil());

/// The id of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(pub Uuid);

impl fmt::Display for EventId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A user. `None`: a name that no user has.
    User(Option<UserId>),
    /// A group.
    Group(GroupId),
    /// An API key.
    ApiKey(ApiKeyId),
    /// A webhook.
    Webhook(WebhookId),
    /// The settings of the program.
    Settings,
}

impl fmt::Display for Subject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(Some(user)) => write!(formatter, "users/{user}"),
            Self::User(None) => formatter.write_str("users"),
            Self::Group(group) => write!(formatter, "groups/{group}"),
            Self::ApiKey(key) => write!(formatter, "api-keys/{}", key.0),
            Self::Webhook(webhook) => write!(formatter, "webhooks/{webhook}"),
            Self::Settings => formatter.write_str("settings"),
        }
    }
}

/// The group that an event is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventGroup {
    /// Its id.
    pub id: GroupId,
    /// Its name. `None`: the store finds it when it keeps the event.
    pub name: Option<String>,
    /// The groups at or above it.
    pub above: GroupsAbove,
}

/// The groups at or above a group, whose effective members an event may change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupsAbove {
    /// The event changes no effective member.
    NotTold,
    /// The store finds them when it keeps the event.
    ToFind,
    /// These. Where there are more than [`MOST_IDS`], the first by id of one more.
    Found(Vec<GroupId>),
}

impl GroupsAbove {
    /// Those of `groups`, in the order of their ids, that are kept.
    #[must_use]
    pub fn found(groups: impl IntoIterator<Item = GroupId>) -> Self {
        Self::Found(groups.into_iter().take(MOST_IDS + 1).collect())
    }
}

/// Who joined a group, left it, or was otherwise changed in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Members {
    /// Nobody.
    #[default]
    None,
    /// Users, at most [`MOST_IDS`].
    Users(Vec<UserId>),
    /// Groups, at most [`MOST_IDS`].
    Groups(Vec<GroupId>),
}

impl Members {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::None => 0,
            Self::Users(users) => users.len(),
            Self::Groups(groups) => groups.len(),
        }
    }
}

/// An event before it has a place in the order of all events.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEvent {
    /// Its id.
    pub id: EventId,
    /// What happened.
    pub kind: EventType,
    /// When it happened.
    pub time: Timestamp,
    /// What it is about.
    pub subject: String,
    /// The user who did it. `None`: nobody who has an account.
    pub actor: Option<UserId>,
    /// The user that it is about as a whole, if there is one. Members are told by `members`.
    pub user: Option<UserId>,
    /// The group that it is about.
    pub group: Option<EventGroup>,
    /// Who joined the group, left it, or was otherwise changed in it.
    pub members: Members,
    /// What else it tells: the properties of `data` that are not told by `group` and `members`.
    pub details: Map<String, Value>,
}

impl NewEvent {
    /// The users that it is about. A refused sign-in or a lock of a name that no user has is about the user with the nil id, who never exists: so it costs as much to
    /// keep as that of a user.
    pub fn users(&self) -> impl Iterator<Item = UserId> + '_ {
        let members = match &self.members {
            Members::Users(users) => users.as_slice(),
            Members::None | Members::Groups(_) => &[],
        };
        let unknown = (self.kind.is_of_names() && self.user.is_none()).then_some(NOBODY);
        self.user.into_iter().chain(members.iter().copied()).chain(unknown)
    }
}

/// An event that has its place in the order of all events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its place, counted from 1 without gaps.
    pub sequence: u64,
    /// Its id.
    pub id: EventId,
    /// What happened.
    pub kind: EventType,
    /// When it happened.
    pub time: Timestamp,
    /// Its canonical form (RFC 8785), without its hash.
    pub text: String,
    /// The hash of that and of the hash of the event before it.
    pub hash: EventHash,
}

impl Event {
    /// The JSON that readers see: the canonical form with the hash.
    #[must_use]
    pub fn json(&self) -> String {
        let rest = self.text.strip_prefix('{').unwrap_or(&self.text);
        format!("{{\"hash\":\"{}\",{rest}", self.hash)
    }

    /// The head of the chain after it.
    #[must_use]
    pub fn head(&self) -> EventHead {
        EventHead { sequence: self.sequence, hash: self.hash }
    }
}
