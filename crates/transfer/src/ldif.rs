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
        kind: Kind,
        wanted: &[&'static str],
        each: &mut dyn FnMut(Sourced) -> ControlFlow<()>,
    ) -> Result<(), SourceError> {
        for (file, path) in self.files.iter().enumerate() {
            let mut reader = Reader::open(path)?;
            let (mut entry, mut line) = (Entry::default(), 0);
            while let Some(item) = reader.item(wanted)? {
                match item {
                    Item::Entry(_, begin) => (entry, line) = (Entry::default(), begin),
                    Item::Attribute(attribute) => entry.add(attribute),
                    Item::End if entry.kind() == kind => {
                        let record = if kind == Kind::Group {
                            entry.group(&mut self.notes).map(|group| Record::Group(Box::new(group)))
                        } else {
                            entry.user(self.accept, &mut self.notes).map(|user| Record::User(Box::new(user)))
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
        match kind {
            RecordKind::Users => self.entries(Kind::User, &USER, each),
            RecordKind::Groups => self.entries(Kind::Group, &GROUP, each),
            RecordKind::Edges | RecordKind::Memberships => {
                let index = match self.index.take() {
                    Some(index) => index,
                    None => Index::read(&self.files)?,
                };
                let (notes, given) = (&mut self.notes, HashSet::new());
                let result = Relations { index: &index, kind, notes, given }.read(&self.files, each);
                self.index = Some(index);
                result
            }
            RecordKind::Managers => Ok(()),
        }
    }

    fn files(&self) -> &[PathBuf] {
        &self.files
    }

    fn warnings(&self) -> Vec<String> {
        self.notes.lines()
    }
}
