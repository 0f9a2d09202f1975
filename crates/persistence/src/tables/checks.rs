//! Checks of membership, each in one statement.

use std::sync::LazyLock;

use diesel::backend::Backend;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, Bool, HasSqlType, Integer, Nullable, Text};
use diesel::sqlite::Sqlite;
use guildhall_domain::access::Scopes;
use guildhall_domain::api_key::ApiKeyId;
use guildhall_domain::group::SystemGroup;
use guildhall_domain::identifier::{GroupIdentifier, UserIdentifier};
use guildhall_domain::name::NameKey;
use guildhall_domain::ports::{AccountStatus, CheckedGroups, MembershipAnswer, MembershipCheck};
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::{SecurityStamp, UserId};

use crate::connection::AnyConnection;
use crate::sql_types::{Key, UuidSql};
use crate::unit_of_work::Failure;

/// The administrators' groups, and the bit of each in the row of the answer.
const ADMINISTRATORS: [(SystemGroup, i32); 4] = [
    (SystemGroup::SystemAdministrators, 1),
    (SystemGroup::UserAdministrators, 2),
    (SystemGroup::GroupAdministrators, 4),
    (SystemGroup::ApiKeyAdministrators, 8),
];

static ADMINISTRATORS_KEYS: LazyLock<[NameKey; 4]> = LazyLock::new(|| ADMINISTRATORS.map(|(group, _)| group.key()));

/// A question that one statement answers.
pub(crate) struct Question<'a> {
    caller: Key,
    user: AskedUser<'a>,
    group: AskedGroup<'a>,
}

#[derive(Clone, Copy)]
enum AskedUser<'a> {
    Caller,
    Id(Key),
    Name(&'a str),
}

enum AskedGroup<'a> {
    Id(Key),
    Name(&'a str),
    /// The group of this id or name if there is one, otherwise any of those whose ids or names are in these JSON arrays.
    FirstOf {
        id: Option<Key>,
        name: Option<&'a str>,
        ids: String,
        names: String,
    },
}

impl<'a> AskedGroup<'a> {
    fn one(group: &'a GroupIdentifier) -> Self {
        match group {
            GroupIdentifier::Id(group) => Self::Id(Key(group.0)),
            GroupIdentifier::Name(key) => Self::Name(key.as_str()),
        }
    }

    fn first_of(whole: &'a GroupIdentifier, listed: &[GroupIdentifier]) -> Result<Self, serde_json::Error> {
        let (mut ids, mut names) = (Vec::new(), Vec::new());
        for group in listed {
            match group {
                GroupIdentifier::Id(group) => ids.push(group.0.simple().to_string()),
                GroupIdentifier::Name(key) => names.push(key.as_str()),
            }
        }
        let (id, name) = match whole {
            GroupIdentifier::Id(group) => (Some(Key(group.0)), None),
            GroupIdentifier::Name(key) => (None, Some(key.as_str())),
        };
        Ok(Self::FirstOf { id, name, ids: serde_json::to_string(&ids)?, names: serde_json::to_string(&names)? })
    }
}

impl<'a> Question<'a> {
    /// The question of this caller.
    pub(crate) fn new(caller: UserId, check: &MembershipCheck<'a>) -> Result<Self, Failure> {
        let group = match check.groups {
            CheckedGroups::One(group) | CheckedGroups::FirstOf { whole: group, listed: [] } => AskedGroup::one(group),
            CheckedGroups::FirstOf { whole, listed: [only] } if whole == only => AskedGroup::one(whole),
            CheckedGroups::FirstOf { whole, listed } => {
                AskedGroup::first_of(whole, listed).map_err(|error| Failure::Data(error.to_string()))?
            }
        };
        let user = match check.user {
            UserIdentifier::Current => AskedUser::Caller,
            UserIdentifier::Id(user) => AskedUser::Id(Key(user.0)),
            UserIdentifier::Name(key) => AskedUser::Name(key.as_str()),
        };
        Ok(Self { caller: Key(caller.0), user, group })
    }

    /// The answer. `None` if the caller does not exist.
    pub(crate) fn ask(&self, connection: &mut AnyConnection) -> Result<Option<MembershipAnswer>, Failure> {
        match (self.user, &self.group) {
            (AskedUser::Caller, AskedGroup::Id(_)) => self.run::<0>(connection),
            (AskedUser::Caller, AskedGroup::Name(_)) => self.run::<1>(connection),
            (AskedUser::Id(_), AskedGroup::Id(_)) => self.run::<2>(connection),
            (AskedUser::Id(_), AskedGroup::Name(_)) => self.run::<3>(connection),
            (AskedUser::Name(_), AskedGroup::Id(_)) => self.run::<4>(connection),
            (AskedUser::Name(_), AskedGroup::Name(_)) => self.run::<5>(connection),
            (AskedUser::Caller, AskedGroup::FirstOf { .. }) => self.run::<6>(connection),
            (AskedUser::Id(_), AskedGroup::FirstOf { .. }) => self.run::<7>(connection),
            (AskedUser::Name(_), AskedGroup::FirstOf { .. }) => self.run::<8>(connection),
        }
    }

    fn run<const FORM: u8>(&self, connection: &mut AnyConnection) -> Result<Option<MembershipAnswer>, Failure> {
        let statement = Statement::<FORM>(self);
        let row: Option<AnswerRow> = match connection {
            AnyConnection::Postgres(connection) => statement.get_result(connection).optional()?,
            AnyConnection::Sqlite(connection) => statement.get_result(connection).optional()?,
        };
        Ok(row.map(MembershipAnswer::from))
    }
}

/// The statement of a question. Each `FORM` is one SQL text, which a connection prepares once.
struct Statement<'a, const FORM: u8>(&'a Question<'a>);

impl<const FORM: u8> QueryId for Statement<'_, FORM> {
    type QueryId = Statement<'static, FORM>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

type AnswerSql = (
    Text,
    UuidSql,
    Nullable<UuidSql>,
    Nullable<Text>,
    Bool,
    Nullable<BigInt>,
    Bool,
    Nullable<Integer>,
    Nullable<BigInt>,
    Integer,
    Nullable<UuidSql>,
    Bool,
    Bool,
);

impl<const FORM: u8> Query for Statement<'_, FORM> {
    type SqlType = AnswerSql;
}

impl<C, const FORM: u8> RunQueryDsl<C> for Statement<'_, FORM> {}

/// Whether the caller is an effective member of the group whose name key is the parameter that follows.
const ADMINISTERS: &str = "EXISTS (SELECT 1 FROM group_users m JOIN group_closure c ON c.descendant_id = m.group_id \
     WHERE m.user_id = caller.id AND c.ancestor_id = (SELECT id FROM groups WHERE name_key = ";

/// The elements of a JSON array in the words of a database. The parameter stands between the two parts.
trait JsonArray {
    const NAMES: [&'static str; 2];
    const IDS: [&'static str; 2];
}

impl JsonArray for Pg {
    const NAMES: [&'static str; 2] = ["SELECT value FROM json_array_elements_text(CAST(", " AS json))"];
    const IDS: [&'static str; 2] = ["SELECT CAST(value AS uuid) FROM json_array_elements_text(CAST(", " AS json))"];
}

impl JsonArray for Sqlite {
    const NAMES: [&'static str; 2] = ["SELECT value FROM json_each(", ")"];
    const IDS: [&'static str; 2] = ["SELECT unhex(value) FROM json_each(", ")"];
}

impl<DB, const FORM: u8> QueryFragment<DB> for Statement<'_, FORM>
where
    DB: Backend + JsonArray + HasSqlType<UuidSql> + HasSqlType<Text>,
    Key: ToSql<UuidSql, DB>,
    Option<Key>: ToSql<Nullable<UuidSql>, DB>,
    str: ToSql<Text, DB>,
    for<'b> Option<&'b str>: ToSql<Nullable<Text>, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        let Question { caller, user, group } = self.0;
        let [system, users, groups, api_keys] = &*ADMINISTRATORS_KEYS;
        if let AskedGroup::FirstOf { id, name, ids, names } = group {
            out.push_sql("WITH whole AS (SELECT id FROM groups WHERE id = ");
            out.push_bind_param::<Nullable<UuidSql>, Option<Key>>(id)?;
            out.push_sql(" OR name_key = ");
            out.push_bind_param::<Nullable<Text>, Option<&str>>(name)?;
            out.push_sql("), any_of AS (SELECT id FROM whole UNION SELECT id FROM groups WHERE id IN (");
            out.push_sql(DB::IDS[0]);
            out.push_bind_param::<Text, str>(ids)?;
            out.push_sql(DB::IDS[1]);
            out.push_sql(") AND NOT EXISTS (SELECT 1 FROM whole) UNION SELECT id FROM groups WHERE name_key IN (");
            out.push_sql(DB::NAMES[0]);
            out.push_bind_param::<Text, str>(names)?;
            out.push_sql(DB::NAMES[1]);
            out.push_sql(") AND NOT EXISTS (SELECT 1 FROM whole)) ");
        }
        out.push_sql(
            "SELECT caller.username, caller.security_stamp, k.id, k.scopes, caller.suspended, caller.expiry, \
             caller.password_reset_required, caller.password_change_frequency, caller.password_changed, CASE WHEN ",
        );
        // The other groups of a System Administrator are not looked up.
        for (before, key) in [
            ("", system),
            (")) THEN 1 ELSE (CASE WHEN ", users),
            (")) THEN 2 ELSE 0 END) + (CASE WHEN ", groups),
            (")) THEN 4 ELSE 0 END) + (CASE WHEN ", api_keys),
        ] {
            out.push_sql(before);
            out.push_sql(ADMINISTERS);
            out.push_bind_param::<Text, str>(key.as_str())?;
        }
        out.push_sql(")) THEN 8 ELSE 0 END) END, ");
        let asked = match user {
            AskedUser::Caller => "caller.id",
            AskedUser::Id(_) => "asked.id",
            AskedUser::Name(_) => "asked.user_id",
        };
        out.push_sql(asked);
        out.push_sql(match group {
            AskedGroup::FirstOf { .. } => {
                ", EXISTS (SELECT 1 FROM any_of), EXISTS (SELECT 1 FROM group_users m JOIN group_closure c \
                 ON c.descendant_id = m.group_id WHERE c.ancestor_id IN (SELECT id FROM any_of) AND m.user_id = "
            }
            _ => {
                ", g.id IS NOT NULL, EXISTS (SELECT 1 FROM group_users m JOIN group_closure c \
                 ON c.descendant_id = m.group_id WHERE c.ancestor_id = g.id AND m.user_id = "
            }
        });
        out.push_sql(asked);
        out.push_sql(") FROM users caller LEFT JOIN api_keys k ON k.user_id = caller.id ");
        match user {
            AskedUser::Caller => {}
            AskedUser::Id(id) => {
                out.push_sql("LEFT JOIN users asked ON asked.id = ");
                out.push_bind_param::<UuidSql, Key>(id)?;
            }
            AskedUser::Name(key) => {
                out.push_sql("LEFT JOIN user_identifiers asked ON asked.identifier_key = ");
                out.push_bind_param::<Text, str>(key)?;
            }
        }
        match group {
            AskedGroup::FirstOf { .. } => {}
            AskedGroup::Id(id) => {
                out.push_sql(" LEFT JOIN groups g ON g.id = ");
                out.push_bind_param::<UuidSql, Key>(id)?;
            }
            AskedGroup::Name(key) => {
                out.push_sql(" LEFT JOIN groups g ON g.name_key = ");
                out.push_bind_param::<Text, str>(key)?;
            }
        }
        out.push_sql(" WHERE caller.id = ");
        out.push_bind_param::<UuidSql, Key>(caller)
    }
}

#[derive(Queryable)]
struct AnswerRow {
    username: String,
    stamp: Key,
    api_key: Option<Key>,
    api_key_scopes: Option<String>,
    suspended: bool,
    expiry: Option<i64>,
    password_reset_required: bool,
    password_change_frequency: Option<i32>,
    password_changed: Option<i64>,
    administers: i32,
    user: Option<Key>,
    has_group: bool,
    is_member: bool,
}

impl From<AnswerRow> for MembershipAnswer {
    fn from(row: AnswerRow) -> Self {
        let [system_administrator, user_administrator, group_administrator, api_key_administrator] =
            ADMINISTRATORS.map(|(_, bit)| row.administers & bit != 0);
        let api_key = row.api_key.zip(row.api_key_scopes);
        let caller = AccountStatus {
            username: row.username,
            stamp: SecurityStamp(row.stamp.0),
            api_key: api_key.map(|(id, scopes)| (ApiKeyId(id.0), Scopes::known_in(&scopes))),
            suspended: row.suspended,
            expiry: row.expiry.map(Timestamp::from_milliseconds),
            password_reset_required: row.password_reset_required,
            password_change_frequency: row.password_change_frequency.map(i32::unsigned_abs),
            password_changed: row.password_changed.map(Timestamp::from_milliseconds),
            system_administrator,
            user_administrator,
            group_administrator,
            api_key_administrator,
        };
        let user = row.user.map(|user| UserId(user.0));
        Self { caller: Some(caller), user, has_group: row.has_group, is_member: row.is_member }
    }
}
