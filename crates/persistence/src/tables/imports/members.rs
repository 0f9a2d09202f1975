//! Who or what belongs to which group, as it is imported.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable};
use guildhall_domain::group::GroupId;
use guildhall_domain::manager::ManagerId;
use guildhall_domain::ports::{MemberStanding, PlacedMember};
use guildhall_domain::time::Timestamp;
use guildhall_domain::validity::ValidityState;
use serde::Serialize;

use super::counts;
use super::rows::ColumnType::{Number, Uuid};
use super::rows::{Columns, Lazy, RowStatement};
use crate::connection::AnyConnection;
use crate::dialect;
use crate::dialect::validity::{MemberKind, validity};
use crate::prepared::prepared;
use crate::sql_types::{Key, UuidSql, added_by};
use crate::together::run_together;
use crate::unit_of_work::Failure;

/// A member of a group.
#[derive(Clone, Copy, Serialize)]
struct Pair {
    group_id: Key,
    member_id: Key,
}

const PAIRS: Columns = &[("group_id", Uuid), ("member_id", Uuid)];

/// One who joins.
#[derive(Serialize)]
struct Joining {
    #[serde(flatten)]
    pair: Pair,
    added: i64,
    added_by: Option<Key>,
    since: Option<i64>,
}

const JOINING: Columns =
    &[("group_id", Uuid), ("member_id", Uuid), ("added", Number), ("added_by", Uuid), ("since", Number)];

/// The dates of one.
#[derive(Serialize)]
struct Dates {
    #[serde(flatten)]
    pair: Pair,
    added: i64,
    added_by: Option<Key>,
    valid_from: Option<i64>,
    valid_until: Option<i64>,
    next_at: Option<i64>,
}

const DATES: Columns = &[
    ("group_id", Uuid),
    ("member_id", Uuid),
    ("added", Number),
    ("added_by", Uuid),
    ("valid_from", Number),
    ("valid_until", Number),
    ("next_at", Number),
];

/// What is done so that members stand as it is said.
pub(super) struct Placed {
    joining: Vec<Joining>,
    /// By group, those who do not count any more until they begin later.
    pub(super) leaving: BTreeMap<Key, Vec<Key>>,
    dated: Vec<Dates>,
    /// Those whose dates are forgotten.
    undated: Vec<Pair>,
}

impl Placed {
    pub(super) fn of<Id: Copy>(members: &[PlacedMember<Id>], now: Timestamp, key: impl Fn(Id) -> Key) -> Self {
        let milliseconds = |moment: Option<Timestamp>| moment.map(Timestamp::milliseconds);
        let mut placed = Self { joining: Vec::new(), leaving: BTreeMap::new(), dated: Vec::new(), undated: Vec::new() };
        for member in members {
            let pair = Pair { group_id: Key(member.group.0), member_id: key(member.member) };
            let (added, added_by) = (member.added.at.milliseconds(), added_by(member.added));
            if member.leaves(now) {
                placed.leaving.entry(pair.group_id).or_default().push(pair.member_id);
            }
            if member.joins(now) {
                let since = (member.added.at != now).then_some(now.milliseconds());
                placed.joining.push(Joining { pair, added, added_by, since });
            }
            let validity = member.validity;
            if validity.is_always() {
                if member.is_dated() {
                    placed.undated.push(pair);
                }
            } else {
                let [valid_from, valid_until, next_at] =
                    [validity.from, validity.until, validity.next(now)].map(milliseconds);
                placed.dated.push(Dates { pair, added, added_by, valid_from, valid_until, next_at });
            }
        }
        placed
    }
}

/// The table of what counts, with its columns of the group and of the member, and the column of the member among dates.
fn names(kind: MemberKind) -> (&'static str, &'static str, &'static str) {
    match kind {
        MemberKind::User => ("group_users", "group_id", "user_id"),
        MemberKind::Child => ("group_children", "parent_id", "child_id"),
    }
}

/// The statements about one kind of members.
struct Statements {
    standings: RowStatement,
    join: RowStatement,
    forget: RowStatement,
    set: RowStatement,
}

impl Statements {
    fn of(kind: MemberKind) -> Self {
        let (present, group, member) = names(kind);
        let is_present = format!(
            "EXISTS (SELECT 1 FROM {present} m WHERE m.{group} = wanted.group_id AND m.{member} = wanted.member_id)"
        );
        Self {
            standings: RowStatement::of(
                PAIRS,
                &format!(
                    "SELECT wanted.group_id, wanted.member_id, m.{member} IS NOT NULL AS is_present, d.valid_from, d.valid_until, d.next_at FROM wanted \
                     LEFT JOIN {present} m ON m.{group} = wanted.group_id AND m.{member} = wanted.member_id \
                     LEFT JOIN membership_dates d ON d.group_id = wanted.group_id AND d.{member} = wanted.member_id \
                     WHERE m.{member} IS NOT NULL OR d.next_at = d.valid_from"
                ),
            ),
            join: RowStatement::of(
                JOINING,
                &format!(
                    "INSERT INTO {present} ({group}, {member}, added, added_by, since) SELECT group_id, member_id, added, added_by, since FROM wanted \
                     WHERE true ON CONFLICT DO NOTHING RETURNING {group} AS id"
                ),
            ),
            forget: RowStatement::of(
                PAIRS,
                &format!(
                    "DELETE FROM membership_dates WHERE {member} IS NOT NULL AND (group_id, {member}) IN (SELECT group_id, member_id FROM wanted)"
                ),
            ),
            set: RowStatement::of(
                DATES,
                &format!(
                    "INSERT INTO membership_dates (group_id, {member}, valid_from, valid_until, next_at, added, added_by) \
                     SELECT group_id, member_id, valid_from, valid_until, next_at, added, added_by FROM wanted \
                     WHERE next_at = valid_from OR {is_present} \
                     ON CONFLICT (group_id, {member}) DO UPDATE SET valid_from = excluded.valid_from, \
                     valid_until = excluded.valid_until, next_at = excluded.next_at, \
                     added = CASE WHEN membership_dates.next_at IS NULL THEN excluded.added ELSE membership_dates.added END, \
                     added_by = CASE WHEN membership_dates.next_at IS NULL THEN excluded.added_by ELSE membership_dates.added_by END"
                ),
            ),
        }
    }
}

fn statements(kind: MemberKind) -> &'static Statements {
    static USERS: std::sync::LazyLock<Statements> = std::sync::LazyLock::new(|| Statements::of(MemberKind::User));
    static CHILDREN: std::sync::LazyLock<Statements> = std::sync::LazyLock::new(|| Statements::of(MemberKind::Child));
    match kind {
        MemberKind::User => &USERS,
        MemberKind::Child => &CHILDREN,
    }
}

#[derive(QueryableByName)]
struct StandingRow {
    #[diesel(sql_type = UuidSql)]
    group_id: Key,
    #[diesel(sql_type = UuidSql)]
    member_id: Key,
    #[diesel(sql_type = Bool)]
    is_present: bool,
    #[diesel(sql_type = Nullable<BigInt>)]
    valid_from: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    valid_until: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    next_at: Option<i64>,
}

/// How those of `pairs` stand who belong to a group, or will.
pub(super) fn standings(
    connection: &mut AnyConnection,
    kind: MemberKind,
    pairs: &[(Key, Key)],
) -> Result<Vec<(Key, Key, MemberStanding)>, Failure> {
    let pairs: Vec<Pair> =
        pairs.iter().map(|(group_id, member_id)| Pair { group_id: *group_id, member_id: *member_id }).collect();
    let rows: Vec<StandingRow> = statements(kind).standings.load(connection, &pairs)?;
    let standing = |row: StandingRow| {
        let state = if row.is_present { ValidityState::Active } else { ValidityState::Scheduled };
        let validity = validity(row.is_present, (row.valid_from, row.valid_until, row.next_at));
        (row.group_id, row.member_id, MemberStanding { state, validity })
    };
    Ok(rows.into_iter().map(standing).collect())
}

/// Lets members stand as it is said, and returns how many joined.
pub(super) fn place(
    connection: &mut AnyConnection,
    kind: MemberKind,
    placed: &'_ Placed,
    now: Timestamp,
) -> Result<u64, Failure> {
    for (group, members) in &placed.leaving {
        match kind {
            MemberKind::User => {
                let removed = dialect::remove_members(connection, *group, members.clone(), now)?;
                let gone = i64::try_from(removed.present.len()).unwrap_or(i64::MAX);
                run_together(connection, &[&dialect::change_member_count(*group, -gone)])?;
            }
            MemberKind::Child => _ = dialect::remove_children(connection, *group, members.clone(), now)?,
        }
    }
    let statements = statements(kind);
    let joined: Vec<super::Id> = statements.join.load(connection, &placed.joining)?;
    let number = joined.len() as u64;
    let (groups, new) = counts(joined.into_iter().map(|row| row.id));
    statements.forget.execute(connection, &placed.undated)?;
    statements.set.execute(connection, &placed.dated)?;
    match kind {
        MemberKind::User if number > 0 => {
            // Counters are shared with changes that wait for rows of the group, so they are changed after all rows.
            let counted = dialect::change_member_counts(&groups, &new, &new);
            run_together(connection, &[&counted, &dialect::note_memberships()])?;
        }
        MemberKind::Child if number > 0 => {
            connect(connection, &placed.joining)?;
            count_children(connection, &groups, &new)?;
            run_together(connection, &[&dialect::note_memberships()])?;
        }
        MemberKind::User | MemberKind::Child => {}
    }
    Ok(number)
}

/// Adds the pairs of the closure that new edges connect, which are there already. A path that has new edges begins with one that has none, down to the parent of the first of them.
fn connect(connection: &mut AnyConnection, edges: &[Joining]) -> Result<(), Failure> {
    static CONNECT: Lazy = Lazy::new(|| {
        RowStatement::of(
            JOINING,
            ", below (ancestor_id, descendant_id) AS ( \
                 SELECT above.ancestor_id, wanted.member_id FROM wanted CROSS JOIN group_closure above WHERE above.descendant_id = wanted.group_id \
                 UNION SELECT below.ancestor_id, edge.child_id FROM below CROSS JOIN group_children edge WHERE edge.parent_id = below.descendant_id) \
             INSERT INTO group_closure (ancestor_id, descendant_id) SELECT ancestor_id, descendant_id FROM below WHERE true ON CONFLICT DO NOTHING",
        )
    });
    CONNECT.execute(connection, edges)?;
    Ok(())
}

/// Adds to the numbers of children.
fn count_children(connection: &mut AnyConnection, groups: &[Key], new: &[i64]) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Counted {
        group_id: Key,
        children: i64,
    }
    static COUNT: Lazy = Lazy::new(|| {
        RowStatement::of(
            &[("group_id", Uuid), ("children", Number)],
            "UPDATE groups SET child_group_count = child_group_count + wanted.children FROM wanted WHERE groups.id = wanted.group_id",
        )
    });
    let rows = groups.iter().zip(new).map(|(group_id, children)| Counted { group_id: *group_id, children: *children });
    COUNT.execute(connection, &rows.collect::<Vec<_>>())?;
    Ok(())
}

/// Lets a member who counts have begun at this moment.
pub(super) fn begin(
    connection: &mut AnyConnection,
    group: GroupId,
    member: ManagerId,
    at: Timestamp,
) -> Result<(), Failure> {
    let (text, member) = match member {
        ManagerId::User(user) => {
            ("UPDATE group_users SET since = $3 WHERE group_id = $1 AND user_id = $2", Key(user.0))
        }
        ManagerId::Group(child) => {
            ("UPDATE group_children SET since = $3 WHERE parent_id = $1 AND child_id = $2", Key(child.0))
        }
    };
    let statement =
        prepared(text).bind::<UuidSql, _>(Key(group.0)).bind::<UuidSql, _>(member).bind::<BigInt, _>(at.milliseconds());
    match connection {
        AnyConnection::Postgres(connection) => statement.execute(connection)?,
        AnyConnection::Sqlite(connection) => statement.execute(connection)?,
    };
    Ok(())
}
