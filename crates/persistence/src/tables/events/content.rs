//! Events that have no place yet: what a unit of work knows of them, and what the statement that keeps them finds.

use std::sync::LazyLock;

use diesel::prelude::*;
use diesel::sql_types::{Array, Binary, Bool, Nullable, Text};
use guildhall_domain::event::{EventGroup, EventId, EventType, GroupsAbove, Members, NewEvent};
use guildhall_domain::group::GroupId;
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::UserId;
use serde::Serialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{NullableUuid, key_of};
use crate::connection::AnyConnection;
use crate::prepared::prepared;
use crate::sql_types::{Key, UuidSql};
use crate::together::{ByDialect, Part};
use crate::unit_of_work::Failure;

/// The statement of PostgreSQL that keeps events, where `$1` to `$4` are their columns and `{condition}` ends it.
const INSERT_EVENTS: &str = "INSERT INTO new_events (content, members, group_id, group_name, above) \
     SELECT e.content, e.members, e.group_id, (SELECT g.name FROM groups g WHERE g.id = e.group_id), \
         CASE WHEN e.finds THEN (SELECT string_agg(uuid_send(a.id), ''::bytea ORDER BY a.id) FROM (SELECT c.ancestor_id AS id \
             FROM group_closure c WHERE c.descendant_id = e.group_id ORDER BY c.ancestor_id LIMIT 1001) a) END \
     FROM unnest($1, $2, $3, $4) WITH ORDINALITY AS e (content, members, group_id, finds, place){condition} ORDER BY e.place";

/// The statement of SQLite that keeps one event. `$2` is null where nobody is a member.
const INSERT_EVENT_SQLITE: &str = "INSERT INTO new_events (content, members, group_id, group_name, above) \
     SELECT $1, coalesce($2, x''), $3, (SELECT g.name FROM groups g WHERE g.id = $3), \
         CASE WHEN $4 THEN (SELECT unhex(group_concat(hex(a.id), '')) FROM (SELECT c.ancestor_id AS id \
             FROM group_closure c WHERE c.descendant_id = $3 ORDER BY c.ancestor_id LIMIT 1001) a) END";

/// The statement of SQLite that keeps several. `$1`: for each its content, where its members begin in `$2` and how many bytes they are, its group, and whether the groups above are to be
/// found. Where nobody is a member, `$2` may be null.
const INSERT_EVENTS_SQLITE: &str = "INSERT INTO new_events (content, members, group_id, group_name, above) \
     SELECT e.value ->> 0, coalesce(substr($2, e.value ->> 1, e.value ->> 2), x''), unhex(e.value ->> 3), (SELECT g.name FROM groups g WHERE g.id = unhex(e.value ->> 3)), \
         CASE WHEN e.value ->> 4 THEN (SELECT unhex(group_concat(hex(a.id), '')) FROM (SELECT c.ancestor_id AS id \
             FROM group_closure c WHERE c.descendant_id = unhex(e.value ->> 3) ORDER BY c.ancestor_id LIMIT 1001) a) END \
     FROM jsonb_each($1) e ORDER BY e.key";

/// Events that are kept with a change, if it changes anything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Announced {
    contents: Vec<String>,
    members: Vec<Vec<u8>>,
    groups: Vec<Option<Key>>,
    finds: Vec<bool>,
}

impl Announced {
    pub(crate) fn of(events: &[NewEvent]) -> Self {
        let mut columns = Self::default();
        for event in events {
            // Its keys are texts, and its numbers finite: it can always be written.
            columns.contents.push(serde_json::to_string(&Content::of(event)).unwrap_or_default());
            columns.members.push(match &event.members {
                Members::None => Vec::new(),
                Members::Users(users) => users.iter().flat_map(|user| *user.0.as_bytes()).collect(),
                Members::Groups(groups) => groups.iter().flat_map(|group| *group.0.as_bytes()).collect(),
            });
            let group = event.group.as_ref();
            columns.groups.push(key_of(group.map(|group| group.id.0)));
            columns.finds.push(group.is_some_and(|group| group.above == GroupsAbove::ToFind));
        }
        columns
    }

    /// The content and the members of the one event that tells a new member.
    pub(crate) fn one(&self) -> Option<(&str, &[u8])> {
        Some((self.contents.first()?, self.members.first()?))
    }

    /// The part of a statement that keeps them if its first part changed a row.
    pub(crate) fn part(&self) -> impl Part + '_ {
        static SQL: LazyLock<String> =
            LazyLock::new(|| INSERT_EVENTS.replace("{condition}", " WHERE EXISTS (SELECT 1 FROM c0)"));
        let postgres = prepared(&SQL)
            .bind::<Array<Text>, _>(&self.contents)
            .bind::<Array<Binary>, _>(&self.members)
            .bind::<Array<NullableUuid>, _>(&self.groups)
            .bind::<Array<Bool>, _>(&self.finds);
        // In SQLite nothing is announced.
        ByDialect { postgres, sqlite: prepared("SELECT 1") }
    }
}

/// Keeps events as the last statement of a transaction: one, however many events there are, so that an attempt to sign in that locks an account, and tells more, costs no statement
/// more than another.
pub(super) fn insert(connection: &mut AnyConnection, events: &[NewEvent]) -> Result<(), Failure> {
    let columns = Announced::of(events);
    match connection {
        AnyConnection::Postgres(connection) => insert_postgres(connection, columns)?,
        AnyConnection::Sqlite(connection) => insert_sqlite(connection, &columns)?,
    };
    Ok(())
}

fn insert_postgres(connection: &mut PgConnection, columns: Announced) -> QueryResult<usize> {
    static SQL: LazyLock<String> = LazyLock::new(|| INSERT_EVENTS.replace("{condition}", ""));
    prepared(&SQL)
        .bind::<Array<Text>, _>(columns.contents)
        .bind::<Array<Binary>, _>(columns.members)
        .bind::<Array<NullableUuid>, _>(columns.groups)
        .bind::<Array<Bool>, _>(columns.finds)
        .execute(connection)
}

fn insert_sqlite(connection: &mut SqliteConnection, columns: &Announced) -> QueryResult<usize> {
    if let ([content], [members], [group], [finds]) =
        (&*columns.contents, &*columns.members, &*columns.groups, &*columns.finds)
    {
        return prepared(INSERT_EVENT_SQLITE)
            .bind::<Text, _>(content)
            .bind::<Binary, _>(members)
            .bind::<NullableUuid, _>(*group)
            .bind::<Bool, _>(*finds)
            .execute(connection);
    }
    // Offsets of SQL count from 1.
    let mut begins = 1;
    let of_content = columns.contents.iter().zip(&columns.members);
    let rows = of_content.zip(columns.groups.iter().zip(&columns.finds)).map(|((content, members), (group, finds))| {
        let row = json!([content, begins, members.len(), group.map(|group| group.0.simple().to_string()), finds]);
        begins += members.len();
        row
    });
    prepared(INSERT_EVENTS_SQLITE)
        .bind::<Text, _>(rows.collect::<Value>().to_string())
        .bind::<Binary, _>(columns.members.concat())
        .execute(connection)
}

/// What the unit of work knows of an event, but for its members and its group.
#[derive(Serialize)]
struct Content<'a> {
    id: String,
    kind: i16,
    time: i64,
    subject: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    /// The name of the group, unless it is to be found.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    /// The groups above, unless they are to be found.
    #[serde(skip_serializing_if = "Option::is_none")]
    above: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    members: Option<&'static str>,
    details: &'a Map<String, Value>,
}

impl<'a> Content<'a> {
    fn of(event: &'a NewEvent) -> Self {
        let group = event.group.as_ref();
        Self {
            id: event.id.to_string(),
            kind: event.kind.code(),
            time: event.time.milliseconds(),
            subject: &event.subject,
            actor: event.actor.map(|actor| actor.to_string()),
            user: event.user.map(|user| user.to_string()),
            name: group.and_then(|group| group.name.as_deref()),
            above: group.and_then(|group| match &group.above {
                GroupsAbove::Found(above) => Some(above.iter().map(ToString::to_string).collect()),
                GroupsAbove::NotTold | GroupsAbove::ToFind => None,
            }),
            members: match &event.members {
                Members::None => None,
                Members::Users(_) => Some("users"),
                Members::Groups(_) => Some("groups"),
            },
            details: &event.details,
        }
    }
}

/// A row of `new_events`.
#[derive(QueryableByName)]
pub(super) struct NewRow {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    pub(super) place: i64,
    #[diesel(sql_type = Text)]
    content: String,
    #[diesel(sql_type = Binary)]
    pub(super) members: Vec<u8>,
    #[diesel(sql_type = Nullable<UuidSql>)]
    group_id: Option<Key>,
    #[diesel(sql_type = Nullable<Text>)]
    group_name: Option<String>,
    #[diesel(sql_type = Nullable<Binary>)]
    above: Option<Vec<u8>>,
}

impl TryFrom<&NewRow> for NewEvent {
    type Error = Failure;

    fn try_from(row: &NewRow) -> Result<Self, Failure> {
        read(row).ok_or_else(|| Failure::Data(format!("the new event at place {} is damaged", row.place)))
    }
}

fn read(row: &NewRow) -> Option<NewEvent> {
    let Value::Object(mut content) = serde_json::from_str(&row.content).ok()? else { return None };
    let id = |content: &Map<String, Value>, name: &str| {
        content.get(name).and_then(Value::as_str).and_then(|id| id.parse::<Uuid>().ok())
    };
    let kind = content.get("kind")?.as_i64().and_then(|code| i16::try_from(code).ok());
    let packed = |bytes: &[u8]| bytes.chunks_exact(16).filter_map(|id| Uuid::from_slice(id).ok()).collect::<Vec<_>>();
    let told = content.get("above").and_then(Value::as_array);
    let told =
        told.map(|above| above.iter().filter_map(|id| id.as_str()?.parse().ok().map(GroupId)).collect::<Vec<_>>());
    let found = row.above.as_ref().map(|above| {
        // SQLite sorts them at a much higher cost.
        let mut above = packed(above);
        above.sort_unstable();
        above.into_iter().map(GroupId).collect::<Vec<_>>()
    });
    let group = row.group_id.map(|group| EventGroup {
        id: GroupId(group.0),
        name: content.get("name").and_then(Value::as_str).map(str::to_owned).or_else(|| row.group_name.clone()),
        above: told.or(found).map_or(GroupsAbove::NotTold, GroupsAbove::found),
    });
    let members = packed(&row.members);
    let members = match content.get("members").and_then(Value::as_str) {
        Some("users") => Members::Users(members.into_iter().map(UserId).collect()),
        Some("groups") => Members::Groups(members.into_iter().map(GroupId).collect()),
        _ => Members::None,
    };
    Some(NewEvent {
        id: EventId(id(&content, "id")?),
        kind: EventType::of_code(kind?)?,
        time: Timestamp::from_milliseconds(content.get("time")?.as_i64()?),
        subject: content.get("subject")?.as_str()?.to_owned(),
        actor: id(&content, "actor").map(UserId),
        user: id(&content, "user").map(UserId),
        group,
        members,
        details: match content.remove("details")? {
            Value::Object(details) => details,
            _ => return None,
        },
    })
}
