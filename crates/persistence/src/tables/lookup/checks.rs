//! Checks of membership.

use diesel::prelude::*;
use diesel::query_builder::AstPass;
use diesel::sql_types::{Bool, Nullable};
use guildhall_domain::identifier::GroupIdentifier;
use guildhall_domain::ports::{CheckedGroups, MembershipAnswer, MembershipQuestion};
use guildhall_domain::user::UserId;
use uuid::Uuid;

use super::account::AccountRow;
use super::words::Words;
use super::{Answer, AskedGroup, AskedUser, Lookup, ask};
use crate::connection::AnyConnection;
use crate::due::Moment;
use crate::sql_types::{Key, UuidSql};
use crate::unit_of_work::Failure;

struct Check;

/// The user, whether there is a group, and whether the user is a member.
type CheckRow = (Option<Key>, bool, bool);

impl Answer for Check {
    type Sql = (Nullable<UuidSql>, Bool, Bool);

    fn push_with<'b, DB: Words>(lookup: &'b Lookup<'_>, out: &mut AstPass<'_, 'b, DB>) -> QueryResult<()> {
        push_groups(lookup, out)
    }

    fn push_columns<'b, DB: Words>(lookup: &'b Lookup<'_>, out: &mut AstPass<'_, 'b, DB>) -> QueryResult<()> {
        let (has_group, is_above) = match lookup.group {
            AskedGroup::FirstOf { .. } => ("EXISTS (SELECT 1 FROM any_of)", "c.ancestor_id IN (SELECT id FROM any_of)"),
            _ => ("groups.id IS NOT NULL", "c.ancestor_id = groups.id"),
        };
        for part in [
            lookup.user_id(),
            ", ",
            has_group,
            // A subquery in a subquery, so that the way is always from the user up: from the group down, the groups below would count.
            ", EXISTS (SELECT 1 FROM group_users m WHERE m.user_id = ",
            lookup.user_id(),
            DB::ROW_CHECK,
            " AND (SELECT 1 FROM group_closure c WHERE ",
            is_above,
            " AND c.descendant_id = m.group_id LIMIT 1) = 1)",
        ] {
            out.push_sql(part);
        }
        Ok(())
    }
}

/// Begins the statement with the groups that are asked about, where they are several.
fn push_groups<'b, DB: Words>(lookup: &'b Lookup<'_>, out: &mut AstPass<'_, 'b, DB>) -> QueryResult<()> {
    let AskedGroup::FirstOf { id, name, ids, names } = &lookup.group else { return Ok(()) };
    out.push_sql("WITH whole AS (SELECT id FROM groups WHERE id = ");
    DB::push_id(out, id)?;
    out.push_sql(" OR name_key = ");
    DB::push_text(out, name)?;
    out.push_sql("), any_of AS (SELECT id FROM whole UNION SELECT id FROM groups WHERE id IN (");
    out.push_sql(DB::IDS[0]);
    DB::push_text(out, ids)?;
    out.push_sql(DB::IDS[1]);
    out.push_sql(") AND NOT EXISTS (SELECT 1 FROM whole) UNION SELECT id FROM groups WHERE name_key IN (");
    out.push_sql(DB::NAMES[0]);
    DB::push_text(out, names)?;
    out.push_sql(DB::NAMES[1]);
    out.push_sql(") AND NOT EXISTS (SELECT 1 FROM whole)) ");
    Ok(())
}

fn first_of<'a>(whole: &'a GroupIdentifier, listed: &[GroupIdentifier]) -> Result<AskedGroup<'a>, serde_json::Error> {
    let (mut ids, mut names) = (Vec::new(), Vec::new());
    for group in listed {
        match group {
            GroupIdentifier::Id(group) => ids.push(group.0.simple().to_string()),
            GroupIdentifier::Name(key) => names.push(key.as_str()),
        }
    }
    let (id, name) = match whole {
        GroupIdentifier::Id(group) => (Key(group.0), ""),
        GroupIdentifier::Name(key) => (Key(Uuid::nil()), key.as_str()),
    };
    Ok(AskedGroup::FirstOf { id, name, ids: serde_json::to_string(&ids)?, names: serde_json::to_string(&names)? })
}

/// The answer to a check of this caller. Of a caller who does not exist, it says no more.
pub(crate) fn check(
    connection: &mut AnyConnection,
    at: Moment,
    caller: UserId,
    check: &MembershipQuestion<'_>,
) -> Result<MembershipAnswer, Failure> {
    let lookup = Lookup::by(connection, at, caller).user(check.user);
    let lookup = match check.groups {
        CheckedGroups::One(group) | CheckedGroups::FirstOf { whole: group, listed: [] } => lookup.group(group),
        CheckedGroups::FirstOf { whole, listed: [only] } if whole == only => lookup.group(whole),
        CheckedGroups::FirstOf { whole, listed } => {
            let group = first_of(whole, listed).map_err(|error| Failure::Data(error.to_string()))?;
            Lookup { group, ..lookup }
        }
    };
    let lookup = &lookup;
    let row: Option<(AccountRow, CheckRow)> = match (lookup.user, &lookup.group) {
        (_, AskedGroup::None) | (AskedUser::None, _) => None,
        (AskedUser::Caller, AskedGroup::Id(_)) => ask!(Check, 0, lookup, connection),
        (AskedUser::Caller, AskedGroup::Name(_)) => ask!(Check, 1, lookup, connection),
        (AskedUser::Caller, AskedGroup::FirstOf { .. }) => ask!(Check, 2, lookup, connection),
        (AskedUser::Id(_), AskedGroup::Id(_)) => ask!(Check, 3, lookup, connection),
        (AskedUser::Id(_), AskedGroup::Name(_)) => ask!(Check, 4, lookup, connection),
        (AskedUser::Id(_), AskedGroup::FirstOf { .. }) => ask!(Check, 5, lookup, connection),
        (AskedUser::Name(_), AskedGroup::Id(_)) => ask!(Check, 6, lookup, connection),
        (AskedUser::Name(_), AskedGroup::Name(_)) => ask!(Check, 7, lookup, connection),
        (AskedUser::Name(_), AskedGroup::FirstOf { .. }) => ask!(Check, 8, lookup, connection),
    };
    Ok(match row {
        Some((account, (user, has_group, is_member))) => MembershipAnswer {
            caller: Some(account.into()),
            user: user.map(|user| UserId(user.0)),
            has_group,
            is_member,
        },
        None => MembershipAnswer { caller: None, user: None, has_group: false, is_member: false },
    })
}
