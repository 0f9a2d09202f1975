//! What decides about a new account.

use diesel::prelude::*;
use diesel::query_builder::AstPass;
use diesel::sql_types::{Bool, Integer, Nullable, Text};
use guildhall_domain::email_domain::EmailDomain;
use guildhall_domain::group::GroupId;
use guildhall_domain::name::NameKey;
use guildhall_domain::ports::Registration;
use guildhall_domain::user::{Email, User, UserId};
use uuid::Uuid;

use super::account::{ADMINISTRATORS, ADMINISTRATORS_KEYS, AccountRow, administrators, then_bit};
use super::members_change::EVERYONE_KEY;
use super::words::Words;
use super::{Answer, Lookup, ask};
use crate::connection::AnyConnection;
use crate::due::Moment;
use crate::sql_types::Key;
use crate::unit_of_work::Failure;

/// The names of a new account. Nobody has the empty name or domain.
pub(super) struct NewAccount<'a> {
    id: Key,
    username: &'a str,
    email: &'a str,
    domain: &'a str,
}

struct Decision;

/// Whether the id, the username and the address are taken, the groups, and the bits of administrators' groups.
type DecisionRow = (bool, bool, bool, Option<String>, i32);

impl Answer for Decision {
    type Sql = (Bool, Bool, Bool, Nullable<Text>, Integer);

    fn push_with<'b, DB: Words>(lookup: &'b Lookup<'_>, out: &mut AstPass<'_, 'b, DB>) -> QueryResult<()> {
        let Some(new) = lookup.registration else { return Ok(()) };
        out.push_sql("WITH RECURSIVE joined AS MATERIALIZED (SELECT id FROM groups WHERE name_key = ");
        DB::push_text(out, EVERYONE_KEY.as_str())?;
        out.push_sql(" UNION SELECT group_id FROM group_email_domains WHERE domain = ");
        DB::push_text(out, new.domain)?;
        out.push_sql("), targets (id) AS (SELECT id FROM joined");
        out.push_sql(DB::TARGETS);
        out.push_sql(" ");
        Ok(())
    }

    fn push_columns<'b, DB: Words>(lookup: &'b Lookup<'_>, out: &mut AstPass<'_, 'b, DB>) -> QueryResult<()> {
        let Some(new) = lookup.registration else { return Ok(()) };
        out.push_sql("EXISTS (SELECT 1 FROM users WHERE id = ");
        DB::push_id(out, &new.id)?;
        for name in [new.username, new.email] {
            out.push_sql("), EXISTS (SELECT 1 FROM user_identifiers WHERE identifier_key = ");
            DB::push_text(out, name)?;
        }
        out.push_sql("), ");
        out.push_sql(DB::JOINED);
        out.push_sql(", 0");
        for ((_, bit), key) in ADMINISTRATORS.iter().zip(&*ADMINISTRATORS_KEYS) {
            out.push_sql(
                " + CASE WHEN EXISTS (SELECT 1 FROM targets WHERE 1 = (SELECT 1 FROM group_closure a \
                 WHERE a.descendant_id = targets.id AND a.ancestor_id = (SELECT id FROM groups WHERE name_key = ",
            );
            DB::push_text(out, key.as_str())?;
            out.push_sql(") LIMIT 1");
            out.push_sql(then_bit(*bit));
        }
        Ok(())
    }
}

/// What decides about this new account, by this caller. Of a caller who does not exist, it says no more.
pub(in crate::tables) fn registration(
    connection: &mut AnyConnection,
    at: Moment,
    caller: UserId,
    user: &User,
) -> Result<Registration, Failure> {
    let (username, email) = (user.username.key(), user.email.as_ref().map(Email::key));
    let domain = user.email.as_ref().and_then(Email::domain);
    let new = NewAccount {
        id: Key(user.id.0),
        username: username.as_str(),
        email: email.as_ref().map(NameKey::as_str).unwrap_or_default(),
        domain: domain.as_ref().map(EmailDomain::as_ascii).unwrap_or_default(),
    };
    let lookup = &Lookup { registration: Some(&new), ..Lookup::by(connection, at, caller) };
    let row: Option<(AccountRow, DecisionRow)> = ask!(Decision, 0, lookup, connection);
    let Some((account, (has_id, has_username, has_email, groups, above))) = row else {
        return Ok(Registration::default());
    };
    let groups: Vec<String> =
        serde_json::from_str(groups.as_deref().unwrap_or("[]")).map_err(|error| Failure::Data(error.to_string()))?;
    let group = |id: &String| Uuid::parse_str(id).map(GroupId).map_err(|error| Failure::Data(error.to_string()));
    Ok(Registration {
        caller: Some(account.into()),
        has_id,
        has_username,
        has_email,
        groups: groups.iter().map(group).collect::<Result<_, _>>()?,
        administrators: administrators(above),
    })
}
