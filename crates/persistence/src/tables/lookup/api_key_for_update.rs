//! An API key that is to be read, changed or deleted, with its user, and the accounts of the caller and of that user.

use diesel::dsl::SqlTypeOf;
use diesel::prelude::*;
use diesel::query_builder::AstPass;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use guildhall_domain::api_key::{ApiKey, ApiKeyIdentifier};
use guildhall_domain::ports::{AccountStatus, ApiKeyForUpdate, ApiKeyToChange, FoundFor, Purpose};
use guildhall_domain::user::{User, UserId};

use super::account::{AccountRow, AccountSql, push_target_account};
use super::for_update::{AskedApiKey, ForUpdate, Lock};
use super::single::UserColumns;
use super::words::Words;
use super::{Answer, Lookup, ask};
use crate::connection::AnyConnection;
use crate::due::Moment;
use crate::sql_types::{Key, UuidSql};
use crate::tables::api_keys::{ApiKeyRow, with_its_user};
use crate::tables::user_row::UserRow;
use crate::unit_of_work::Failure;

struct ChangedKey;

/// The user of the key, the user's account, the key, whether the user's row is current, and who has the names.
type ChangedKeyRow = (Option<UserRow>, Option<AccountRow>, Option<ApiKeyRow>, bool, Option<Key>, Option<Key>);

type ApiKeySql = (UuidSql, UuidSql, Nullable<Text>, Text, BigInt, Nullable<Text>, BigInt, Nullable<Text>);

impl Answer for ChangedKey {
    type Sql = (
        Nullable<SqlTypeOf<UserColumns>>,
        Nullable<AccountSql>,
        Nullable<ApiKeySql>,
        Bool,
        Nullable<UuidSql>,
        Nullable<UuidSql>,
    );

    fn push_with<'b, DB: Words>(lookup: &'b Lookup<'_>, out: &mut AstPass<'_, 'b, DB>) -> QueryResult<()> {
        lookup.update.lock.push_with("users", out, |out| push_user_condition(lookup, out))
    }

    fn push_columns<'b, DB: Words>(lookup: &'b Lookup<'_>, out: &mut AstPass<'_, 'b, DB>) -> QueryResult<()> {
        DB::push_user_columns(out)?;
        out.push_sql(", ");
        push_target_account(out)?;
        out.push_sql(
            ", target_key.id, target_key.user_id, target_key.description, target_key.scopes, target_key.created, \
             target_key.created_by, target_key.modified, target_key.modified_by, ",
        );
        lookup.update.lock.push_is_current("users", out);
        lookup.push_owners(out)
    }

    fn push_joins<'b, DB: Words>(lookup: &'b Lookup<'_>, out: &mut AstPass<'_, 'b, DB>) -> QueryResult<()> {
        lookup.update.lock.push_join("users", out, |out| push_user_condition(lookup, out))?;
        out.push_sql(" LEFT JOIN api_keys target_key ON target_key.user_id = users.id");
        Ok(())
    }
}

fn push_user_condition<'b, DB: Words>(lookup: &'b Lookup<'_>, out: &mut AstPass<'_, 'b, DB>) -> QueryResult<()> {
    match &lookup.update.api_key {
        AskedApiKey::None => out.push_sql("false"),
        AskedApiKey::Id(id) => {
            out.push_sql("users.id = (SELECT asked.user_id FROM api_keys asked WHERE asked.id = ");
            DB::push_id(out, id)?;
            out.push_sql(")");
        }
        AskedApiKey::Name(name) => {
            out.push_sql(
                "users.id = (SELECT asked.user_id FROM api_keys asked JOIN users named ON named.id = asked.user_id \
                 WHERE named.username_key = ",
            );
            DB::push_text(out, name)?;
            out.push_sql(")");
        }
    }
    Ok(())
}

/// What decides about a change of the API key that this identifier names, by this caller, and whether all of it is of one state. Of a caller
/// who does not exist, it says no more.
pub(in crate::tables) fn api_key_for_update(
    connection: &mut AnyConnection,
    at: Moment,
    caller: UserId,
    key: &ApiKeyIdentifier,
    (purpose, lock): (Purpose<'_>, Lock),
) -> Result<(ApiKeyForUpdate, bool), Failure> {
    let lookup = &Lookup { update: ForUpdate::of((purpose, lock)).api_key(key), ..Lookup::by(connection, at, caller) };
    let row: Option<(AccountRow, ChangedKeyRow)> = match (key, lock) {
        (ApiKeyIdentifier::Id(_), Lock::None) => ask!(ChangedKey, 0, lookup, connection),
        (ApiKeyIdentifier::Id(_), Lock::AgainstChanges) => ask!(ChangedKey, 1, lookup, connection),
        (ApiKeyIdentifier::Id(_), Lock::AgainstMemberships) => ask!(ChangedKey, 2, lookup, connection),
        (ApiKeyIdentifier::Name(_), Lock::None) => ask!(ChangedKey, 3, lookup, connection),
        (ApiKeyIdentifier::Name(_), Lock::AgainstChanges) => ask!(ChangedKey, 4, lookup, connection),
        (ApiKeyIdentifier::Name(_), Lock::AgainstMemberships) => ask!(ChangedKey, 5, lookup, connection),
    };
    let Some((caller, (user, status, key, is_current, owner, _))) = row else {
        return Ok((ApiKeyForUpdate::default(), true));
    };
    let user = user.map(User::try_from).transpose()?;
    let key = user.zip(status).zip(key).map(|((user, status), key)| ApiKeyToChange {
        key: with_its_user((key, user.username.as_str().to_owned(), user.suspended)),
        user,
        status: AccountStatus::from(status),
    });
    let owner = owner.map(|owner| UserId(owner.0));
    Ok((ApiKeyForUpdate { caller: Some(caller.into()), key, owner }, is_current))
}

/// The API key that this identifier names, and the account of the caller.
pub(crate) fn api_key_for(
    connection: &mut AnyConnection,
    at: Moment,
    caller: UserId,
    key: &ApiKeyIdentifier,
) -> Result<FoundFor<ApiKey>, Failure> {
    let (found, _) = api_key_for_update(connection, at, caller, key, (Purpose::Deletion, Lock::None))?;
    Ok(FoundFor { caller: found.caller, found: found.key.map(|found| found.key) })
}
