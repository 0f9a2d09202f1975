//! A database of the first schema, filled, opens with this version and answers the same.

use serde_json::json;

use super::{accepts, json_of, run};
use crate::app::{PASSWORD, Setup};
use crate::client::Client;
use crate::database::Kind;

on_both_databases! {
    a_database_of_the_first_schema_answers_the_same,
}

/// The migrations that made the first schema, by their versions.
const FIRST: [(&str, &str, &str); 2] = [
    (
        "20261124000000",
        include_str!("../../../../../migrations/sqlite/2026-11-24-000000_directory/up.sql"),
        include_str!("../../../../../migrations/postgres/2026-11-24-000000_directory/up.sql"),
    ),
    (
        "20261124000001",
        include_str!("../../../../../migrations/sqlite/2026-11-24-000001_sign_in/up.sql"),
        include_str!("../../../../../migrations/postgres/2026-11-24-000001_sign_in/up.sql"),
    ),
];

/// What was in it, where `{1}` is an id.
const ROWS: &str = r#"
INSERT INTO users VALUES
 ({1}, 'admin', 'admin', NULL, NULL, NULL, 'Etc/UTC', 'en-GB', '{}', '$argon2id$HASH', 0, 'contensis', 'contensis',
  FALSE, FALSE, FALSE, 1700000000000, 1700000000000, NULL, NULL, NULL, 1700000000000, FALSE, 0, 0, 0, {21}, 1),
 ({2}, 'Tyler', 'tyler', 'tyler@fightclub.com', 'Tyler', 'Durden', 'Europe/Berlin', 'de',
  '{"n":1.50,"t":"soap"}', NULL, NULL, 'external', 'ad', TRUE, FALSE, TRUE, 1700000000001, 1700000000002, 1700000000003, 1700000000004,
  4000000000000, 1700000000005, TRUE, 9, 8, 7, {22}, 5);
INSERT INTO user_identifiers VALUES ('admin', {1}), ('tyler', {2}), ('tyler@fightclub.com', {2});
INSERT INTO groups VALUES
 ({10}, 'System Administrators', 'system administrators', NULL, 'sys', '{}', 1700000000000, 1700000000000, 1),
 ({11}, 'Everyone', 'everyone', NULL, 'sys', '{}', 1700000000000, 1700000000000, 1),
 ({12}, 'Inner', 'inner', 'Soap', 'contensis', '{"a":true}', 1700000000006, 1700000000007, 3),
 ({13}, 'Outer', 'outer', NULL, 'external', '{}', 1700000000006, 1700000000006, 1);
INSERT INTO group_email_domains VALUES ({12}, 'fightclub.com');
INSERT INTO group_users VALUES
 ({10}, {1}, 1700000000000), ({11}, {1}, 1700000000000), ({11}, {2}, 1700000000001), ({12}, {2}, 1700000000008);
INSERT INTO group_user_counts VALUES ({10}, 0, 1), ({11}, 0, 2), ({12}, 0, 1);
INSERT INTO group_children VALUES ({13}, {12});
INSERT INTO group_closure VALUES ({10}, {10}), ({11}, {11}), ({12}, {12}), ({13}, {13}), ({13}, {12});
"#;

/// A hash of [`PASSWORD`] as the first version made them.
const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$c9yawtOP07nYd8DYs4Ib2A$DbM/Dfx7omTRdY/ljXq16Y8TFhr9SCIiz0TVXWKKklI";

fn id(number: u32) -> String {
    format!("00000000-0000-7000-8000-{number:012}")
}

/// The rows with ids as the database writes them.
fn rows(kind: Kind) -> String {
    let written = |number: u32| match kind {
        Kind::Sqlite => format!("x'{}'", id(number).replace('-', "")),
        Kind::Postgres => format!("'{}'", id(number)),
    };
    let rows = ROWS.replace("$argon2id$HASH", HASH);
    (1..30).fold(rows, |rows, number| rows.replace(&format!("{{{number}}}"), &written(number)))
}

async fn a_database_of_the_first_schema_answers_the_same(kind: Kind) {
    let setup = Setup::on_empty(kind).await;
    let of_migrations = "CREATE TABLE __diesel_schema_migrations \
        (version VARCHAR(50) PRIMARY KEY NOT NULL, run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP)";
    setup.database.execute(of_migrations);
    for (version, sqlite, postgres) in FIRST {
        setup.database.execute_either(sqlite, postgres);
        setup.database.execute(&format!("INSERT INTO __diesel_schema_migrations (version) VALUES ('{version}')"));
    }
    setup.database.execute(&rows(kind));
    assert!(run(&setup, &["migrate", "--check"], 1).contains("is to be run"));
    assert!(run(&setup, &["migrate"], 0).contains("ran the migration"));
    let tyler = json_of(&setup, &["user", "show", "TYLER@fightclub.com"]);
    for (name, value) in [
        ("id", json!(id(2))),
        ("username", json!("Tyler")),
        ("firstName", json!("Tyler")),
        ("timezone", json!("Europe/Berlin")),
        ("language", json!("de")),
        ("created", json!("2023-11-14T22:13:20.001Z")),
        ("modified", json!("2023-11-14T22:13:20.002Z")),
        ("expiry", json!("2096-10-02T07:06:40.000Z")),
        ("failedLoginAttempts", json!(9)),
        ("custom", json!({ "n": 1.5, "t": "soap" })),
    ] {
        assert_eq!(tyler[name], value, "{name} of {tyler}");
    }
    assert_eq!(tyler["status"]["suspended"], true);
    assert_eq!(run(&setup, &["check", "tyler", "Outer"], 0), "member\n");
    let doctor = run(&setup, &["doctor"], 0);
    assert!(!doctor.contains("FAULT"), "{doctor}");
    let app = setup.start();
    assert!(accepts(&app, "admin", PASSWORD).await);
    let admin = Client::admin(&app);
    let inner = admin.get("/groups/inner").await;
    assert_eq!((&inner["userCount"], &inner["description"]), (&json!(1), &json!("Soap")));
    assert_eq!(inner["autoMembershipEmailDomains"], json!(["fightclub.com"]));
    assert_eq!(admin.get("/groups/Outer").await["childGroupCount"], 1);
    assert_eq!(admin.listed("/groups/Inner/users", "username").await, ["Tyler"]);
    let memberships = admin.get("/groups/Inner/memberships").await;
    assert_eq!(memberships["items"][0]["added"], "2023-11-14T22:13:20.008Z");
    admin.create_group("After", &["tyler"], &["Outer"]).await;
    assert_eq!(admin.get("/groups?pageSize=100").await["totalCount"], 12);
}
