//! Records of authentik, out of what its API answers to `GET /api/v3/core/users/` and `GET /api/v3/core/groups/`.

mod group;
mod user;

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::path::PathBuf;

use guildhall_domain::identifier::UserIdentifier;
use guildhall_domain::record::{AddedRecord, EdgeRecord, MembershipRecord, Record, RecordedGroup};
use guildhall_domain::validation::{InvalidField, Truncated};
use guildhall_domain::validity::ValidityChange;
use serde::Deserialize;

use self::group::Group;
use self::user::User;
use crate::json::{Element, Wanted, elements, parse};
use crate::notes::Notes;
use crate::source::{RecordKind, Source, SourceError, Sourced};

/// Answers of authentik's API, each a page of users or of groups, in any order. They have no passwords.
///
/// Memory grows with the number of users and groups; while memberships are read, by some bytes for each of them.
pub struct Authentik {
    files: Vec<PathBuf>,
    index: Option<Index>,
    notes: Notes,
}

/// An element of a page.
enum Item {
    User(Box<User>),
    Group(Box<Group>),
    /// One that cannot be read.
    Fault(RecordKind, Vec<InvalidField>),
}

/// How a record says whom or what it means.
#[derive(Default)]
struct Index {
    /// Users by number. Those who are left out have no identifier.
    users: HashMap<i64, Option<UserIdentifier>>,
    /// Groups by id, each with a position of its own.
    groups: HashMap<String, (usize, RecordedGroup)>,
}

impl Authentik {
    /// Reads `files`.
    #[must_use]
    pub fn new(files: Vec<PathBuf>) -> Self {
        Self { files, index: None, notes: Notes::default() }
    }

    /// Calls `each` with all elements: the file, the number of the element, and what it is.
    fn items(&self, each: &mut dyn FnMut(usize, u64, Item) -> ControlFlow<()>) -> Result<(), SourceError> {
        for (file, path) in self.files.iter().enumerate() {
            let mut is_over = false;
            elements(path, Wanted { lists: &["results"], values: &[] }, &mut |element| {
                let flow = each(file, element.number, item(&element));
                is_over = flow.is_break();
                flow
            })?;
            if is_over {
                break;
            }
        }
        Ok(())
    }

    /// How many elements the API has in all, by what the pages say that have elements of this kind.
    fn count(&self, kind: RecordKind) -> Result<u64, SourceError> {
        let mut most = 0;
        for path in &self.files {
            let (mut count, mut is_of_kind) = (0, false);
            elements(path, Wanted { lists: &["results"], values: &["pagination"] }, &mut |element| {
                if element.name == "pagination" {
                    count = parse::<Pagination>("pagination", element.text).map_or(0, |pagination| pagination.count);
                    return ControlFlow::Continue(());
                }
                is_of_kind = matches!(
                    (item(&element), kind),
                    (Item::User(_), RecordKind::Users) | (Item::Group(_), RecordKind::Groups)
                );
                ControlFlow::Break(())
            })?;
            most = if is_of_kind { most.max(count) } else { most };
        }
        Ok(most)
    }

    fn read_index(&self) -> Result<Index, SourceError> {
        let mut index = Index::default();
        self.items(&mut |_, _, item| {
            match item {
                Item::User(user) => drop(index.users.insert(user.pk, user.identifier())),
                Item::Group(group) => {
                    let position = index.groups.len();
                    index.groups.insert(group.pk.clone(), (position, group.recorded()));
                }
                Item::Fault(..) => {}
            }
            ControlFlow::Continue(())
        })?;
        Ok(index)
    }

    /// Users or groups.
    fn read_items(
        &self,
        kind: RecordKind,
        notes: &mut Notes,
        each: &mut dyn FnMut(Sourced) -> ControlFlow<()>,
    ) -> Result<(), SourceError> {
        let mut seen = 0;
        self.items(&mut |file, line, item| {
            let record = match (item, kind) {
                (Item::User(user), RecordKind::Users) => {
                    seen += 1;
                    match user.record(notes) {
                        Some(record) => Ok(Record::User(Box::new(record))),
                        None => return ControlFlow::Continue(()),
                    }
                }
                (Item::Group(group), RecordKind::Groups) => {
                    seen += 1;
                    Ok(Record::Group(Box::new(group.record(notes))))
                }
                (Item::Fault(of, faults), _) if of == kind => Err(faults),
                _ => return ControlFlow::Continue(()),
            };
            each(Sourced { file, line, record })
        })?;
        let missing = self.count(kind)?.saturating_sub(seen);
        notes.add_many(kind, "elements that the API has, but none of the files; give all pages", missing);
        Ok(())
    }

    /// Edges or memberships.
    fn read_relations(
        &self,
        index: &Index,
        kind: RecordKind,
        each: &mut dyn FnMut(Sourced) -> ControlFlow<()>,
    ) -> Result<(), SourceError> {
        let mut given = HashSet::new();
        self.items(&mut |file, line, item| {
            let records =
                match (item, kind) {
                    (Item::User(user), RecordKind::Memberships) => index
                        .memberships(user.groups.iter().flatten().map(|group| (user.pk, group.as_str())), &mut given),
                    (Item::Group(group), RecordKind::Memberships) => index
                        .memberships(group.users.iter().flatten().map(|user| (*user, group.pk.as_str())), &mut given),
                    (Item::Group(group), RecordKind::Edges) => index.edges(&group),
                    _ => Vec::new(),
                };
            records.into_iter().map(|record| Sourced { file, line, record }).try_for_each(&mut *each)
        })
    }
}

impl Index {
    /// Memberships that were not given before, of users and groups that are in the files.
    fn memberships<'a>(
        &self,
        pairs: impl Iterator<Item = (i64, &'a str)>,
        given: &mut HashSet<(i64, usize)>,
    ) -> Vec<Result<Record, Vec<InvalidField>>> {
        let fault = |field, name: String| Some(Err(vec![InvalidField::new(field, name)]));
        let membership = |(user, id): (i64, &str)| {
            let Some((position, group)) = self.groups.get(id) else {
                return fault("groups", format!("No file has a group {}", Truncated(id)));
            };
            let Some(identifier) = self.users.get(&user) else {
                return fault("users", format!("No file has a user {user}"));
            };
            let (group, user) = (group.clone(), identifier.clone().filter(|_| given.insert((user, *position)))?);
            let (added, validity) = (AddedRecord::default(), ValidityChange::default());
            Some(Ok(Record::Membership(MembershipRecord { group, user, added, validity })))
        };
        pairs.filter_map(membership).collect()
    }

    fn edges(&self, group: &Group) -> Vec<Result<Record, Vec<InvalidField>>> {
        let edge = |id: &str| {
            let found = self.groups.get(id);
            let missing = || InvalidField::new("parents", format!("No file has a group {}", Truncated(id)));
            let (_, parent) = found.ok_or_else(|| vec![missing()])?;
            let (added, validity) = (AddedRecord::default(), ValidityChange::default());
            Ok(Record::Edge(EdgeRecord { parent: parent.clone(), child: group.recorded(), added, validity }))
        };
        group.parents().into_iter().map(edge).collect()
    }
}

/// What an element is: the key of a user is a number, and that of a group a text.
fn item(element: &Element<'_>) -> Item {
    match parse::<Keyed>("results", element.text) {
        Ok(Keyed { pk: Key::User(_) }) => match parse("users", element.text) {
            Ok(user) => Item::User(user),
            Err(faults) => Item::Fault(RecordKind::Users, faults),
        },
        Ok(Keyed { pk: Key::Group(_) }) => match parse("groups", element.text) {
            Ok(group) => Item::Group(group),
            Err(faults) => Item::Fault(RecordKind::Groups, faults),
        },
        Err(faults) => Item::Fault(RecordKind::Users, faults),
    }
}

#[derive(Deserialize)]
struct Keyed {
    pk: Key,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Key {
    User(#[expect(dead_code, reason = "its type is what matters")] i64),
    Group(#[expect(dead_code, reason = "its type is what matters")] String),
}

#[derive(Deserialize)]
struct Pagination {
    count: u64,
}

impl Source for Authentik {
    fn read(&mut self, kind: RecordKind, each: &mut dyn FnMut(Sourced) -> ControlFlow<()>) -> Result<(), SourceError> {
        let mut notes = std::mem::take(&mut self.notes);
        notes.begin(kind);
        let result = match kind {
            RecordKind::Users | RecordKind::Groups => self.read_items(kind, &mut notes, each),
            RecordKind::Edges | RecordKind::Memberships => {
                let index = match self.index.take() {
                    Some(index) => index,
                    None => self.read_index()?,
                };
                let result = self.read_relations(&index, kind, each);
                self.index = Some(index);
                result
            }
            RecordKind::Managers => Ok(()),
        };
        self.notes = notes;
        result
    }

    fn files(&self) -> &[PathBuf] {
        &self.files
    }

    fn warnings(&self) -> Vec<String> {
        self.notes.lines()
    }
}
