//! A group that is to be changed or deleted, and what decides about that.

use diesel::dsl::SqlTypeOf;
use diesel::prelude::*;
use diesel::query_builder::AstPass;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use guildhall_domain::identifier::GroupIdentifier;
use guildhall_domain::ports::{GroupForUpdate, Member};
use guildhall_domain::user::UserId;

use super::account::AccountRow;
use super::for_update::{ForUpdate, Lock};
use super::members_change::{Change, ChangeRow, ChangeSql, decision, push_targets};
use super::single::GroupColumns;
use super::words::Words;
use super::{Answer, AskedGroup, Lookup, ask, push_group_join};
use crate::connection::AnyConnection;
use crate::due::Moment;
use crate::tables::group_row::{self, GroupRow};
use crate::unit_of_work::Failure;

struct ChangedGroup;

/// What decides, the group with the numbers of its children and its direct members, its email domains, and whether the row is current.
type ChangedGroupRow = (ChangeRow, Option<GroupRow>, Option<i64>, Option<i64>, Option<String>, bool);

impl Answer for ChangedGroup {
    type Sql = (ChangeSql, Nullable<SqlTypeOf<GroupColumns>>, Nullable<BigInt>, Nullable<BigInt>, Nullable<Text>, Bool);

    fn push_with<'b, DB: Words>(lookup: &'b Lookup<'_>, out: &mut AstPass<'_, 'b, DB>) -> QueryResult<()> {
        lookup.update.lock.push_with("groups", out, |out| {
            push_group_join(&lookup.group, ["groups.id = ", "groups.name_key = "], out)
        })?;
        out.push_sql(if lookup.update.lock == Lock::None { "WITH RECURSIVE " } else { ", " });
        push_targets(lookup, out)
    }

    fn push_columns<'b, DB: Words>(lookup: &'b Lookup<'_>, out: &mut AstPass<'_, 'b, DB>) -> QueryResult<()> {
        Change::push_columns(lookup, out)?;
        out.push_sql(", ");
        DB::push_group_columns(out)?;
        for part in [", groups.child_group_count, ", group_row::USERS, ", ", DB::DOMAINS, ", "] {
            out.push_sql(part);
        }
        lookup.update.lock.push_is_current("groups", out);
        Ok(())
    }

    fn push_joins<'b, DB: Words>(lookup: &'b Lookup<'_>, out: &mut AstPass<'_, 'b, DB>) -> QueryResult<()> {
        lookup.update.lock.push_join("groups", out, |out| {
            push_group_join(&lookup.group, ["groups.id = ", "groups.name_key = "], out)
        })?;
        push_group_join(
            &lookup.child,
            [" LEFT JOIN groups child ON child.id = ", " LEFT JOIN groups child ON child.name_key = "],
            out,
        )
    }
}

/// What decides about a change of the group that this identifier names, by this caller, and whether all of it is of one state. `None`: the
/// identifiers are of kinds that have no statement of their own.
pub(in crate::tables) fn group_for_update(
    connection: &mut AnyConnection,
    at: Moment,
    caller: UserId,
    (group, member): (&GroupIdentifier, Member<'_>),
    lock: Lock,
) -> Result<Option<(GroupForUpdate, bool)>, Failure> {
    let update = ForUpdate { lock, ..ForUpdate::default() };
    let lookup = Lookup { update, ..Lookup::by(connection, at, caller).group(group) };
    let lookup = &match member {
        Member::Group(child) => lookup.child(child),
        Member::Unnamed => lookup,
        Member::User(_) => return Ok(None),
    };
    let locks = lock != Lock::None;
    let row: Option<(AccountRow, ChangedGroupRow)> = match (&lookup.group, &lookup.child, locks) {
        (AskedGroup::Id(_), AskedGroup::None, false) => ask!(ChangedGroup, 0, lookup, connection),
        (AskedGroup::Id(_), AskedGroup::Name(_), false) => ask!(ChangedGroup, 1, lookup, connection),
        (AskedGroup::Name(_), AskedGroup::None, false) => ask!(ChangedGroup, 2, lookup, connection),
        (AskedGroup::Name(_), AskedGroup::Name(_), false) => ask!(ChangedGroup, 3, lookup, connection),
        (AskedGroup::Id(_), AskedGroup::None, true) => ask!(ChangedGroup, 4, lookup, connection),
        (AskedGroup::Id(_), AskedGroup::Name(_), true) => ask!(ChangedGroup, 5, lookup, connection),
        (AskedGroup::Name(_), AskedGroup::None, true) => ask!(ChangedGroup, 6, lookup, connection),
        (AskedGroup::Name(_), AskedGroup::Name(_), true) => ask!(ChangedGroup, 7, lookup, connection),
        _ => return Ok(None),
    };
    let Some((account, (change, group, children, users, domains, is_current))) = row else {
        return Ok(Some((GroupForUpdate::default(), true)));
    };
    let domains = group_row::domains(domains)?;
    let complete = |row| group_row::group(row, children.unwrap_or_default(), users.unwrap_or_default(), domains);
    let group = group.map(complete).transpose()?;
    Ok(Some((GroupForUpdate { members: decision(account, change), group }, is_current)))
}
