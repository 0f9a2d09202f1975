//! Many checks of membership in one statement of PostgreSQL. What a statement costs in itself, and the account of a caller, are paid once.

use diesel::pg::{Pg, PgConnection};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text};
use guildhall_domain::identifier::{GroupIdentifier, UserIdentifier};
use guildhall_domain::ports::{CheckedGroups, MembershipAnswer, MembershipQuestion};
use guildhall_domain::user::UserId;

use super::account::{AccountRow, AccountSql, push_account};
use crate::dialect::Dialect;
use crate::due::{DueColumn, Moment};
use crate::sql_types::{Key, UuidSql};
use crate::unit_of_work::Failure;

/// The questions, column by column. Of a user and of a group there is either an id or a name.
struct Questions<'a> {
    due: DueColumn,
    callers: Vec<Key>,
    users: Vec<Option<Key>>,
    usernames: Vec<Option<&'a str>>,
    groups: Vec<Option<Key>>,
    group_names: Vec<Option<&'a str>>,
}

impl<'a> Questions<'a> {
    /// `None`: one of them is not about a single group, or not asked by a caller.
    fn of(at: Moment, checks: &'a [MembershipQuestion<'_>]) -> Option<Self> {
        let mut questions = Self {
            due: at.due(Dialect::Postgres),
            callers: Vec::new(),
            users: Vec::new(),
            usernames: Vec::new(),
            groups: Vec::new(),
            group_names: Vec::new(),
        };
        for check in checks {
            let (caller, CheckedGroups::One(group)) = (check.caller?, &check.groups) else { return None };
            let (user, username) = match check.user {
                UserIdentifier::Current => (Some(Key(caller.0)), None),
                UserIdentifier::Id(user) => (Some(Key(user.0)), None),
                UserIdentifier::Name(key) => (None, Some(key.as_str())),
            };
            let (group, group_name) = match group {
                GroupIdentifier::Id(group) => (Some(Key(group.0)), None),
                GroupIdentifier::Name(key) => (None, Some(key.as_str())),
            };
            questions.callers.push(Key(caller.0));
            questions.users.push(user);
            questions.usernames.push(username);
            questions.groups.push(group);
            questions.group_names.push(group_name);
        }
        Some(questions)
    }
}

impl QueryId for Questions<'_> {
    type QueryId = Questions<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl Query for Questions<'_> {
    type SqlType = (BigInt, Nullable<UuidSql>, Bool, Bool, Nullable<AccountSql>);
}

impl RunQueryDsl<PgConnection> for Questions<'_> {}

impl QueryFragment<Pg> for Questions<'_> {
    /// The subqueries hide from the planner how long the arrays are. Otherwise it would make a plan for each length, each time.
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "WITH a (username, security_stamp, api_key, scopes, suspended, expiry, password_reset_required, password_change_frequency, \
             password_changed, administers, due, id) AS MATERIALIZED (",
        );
        push_account(&self.due, &mut out)?;
        out.push_sql(
            "caller.id FROM users caller LEFT JOIN api_keys k ON k.user_id = caller.id \
             WHERE caller.id = ANY (CAST((SELECT CAST(",
        );
        out.push_bind_param::<Array<UuidSql>, _>(&self.callers)?;
        out.push_sql(
            " AS uuid[])) AS uuid[]))) \
             SELECT q.number, coalesce(asked.id, named.user_id), coalesce(groups.id, named_group.id) IS NOT NULL, \
             EXISTS (SELECT 1 FROM group_users m WHERE m.user_id = coalesce(asked.id, named.user_id) \
                 AND (SELECT 1 FROM group_closure c WHERE c.ancestor_id = coalesce(groups.id, named_group.id) \
                     AND c.descendant_id = m.group_id LIMIT 1) = 1), \
             a.username, a.security_stamp, a.api_key, a.scopes, a.suspended, a.expiry, a.password_reset_required, \
             a.password_change_frequency, a.password_changed, a.administers, a.due FROM unnest((SELECT CAST(",
        );
        out.push_bind_param::<Array<UuidSql>, _>(&self.callers)?;
        out.push_sql(" AS uuid[])), (SELECT CAST(");
        out.push_bind_param::<Array<Nullable<UuidSql>>, _>(&self.users)?;
        out.push_sql(" AS uuid[])), (SELECT CAST(");
        out.push_bind_param::<Array<Nullable<Text>>, _>(&self.usernames)?;
        out.push_sql(" AS text[])), (SELECT CAST(");
        out.push_bind_param::<Array<Nullable<UuidSql>>, _>(&self.groups)?;
        out.push_sql(" AS uuid[])), (SELECT CAST(");
        out.push_bind_param::<Array<Nullable<Text>>, _>(&self.group_names)?;
        out.push_sql(
            " AS text[]))) WITH ORDINALITY q (caller_id, user_id, username, group_id, group_name, number) \
             LEFT JOIN a ON a.id = q.caller_id \
             LEFT JOIN users asked ON asked.id = q.user_id \
             LEFT JOIN user_identifiers named ON named.identifier_key = q.username \
             LEFT JOIN groups ON groups.id = q.group_id \
             LEFT JOIN groups named_group ON named_group.name_key = q.group_name ORDER BY q.number",
        );
        Ok(())
    }
}

type Row = (i64, Option<Key>, bool, bool, Option<AccountRow>);

/// The answers, in the order of the questions. `None`: they are not of the kind that can be asked together.
pub(crate) fn check_together(
    connection: &mut PgConnection,
    at: Moment,
    checks: &[MembershipQuestion<'_>],
) -> Result<Option<Vec<MembershipAnswer>>, Failure> {
    let Some(questions) = Questions::of(at, checks) else { return Ok(None) };
    let rows: Vec<Row> = questions.load(connection)?;
    if rows.len() != checks.len() {
        return Err(Failure::Data(format!("{} checks have {} answers", checks.len(), rows.len())));
    }
    let answers = rows.into_iter().map(|(_, user, has_group, is_member, caller)| {
        Ok(MembershipAnswer {
            caller: caller.map(AccountRow::unless_due).transpose()?.map(Into::into),
            user: user.map(|user| UserId(user.0)),
            has_group,
            is_member,
        })
    });
    answers.collect::<Result<_, Failure>>().map(Some)
}
