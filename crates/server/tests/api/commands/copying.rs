//! Copying a database to one of the other kind.

use super::importing::{empty, filled, other};
use super::run;
use crate::client::Client;
use crate::database::Kind;

on_both_databases! {
    a_copy_holds_everything,
}

/// When migrations were run.
const MOMENTS: [&str; 1] = ["__diesel_schema_migrations"];

async fn a_copy_holds_everything(kind: Kind) {
    let app = filled(kind).await;
    let admin = Client::admin(&app);
    admin.send("DELETE", "/users/bob").await.is(204);
    let hook =
        serde_json::json!({ "name": "hook", "url": "https://hooks.example/in", "types": ["*"], "enabled": false });
    admin.send_with("POST", "/webhooks", &hook).await.is(201);
    let source = app.stop();
    let (there, back) = (empty(other(kind)).await, empty(kind).await);
    let [from, to, last] = [&source, &there, &back].map(|setup| setup.database.url.clone());
    run(&source, &["copy", "--from", &from, "--to", &to], 0);
    run(&source, &["copy", "--from", &to, "--to", &last], 0);
    let on_postgres = if kind == Kind::Sqlite { &there } else { &back };
    assert!(on_postgres.database.has_statistics());
    let (before, after) = (source.database.dump(&MOMENTS), back.database.dump(&MOMENTS));
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    // SQLite has an index of texts, whose rows have numbers of their own.
    let is_own = |table: &str| table.starts_with("user_search_grams");
    let numbers_rows = |table: &str| kind == Kind::Sqlite && table == "user_search";
    for (table, rows) in before.iter().filter(|(table, _)| !is_own(table)) {
        let told = |rows: &[String]| -> Vec<String> {
            let row = |row: &String| match row.split_once(',') {
                Some((_, rest)) if numbers_rows(table) => rest.to_owned(),
                _ => row.clone(),
            };
            rows.iter().map(row).collect()
        };
        assert_eq!(told(&after[table]), told(rows), "{table}");
    }
    for setup in [&there, &back] {
        run(setup, &["doctor"], 0);
        run(setup, &["events", "verify"], 0);
    }
    assert!(run(&source, &["copy", "--from", &from, "--to", &to], 1).contains("users or groups of its own"));
    assert!(run(&source, &["copy", "--from", &from, "--to", &last], 1).contains("same kind"));
    let app = there.start();
    let admin = Client::admin(&app);
    admin.create_group("After", &["tyler"], &[]).await;
    let last = admin.get("/events?limit=1&order=-sequence").await;
    assert!(last["items"][0]["sequence"].as_str().unwrap().parse::<u64>().unwrap() > 10, "{last}");
}
