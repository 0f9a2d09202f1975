//! Single users and groups.

use std::sync::LazyLock;

use diesel::dsl::SqlTypeOf;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::AstPass;
use diesel::sql_types::{BigInt, Nullable, Text};
use guildhall_domain::group::Group;
use guildhall_domain::identifier::{GroupIdentifier, UserIdentifier};
use guildhall_domain::ports::FoundFor;
use guildhall_domain::user::{User, UserId};

use super::account::AccountRow;
use super::words::Words;
use super::{Answer, AskedGroup, AskedUser, Lookup, ask};
use crate::connection::AnyConnection;
use crate::due::Moment;
use crate::tables::group_row::{self, GroupRow};
use crate::tables::user_row::UserRow;
use crate::unit_of_work::Failure;

pub(crate) type UserColumns = <UserRow as Selectable<Pg>>::SelectExpression;
pub(crate) type GroupColumns = <GroupRow as Selectable<Pg>>::SelectExpression;

pub(crate) static USER_COLUMNS: LazyLock<UserColumns> = LazyLock::new(<UserRow as Selectable<Pg>>::construct_selection);
pub(crate) static GROUP_COLUMNS: LazyLock<GroupColumns> =
    LazyLock::new(<GroupRow as Selectable<Pg>>::construct_selection);

struct SingleUser;

impl Answer for SingleUser {
    type Sql = Nullable<SqlTypeOf<UserColumns>>;

    fn push_columns<'b, DB: Words>(_: &'b Lookup<'_>, out: &mut AstPass<'_, 'b, DB>) -> QueryResult<()> {
        DB::push_user_columns(out)
    }

    fn push_joins<'b, DB: Words>(lookup: &'b Lookup<'_>, out: &mut AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql(" LEFT JOIN users ON users.id = ");
        lookup.push_user(out)
    }
}

/// The user that this identifier names, and the account of the caller.
pub(crate) fn user_for(
    connection: &mut AnyConnection,
    at: Moment,
    caller: UserId,
    user: &UserIdentifier,
) -> Result<FoundFor<User>, Failure> {
    let lookup = &Lookup::by(connection, at, caller).user(user);
    let row: Option<(AccountRow, Option<UserRow>)> = match lookup.user {
        AskedUser::None => None,
        AskedUser::Caller => ask!(SingleUser, 0, lookup, connection),
        AskedUser::Id(_) => ask!(SingleUser, 1, lookup, connection),
        AskedUser::Name(_) => ask!(SingleUser, 2, lookup, connection),
    };
    let Some((account, user)) = row else { return Ok(FoundFor { caller: None, found: None }) };
    Ok(FoundFor { caller: Some(account.into()), found: user.map(User::try_from).transpose()? })
}

struct SingleGroup;

impl Answer for SingleGroup {
    type Sql = (Nullable<SqlTypeOf<GroupColumns>>, Nullable<BigInt>, Nullable<BigInt>, Nullable<Text>);

    fn push_columns<'b, DB: Words>(_: &'b Lookup<'_>, out: &mut AstPass<'_, 'b, DB>) -> QueryResult<()> {
        DB::push_group_columns(out)?;
        for part in [", groups.child_group_count, ", group_row::USERS, ", ", DB::DOMAINS] {
            out.push_sql(part);
        }
        Ok(())
    }
}

type SingleGroupRow = (Option<GroupRow>, Option<i64>, Option<i64>, Option<String>);

/// The group that this identifier names, and the account of the caller.
pub(crate) fn group_for(
    connection: &mut AnyConnection,
    at: Moment,
    caller: UserId,
    group: &GroupIdentifier,
) -> Result<FoundFor<Group>, Failure> {
    let lookup = &Lookup::by(connection, at, caller).group(group);
    let row: Option<(AccountRow, SingleGroupRow)> = match lookup.group {
        AskedGroup::None | AskedGroup::FirstOf { .. } => None,
        AskedGroup::Id(_) => ask!(SingleGroup, 0, lookup, connection),
        AskedGroup::Name(_) => ask!(SingleGroup, 1, lookup, connection),
    };
    let Some((account, (group, children, users, domains))) = row else {
        return Ok(FoundFor { caller: None, found: None });
    };
    let domains = group_row::domains(domains)?;
    let complete = |row| group_row::group(row, children.unwrap_or_default(), users.unwrap_or_default(), domains);
    Ok(FoundFor { caller: Some(account.into()), found: group.map(complete).transpose()? })
}
