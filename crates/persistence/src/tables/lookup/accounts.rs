//! The accounts of a caller and of the user that something is done on.

use diesel::prelude::*;
use diesel::query_builder::AstPass;
use diesel::sql_types::Nullable;
use guildhall_domain::identifier::UserIdentifier;
use guildhall_domain::ports::{AccountStatus, Accounts};
use guildhall_domain::user::UserId;

use super::account::{AccountRow, AccountSql, push_target_account};
use super::words::Words;
use super::{Answer, AskedUser, Lookup, ask};
use crate::connection::AnyConnection;
use crate::due::Moment;
use crate::sql_types::{Key, UuidSql};
use crate::unit_of_work::Failure;

pub(super) struct Target;

pub(super) type TargetSql = (Nullable<UuidSql>, Nullable<AccountSql>);

pub(super) type TargetRow = (Option<Key>, Option<AccountRow>);

impl Answer for Target {
    type Sql = TargetSql;

    fn push_columns<'b, DB: Words>(_: &'b Lookup<'_>, out: &mut AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("users.id, ");
        push_target_account(out)
    }

    fn push_joins<'b, DB: Words>(lookup: &'b Lookup<'_>, out: &mut AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql(" LEFT JOIN users ON users.id = ");
        lookup.push_user(out)?;
        out.push_sql(" LEFT JOIN api_keys target_key ON target_key.user_id = users.id");
        Ok(())
    }
}

/// The accounts of this caller and of the user that this identifier names. Of a caller who does not exist, they say no more.
pub(in crate::tables) fn accounts(
    connection: &mut AnyConnection,
    at: Moment,
    caller: UserId,
    user: &UserIdentifier,
) -> Result<Accounts, Failure> {
    let lookup = &Lookup::by(connection, at, caller).user(user);
    let row: Option<(AccountRow, TargetRow)> = match lookup.user {
        AskedUser::None => None,
        AskedUser::Caller => ask!(Target, 0, lookup, connection),
        AskedUser::Id(_) => ask!(Target, 1, lookup, connection),
        AskedUser::Name(_) => ask!(Target, 2, lookup, connection),
    };
    Ok(accounts_of(row))
}

pub(super) fn accounts_of(row: Option<(AccountRow, TargetRow)>) -> Accounts {
    let Some((caller, (id, target))) = row else { return Accounts { caller: None, user: None } };
    let user = id.zip(target).map(|(id, target)| (UserId(id.0), AccountStatus::from(target)));
    Accounts { caller: Some(caller.into()), user }
}
