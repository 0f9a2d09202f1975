//! What the tests of sources have in common: hashes that are accepted, and records as lines.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use guildhall_domain::identifier::{GroupIdentifier, UserIdentifier};
use guildhall_domain::password::PasswordHash;
use guildhall_domain::record::{GroupRecord, Record, RecordedGroup, UserRecord};
use guildhall_transfer::{AcceptedPassword, RecordKind, Source, SourceError, Sourced};

/// Accepts Argon2 and PBKDF2, and salted SHA as weak.
pub(crate) fn accept(text: &str) -> Result<AcceptedPassword, String> {
    let warning = text.starts_with("{SSHA").then(|| "salted SHA".to_owned());
    if warning.is_some() || text.starts_with("$argon2id") || text.starts_with("$pbkdf2-") {
        Ok(AcceptedPassword { hash: PasswordHash(text.to_owned()), warning })
    } else {
        Err("no algorithm that is known".to_owned())
    }
}

/// A property that a record tells.
#[expect(clippy::option_option, clippy::unnecessary_wraps, reason = "it is what records have")]
pub(crate) fn told(text: &str) -> Option<Option<String>> {
    Some(Some(text.to_owned()))
}

pub(crate) fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

pub(crate) fn file(folder: &Path, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).expect("the file is written");
    path
}

pub(crate) fn all(source: &mut dyn Source, kind: RecordKind) -> Result<Vec<Sourced>, SourceError> {
    let mut found = Vec::new();
    source.read(kind, &mut |sourced| {
        found.push(sourced);
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

fn read(source: &mut dyn Source, kind: RecordKind) -> Vec<Sourced> {
    all(source, kind).expect("the files are read")
}

/// The users who can be read.
pub(crate) fn users(source: &mut dyn Source) -> Vec<UserRecord> {
    let records = read(source, RecordKind::Users).into_iter().filter_map(|sourced| sourced.record.ok());
    records.filter_map(|record| if let Record::User(user) = record { Some(*user) } else { None }).collect()
}

/// The groups that can be read.
pub(crate) fn groups(source: &mut dyn Source) -> Vec<GroupRecord> {
    let records = read(source, RecordKind::Groups).into_iter().filter_map(|sourced| sourced.record.ok());
    records.filter_map(|record| if let Record::Group(group) = record { Some(*group) } else { None }).collect()
}

/// Records as lines: `file:line group < member`, or what is wrong.
pub(crate) fn lines(source: &mut dyn Source, kind: RecordKind) -> Vec<String> {
    let line = |sourced: Sourced| {
        let said = match sourced.record {
            Ok(Record::User(user)) => user.username.unwrap_or_default(),
            Ok(Record::Group(group)) => group.name.unwrap_or_default(),
            Ok(Record::Edge(edge)) => format!("{} < {}", group(&edge.parent), group(&edge.child)),
            Ok(Record::Membership(membership)) => format!("{} < {}", group(&membership.group), user(&membership.user)),
            Ok(Record::Manager(_)) => "a manager".to_owned(),
            Err(faults) => {
                let faults: Vec<String> =
                    faults.into_iter().map(|fault| format!("{}: {}", fault.field, fault.message)).collect();
                faults.join("; ")
            }
        };
        format!("{}:{} {said}", sourced.file, sourced.line)
    };
    read(source, kind).into_iter().map(line).collect()
}

fn group(group: &RecordedGroup) -> String {
    match (&group.identifier, &group.name) {
        (_, Some(name)) => name.clone(),
        (GroupIdentifier::Id(id), None) => id.to_string(),
        (GroupIdentifier::Name(name), None) => name.folded(),
    }
}

/// An id is shown by its first characters.
fn user(user: &UserIdentifier) -> String {
    match user {
        UserIdentifier::Current => "the caller".to_owned(),
        UserIdentifier::Id(id) => id.to_string().split('-').next().unwrap_or_default().to_owned(),
        UserIdentifier::Name(name) => format!("@{}", name.folded()),
    }
}
