//! Records of a Keycloak realm, out of what `kc.sh export` writes.

mod credentials;
mod groups;
mod user;

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use guildhall_domain::record::{AddedRecord, EdgeRecord, MembershipRecord, Record};
use guildhall_domain::validation::{InvalidField, Truncated};
use guildhall_domain::validity::ValidityChange;

use self::groups::Groups;
use self::user::User;
use crate::json::{Element, Wanted, elements, parse};
use crate::notes::Notes;
use crate::passwords::AcceptPassword;
use crate::source::{RecordKind, Source, SourceError, Sourced};

/// The files of an export of one realm: a single one, or `REALM-realm.json` and `REALM-users-*.json`.
///
/// Memory grows with the number of groups, not with that of users. Group names are unique in Guildhall, so where groups have the same
/// name, each of them is named by its path, without the slash at its beginning.
pub struct Keycloak<'a> {
    files: Vec<PathBuf>,
    accept: AcceptPassword<'a>,
    groups: Option<Groups>,
    notes: Notes,
}

impl<'a> Keycloak<'a> {
    /// Reads `files`. The hashes that `accept` refuses are left out.
    #[must_use]
    pub fn new(files: Vec<PathBuf>, accept: AcceptPassword<'a>) -> Self {
        Self { files, accept, groups: None, notes: Notes::default() }
    }

    /// Calls `each` with the elements of lists of all files. They must be of one realm.
    fn elements(
        &self,
        lists: &[&str],
        each: &mut dyn FnMut(usize, Element<'_>) -> ControlFlow<()>,
    ) -> Result<(), SourceError> {
        let mut realm: Option<String> = None;
        for (file, path) in self.files.iter().enumerate() {
            let (mut other, mut is_over) = (None, false);
            elements(path, Wanted { lists, values: &["realm"] }, &mut |element| {
                if element.name != "realm" {
                    is_over = each(file, element).is_break();
                    return if is_over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
                }
                if realm.get_or_insert_with(|| element.text.to_owned()) == element.text {
                    return ControlFlow::Continue(());
                }
                other = Some(element.text.to_owned());
                ControlFlow::Break(())
            })?;
            if let Some(other) = other {
                return Err(several(path, realm.as_deref().unwrap_or_default(), &other));
            }
            if is_over {
                break;
            }
        }
        Ok(())
    }

    fn read_groups(&self) -> Result<Groups, SourceError> {
        let mut groups = Groups::default();
        self.elements(&["groups"], &mut |file, element| {
            groups.add(file, &element);
            ControlFlow::Continue(())
        })?;
        groups.name();
        Ok(groups)
    }

    /// Calls `each` with every user who is a person.
    fn users(
        &self,
        notes: &mut Notes,
        each: &mut dyn FnMut(Place, Parsed, &mut Notes) -> ControlFlow<()>,
    ) -> Result<(), SourceError> {
        self.elements(&["users", "federatedUsers"], &mut |file, element| {
            if element.name == "federatedUsers" {
                notes.add(RecordKind::Users, "users of another user storage (federatedUsers) who are left out");
                return ControlFlow::Continue(());
            }
            let user = parse::<User>("users", element.text);
            if user.as_ref().is_ok_and(User::is_service_account) {
                notes.add(RecordKind::Users, "users of service accounts who are left out");
                return ControlFlow::Continue(());
            }
            each(Place { file, line: element.number }, user, notes)
        })
    }
}

/// A user, or what is wrong with them.
type Parsed = Result<User, Vec<InvalidField>>;

/// Where a record is: its file and its number there.
#[derive(Clone, Copy)]
struct Place {
    file: usize,
    line: u64,
}

impl Place {
    fn sourced(self, record: Result<Record, Vec<InvalidField>>) -> Sourced {
        Sourced { file: self.file, line: self.line, record }
    }
}

fn several(path: &Path, first: &str, other: &str) -> SourceError {
    let message = format!("the file is of the realm {}, and files before of {}", Truncated(other), Truncated(first));
    SourceError::Format { path: path.to_owned(), line: 1, message }
}

/// The memberships of a user, each once.
fn memberships(user: &User, groups: &Groups) -> Vec<Result<Record, Vec<InvalidField>>> {
    let paths: BTreeSet<&str> = user.groups.iter().flatten().map(String::as_str).collect();
    let Some(user) = user.identifier() else { return Vec::new() };
    let membership = |path: &str| {
        let group = groups.find(path).map_err(|message| vec![InvalidField::new("groups", message)])?;
        let (added, validity) = (AddedRecord::default(), ValidityChange::default());
        Ok(Record::Membership(MembershipRecord { group: group.recorded(), user: user.clone(), added, validity }))
    };
    paths.into_iter().map(membership).collect()
}

impl Source for Keycloak<'_> {
    fn read(&mut self, kind: RecordKind, each: &mut dyn FnMut(Sourced) -> ControlFlow<()>) -> Result<(), SourceError> {
        let mut notes = std::mem::take(&mut self.notes);
        notes.begin(kind);
        let groups = match (kind, self.groups.take()) {
            (RecordKind::Users | RecordKind::Managers, groups) => groups,
            (_, Some(groups)) => Some(groups),
            (_, None) => Some(self.read_groups()?),
        };
        let found = groups.as_ref();
        let result = match kind {
            RecordKind::Users => self.users(&mut notes, &mut |place, user, notes| {
                let record = user.map(|user| Record::User(Box::new(user.record(self.accept, notes))));
                each(place.sourced(record))
            }),
            RecordKind::Groups => {
                if let Some(groups) = found {
                    groups.note_roles(&mut notes);
                    let _ = groups.records().map(|(place, record)| place.sourced(record)).try_for_each(each);
                }
                Ok(())
            }
            RecordKind::Edges => {
                let mut edges = found.into_iter().flat_map(Groups::edges).map(|(place, [parent, child])| {
                    let (added, validity) = (AddedRecord::default(), ValidityChange::default());
                    place.sourced(Ok(Record::Edge(EdgeRecord { parent, child, added, validity })))
                });
                let _ = edges.try_for_each(each);
                Ok(())
            }
            RecordKind::Memberships => self.users(&mut Notes::default(), &mut |place, user, _| {
                // A user who cannot be read was given as such among users.
                let (Ok(user), Some(groups)) = (user, found) else { return ControlFlow::Continue(()) };
                memberships(&user, groups).into_iter().map(|record| place.sourced(record)).try_for_each(&mut *each)
            }),
            RecordKind::Managers => Ok(()),
        };
        (self.notes, self.groups) = (notes, groups);
        result
    }

    fn files(&self) -> &[PathBuf] {
        &self.files
    }

    fn warnings(&self) -> Vec<String> {
        self.notes.lines()
    }
}
