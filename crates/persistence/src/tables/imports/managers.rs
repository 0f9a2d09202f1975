//! Managers of groups who are imported.

use std::collections::BTreeSet;

use diesel::prelude::*;
use guildhall_domain::manager::ManagerId;
use guildhall_domain::ports::Appointment;
use serde::Serialize;

use super::rows::ColumnType::{Number, Uuid};
use super::rows::{Lazy, RowStatement};
use crate::connection::AnyConnection;
use crate::sql_types::{Key, UuidSql, added_by};
use crate::unit_of_work::Failure;

#[derive(Serialize)]
struct Row {
    group_id: Key,
    manager_id: Key,
    added: i64,
    added_by: Option<Key>,
}

/// Who was appointed.
#[derive(QueryableByName)]
struct New {
    #[diesel(sql_type = UuidSql)]
    group_id: Key,
    #[diesel(sql_type = UuidSql)]
    manager_id: Key,
}

/// Appoints managers, and returns those who were none before.
pub(super) fn insert(
    connection: &mut AnyConnection,
    appointments: &[Appointment],
) -> Result<Vec<Appointment>, Failure> {
    static USERS: Lazy = Lazy::new(|| statement("group_manager_users", "user_id"));
    static GROUPS: Lazy = Lazy::new(|| statement("group_manager_groups", "manager_id"));
    let row = |appointment: &Appointment, manager: uuid::Uuid| Row {
        group_id: Key(appointment.group.0),
        manager_id: Key(manager),
        added: appointment.added.at.milliseconds(),
        added_by: added_by(appointment.added),
    };
    let (mut users, mut groups) = (Vec::new(), Vec::new());
    for appointment in appointments {
        match appointment.manager {
            ManagerId::User(user) => users.push(row(appointment, user.0)),
            ManagerId::Group(group) => groups.push(row(appointment, group.0)),
        }
    }
    let mut new: BTreeSet<(Key, Key)> = BTreeSet::new();
    for (statement, rows) in [(&USERS, users), (&GROUPS, groups)] {
        let added: Vec<New> = statement.load(connection, &rows)?;
        new.extend(added.into_iter().map(|row| (row.group_id, row.manager_id)));
    }
    let id = |manager| match manager {
        ManagerId::User(user) => Key(user.0),
        ManagerId::Group(group) => Key(group.0),
    };
    let is_new = |appointment: &&Appointment| new.contains(&(Key(appointment.group.0), id(appointment.manager)));
    Ok(appointments.iter().filter(is_new).copied().collect())
}

fn statement(table: &str, column: &str) -> RowStatement {
    RowStatement::of(
        &[("group_id", Uuid), ("manager_id", Uuid), ("added", Number), ("added_by", Uuid)],
        &format!(
            "INSERT INTO {table} (group_id, {column}, added, added_by) SELECT group_id, manager_id, added, added_by FROM wanted WHERE true \
             ON CONFLICT DO NOTHING RETURNING group_id, {column} AS manager_id"
        ),
    )
}
