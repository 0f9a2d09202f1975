//! All that a database holds, to be compared.

use std::collections::BTreeMap;

use diesel::{QueryableByName, RunQueryDsl, sql_query};

use crate::database::{Database, Kind, sqlite};

#[derive(QueryableByName)]
struct Words {
    #[diesel(sql_type = diesel::sql_types::Text)]
    word: String,
    #[diesel(sql_type = diesel::sql_types::Text)]
    text: String,
}

/// The events, with or without their place. They get it at any time, and it is no change.
const EVENTS_POSTGRES: &str = "SELECT '' AS word, t.id AS text FROM \
     (SELECT id::text FROM events UNION ALL SELECT content::json->>'id' FROM new_events) t ORDER BY 2";
const EVENTS_SQLITE: &str = "SELECT '' AS word, t.id AS text FROM \
     (SELECT lower(hex(id)) AS id FROM events UNION ALL SELECT replace(content ->> 'id', '-', '') FROM new_events) t ORDER BY 2";
/// What they stand for.
const OF_EVENTS: [&str; 3] = ["events", "new_events", "event_users"];

impl Database {
    /// Every row of every table, but for those of `except`, as text. Events are told by their ids.
    pub(crate) fn dump(&self, except: &[&str]) -> BTreeMap<String, Vec<String>> {
        let tables = match self.kind {
            Kind::Sqlite => {
                "SELECT m.name AS word, group_concat('quote(' || c.name || ')', ' || '',''|| ') AS text FROM sqlite_schema m, \
                 pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' AND m.sql NOT LIKE '%VIRTUAL%' GROUP BY m.name"
            }
            Kind::Postgres => {
                "SELECT tablename::text AS word, 't::text' AS text FROM pg_tables WHERE schemaname = 'public'"
            }
        };
        let load = |statement: &str| -> Vec<Words> {
            let rows = sql_query(statement);
            match self.kind {
                Kind::Sqlite => rows.load(&mut sqlite(&self.url)).unwrap(),
                Kind::Postgres => rows.load(&mut self.administrate()).unwrap(),
            }
        };
        let tables = load(tables).into_iter().filter(|table| !except.contains(&table.word.as_str()));
        let rows = |table: Words| {
            let rows = load(&format!("SELECT '' AS word, {} AS text FROM {} t ORDER BY 2", table.text, table.word));
            (table.word, rows.into_iter().map(|row| row.text).collect())
        };
        let events = match self.kind {
            Kind::Sqlite => EVENTS_SQLITE,
            Kind::Postgres => EVENTS_POSTGRES,
        };
        let events = load(events).into_iter().map(|row| row.text).collect();
        let others = tables.filter(|table| !OF_EVENTS.contains(&table.word.as_str())).map(rows);
        others.chain([("events".to_owned(), events)]).collect()
    }
}
