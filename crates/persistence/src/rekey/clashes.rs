//! The report of names that would be the same.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use uuid::Uuid;

use crate::dialect::Dialect;
use crate::sql_types::Key;

/// The most clashes that a report lists.
const MOST_LISTED: usize = 100;
/// After so many clashes, no more are looked for.
const MOST_FOUND: usize = 1000;

/// Names that differ by the keys that are stored, and are the same by those that would be; and names that have nothing visible or are
/// too long.
#[derive(Debug)]
pub struct NameClashes {
    dialect: Dialect,
    clashes: Vec<Clash>,
    are_all: bool,
}

/// The clashes that were found so far.
#[derive(Default)]
pub(super) struct Clashes {
    unusable: Vec<Clash>,
    /// Keys, and who would have them, by which name.
    contested: BTreeMap<(Entity, String), BTreeMap<Uuid, String>>,
}

impl Clashes {
    /// Whether more are to be looked for.
    pub(super) fn has_room(&self) -> bool {
        self.unusable.len() + self.contested.len() < MOST_FOUND
    }

    /// Adds a name that can have no key of its own.
    pub(super) fn add_unusable(&mut self, entity: Entity, id: Key, name: &str) {
        self.unusable.push(Clash { entity, named: vec![(id.0, name.to_owned())] });
    }

    /// Adds two that would have the same key, each with the name that has it.
    pub(super) fn add(&mut self, entity: Entity, key: &str, named: [(Key, &str); 2]) {
        let contested = self.contested.entry((entity, key.to_owned())).or_default();
        contested.extend(named.map(|(id, name)| (id.0, name.to_owned())));
    }

    /// The report, if there are any.
    pub(super) fn into_report(self, dialect: Dialect) -> Option<NameClashes> {
        let are_all = self.has_room();
        let mut clashes = self.unusable;
        // Two clashes between the same two users are one.
        let contested: BTreeSet<_> = self.contested.into_iter().map(|((entity, _), named)| (entity, named)).collect();
        clashes
            .extend(contested.into_iter().map(|(entity, named)| Clash { entity, named: named.into_iter().collect() }));
        (!clashes.is_empty()).then_some(NameClashes { dialect, clashes, are_all })
    }
}

/// Users or groups with one key, and what they are called. Alone, its name cannot be a key.
#[derive(Debug)]
struct Clash {
    entity: Entity,
    named: Vec<(Uuid, String)>,
}

/// What a name names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Entity {
    User,
    Group,
}

impl std::error::Error for NameClashes {}

impl fmt::Display for NameClashes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.clashes.len();
        writeln!(formatter, "nothing was changed, because there are names that cannot be told apart:")?;
        for clash in self.clashes.iter().take(MOST_LISTED) {
            let what = match (clash.entity, clash.named.len()) {
                (Entity::User, 1) => "too long or without visible characters: user",
                (Entity::Group, 1) => "too long or without visible characters: group",
                (Entity::User, _) => "the same: users",
                (Entity::Group, _) => "the same: groups",
            };
            let named: Vec<String> =
                clash.named.iter().map(|(id, name)| format!("{id} \"{}\"", escaped(name))).collect();
            writeln!(formatter, "  {what} {}", named.join(", "))?;
        }
        if count > MOST_LISTED {
            let at_least = if self.are_all { "" } else { "at least " };
            writeln!(formatter, "  and {at_least}{} more", count - MOST_LISTED)?;
        }
        let id = match self.dialect {
            Dialect::Postgres => "'ID'",
            Dialect::Sqlite => "X'ID without hyphens'",
        };
        write!(
            formatter,
            "Give all but one of each another name and start again: with the version that ran before, by PUT \
             /api/security/users/ID or /api/security/groups/ID; or in the database, by \
             UPDATE users SET username = 'NAME' WHERE id = {id}, UPDATE users SET email = 'ADDRESS' WHERE id = {id} and \
             UPDATE groups SET name = 'NAME' WHERE id = {id} (what is stored beside these columns follows)."
        )
    }
}

/// With escapes for marks and for what is invisible, so that names that read the same show how they differ.
fn escaped(name: &str) -> String {
    name.chars().flat_map(char::escape_debug).collect()
}
