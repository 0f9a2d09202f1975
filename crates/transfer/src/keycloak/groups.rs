//! The tree of groups.

use std::collections::{BTreeMap, HashMap};

use guildhall_domain::group::GroupId;
use guildhall_domain::identifier::{GroupIdentifier, parse_guid};
use guildhall_domain::name::NameKey;
use guildhall_domain::record::{GroupRecord, Record, RecordedGroup};
use guildhall_domain::validation::{InvalidField, Truncated};
use serde::Deserialize;

use super::Place;
use super::user::{Values, custom};
use crate::json::{Element, parse};
use crate::notes::Notes;
use crate::source::RecordKind;

/// A group as Keycloak writes it. How deep groups can be nested is bounded by what `serde_json` reads: some 60 levels.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    id: Option<String>,
    name: String,
    path: Option<String>,
    description: Option<String>,
    attributes: Option<BTreeMap<String, Values>>,
    sub_groups: Option<Vec<Self>>,
    realm_roles: Option<Vec<String>>,
    client_roles: Option<BTreeMap<String, Vec<String>>>,
}

/// A group.
pub(super) struct Group {
    place: Place,
    id: Option<GroupId>,
    name: String,
    path: String,
    parent: Option<usize>,
    description: Option<String>,
    attributes: Option<BTreeMap<String, Values>>,
    has_roles: bool,
}

impl Group {
    pub(super) fn recorded(&self) -> RecordedGroup {
        let identifier = self.id.map_or_else(|| GroupIdentifier::Name(NameKey::of(&self.name)), GroupIdentifier::Id);
        RecordedGroup { identifier, name: Some(self.name.clone()) }
    }

    fn record(&self) -> GroupRecord {
        GroupRecord {
            id: self.id,
            name: Some(self.name.clone()),
            description: self.description.clone().filter(|text| !text.is_empty()).map(Some),
            custom: self.attributes.as_ref().map(custom),
            ..GroupRecord::default()
        }
    }
}

/// All groups, each after the group that it is in.
#[derive(Default)]
pub(super) struct Groups {
    all: Vec<Group>,
    faults: Vec<(Place, Vec<InvalidField>)>,
    /// Paths; one that several groups have names none of them.
    by_path: HashMap<String, Option<usize>>,
}

impl Groups {
    /// Adds a group and all below it.
    pub(super) fn add(&mut self, file: usize, element: &Element<'_>) {
        match parse::<Written>("groups", element.text) {
            Ok(written) => self.add_tree(file, written),
            Err(faults) => self.faults.push((Place { file, line: element.number }, faults)),
        }
    }

    fn add_tree(&mut self, file: usize, written: Written) {
        let mut waiting = vec![(None, written)];
        while let Some((parent, written)) = waiting.pop() {
            let above: &str = parent.and_then(|parent: usize| self.all.get(parent)).map_or("", |group| &group.path);
            let path = written.path.unwrap_or_else(|| format!("{above}/{}", written.name));
            let position = self.all.len();
            self.by_path.entry(path.clone()).and_modify(|found| *found = None).or_insert(Some(position));
            let below = written.sub_groups.into_iter().flatten().rev();
            waiting.extend(below.map(|group| (Some(position), group)));
            self.all.push(Group {
                // The number of the group, which is the only one of its file that has groups.
                place: Place { file, line: u64::try_from(position + 1).unwrap_or(u64::MAX) },
                id: written.id.as_deref().and_then(parse_guid).map(GroupId),
                name: written.name,
                path,
                parent,
                description: written.description,
                attributes: written.attributes,
                has_roles: written.realm_roles.is_some_and(|roles| !roles.is_empty())
                    || written.client_roles.is_some_and(|roles| !roles.is_empty()),
            });
        }
    }

    /// Names all groups that do not have a name of their own by their paths.
    pub(super) fn name(&mut self) {
        let mut counts = HashMap::<NameKey, u64>::new();
        let keys: Vec<NameKey> = self.all.iter().map(|group| NameKey::of(&group.name)).collect();
        for key in &keys {
            *counts.entry(key.clone()).or_default() += 1;
        }
        for (group, key) in self.all.iter_mut().zip(keys) {
            if counts.get(&key).is_some_and(|count| *count > 1) {
                group.path.strip_prefix('/').unwrap_or(&group.path).clone_into(&mut group.name);
            }
        }
    }

    pub(super) fn find(&self, path: &str) -> Result<&Group, String> {
        match self.by_path.get(path) {
            Some(Some(position)) => self.all.get(*position),
            Some(None) => return Err(format!("Several groups have the path {}", Truncated(path))),
            None => None,
        }
        .ok_or_else(|| format!("No file has a group {}", Truncated(path)))
    }

    pub(super) fn records(&self) -> impl Iterator<Item = (Place, Result<Record, Vec<InvalidField>>)> {
        let faults = self.faults.iter().map(|(place, faults)| (*place, Err(faults.clone())));
        faults.chain(self.all.iter().map(|group| (group.place, Ok(Record::Group(Box::new(group.record()))))))
    }

    /// The edges between groups: the upper group and the lower one.
    pub(super) fn edges(&self) -> impl Iterator<Item = (Place, [RecordedGroup; 2])> {
        self.all.iter().filter_map(|group| {
            let parent = self.all.get(group.parent?)?;
            Some((group.place, [parent.recorded(), group.recorded()]))
        })
    }

    pub(super) fn note_roles(&self, notes: &mut Notes) {
        for _ in self.all.iter().filter(|group| group.has_roles) {
            notes.add(RecordKind::Groups, "groups that give roles, which are left out");
        }
    }
}
