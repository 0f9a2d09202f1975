//! The report of names that would be the same.

use std::fmt;

use uuid::Uuid;

use crate::dialect::Dialect;

/// The most clashes that a report lists.
const MOST_LISTED: usize = 100;

/// Names that differ by the keys that are stored, and are the same by those that would be; and names that have nothing visible or are
/// too long.
#[derive(Debug)]
pub struct NameClashes {
    pub(super) dialect: Dialect,
    pub(super) clashes: Vec<Clash>,
}

/// Users or groups with one key, and what they are called. Alone, its name cannot be a key.
#[derive(Clone, Debug)]
pub(super) struct Clash {
    pub(super) entity: Entity,
    pub(super) named: Vec<(Uuid, String)>,
}

/// What a name names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
            writeln!(formatter, "  and {} more", count - MOST_LISTED)?;
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
