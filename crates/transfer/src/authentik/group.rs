//! A group.

use std::collections::{BTreeMap, BTreeSet};

use guildhall_domain::group::GroupId;
use guildhall_domain::identifier::{GroupIdentifier, parse_guid};
use guildhall_domain::name::NameKey;
use guildhall_domain::record::{GroupRecord, RecordedGroup};
use serde::Deserialize;
use serde_json::Value;

use super::user::custom;
use crate::notes::Notes;
use crate::source::RecordKind;

/// A group as authentik writes it. Versions before 2025.12 have one parent.
#[derive(Deserialize)]
pub(super) struct Group {
    pub(super) pk: String,
    name: String,
    parent: Option<String>,
    parents: Option<Vec<String>>,
    is_superuser: Option<bool>,
    attributes: Option<BTreeMap<String, Value>>,
    pub(super) users: Option<Vec<i64>>,
}

impl Group {
    fn id(&self) -> Option<GroupId> {
        parse_guid(&self.pk).map(GroupId)
    }

    pub(super) fn recorded(&self) -> RecordedGroup {
        let name = || GroupIdentifier::Name(NameKey::of(&self.name));
        RecordedGroup { identifier: self.id().map_or_else(name, GroupIdentifier::Id), name: Some(self.name.clone()) }
    }

    pub(super) fn parents(&self) -> BTreeSet<&str> {
        self.parents.iter().flatten().chain(&self.parent).map(String::as_str).collect()
    }

    pub(super) fn record(self, notes: &mut Notes) -> GroupRecord {
        if self.is_superuser == Some(true) {
            notes.add(RecordKind::Groups, "groups that make superusers in authentik, but not here");
        }
        let id = self.id();
        GroupRecord { id, name: Some(self.name), custom: self.attributes.map(custom), ..GroupRecord::default() }
    }
}
