//! What decides about a change of who belongs to a group.

use diesel::prelude::*;
use diesel::query_builder::AstPass;
use diesel::sql_types::{Bool, Integer, Nullable};
use guildhall_domain::group::{GroupId, SystemGroup};
use guildhall_domain::identifier::GroupIdentifier;
use guildhall_domain::name::NameKey;
use guildhall_domain::ports::{Member, MembersChange};
use guildhall_domain::user::UserId;
use std::sync::LazyLock;

use super::account::{ADMINISTRATORS, ADMINISTRATORS_KEYS, AccountRow, administrators, then_bit};
use super::words::Words;
use super::{Answer, AskedGroup, AskedUser, Lookup, ask, push_group_join};
use crate::connection::AnyConnection;
use crate::due::Moment;
use crate::sql_types::{Key, UuidSql};
use crate::unit_of_work::Failure;

pub(super) static EVERYONE_KEY: LazyLock<NameKey> = LazyLock::new(|| SystemGroup::Everyone.key());

pub(super) struct Change;

pub(super) type ChangeSql = (Nullable<UuidSql>, Nullable<UuidSql>, Nullable<Bool>, Integer, Nullable<UuidSql>, Bool);

impl Answer for Change {
    type Sql = ChangeSql;

    fn push_with<'b, DB: Words>(lookup: &'b Lookup<'_>, out: &mut AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("WITH RECURSIVE ");
        push_targets(lookup, out)
    }

    fn push_columns<'b, DB: Words>(lookup: &'b Lookup<'_>, out: &mut AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql(lookup.user_id());
        out.push_sql(", groups.id, groups.name_key = ");
        DB::push_text(out, EVERYONE_KEY.as_str())?;
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
        out.push_sql(if matches!(lookup.child, AskedGroup::None) {
            ", NULL, false"
        } else {
            ", child.id, EXISTS (SELECT 1 FROM targets WHERE 1 = (SELECT 1 FROM group_closure a \
             WHERE a.ancestor_id = child.id AND a.descendant_id = targets.id LIMIT 1))"
        });
        Ok(())
    }
}

/// Adds the table of the group and of what leads to it later.
pub(super) fn push_targets<'b, DB: Words>(lookup: &'b Lookup<'_>, out: &mut AstPass<'_, 'b, DB>) -> QueryResult<()> {
    out.push_sql("targets (id) AS (SELECT groups.id FROM groups WHERE ");
    push_group_join(&lookup.group, ["groups.id = ", "groups.name_key = "], out)?;
    out.push_sql(DB::TARGETS);
    out.push_sql(" ");
    Ok(())
}

pub(super) type ChangeRow = (Option<Key>, Option<Key>, Option<bool>, i32, Option<Key>, bool);

/// What decides about a change by this caller. Of a caller who does not exist, it says no more.
pub(in crate::tables) fn members_change(
    connection: &mut AnyConnection,
    at: Moment,
    caller: UserId,
    group: &GroupIdentifier,
    member: Member<'_>,
) -> Result<MembersChange, Failure> {
    let lookup = Lookup::by(connection, at, caller).group(group);
    let lookup = &match member {
        Member::Unnamed => lookup,
        Member::User(user) => lookup.user(user),
        Member::Group(child) => lookup.child(child),
    };
    let row: Option<(AccountRow, ChangeRow)> = match (lookup.user, &lookup.group) {
        (_, AskedGroup::None | AskedGroup::FirstOf { .. }) => None,
        (AskedUser::None, group) => match (&lookup.child, group) {
            (AskedGroup::Id(_), AskedGroup::Id(_)) => ask!(Change, 8, lookup, connection),
            (AskedGroup::Id(_), _) => ask!(Change, 9, lookup, connection),
            (AskedGroup::Name(_), AskedGroup::Id(_)) => ask!(Change, 10, lookup, connection),
            (AskedGroup::Name(_), _) => ask!(Change, 11, lookup, connection),
            (_, AskedGroup::Id(_)) => ask!(Change, 0, lookup, connection),
            _ => ask!(Change, 1, lookup, connection),
        },
        (AskedUser::Caller, AskedGroup::Id(_)) => ask!(Change, 2, lookup, connection),
        (AskedUser::Caller, AskedGroup::Name(_)) => ask!(Change, 3, lookup, connection),
        (AskedUser::Id(_), AskedGroup::Id(_)) => ask!(Change, 4, lookup, connection),
        (AskedUser::Id(_), AskedGroup::Name(_)) => ask!(Change, 5, lookup, connection),
        (AskedUser::Name(_), AskedGroup::Id(_)) => ask!(Change, 6, lookup, connection),
        (AskedUser::Name(_), AskedGroup::Name(_)) => ask!(Change, 7, lookup, connection),
    };
    Ok(row.map_or_else(MembersChange::default, |(account, change)| decision(account, change)))
}

pub(super) fn decision(
    account: AccountRow,
    (user, group, is_everyone, above, child, is_child_above): ChangeRow,
) -> MembersChange {
    MembersChange {
        caller: Some(account.into()),
        group: group.map(|group| GroupId(group.0)),
        is_everyone: is_everyone.unwrap_or_default(),
        administrators: administrators(above),
        user: user.map(|user| UserId(user.0)),
        child: child.map(|child| GroupId(child.0)),
        is_child_above,
    }
}
