//! What events come to, one after the other.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use uuid::Uuid;

use super::fixture::must;
use crate::event::{Event, EventType};
use crate::group::GroupId;
use crate::ports::Reach;
use crate::time::Timestamp;
use crate::user::UserId;

/// Direct memberships and edges at a moment, each as a group and what belongs to it.
#[derive(Default)]
pub(super) struct Snapshot {
    pub(super) members: BTreeSet<(Uuid, Uuid)>,
    pub(super) edges: BTreeSet<(Uuid, Uuid)>,
}

/// Ids that an event tells in a list.
fn ids(data: &Map<String, Value>, name: &str) -> Vec<Uuid> {
    let told = data.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    told.iter().filter_map(Value::as_str).map(|id| must(id.parse())).collect()
}

/// The id and the name of the user or the group that an event is about.
pub(super) fn named(data: &Map<String, Value>, kind: &str, name: &str) -> Option<(Uuid, String)> {
    let named = data.get(kind)?;
    Some((named.get("id")?.as_str()?.parse().ok()?, named.get(name)?.as_str()?.to_owned()))
}

impl Snapshot {
    /// What the events until `at` come to, in their order.
    pub(super) fn at(events: &[Event], everyone: GroupId, at: Timestamp) -> Self {
        let mut snapshot = Self::default();
        events.iter().filter(|event| event.time <= at).for_each(|event| snapshot.apply(event, everyone));
        snapshot
    }

    fn apply(&mut self, event: &Event, everyone: GroupId) {
        let data = event.data();
        let group = named(&data, "group", "name").map(|(id, _)| id).unwrap_or_default();
        let user = named(&data, "user", "username").map(|(id, _)| id).unwrap_or_default();
        let pairs = |name| ids(&data, name).into_iter().map(|id| (group, id)).collect::<BTreeSet<_>>();
        let was_scheduled = data.get("scheduled").is_some();
        match event.kind {
            EventType::UserCreated => drop(self.members.insert((everyone.0, user))),
            EventType::UserDeleted => self.members.retain(|(_, member)| *member != user),
            EventType::GroupDeleted => {
                self.members.retain(|(of, _)| *of != group);
                self.edges.retain(|(parent, child)| *parent != group && *child != group);
            }
            EventType::MembersAdded => self.members.extend(pairs("userIds")),
            EventType::ChildrenAdded => self.edges.extend(pairs("groupIds")),
            EventType::MembersRemoved if !was_scheduled => self.members = &self.members - &pairs("userIds"),
            EventType::ChildrenRemoved if !was_scheduled => self.edges = &self.edges - &pairs("groupIds"),
            _ => {}
        }
    }

    /// Whatever a walk from `start` along the edges reaches, down or up.
    fn walk(&self, start: Uuid, is_down: bool) -> BTreeSet<Uuid> {
        let (mut found, mut open) = (BTreeSet::from([start]), vec![start]);
        while let Some(next) = open.pop() {
            let ways = self.edges.iter().map(|(parent, child)| if is_down { (parent, child) } else { (child, parent) });
            let steps = ways.filter(|(from, _)| **from == next).map(|(_, to)| *to);
            open.extend(steps.filter(|step| found.insert(*step)));
        }
        found
    }

    pub(super) fn members_of(&self, group: GroupId, reach: Reach) -> BTreeSet<Uuid> {
        let groups = match reach {
            Reach::Direct => BTreeSet::from([group.0]),
            Reach::Effective => self.walk(group.0, true),
        };
        self.members.iter().filter(|(of, _)| groups.contains(of)).map(|(_, user)| *user).collect()
    }

    pub(super) fn groups_of(&self, user: UserId, reach: Reach) -> BTreeSet<Uuid> {
        let direct = self.members.iter().filter(|(_, member)| *member == user.0).map(|(group, _)| *group);
        match reach {
            Reach::Direct => direct.collect(),
            Reach::Effective => direct.flat_map(|group| self.walk(group, false)).collect(),
        }
    }
}
