//! Commands that look after the database, and what the program says of itself.

use std::process::Stdio;

use serde_json::Value;

use super::{fed, run, said};
use crate::app::{Setup, TestApp};
use crate::client::Client;
use crate::database::Kind;

on_both_databases! {
    migrations_that_are_left_are_told,
    faults_are_found_and_what_is_derived_is_made_anew,
}

async fn migrations_that_are_left_are_told(kind: Kind) {
    let setup = Setup::on(kind).await;
    run(&setup, &["migrate"], 0);
    assert_eq!(run(&setup, &["migrate", "--check"], 0), "the database is up to date\n");
    setup.database.execute(
        "DELETE FROM __diesel_schema_migrations WHERE version = (SELECT max(version) FROM __diesel_schema_migrations)",
    );
    assert!(run(&setup, &["migrate", "--check"], 1).contains("is to be run"));
    let doctor = run(&setup, &["doctor"], 1);
    assert!(doctor.contains("FAULT  database: 1 migrations are to be run: `guildhall migrate` runs them"), "{doctor}");
}

/// What somebody did to the rows beside the service, and the line that tells it.
const DAMAGES: [(&str, &str); 9] = [
    ("DELETE FROM group_closure WHERE ancestor_id <> descendant_id", "pairs of groups are missing in the closure"),
    (
        "INSERT INTO group_closure SELECT a.id, b.id FROM groups a, groups b WHERE a.name = 'Inner' AND b.name = 'Outer'",
        "pairs of groups are in the closure and follow from no edges",
    ),
    ("UPDATE group_user_counts SET users = users + 3", "groups have another number of members than is kept"),
    ("UPDATE groups SET child_group_count = 9 WHERE name = 'Outer'", "groups have another number of children"),
    ("UPDATE user_counts SET users = users + 1", "users are more or fewer than is kept"),
    ("UPDATE group_counts SET groups = groups + 1", "groups are more or fewer than is kept"),
    ("UPDATE user_search SET first_name_key = 'robert'", "searched by other properties"),
    ("DELETE FROM user_identifiers WHERE identifier_key = 'tyler'", "cannot be found by their username"),
    ("DELETE FROM user_identifiers WHERE identifier_key LIKE 'tyler%@%'", "cannot be found by their email address"),
];

async fn faults_are_found_and_what_is_derived_is_made_anew(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    admin.create_user("tyler").await;
    admin.create_group("Inner", &["tyler"], &[]).await;
    admin.create_group("Outer", &[], &["Inner"]).await;
    let before = admin.get("/groups?pageSize=100").await;
    let setup = app.stop();
    let whole = run(&setup, &["doctor"], 0);
    assert!(whole.lines().all(|line| line.starts_with("ok ")), "{whole}");
    let kept = setup.database.dump(&["user_identifiers"]);
    let names = |condition: &str| {
        setup.database.count(&format!(
            "SELECT count(*) AS number FROM user_identifiers i JOIN users u ON u.id = i.user_id WHERE {condition}"
        ))
    };
    let (all, given) = (names("1 = 1"), names("i.by_authority"));
    assert_eq!(names("u.username = 'tyler' AND i.by_authority"), 2);
    for (damage, named) in DAMAGES {
        setup.database.execute(damage);
        let output = setup.run(&["doctor"]);
        assert_eq!(output.status.code(), Some(1), "{damage}");
        let found = said(&output, 1);
        assert!(found.contains(named) && found.contains("--repair"), "{damage}: {found}");
        let told = json_of_faulty(&setup);
        assert!(told.iter().any(|finding| finding["check"] == "rows" && finding["ok"] == false), "{told:?}");
        let repaired = said(&setup.run(&["doctor", "--repair"]), 0);
        assert!(repaired.lines().all(|line| line.starts_with("ok ")), "{damage}: {repaired}");
    }
    // Counters of changes rise, so that nobody goes on with totals of before.
    let is_counter = |table: &str| {
        table.starts_with("user_search") || ["group_counts", "group_user_counts", "user_counts"].contains(&table)
    };
    let after = setup.database.dump(&["user_identifiers"]);
    for (table, rows) in kept.iter().filter(|(table, _)| !is_counter(table)) {
        assert_eq!(&after[table], rows, "{table}");
    }
    // Nobody knows who gave the names that were lost, so that no account of another issuer is linked by them.
    assert_eq!((names("1 = 1"), names("i.by_authority")), (all, given - 2));
    assert_eq!(names("u.username = 'tyler' AND NOT i.by_authority"), 2);
    setup.database.execute(
        "DELETE FROM group_users WHERE group_id = (SELECT id FROM groups WHERE name = 'System Administrators')",
    );
    assert!(run(&setup, &["doctor"], 1).contains("nobody can administer"));
    run(&setup, &["doctor", "--repair"], 1);
    fed(&setup, &["group", "add-users", "System Administrators", "--file", "-"], "admin", 0);
    run(&setup, &["doctor"], 0);
    let app = setup.start();
    assert_eq!(Client::admin(&app).get("/groups?pageSize=100").await, before);
    let setup = app.stop();
    setup.database.execute("UPDATE events SET content = replace(content, 'Inner', 'Inter')");
    let found = run(&setup, &["doctor"], 1);
    assert!(found.contains("FAULT  log of all changes: somebody changed the log beside the service"), "{found}");
}

fn json_of_faulty(setup: &Setup) -> Vec<Value> {
    let output = setup.run(&["doctor", "--output", "json"]);
    assert_eq!(output.status.code(), Some(1));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A backup under write load is the database of one moment.
#[tokio::test]
async fn a_backup_is_made_while_the_service_writes() {
    let app = TestApp::on(Kind::Sqlite).await;
    let admin = Client::admin(&app);
    admin.create_group("Soap", &[], &[]).await;
    for number in 0..20 {
        admin.create_user(&format!("user{number}")).await;
    }
    let file = app.setup.database.path().join("backup.db");
    let path = file.to_str().unwrap().to_owned();
    let backup = app.setup.command(&["backup", &path]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let waiting = tokio::task::spawn_blocking(move || backup.wait_with_output().unwrap());
    let mut rounds = 0;
    while !waiting.is_finished() || rounds < 3 {
        for number in 0..20 {
            admin.send("PUT", &format!("/groups/Soap/users/user{number}")).await.is(204);
        }
        admin.send("DELETE", "/groups/Soap/users/user3").await.is(204);
        rounds += 1;
    }
    let said_so = said(&waiting.await.unwrap(), 0);
    assert!(said_so.contains("backup.db"), "{said_so}");
    assert!(run(&app.setup, &["backup", &path], 1).contains("exists"), "a file that is there is left alone");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);

    let refused = run(&app.setup, &["restore", &path], 1);
    assert!(refused.contains("move it away"), "{refused}");
    let other = app.setup.database.path().join("other/guildhall.db");
    std::fs::create_dir(other.parent().unwrap()).unwrap();
    let setup = app.stop().with("GUILDHALL_DATABASE__URL", &format!("sqlite://{}", other.display()));
    let half = setup.database.path().join("half.db");
    let bytes = std::fs::read(&file).unwrap();
    std::fs::write(&half, &bytes[..bytes.len() / 2]).unwrap();
    std::fs::write(setup.database.path().join("empty.db"), "").unwrap();
    for damaged in ["half.db", "empty.db", "guildhall.key"] {
        let damaged = setup.database.path().join(damaged);
        run(&setup, &["restore", damaged.to_str().unwrap()], 1);
        assert_eq!(std::fs::read_dir(other.parent().unwrap()).unwrap().count(), 0, "nothing is left");
    }
    run(&setup, &["restore", &path], 0);
    let doctor = run(&setup, &["doctor"], 0);
    assert!(doctor.lines().all(|line| line.starts_with("ok ")), "{doctor}");
    let app = setup.start();
    let members = app.member_count("Soap").await;
    assert!((0..=20).contains(&members));
    assert_eq!(Client::admin(&app).listed("/users?pageSize=100", "username").await.len(), 21);
}

#[tokio::test]
async fn a_backup_of_postgres_is_left_to_postgres() {
    let setup = Setup::on(Kind::Postgres).await;
    run(&setup, &["migrate"], 0);
    assert!(run(&setup, &["backup", "guildhall.db"], 1).contains("pg_dump"));
    assert!(run(&setup, &["restore", "guildhall.db"], 1).contains("pg_dump"));
}

#[tokio::test]
async fn the_program_says_what_it_is_and_how_it_is_used() {
    let setup = Setup::on(Kind::Sqlite).await;
    let version = run(&setup, &["--version"], 0);
    assert!(version.starts_with(concat!("guildhall ", env!("CARGO_PKG_VERSION"), " (commit ")), "{version}");
    assert!(version.contains("SQLite, PostgreSQL"), "{version}");
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(run(&setup, &["completions", shell], 0).contains("add-users"), "{shell}");
    }
    let manual = setup.database.path().join("man");
    run(&setup, &["man", manual.to_str().unwrap()], 0);
    assert!(std::fs::read_to_string(manual.join("guildhall-group-add-users.1")).unwrap().contains("ids.txt"));
    let help = run(&setup, &["--help"], 0);
    assert!(help.contains("Exit status"), "{help}");
    let document = include_str!("../../../../../docs/command-line.md");
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names: Vec<_> =
        commands.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").collect();
    assert!(names.len() > 15, "{help}");
    for name in names {
        assert!(document.contains(&format!("`{name}")), "docs/command-line.md does not tell of {name}");
    }
}
