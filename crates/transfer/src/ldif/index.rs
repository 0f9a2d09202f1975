//! The users and groups of all files, as entries name one another: by distinguished name, by username and by number.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use guildhall_domain::group::GroupId;
use guildhall_domain::identifier::{GroupIdentifier, UserIdentifier};
use guildhall_domain::name::NameKey;
use guildhall_domain::record::RecordedGroup;
use guildhall_domain::user::UserId;
use uuid::Uuid;

use super::dn::normalized;
use super::entry::{Entry, IDENTITY, Kind};
use super::reader::{Item, Reader};
use crate::source::SourceError;

/// The attributes that the index needs beside those of the identity.
const BESIDE: [&str; 4] = ["gidnumber", "member", "uniquemember", "memberuid"];

/// What is kept of the files between passes. It grows with the number of users and groups, not with that of memberships.
#[derive(Debug, Default)]
pub(super) struct Index {
    subjects: Vec<Subject>,
    by_dn: HashMap<Box<str>, usize>,
    users: HashMap<NameKey, usize>,
    groups: HashSet<NameKey>,
    groups_by_number: HashMap<u64, usize>,
}

/// A user or a group.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) kind: Kind,
    /// Whether the group tells all its members itself.
    pub(super) lists_members: bool,
    id: Option<Uuid>,
    /// The name: of a group always, of a user only where there is no id.
    name: Option<Box<str>>,
}

impl Subject {
    pub(super) fn user(&self) -> UserIdentifier {
        let name = || NameKey::of(self.name.as_deref().unwrap_or_default());
        self.id.map_or_else(|| UserIdentifier::Name(name()), |id| UserIdentifier::Id(UserId(id)))
    }

    pub(super) fn group(&self) -> RecordedGroup {
        let name = self.name.as_deref().unwrap_or_default();
        let Some(id) = self.id else {
            return RecordedGroup { identifier: GroupIdentifier::Name(NameKey::of(name)), name: Some(name.to_owned()) };
        };
        RecordedGroup { identifier: GroupIdentifier::Id(GroupId(id)), name: Some(name.to_owned()) }
    }
}

impl Index {
    pub(super) fn read(files: &[PathBuf]) -> Result<Self, SourceError> {
        let wanted: Vec<&'static str> = IDENTITY.into_iter().chain(BESIDE).collect();
        let mut index = Self::default();
        for path in files {
            let mut reader = Reader::open(path)?;
            let mut current = Indexed::default();
            while let Some(item) = reader.item(&wanted)? {
                match item {
                    Item::Entry(dn, _) => current = Indexed { dn: normalized(&dn), ..Indexed::default() },
                    Item::Attribute(attribute) => match attribute.name {
                        "gidnumber" => current.number = number(&attribute.value),
                        name if BESIDE.contains(&name) && attribute.value.is_empty() => {}
                        name if BESIDE.contains(&name) => {
                            current.lists_members |= !attribute.is_partial;
                        }
                        _ => current.entry.add(attribute),
                    },
                    Item::End => index.add(std::mem::take(&mut current)),
                }
            }
        }
        Ok(index)
    }

    /// Keeps an entry if it can be named. One that has the name of another is not kept: whoever is in the one would be in the other.
    fn add(&mut self, indexed: Indexed) {
        let Indexed { dn, entry, number, lists_members } = indexed;
        let kind = entry.kind();
        let (Some(Ok(name)), Some(dn)) = (entry.name(), dn) else { return };
        let (key, id, position) = (NameKey::of(&name), entry.id(), self.subjects.len());
        let is_taken = match kind {
            Kind::User => self.users.contains_key(&key),
            _ => self.groups.contains(&key),
        };
        if is_taken || self.by_dn.contains_key(dn.as_str()) {
            return;
        }
        self.by_dn.insert(dn.into(), position);
        if kind == Kind::User {
            self.users.insert(key, position);
        } else {
            self.groups.insert(key);
            if let Some(number) = number {
                self.groups_by_number.entry(number).or_insert(position);
            }
        }
        let name = (kind == Kind::Group || id.is_none()).then(|| name.into());
        self.subjects.push(Subject { kind, lists_members, id, name });
    }

    /// The subject at a position that this index gave.
    pub(super) fn subject(&self, position: usize) -> Option<&Subject> {
        self.subjects.get(position)
    }

    pub(super) fn by_dn(&self, dn: &str) -> Option<usize> {
        self.by_dn.get(normalized(dn)?.as_str()).copied()
    }

    pub(super) fn user(&self, username: &str) -> Option<usize> {
        self.users.get(&NameKey::of(username)).copied()
    }

    pub(super) fn group_by_number(&self, value: &[u8]) -> Option<usize> {
        self.groups_by_number.get(&number(value)?).copied()
    }
}

/// An entry that is being read.
#[derive(Default)]
struct Indexed {
    dn: Option<String>,
    entry: Entry,
    number: Option<u64>,
    lists_members: bool,
}

fn number(value: &[u8]) -> Option<u64> {
    std::str::from_utf8(value).ok()?.trim().parse().ok()
}
