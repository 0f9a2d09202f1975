//! The next event that a webhook gets. Each type, or each type of each group, is one look at an index that ends with the sequence.

use std::sync::LazyLock;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, SmallInt, Text};
use guildhall_domain::event::{Event, EventType};
use guildhall_domain::webhook::WebhookFilter;
use serde_json::Value;

use super::rows::integer;
use crate::connection::AnyConnection;
use crate::dialect::Dialect;
use crate::prepared::prepared;
use crate::sql_types::{Key, UuidSql};
use crate::tables::events::EventRow;
use crate::unit_of_work::Failure;

/// Which parts a statement has.
#[derive(Clone, Copy)]
struct Shape {
    dialect: Dialect,
    by_types: bool,
    by_groups: bool,
}

impl Shape {
    const FLAGS: usize = 3;

    fn of(dialect: Dialect, filter: &WebhookFilter) -> Self {
        Self { dialect, by_types: filter.types.is_some(), by_groups: !filter.groups.is_empty() }
    }

    fn number(self) -> usize {
        let flags = [self.dialect == Dialect::Sqlite, self.by_types, self.by_groups];
        flags.into_iter().enumerate().map(|(at, flag)| usize::from(flag) << at).sum()
    }

    fn numbered(number: usize) -> Self {
        let flag = |at: usize| number >> at & 1 == 1;
        let dialect = if flag(0) { Dialect::Sqlite } else { Dialect::Postgres };
        Self { dialect, by_types: flag(1), by_groups: flag(2) }
    }

    /// `$1` and `$2`: after and up to which place, `$3`: the types, `$4`: the groups.
    fn text(self) -> String {
        let first = |index: &str, condition: &str| {
            format!(
                "SELECT e.sequence FROM events e{index} WHERE {condition}e.sequence > $1 AND e.sequence <= $2 ORDER BY e.sequence LIMIT 1"
            )
        };
        let sequence = match (self.dialect, self.by_types, self.by_groups) {
            (_, false, false) => first("", ""),
            (Dialect::Postgres, true, false) => {
                format!("SELECT min(({})) FROM unnest($3) AS k (kind)", first("", "e.kind = k.kind AND "))
            }
            (Dialect::Postgres, _, true) => {
                let first = first("", "e.group_id = g.id AND e.kind = k.kind AND ");
                format!("SELECT min(({first})) FROM unnest($4) AS g (id) CROSS JOIN unnest($3) AS k (kind)")
            }
            (Dialect::Sqlite, true, false) => {
                let first = first(" INDEXED BY events_by_kind", "e.kind = k.value AND ");
                format!("SELECT min(({first})) FROM json_each($3) k")
            }
            (Dialect::Sqlite, _, true) => {
                let condition = "e.group_id = unhex(g.value) AND e.kind = k.value AND ";
                let first = first(" INDEXED BY events_by_group", condition);
                format!("SELECT min(({first})) FROM json_each($4) g CROSS JOIN json_each($3) k")
            }
        };
        format!(
            "SELECT e.sequence, e.id, e.kind, e.time, e.content, e.hash FROM events e WHERE e.sequence = ({sequence})"
        )
    }
}

/// The first event after one place, up to another, that passes the filter.
pub(super) fn find(
    connection: &mut AnyConnection,
    (after, until): (u64, u64),
    filter: &WebhookFilter,
) -> Result<Option<Event>, Failure> {
    static TEXTS: LazyLock<Vec<String>> =
        LazyLock::new(|| (0..1 << Shape::FLAGS).map(|number| Shape::numbered(number).text()).collect());
    let number = Shape::of(Dialect::of(connection), filter).number();
    let text = TEXTS.get(number).ok_or_else(|| Failure::Data("there is no such statement".to_owned()))?;
    let kinds: Vec<i16> = match &filter.types {
        Some(types) => types.iter().map(|kind| kind.code()).collect(),
        None => EventType::ALL.iter().map(|kind| kind.code()).collect(),
    };
    let statement = prepared(text).bind::<BigInt, _>(integer(after)).bind::<BigInt, _>(integer(until));
    let row: Option<EventRow> = match connection {
        AnyConnection::Postgres(connection) => {
            let groups: Vec<Key> = filter.groups.iter().map(|group| Key(group.0)).collect();
            let statement = statement.bind::<Array<SmallInt>, _>(kinds).bind::<Array<UuidSql>, _>(groups);
            statement.get_result(connection).optional()?
        }
        AnyConnection::Sqlite(connection) => {
            let groups: Value = filter.groups.iter().map(|group| group.0.simple().to_string()).collect();
            let statement =
                statement.bind::<Text, _>(Value::from(kinds).to_string()).bind::<Text, _>(groups.to_string());
            statement.get_result(connection).optional()?
        }
    };
    row.map(Event::try_from).transpose()
}
