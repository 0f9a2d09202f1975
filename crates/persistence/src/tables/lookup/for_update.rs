//! What is to be changed or deleted, and how it is locked meanwhile.

use diesel::query_builder::AstPass;
use diesel::result::QueryResult;
use guildhall_domain::api_key::ApiKeyIdentifier;
use guildhall_domain::name::NameKey;
use guildhall_domain::ports::Purpose;

use super::Lookup;
use super::words::Words;
use crate::sql_types::Key;

/// How a row that is to be changed or deleted is locked by the statement that reads it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::tables) enum Lock {
    /// Not at all: its version tells whether somebody else changed it.
    #[default]
    None,
    /// Nobody else changes it. Others can still add memberships.
    AgainstChanges,
    /// The same, and nobody adds a membership.
    AgainstMemberships,
}

/// What is to be changed or deleted, beside a user or a group.
#[derive(Default)]
pub(super) struct ForUpdate<'a> {
    pub(super) lock: Lock,
    /// Names that somebody else may have. Nobody has the empty name.
    pub(super) names: [&'a str; 2],
    pub(super) api_key: AskedApiKey<'a>,
}

#[derive(Default)]
pub(super) enum AskedApiKey<'a> {
    #[default]
    None,
    Id(Key),
    Name(&'a str),
}

impl<'a> ForUpdate<'a> {
    pub(super) fn of((purpose, lock): (Purpose<'a>, Lock)) -> Self {
        let names = purpose.names().map(|name| name.map(NameKey::as_str).unwrap_or_default());
        Self { lock, names, api_key: AskedApiKey::None }
    }

    pub(super) fn api_key(self, key: &'a ApiKeyIdentifier) -> Self {
        let api_key = match key {
            ApiKeyIdentifier::Id(id) => AskedApiKey::Id(Key(id.0)),
            ApiKeyIdentifier::Name(name) => AskedApiKey::Name(name.as_str()),
        };
        Self { api_key, ..self }
    }
}

impl Lock {
    /// Begins the statement with the row that `condition` selects from `table`, locked, as the table `locked`, if it is to be. It is the latest, also where
    /// the lock had to be waited for.
    pub(super) fn push_with<'b, DB: Words>(
        self,
        table: &'static str,
        out: &mut AstPass<'_, 'b, DB>,
        condition: impl FnOnce(&mut AstPass<'_, 'b, DB>) -> QueryResult<()>,
    ) -> QueryResult<()> {
        let strength = match self {
            Self::None => return Ok(()),
            Self::AgainstChanges => " FOR NO KEY UPDATE) ",
            Self::AgainstMemberships => " FOR UPDATE) ",
        };
        out.push_sql("WITH RECURSIVE locked AS MATERIALIZED (SELECT * FROM ");
        out.push_sql(table);
        out.push_sql(" WHERE ");
        condition(out)?;
        out.push_sql(strength);
        Ok(())
    }

    /// Joins the row that `condition` selects, or that is locked, as `table`.
    pub(super) fn push_join<'b, DB: Words>(
        self,
        table: &'static str,
        out: &mut AstPass<'_, 'b, DB>,
        condition: impl FnOnce(&mut AstPass<'_, 'b, DB>) -> QueryResult<()>,
    ) -> QueryResult<()> {
        out.push_sql(if self == Self::None { " LEFT JOIN " } else { " LEFT JOIN locked " });
        out.push_sql(table);
        out.push_sql(" ON ");
        if self == Self::None {
            return condition(out);
        }
        out.push_sql("true");
        Ok(())
    }

    /// Whether the row that was locked is that of the state which the rest of the statement sees.
    pub(super) fn push_is_current<DB: Words>(self, table: &'static str, out: &mut AstPass<'_, '_, DB>) {
        if self == Self::None {
            return out.push_sql("true");
        }
        for part in [
            table,
            ".version IS NOT DISTINCT FROM (SELECT seen.version FROM ",
            table,
            " seen WHERE seen.id = ",
            table,
            ".id)",
        ] {
            out.push_sql(part);
        }
    }
}

impl Lookup<'_> {
    /// Adds who has each of the names.
    pub(super) fn push_owners<'b, DB: Words>(&'b self, out: &mut AstPass<'_, 'b, DB>) -> QueryResult<()> {
        for name in self.update.names {
            out.push_sql(", (SELECT user_id FROM user_identifiers WHERE identifier_key = ");
            DB::push_text(out, name)?;
            out.push_sql(")");
        }
        Ok(())
    }
}
