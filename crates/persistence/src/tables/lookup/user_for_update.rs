//! A user who is to be changed or deleted, and the accounts of the caller and of that user.

use diesel::dsl::SqlTypeOf;
use diesel::prelude::*;
use diesel::query_builder::AstPass;
use diesel::sql_types::{Bool, Nullable, Text};
use guildhall_domain::identifier::UserIdentifier;
use guildhall_domain::password::PasswordHash;
use guildhall_domain::ports::{AccountStatus, Purpose, UserForUpdate, UserToChange};
use guildhall_domain::user::{User, UserId};

use super::account::{AccountRow, AccountSql, push_target_account};
use super::for_update::{ForUpdate, Lock};
use super::single::UserColumns;
use super::words::Words;
use super::{Answer, AskedUser, Lookup, ask};
use crate::connection::AnyConnection;
use crate::due::Moment;
use crate::sql_types::{Key, UuidSql};
use crate::tables::user_row::UserRow;
use crate::unit_of_work::Failure;

struct ChangedUser;

/// The user, their account, the hash of their password, whether they are linked, who has the names, and whether the row is current.
type ChangedUserRow = (Option<UserRow>, Option<AccountRow>, Option<String>, bool, bool, Option<Key>, Option<Key>);

impl Answer for ChangedUser {
    type Sql = (
        Nullable<SqlTypeOf<UserColumns>>,
        Nullable<AccountSql>,
        Nullable<Text>,
        Bool,
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
        out.push_sql(", users.password_hash, EXISTS (SELECT 1 FROM identities i WHERE i.user_id = users.id), ");
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
    out.push_sql("users.id = ");
    lookup.push_user(out)
}

/// What decides about a change of the user that this identifier names, by this caller, and whether all of it is of one state. Of a caller
/// who does not exist, it says no more.
pub(in crate::tables) fn user_for_update(
    connection: &mut AnyConnection,
    at: Moment,
    caller: UserId,
    user: &UserIdentifier,
    (purpose, lock): (Purpose<'_>, Lock),
) -> Result<(UserForUpdate, bool), Failure> {
    let oneself = UserIdentifier::Id(caller);
    let user = if *user == UserIdentifier::Current { &oneself } else { user };
    let lookup = &Lookup { update: ForUpdate::of((purpose, lock)), ..Lookup::by(connection, at, caller).user(user) };
    let row: Option<(AccountRow, ChangedUserRow)> = match (lookup.user, lock) {
        (AskedUser::None | AskedUser::Caller, _) => None,
        (AskedUser::Id(_), Lock::None) => ask!(ChangedUser, 0, lookup, connection),
        (AskedUser::Id(_), Lock::AgainstChanges) => ask!(ChangedUser, 1, lookup, connection),
        (AskedUser::Id(_), Lock::AgainstMemberships) => ask!(ChangedUser, 2, lookup, connection),
        (AskedUser::Name(_), Lock::None) => ask!(ChangedUser, 3, lookup, connection),
        (AskedUser::Name(_), Lock::AgainstChanges) => ask!(ChangedUser, 4, lookup, connection),
        (AskedUser::Name(_), Lock::AgainstMemberships) => ask!(ChangedUser, 5, lookup, connection),
    };
    let Some((caller, (user, status, password, is_linked, is_current, username_owner, email_owner))) = row else {
        return Ok((UserForUpdate::default(), true));
    };
    let user = user.map(User::try_from).transpose()?.zip(status).map(|(user, status)| UserToChange {
        user,
        status: AccountStatus::from(status),
        password: password.map(PasswordHash),
        is_linked,
    });
    let owners = [username_owner, email_owner].map(|owner| owner.map(|owner| UserId(owner.0)));
    Ok((UserForUpdate { caller: Some(caller.into()), user, owners }, is_current))
}
