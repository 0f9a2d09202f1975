//! Who belongs to which group, and which group to which.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::path::PathBuf;

use guildhall_domain::identifier::UserIdentifier;
use guildhall_domain::name::NameKey;
use guildhall_domain::record::{AddedRecord, EdgeRecord, MembershipRecord, Record};
use guildhall_domain::validation::{InvalidField, Truncated};
use guildhall_domain::validity::ValidityChange;

use super::dn::without_bits;
use super::entry::Kind;
use super::index::Index;
use super::reader::{Attribute, Item, Reader};
use crate::notes::Notes;
use crate::source::{RecordKind, SourceError, Sourced};

/// The attributes that tell who belongs to which group.
const WANTED: [&str; 5] = ["member", "uniquemember", "memberuid", "memberof", "gidnumber"];

/// A pass over all files that gives memberships, or edges between groups.
pub(super) struct Relations<'a> {
    pub(super) index: &'a Index,
    pub(super) kind: RecordKind,
    pub(super) notes: &'a mut Notes,
    /// Pairs of positions in the index that were given, because several attributes may tell the same.
    pub(super) given: HashSet<(usize, usize)>,
}

/// What a value says.
enum Said {
    /// Nothing, or what was said before.
    Nothing,
    Record(Record),
    Fault(InvalidField),
}

impl Relations<'_> {
    pub(super) fn read(
        &mut self,
        files: &[PathBuf],
        each: &mut dyn FnMut(Sourced) -> ControlFlow<()>,
    ) -> Result<(), SourceError> {
        for (file, path) in files.iter().enumerate() {
            let mut reader = Reader::open(path)?;
            let mut subject = None;
            while let Some(item) = reader.item(&WANTED)? {
                let (said, line) = match (item, subject) {
                    (Item::Entry(dn, _), _) => {
                        subject = self.index.by_dn(&dn);
                        continue;
                    }
                    (Item::Attribute(attribute), Some(subject)) => (self.said(subject, &attribute), attribute.line),
                    (Item::Attribute(_), None) | (Item::End, _) => continue,
                };
                let record = match said {
                    Said::Nothing => continue,
                    Said::Record(record) => Ok(record),
                    Said::Fault(fault) => Err(vec![fault]),
                };
                if each(Sourced { file, line, record }).is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// What an attribute of the entry at `subject` says.
    fn said(&mut self, subject: usize, attribute: &Attribute) -> Said {
        let Some(kind) = self.index.subject(subject).map(|subject| subject.kind) else { return Said::Nothing };
        let is_of_memberships = self.kind == RecordKind::Memberships;
        // Some programs demand a member of every group, and an empty name stands for nobody.
        if attribute.value.is_empty() {
            return Said::Nothing;
        }
        let Ok(value) = std::str::from_utf8(&attribute.value) else {
            return self.fault(attribute.name, "The value is not in UTF-8".to_owned());
        };
        match (kind, attribute.name) {
            (Kind::Group, "member") => self.member(subject, "member", value),
            (Kind::Group, "uniquemember") => self.member(subject, "uniqueMember", without_bits(value)),
            (Kind::Group, "memberuid") if is_of_memberships => self.named_member(subject, value),
            (_, "memberof") => self.upper(subject, kind, value),
            (Kind::User, "gidnumber") if is_of_memberships => self.primary_group(subject, &attribute.value),
            _ => Said::Nothing,
        }
    }

    /// A member of a group by distinguished name.
    fn member(&mut self, group: usize, field: &'static str, dn: &str) -> Said {
        let Some(member) = self.index.by_dn(dn) else { return self.unknown(field, dn) };
        match self.index.subject(member).map(|member| member.kind) {
            Some(Kind::User) => self.membership(group, member),
            _ if member == group => self.fault(field, "The group is a member of itself".to_owned()),
            _ => self.edge(group, member),
        }
    }

    /// A member of a group by username. One who is in no file may have been imported before.
    fn named_member(&mut self, group: usize, username: &str) -> Said {
        let Some(user) = self.index.user(username) else {
            return self.record_of(group, UserIdentifier::Name(NameKey::of(username)));
        };
        self.membership(group, user)
    }

    /// The group whose number a user has.
    fn primary_group(&mut self, user: usize, number: &[u8]) -> Said {
        if let Some(group) = self.index.group_by_number(number) {
            return self.membership(group, user);
        }
        self.notes.add(self.kind, "users whose primary group (gidNumber) is in no file");
        Said::Nothing
    }

    /// A group that the entry belongs to. It counts only if the group does not tell its members, because some servers tell indirect
    /// memberships here, too.
    fn upper(&mut self, subject: usize, kind: Kind, dn: &str) -> Said {
        let is_expected = (kind == Kind::User) == (self.kind == RecordKind::Memberships);
        let found = self.index.by_dn(dn);
        let group = found.and_then(|position| self.index.subject(position)).filter(|found| found.kind == Kind::Group);
        match (found, group) {
            _ if !is_expected => Said::Nothing,
            (Some(position), Some(group)) if !group.lists_members && position != subject => match kind {
                Kind::User => self.membership(position, subject),
                _ => self.edge(position, subject),
            },
            (Some(_), Some(_)) => Said::Nothing,
            _ => Said::Fault(unknown("memberOf", dn)),
        }
    }

    fn membership(&mut self, group: usize, user: usize) -> Said {
        if self.kind != RecordKind::Memberships || !self.given.insert((group, user)) {
            return Said::Nothing;
        }
        let Some(user) = self.index.subject(user).map(super::index::Subject::user) else { return Said::Nothing };
        self.record_of(group, user)
    }

    fn record_of(&self, group: usize, user: UserIdentifier) -> Said {
        let Some(group) = self.index.subject(group) else { return Said::Nothing };
        let (added, validity) = (AddedRecord::default(), ValidityChange::default());
        Said::Record(Record::Membership(MembershipRecord { group: group.group(), user, added, validity }))
    }

    fn edge(&mut self, parent: usize, child: usize) -> Said {
        if self.kind != RecordKind::Edges || !self.given.insert((parent, child)) {
            return Said::Nothing;
        }
        let group = |position| self.index.subject(position).map(super::index::Subject::group);
        let (Some(parent), Some(child)) = (group(parent), group(child)) else { return Said::Nothing };
        let (added, validity) = (AddedRecord::default(), ValidityChange::default());
        Said::Record(Record::Edge(EdgeRecord { parent, child, added, validity }))
    }

    fn unknown(&self, field: &'static str, dn: &str) -> Said {
        if self.kind == RecordKind::Memberships { Said::Fault(unknown(field, dn)) } else { Said::Nothing }
    }

    /// A fault of a value that may mean a user or a group. It is given among memberships, so that it is given once.
    fn fault(&self, field: &'static str, message: String) -> Said {
        if self.kind == RecordKind::Memberships {
            Said::Fault(InvalidField::new(field, message))
        } else {
            Said::Nothing
        }
    }
}

fn unknown(field: &str, dn: &str) -> InvalidField {
    InvalidField::new(field, format!("No file has a user or group {}", Truncated(dn)))
}
