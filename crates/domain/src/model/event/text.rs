//! The canonical form of events (CloudEvents 1.0 in JSON, RFC 8785).

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Event, EventHash, EventHead, GroupsAbove, MOST_IDS, Members, NOBODY, NewEvent};
use crate::group::GroupId;
use crate::user::UserId;

impl NewEvent {
    /// The event that follows `head`.
    #[must_use]
    pub fn numbered(&self, head: EventHead) -> Event {
        let sequence = head.sequence.saturating_add(1);
        let text = canonical(&json!({
            "specversion": "1.0",
            "id": self.id.to_string(),
            "source": "guildhall",
            "type": self.kind.name(),
            "subject": self.subject,
            "time": self.time.to_string(),
            "sequence": sequence.to_string(),
            "datacontenttype": "application/json",
            "data": self.data(),
        }));
        let hash: EventHash = head.hash.next(&text);
        Event { sequence, id: self.id, kind: self.kind, time: self.time, text, hash }
    }

    fn data(&self) -> Map<String, Value> {
        let mut data = self.details.clone();
        if let Some(group) = &self.group {
            data.insert("group".to_owned(), json!({ "id": group.id.to_string(), "name": group.name }));
            if let GroupsAbove::Found(above) = &group.above {
                let told: Vec<_> = above.iter().take(MOST_IDS).map(ToString::to_string).collect();
                data.insert("groupsAbove".to_owned(), told.into());
                if above.len() > MOST_IDS {
                    data.insert("groupsAboveTruncated".to_owned(), true.into());
                }
            }
        }
        match &self.members {
            Members::None => {}
            Members::Users(users) => {
                data.insert("userIds".to_owned(), users.iter().map(ToString::to_string).collect());
            }
            Members::Groups(groups) => {
                data.insert("groupIds".to_owned(), groups.iter().map(ToString::to_string).collect());
            }
        }
        data
    }
}

impl Event {
    /// Whether its text says the same place, id, type and time.
    pub(super) fn is_told_by_text(&self) -> bool {
        let Ok(Value::Object(told)) = serde_json::from_str(&self.text) else { return false };
        let is = |name: &str, value: &str| told.get(name).and_then(Value::as_str) == Some(value);
        is("sequence", &self.sequence.to_string())
            && is("id", &self.id.to_string())
            && is("type", self.kind.name())
            && is("time", &self.time.to_string())
    }

    /// What it tells: `data` of its JSON.
    #[must_use]
    pub fn data(&self) -> Map<String, Value> {
        let told = serde_json::from_str(&self.text).ok();
        match told.and_then(|mut told: Map<String, Value>| told.remove("data")) {
            Some(Value::Object(data)) => data,
            _ => Map::new(),
        }
    }
}

impl Event {
    /// The user who did it, as [`NewEvent::actor`] says.
    #[must_use]
    pub fn actor(&self) -> Option<UserId> {
        id_in(&self.data(), "actor").map(UserId)
    }

    /// The group that it is about.
    #[must_use]
    pub fn group(&self) -> Option<GroupId> {
        id_in(&self.data(), "group").map(GroupId)
    }

    /// The users that it is about, as [`NewEvent::users`] says.
    #[must_use]
    pub fn users(&self) -> BTreeSet<UserId> {
        let data = self.data();
        let members = data.get("userIds").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let user = data.get("user").and_then(|user| user.get("id"));
        let ids = members.iter().chain(user).filter_map(Value::as_str);
        let users: BTreeSet<UserId> = ids.filter_map(|id| id.parse().ok()).map(UserId).collect();
        if self.kind.is_of_names() && users.is_empty() { BTreeSet::from([NOBODY]) } else { users }
    }
}

/// The id of what a property tells.
fn id_in(data: &Map<String, Value>, property: &str) -> Option<Uuid> {
    data.get(property)?.get("id")?.as_str()?.parse().ok()
}

/// The canonical form of a JSON value. Numbers in events are small integers, or what a double prints as, so none is changed by it.
fn canonical(value: &Value) -> String {
    // Values of strings, numbers, arrays and objects can always be written.
    serde_json_canonicalizer::to_string(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{ChainError, EventGroup, EventId, EventType};
    use crate::time::Timestamp;

    fn event() -> NewEvent {
        let group = GroupId(Uuid::from_u128(2));
        NewEvent {
            id: EventId(Uuid::from_u128(1)),
            kind: EventType::MembersAdded,
            time: Timestamp::from_milliseconds(1_764_064_800_007),
            subject: format!("groups/{group}"),
            actor: None,
            user: None,
            group: Some(EventGroup {
                id: group,
                name: Some("Bäcker \"€\"\n".to_owned()),
                above: GroupsAbove::Found(vec![group]),
            }),
            members: Members::Users(vec![UserId(Uuid::from_u128(3))]),
            details: Map::from_iter([("part".to_owned(), 1.into())]),
        }
    }

    #[test]
    fn an_event_is_written_in_canonical_form() {
        let head = EventHead { sequence: 41, hash: EventHash([7; 32]) };
        let numbered = event().numbered(head);
        assert_eq!(
            numbered.text,
            "{\"data\":{\"group\":{\"id\":\"00000000-0000-0000-0000-000000000002\",\"name\":\"Bäcker \\\"€\\\"\\n\"},\
             \"groupsAbove\":[\"00000000-0000-0000-0000-000000000002\"],\"part\":1,\
             \"userIds\":[\"00000000-0000-0000-0000-000000000003\"]},\"datacontenttype\":\"application/json\",\
             \"id\":\"00000000-0000-0000-0000-000000000001\",\"sequence\":\"42\",\"source\":\"guildhall\",\
             \"specversion\":\"1.0\",\"subject\":\"groups/00000000-0000-0000-0000-000000000002\",\
             \"time\":\"2025-11-25T10:00:00.007Z\",\"type\":\"guildhall.group.members.added\"}"
        );
        assert_eq!(numbered.hash, head.hash.next(&numbered.text));
        assert_eq!(EventHash::parse(&numbered.hash.to_string()), Some(numbered.hash));
        assert!(numbered.json().starts_with(&format!("{{\"hash\":\"{}\",\"data\":{{", numbered.hash)));
        assert_eq!(head.verify(&numbered), Ok(numbered.head()));
    }

    #[test]
    fn what_was_changed_afterwards_does_not_fit() {
        let first = event().numbered(EventHead::default());
        let second = event().numbered(first.head());
        assert_eq!(EventHead::default().verify(&second), Err(ChainError::Gap { expected: 1, found: 2 }));
        let changed = Event { text: second.text.replace("part", "Part"), ..second.clone() };
        assert_eq!(first.head().verify(&changed), Err(ChainError::Hash(2)));
        let mistyped = Event { kind: EventType::MembersRemoved, ..second };
        assert_eq!(first.head().verify(&mistyped), Err(ChainError::Text(2)));
    }
}
