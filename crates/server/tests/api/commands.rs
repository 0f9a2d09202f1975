//! Commands that manage users, groups and memberships, and those that look after the database.

use std::io::Write;
use std::process::{Output, Stdio};

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::app::{PASSWORD, Setup, TestApp};
use crate::client::Client;
use crate::database::Kind;

on_both_databases! {
    users_are_managed,
    groups_are_managed,
    many_are_added_or_nobody_is,
    memberships_are_checked_and_explained,
    migrations_that_are_left_are_told,
    everything_is_exported,
    faults_are_found_and_what_is_derived_is_made_anew,
}

const NOBODY: &str = "00000000-0000-0000-0000-00000000dead";

/// What a command printed, if it ended with this status.
fn said(output: &Output, status: i32) -> String {
    let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    assert_eq!(output.status.code(), Some(status), "{out}\n{err}");
    if status == 0 { out } else { out + &err }
}

fn run(setup: &Setup, arguments: &[&str], status: i32) -> String {
    said(&setup.run(arguments), status)
}

fn json_of(setup: &Setup, arguments: &[&str]) -> Value {
    let arguments = [arguments, &["--output", "json"]].concat();
    serde_json::from_str(&run(setup, &arguments, 0)).unwrap()
}

/// Runs a command that reads this text.
fn fed(setup: &Setup, arguments: &[&str], text: &str, status: i32) -> String {
    let mut command = setup.command(arguments);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    said(&child.wait_with_output().unwrap(), status)
}

/// Whether somebody signs in with this password, or would if they had not to change it first.
async fn accepts(app: &TestApp, username: &str, password: &str) -> bool {
    let parameters = [("grant_type", "password"), ("username", username), ("password", password)];
    Answer::to(app.request_for_token(&parameters)).await.status == 200
}

async fn users_are_managed(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let setup = &app.setup;
    let create =
        ["user", "create", "--email", "t.durden@fightclub.com", "--username", "tdurden", "--first-name", "Tyler"];
    let created = json_of(setup, &create);
    let shown = admin.get("/users/tdurden").await;
    for (name, value) in shown.as_object().unwrap() {
        assert_eq!(&created[name], value, "{name}");
    }
    assert_eq!(shown["status"]["passwordResetRequired"], true);
    assert!(accepts(&app, "tdurden", created["password"].as_str().unwrap()).await);
    assert_eq!(json_of(setup, &["user", "show", "T.Durden@fightclub.com"])["id"], created["id"]);

    fed(setup, &["user", "set-password", "tdurden", "--file", "-"], "S0ap-and-nothing-else\nmore\n", 0);
    assert!(accepts(&app, "tdurden", "S0ap-and-nothing-else").await);
    assert!(fed(setup, &["user", "set-password", "tdurden", "--file", "-"], "soap", 1).contains("new"));
    assert!(fed(setup, &["user", "set-password", "tdurden", "--file", "-"], "", 1).contains("empty"));
    run(setup, &["user", "set-password", "nobody", "--file", setup.database.path().to_str().unwrap()], 1);
    fed(setup, &["user", "set-password", "nobody", "--file", "-"], PASSWORD, 3);

    let update = ["user", "update", "tdurden", "--last-name", "Singer", "--expiry", "2999-01-01", "--language", "de"];
    let updated = json_of(setup, &update);
    assert_eq!(updated, admin.get("/users/tdurden").await);
    assert_eq!((&updated["lastName"], &updated["expiry"]), (&json!("Singer"), &json!("2999-01-01T00:00:00.000Z")));
    let updated = json_of(setup, &["user", "update", "tdurden", "--last-name", "", "--expiry", "never"]);
    assert_eq!((&updated["lastName"], &updated["expiry"]), (&Value::Null, &Value::Null));
    assert!(run(setup, &["user", "update", "tdurden", "--language", "Klingon"], 1).contains("language"));
    assert!(run(setup, &["user", "update", "tdurden", "--expiry", "soon"], 2).contains("--expiry"));
    assert!(run(setup, &["user", "create", "--email", "t.durden@fightclub.com"], 1).contains("t.durden@fightclub.com"));

    let listed = json_of(setup, &["user", "list"]);
    let names: Vec<_> = listed.as_array().unwrap().iter().map(|user| &user["username"]).collect();
    assert_eq!(names, ["admin", "tdurden"]);
    let table = run(setup, &["user", "list"], 0);
    assert!(table.lines().nth(2).unwrap().contains("t.durden@fightclub.com"), "{table}");

    for verb in ["show", "update", "delete"] {
        assert!(run(setup, &["user", verb, "nobody"], 3).contains("'nobody'"));
    }
    run(setup, &["user", "delete", "tdurden"], 0);
    admin.send("GET", "/users/tdurden").await.is(404);
    assert!(run(setup, &["user", "delete", "admin"], 1).contains("last System Administrator"));
    let told = admin.get("/events?type=guildhall.user.*&order=-sequence&limit=1").await;
    assert_eq!(told["items"][0]["type"], "guildhall.user.deleted");
    assert_eq!(told["items"][0]["data"]["actor"]["via"], "cli");
}

async fn groups_are_managed(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let setup = &app.setup;
    let create = ["group", "create", "Soap", "--description", "\u{1b}[2Jsoap", "--email-domain", "fightclub.com"];
    let created = json_of(setup, &create);
    assert_eq!(created, admin.get("/groups/Soap").await);
    assert_eq!(json_of(setup, &["group", "show", created["id"].as_str().unwrap()]), created);
    // A terminal obeys no description.
    assert!(!run(setup, &["group", "show", "Soap"], 0).contains('\u{1b}'));
    assert!(run(setup, &["group", "create", "soap"], 1).contains("soap"));
    let updated = json_of(setup, &["group", "update", "Soap", "--name", "Lye", "--description", ""]);
    assert_eq!(updated, admin.get("/groups/Lye").await);
    assert_eq!(updated["autoMembershipEmailDomains"], json!(["fightclub.com"]));
    assert_eq!(updated["description"], Value::Null);
    let listed = json_of(setup, &["group", "list"]);
    assert!(listed.as_array().unwrap().iter().any(|group| group["name"] == "Lye"));
    for verb in ["show", "update", "delete"] {
        assert!(run(setup, &["group", verb, "nothing"], 3).contains("'nothing'"));
    }
    run(setup, &["group", "delete", "Lye"], 0);
    admin.send("GET", "/groups/Lye").await.is(404);
    assert!(run(setup, &["group", "delete", "Everyone"], 1).contains("system groups"));
}

async fn many_are_added_or_nobody_is(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let setup = &app.setup;
    let tyler = admin.create_user("tyler").await;
    admin.create_user("marla").await;
    admin.create_group("Soap", &[], &[]).await;
    let file = setup.database.path().join("ids.txt");
    let path = file.to_str().unwrap();

    std::fs::write(&file, format!("{tyler}\n\nnobody\nMARLA\n{NOBODY}\n")).unwrap();
    let refused = run(setup, &["group", "add-users", "Soap", "--file", path], 1);
    assert!(refused.contains("ids.txt:3: there is no user 'nobody'"), "{refused}");
    assert!(refused.contains(&format!("ids.txt:5: there is no user '{NOBODY}'")), "{refused}");
    assert_eq!(app.member_count("Soap").await, 0);

    std::fs::write(&file, format!("\u{feff}{tyler}\r\n  MARLA \r\n{tyler}")).unwrap();
    let added = json_of(setup, &["group", "add-users", "Soap", "--file", path]);
    assert_eq!(added, json!({ "added": 2, "removed": 0, "unchanged": 0, "userCount": 2 }));
    let again = json_of(setup, &["group", "add-users", "Soap", "--file", path]);
    assert_eq!(again, json!({ "added": 0, "removed": 0, "unchanged": 2, "userCount": 2 }));
    fed(setup, &["group", "remove-users", "Soap", "--file", "-"], "tyler\nadmin\n", 0);
    assert_eq!(admin.listed("/groups/Soap/users", "username").await, ["marla"]);
    fed(setup, &["group", "add-users", "nothing", "--file", "-"], "tyler\n", 3);
    assert!(run(setup, &["group", "add-users", "Soap", "--file", "/nowhere/ids.txt"], 1).contains("/nowhere/ids.txt"));
    let long = "x".repeat(5000);
    assert!(fed(setup, &["group", "add-users", "Soap", "--file", "-"], &long, 1).contains("-:1"));
    assert!(fed(setup, &["group", "remove-users", "Everyone", "--file", "-"], "tyler\n", 1).contains("Everyone"));
    assert!(
        fed(setup, &["group", "remove-users", "System Administrators", "--file", "-"], "admin", 1).contains("last")
    );
}

async fn memberships_are_checked_and_explained(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let setup = &app.setup;
    admin.create_user("tyler").await;
    admin.create_group("Inner", &["tyler"], &[]).await;
    admin.create_group("Outer", &[], &["Inner"]).await;
    assert_eq!(run(setup, &["check", "tyler", "Outer"], 0), "member\n");
    assert_eq!(run(setup, &["why", "tyler", "Outer"], 0), "tyler -> Inner -> Outer\n");
    let why = json_of(setup, &["why", "tyler", "Outer"]);
    assert_eq!(why, admin.get("/groups/Outer/memberships/tyler").await);
    for command in ["check", "why"] {
        assert!(run(setup, &[command, "admin", "Outer"], 1).contains("not a member"));
        assert!(run(setup, &[command, "nobody", "Outer"], 3).contains("user 'nobody'"));
        assert!(run(setup, &[command, "tyler", "nothing"], 3).contains("group 'nothing'"));
    }
}

/// The lines of a file in a folder, without their ends.
fn lines(folder: &std::path::Path, name: &str) -> Vec<String> {
    let file = folder.join(name);
    let text = std::fs::read_to_string(&file).unwrap();
    let end = if file.extension().is_some_and(|extension| extension == "csv") { "\r\n" } else { "\n" };
    text.strip_suffix(end).unwrap().split(end).map(str::to_owned).collect()
}

async fn everything_is_exported(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let tyler = admin.create_user("tyler").await;
    let changes =
        json!({ "firstName": "=1+2", "lastName": "O\"Hara, \u{e9}", "custom": { "n": 1.50, "formula": "=A1" } });
    admin.send_with("PATCH", "/users/tyler", &changes).await.is(200);
    admin.create_user("marla").await;
    let inner = admin.create_group("Inner", &["tyler"], &[]).await;
    let outer = admin.create_group("Outer", &[], &["Inner"]).await;
    let dates = json!({ "validFrom": "2998-01-01T00:00:00.000Z", "validUntil": "2999-01-01T00:00:00.000Z" });
    admin.send_with("PUT", "/groups/Outer/users/marla", &dates).await.is(204);
    admin.send("PUT", "/groups/Inner/managers/users/marla").await.is(204);
    let key = run(&app.setup, &["api-key", "create", "--name", "robot", "--group", "Inner"], 0);
    assert!(key.contains("client_id"));

    let folder = app.setup.database.path().join("out");
    let path = folder.to_str().unwrap();
    let counts = json_of(&app.setup, &["export", path]);
    let groups = admin.get("/groups?pageSize=100").await;
    let items = groups["items"].as_array().unwrap();
    let edges: u64 = items.iter().map(|group| group["childGroupCount"].as_u64().unwrap()).sum();
    let expected = json!({ "users": 3, "groups": items.len(), "edges": edges, "memberships": 3, "managers": 1 });
    assert_eq!(counts, expected);
    let users = lines(&folder, "users.csv");
    assert!(
        users[0]
            .starts_with("firstName,lastName,email,userName,created,modified,language,lastLogin,passwordChanged,id,")
    );
    let of_tyler = users.iter().find(|line| line.contains(&tyler)).unwrap();
    assert!(of_tyler.starts_with("'=1+2,\"O\"\"Hara, \u{e9}\","), "{of_tyler}");
    assert!(of_tyler.contains(r#""{""formula"":""=A1"",""n"":1.5"#), "{of_tyler}");
    assert!(!users.iter().any(|line| line.contains("robot")), "{users:?}");
    let edge = format!("{outer},Outer,{inner},Inner,");
    assert!(lines(&folder, "edges.csv").iter().any(|line| line.starts_with(&edge) && line.ends_with(",,")));
    let memberships = lines(&folder, "memberships.csv");
    assert!(
        memberships.iter().any(|line| line.starts_with(&format!("{inner},Inner,{tyler},tyler,"))),
        "{memberships:?}"
    );
    let later = ",2998-01-01T00:00:00.000Z,2999-01-01T00:00:00.000Z";
    assert!(memberships.iter().any(|line| line.starts_with(&outer) && line.ends_with(later)), "{memberships:?}");
    assert!(!memberships.iter().any(|line| line.contains(",Everyone,") || line.contains("robot")), "{memberships:?}");
    assert_eq!(lines(&folder, "managers.csv").len(), 2);

    assert!(run(&app.setup, &["export", path], 1).contains("users.csv"), "a file that is there is left alone");
    run(&app.setup, &["export", path, "--format", "ndjson"], 0);
    let of_tyler = lines(&folder, "users.ndjson").into_iter().find(|line| line.contains(&tyler)).unwrap();
    let of_tyler: Value = serde_json::from_str(&of_tyler).unwrap();
    assert_eq!(of_tyler["firstName"], "=1+2");
    assert_eq!(of_tyler["custom"], json!({ "n": 1.5, "formula": "=A1" }));
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap()).collect();
    files.sort_by_key(std::fs::DirEntry::file_name);
    assert_eq!(files.len(), 10);
    for file in files {
        let mode = std::os::unix::fs::PermissionsExt::mode(&file.metadata().unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600, "{file:?}");
    }
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
const DAMAGES: [(&str, &str); 8] = [
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
    let kept = setup.database.dump(&[]);
    for (damage, named) in DAMAGES {
        setup.database.execute(damage);
        let found = run(&setup, &["doctor"], 1);
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
    let after = setup.database.dump(&[]);
    for (table, rows) in kept.iter().filter(|(table, _)| !is_counter(table)) {
        assert_eq!(&after[table], rows, "{table}");
    }
    setup.database.execute(
        "DELETE FROM group_users WHERE group_id = (SELECT id FROM groups WHERE name = 'System Administrators')",
    );
    assert!(run(&setup, &["doctor"], 1).contains("nobody can administer"));
    run(&setup, &["doctor", "--repair"], 1);
    fed(&setup, &["group", "add-users", "System Administrators", "--file", "-"], "admin", 0);
    run(&setup, &["doctor"], 0);
    let app = setup.start();
    assert_eq!(Client::admin(&app).get("/groups?pageSize=100").await, before);
    app.stop().database.execute("UPDATE events SET content = replace(content, 'Inner', 'Inter')");
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
    let document = include_str!("../../../../docs/command-line.md");
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names: Vec<_> =
        commands.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").collect();
    assert!(names.len() > 15, "{help}");
    for name in names {
        assert!(document.contains(&format!("`{name}")), "docs/command-line.md does not tell of {name}");
    }
}
