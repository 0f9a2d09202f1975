//! Records of an LDAP directory, out of LDIF (RFC 2849) as `slapcat` and `ldapsearch -LLL` write it.

mod dn;
mod entry;
mod hash;
mod index;
mod reader;
mod relations;
mod time;

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::path::PathBuf;

use guildhall_domain::record::Record;
use guildhall_domain::validation::{InvalidField, Truncated};

use self::entry::{Entry, GROUP, Kind, USER};
use self::index::Index;
use self::reader::{Item, Reader};
use self::relations::Relations;
use crate::notes::Notes;
use crate::passwords::AcceptPassword;
use crate::source::{RecordKind, Source, SourceError, Sourced};

/// Files in LDIF. Entries of one file may name those of another. No other file or URL is ever read.
///
/// Memory grows with the number of users and groups; while memberships are read, by some bytes for each of them.
pub struct Ldif<'a> {
    files: Vec<PathBuf>,
    accept: AcceptPassword<'a>,
    index: Option<Index>,
    notes: Notes,
}

impl<'a> Ldif<'a> {
    /// Reads `files`. The hashes that `accept` refuses are left out.
    #[must_use]
    pub fn new(files: Vec<PathBuf>, accept: AcceptPassword<'a>) -> Self {
        Self { files, accept, index: None, notes: Notes::default() }
    }

    /// Gives what each entry of a kind says of itself.
    fn entries(
        &mut self,
        index: &Index,
        kind: Kind,
        each: &mut dyn FnMut(Sourced) -> ControlFlow<()>,
    ) -> Result<(), SourceError> {
        let wanted: &[&str] = if kind == Kind::Group { &GROUP } else { &USER };
        for (file, path) in self.files.iter().enumerate() {
            let mut reader = Reader::open(path)?;
            let (mut entry, mut line, mut is_indexed) = (Entry::default(), 0, false);
            while let Some(item) = reader.item(wanted)? {
                match item {
                    Item::Entry(dn, begin) => {
                        (entry, line, is_indexed) = (Entry::default(), begin, index.by_dn(&dn).is_some());
                    }
                    Item::Attribute(attribute) => entry.add(attribute),
                    Item::End if entry.kind() == kind => {
                        let record = match entry.name() {
                            Some(Ok(name)) if !is_indexed => Err(vec![unnamed(kind, &name)]),
                            _ if kind == Kind::Group => {
                                entry.group(&mut self.notes).map(|group| Record::Group(Box::new(group)))
                            }
                            _ => entry.user(self.accept, &mut self.notes).map(|user| Record::User(Box::new(user))),
                        };
                        if each(Sourced { file, line, record }).is_break() {
                            return Ok(());
                        }
                    }
                    Item::End if kind == Kind::User => note(entry.kind(), &mut self.notes),
                    Item::End => {}
                }
            }
        }
        Ok(())
    }
}

/// The fault of an entry that the index does not have.
fn unnamed(kind: Kind, name: &str) -> InvalidField {
    let (field, what) = if kind == Kind::Group { ("cn", "group") } else { ("uid", "user") };
    let name = Truncated(name);
    InvalidField::new(field, format!("Another {what} of the files has the name {name}, or the dn cannot be read"))
}

/// Notes an entry that is neither a user nor a group, if somebody may have expected that it is one.
fn note(kind: Kind, notes: &mut Notes) {
    match kind {
        Kind::Unknown => notes.add(RecordKind::Users, "entries that are left out because they have no objectClass"),
        Kind::LeftOut => notes.add(RecordKind::Users, "computers and contacts that are left out"),
        Kind::User | Kind::Group | Kind::Other => {}
    }
}

impl Source for Ldif<'_> {
    fn read(&mut self, kind: RecordKind, each: &mut dyn FnMut(Sourced) -> ControlFlow<()>) -> Result<(), SourceError> {
        self.notes.begin(kind);
        if kind == RecordKind::Managers {
            return Ok(());
        }
        let index = match self.index.take() {
            Some(index) => index,
            None => Index::read(&self.files)?,
        };
        let result = match kind {
            RecordKind::Users => self.entries(&index, Kind::User, each),
            RecordKind::Groups => self.entries(&index, Kind::Group, each),
            RecordKind::Edges | RecordKind::Memberships | RecordKind::Managers => {
                let (notes, given) = (&mut self.notes, HashSet::new());
                Relations { index: &index, kind, notes, given }.read(&self.files, each)
            }
        };
        self.index = Some(index);
        result
    }

    fn files(&self) -> &[PathBuf] {
        &self.files
    }

    fn warnings(&self) -> Vec<String> {
        self.notes.lines()
    }
}
