//! Importing what was exported, and what other programs wrote.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};

use super::{fed, json_of, run};
use crate::app::{Setup, TestApp};
use crate::client::Client;
use crate::database::Kind;

on_both_databases! {
    what_is_exported_is_imported,
    what_is_refused_is_told,
    an_import_that_was_killed_is_finished_by_another,
    a_service_has_an_administrator_whatever_was_imported,
    passwords_of_other_services_are_replaced,
    a_directory_of_ldap_is_imported,
}

const FORMATS: [&str; 2] = ["csv", "ndjson"];

/// Writes everything to a new folder, and reads the files.
fn exported(setup: &Setup, name: &str, format: &str) -> (String, BTreeMap<String, Vec<u8>>) {
    let folder = setup.database.path().join(name);
    let path = folder.to_str().unwrap().to_owned();
    run(setup, &["export", &path, "--format", format], 0);
    let files = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path());
    let read = |file: std::path::PathBuf| {
        (file.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(&file).unwrap())
    };
    (path, files.map(read).collect())
}

/// An empty database.
pub(super) async fn empty(kind: Kind) -> Setup {
    let setup = Setup::on(kind).await;
    run(&setup, &["migrate"], 0);
    setup
}

pub(super) fn other(kind: Kind) -> Kind {
    match kind {
        Kind::Sqlite => Kind::Postgres,
        Kind::Postgres => Kind::Sqlite,
    }
}

/// Users, groups in groups, dates, managers and texts of every kind.
pub(super) async fn filled(kind: Kind) -> TestApp {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    for name in ["tyler", "marla", "bob"] {
        admin.create_user(name).await;
    }
    let changes = json!({
        "firstName": "=1+2", "lastName": "O\"Hara, \u{e9}", "language": "de", "timezone": "Europe/Berlin",
        "custom": { "n": 1.50, "text": "'=A1\r\n\"", "nothing": null, "yes": true }, "optOutOfNotifications": true,
    });
    admin.send_with("PATCH", "/users/tyler", &changes).await.is(200);
    admin.send_with("POST", "/users/marla/actions", &json!({ "type": "suspend" })).await.is(204);
    admin.create_group("Inner", &["tyler"], &[]).await;
    admin.create_group("Middle", &["marla"], &["Inner"]).await;
    admin.create_group("Outer", &[], &["Middle"]).await;
    let described = json!({
        "name": "Outer", "description": "@all,\r\n\"of\" them\r", "autoMembershipEmailDomains": ["b\u{fc}cher.example"],
    });
    admin.send_with("PUT", "/groups/Outer", &described).await.is(200);
    let described = json!({ "name": "CMS Editors", "description": "Who write" });
    admin.send_with("PUT", "/groups/CMS%20Editors", &described).await.is(200);
    let later = json!({ "validFrom": "2998-01-01T00:00:00.000Z", "validUntil": "2999-01-01T00:00:00.000Z" });
    admin.send_with("PUT", "/groups/Outer/users/marla", &later).await.is(204);
    let until = json!({ "validUntil": "2999-01-01T00:00:00.000Z" });
    admin.send_with("PUT", "/groups/Outer/users/bob", &until).await.is(204);
    admin.send_with("PUT", "/groups/Outer/groups/Inner", &until).await.is(204);
    admin.send("PUT", "/groups/Inner/managers/users/marla").await.is(204);
    admin.send("PUT", "/groups/Inner/managers/groups/Outer").await.is(204);
    let key = run(&app.setup, &["api-key", "create", "--name", "robot", "--group", "Inner"], 0);
    assert!(key.contains("client_id"));
    app
}

async fn what_is_exported_is_imported(kind: Kind) {
    let app = filled(kind).await;
    for format in FORMATS {
        let (folder, files) = exported(&app.setup, &format!("out-{format}"), format);
        let target = empty(other(kind)).await;
        let dry = json_lines(&run(&target, &["import", &folder, "--dry-run", "--output", "json"], 0));
        assert_eq!(dry["users"]["created"], 4, "{dry}");
        assert_eq!(target.database.count("SELECT count(*) AS number FROM users"), 0);
        let counts = json_of(&target, &["import", &folder]);
        assert_eq!(counts, dry);
        assert_eq!(counts["groups"]["created"], 3);
        assert_eq!(counts["memberships"], json!({ "created": 5, "changed": 0, "unchanged": 0, "refused": 0 }));
        assert_eq!(counts["managers"]["created"], 2);
        let (_, again) = exported(&target, "again", format);
        for (name, bytes) in &files {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            assert_eq!(text(&again[name]), text(bytes), "{name}");
        }
        let second = json_of(&target, &["import", &folder]);
        for kind in second.as_object().unwrap().values() {
            assert_eq!((&kind["created"], &kind["changed"], &kind["refused"]), (&json!(0), &json!(0), &json!(0)));
        }
        let doctor = run(&target, &["doctor"], 0);
        assert!(!doctor.contains("FAULT"), "{doctor}");
        run(&target, &["events", "verify"], 0);
        assert_eq!(run(&target, &["check", "tyler", "Outer"], 0), "member\n");
    }
}

/// The JSON at the end of what was printed.
fn json_lines(text: &str) -> Value {
    serde_json::from_str(&text[text.find("\n{").map_or(0, |at| at + 1)..]).unwrap()
}

fn write(setup: &Setup, name: &str, text: &str) -> String {
    let file = setup.database.path().join(name);
    std::fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

async fn what_is_refused_is_told(kind: Kind) {
    let setup = empty(kind).await;
    let users = write(
        &setup,
        "users-staff.csv",
        "\u{feff}Email,userNAME,shoeSize,suspended\r\nt@x.example,tyler,42,TRUE\r\n,marla,,maybe\r\nm@x.example,marla,,\r\nm@x.example,bob,,\r\nshort\r\n",
    );
    let groups = write(&setup, "groups.ndjson", "{\"name\":\"A\"}\n{\"name\":\"B\",\"custom\":{\"n\":1e2}}\n\n[]\n");
    let edges = write(&setup, "edges.csv", "child,parent\nB,A\nA,B\n");
    let members =
        write(&setup, "memberships.csv", "group,userName,validUntil\nA,tyler,\nB,nobody,\nB,marla,yesterday\n");
    let all: Vec<&str> = [&users, &groups, &edges, &members].into_iter().map(String::as_str).collect();
    let import = |more: &[&str], status| run(&setup, &[&["import"], &*all, more].concat(), status);
    let rejects = setup.database.path().join("rejects.csv");
    let path = rejects.to_str().unwrap();

    let atomic = import(&["--atomic", "--rejects", path], 1);
    assert!(atomic.contains("nothing was imported, because 7 records were refused"), "{atomic}");
    assert_eq!(setup.database.count("SELECT count(*) AS number FROM users"), 0);
    let dry = import(&["--dry-run"], 1);
    assert!(dry.contains("users-staff.csv:2: new") && dry.contains("users-staff.csv:3: suspended: "), "{dry}");
    assert_eq!(setup.database.count("SELECT count(*) AS number FROM users"), 0);
    let done = import(&["--rejects", path, "--output", "json"], 1);
    assert!(done.contains("the column 'shoeSize' is not known, and left out"), "{done}");
    let told = std::fs::read_to_string(&rejects).unwrap();
    let lines: Vec<&str> = told.split_terminator("\r\n").collect();
    let expected = [
        "file,line,column,reason".to_owned(),
        format!("{users},3,suspended,The value must be 'true' or 'false'"),
        format!("{users},5,email,"),
        format!("{users},6,,\"the row has 1 cells, and the header has 4\""),
        format!("{groups},4,,\"the line is no JSON object"),
        format!("{edges},3,childId,The edge would close a cycle: 'B' > 'A' > 'B'"),
        format!("{members},3,userId,There is no such user"),
        format!("{members},4,validUntil,"),
    ];
    assert_eq!(lines.len(), expected.len(), "{told}");
    for (line, expected) in lines.iter().zip(&expected) {
        assert!(line.starts_with(expected), "{line} is not {expected}");
    }
    assert_eq!(setup.database.count("SELECT count(*) AS number FROM users WHERE suspended"), 1);
    assert_eq!(run(&setup, &["check", "tyler", "A"], 0), "member\n");
    let described = json_of(&setup, &["group", "show", "B"]);
    assert_eq!(described["custom"].to_string(), "{\"n\":100.0}");

    for (name, text, message) in [
        ("people.csv", "userName\n", "the name of a file"),
        ("users.txt", "userName\n", "the name of a file"),
        ("users-none.csv", "firstName\nTyler\n", "none of the columns id, userName, email"),
        ("users-twice.csv", "userName,username\na,b\n", "the column 'userName' is there twice"),
    ] {
        let file = write(&setup, name, text);
        let refused = run(&setup, &["import", &file], 1);
        assert!(refused.contains(message), "{refused}");
    }
    let long = format!("userName,lastName\ntyler,\"{}\n", "x".repeat(3 << 20));
    let file = write(&setup, "users-long.csv", &long);
    assert!(run(&setup, &["import", &file], 1).contains("more than 1 MiB"));
    assert!(run(&setup, &["import", "/nowhere/users.csv"], 1).contains("/nowhere/users.csv"));
    run(&setup, &["import", &file, "--atomic", "--dry-run"], 2);
}

/// A folder with many users, groups in each other and memberships.
fn many(setup: &Setup, users: usize) -> String {
    let folder = setup.database.path().join("many");
    std::fs::create_dir(&folder).unwrap();
    let id = |kind: u8, number: usize| format!("{kind:08x}-0000-7000-8000-{number:012x}");
    let write = |name: &str, header: &str, rows: Vec<String>| {
        std::fs::write(folder.join(name), format!("{header}\n{}\n", rows.join("\n"))).unwrap();
    };
    let groups = users / 50;
    let user = |number: usize| format!("{},user{number},user{number}@x.example,2020-01-01T00:00:00Z", id(1, number));
    write("users.csv", "id,userName,email,created", (0..users).map(user).collect());
    write("groups.csv", "id,name", (0..groups).map(|number| format!("{},Group {number}", id(2, number))).collect());
    let edge = |number: usize| format!("{},{}", id(2, number), id(2, (number - 1) / 2));
    write("edges.csv", "childId,parentId", (1..groups).map(edge).collect());
    let member = |number: usize| {
        let (group, user) = (id(2, number % groups), id(1, number / 3));
        format!("{group},{user},2021-01-01T00:00:00Z")
    };
    write("memberships.csv", "groupId,userId,added", (0..users * 3).map(member).collect());
    folder.to_str().unwrap().to_owned()
}

async fn an_import_that_was_killed_is_finished_by_another(kind: Kind) {
    let (setup, whole) = (empty(kind).await, empty(kind).await);
    let folder = many(&setup, 30_000);
    let began = std::time::Instant::now();
    run(&whole, &["import", &folder], 0);
    let takes = began.elapsed();
    let mut killed = 0;
    for part in 1..=8 {
        let mut command = setup.command(&["import", &folder]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        tokio::time::sleep(takes * part / 9).await;
        killed += u32::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        let present = setup.database.count("SELECT count(*) AS number FROM users");
        assert!(present <= 30_000);
    }
    assert!(killed > 0);
    // PostgreSQL ends what the killed one had begun.
    tokio::time::sleep(Duration::from_millis(200)).await;
    run(&setup, &["import", &folder], 0);
    let [one, other] = [&setup, &whole].map(|setup| exported(setup, "out", "ndjson").1);
    for (name, bytes) in &one {
        assert_eq!(without_moments(bytes), without_moments(&other[name]), "{name}");
    }
    // Nobody administers yet, which is a fault.
    let doctor = run(&setup, &["doctor"], 1);
    assert_eq!(doctor.matches("FAULT").count(), 1, "{doctor}");
}

/// The lines of a file, without when groups were made, which nobody told.
fn without_moments(bytes: &[u8]) -> Vec<Value> {
    let line = |line: &str| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        for name in ["created", "modified"] {
            line.as_object_mut().unwrap().remove(name);
        }
        if line.get("parent").is_some() {
            line.as_object_mut().unwrap().remove("added");
        }
        line
    };
    String::from_utf8_lossy(bytes).lines().map(line).collect()
}

async fn a_service_has_an_administrator_whatever_was_imported(kind: Kind) {
    let setup = empty(kind).await;
    let groups = write(&setup, "groups.csv", "name,autoMembershipEmailDomains\nClub,\"[\"\"x.example\"\"]\"\n");
    let users = write(&setup, "users.csv", "userName,email\ntyler,tyler@x.example\n");
    let none = write(&setup, "memberships.csv", "group,userName\n");
    let later = write(&setup, "users-later.csv", "userName,email\nmarla,marla@x.example\n");
    run(&setup, &["import", &groups, "--dry-run"], 0);
    assert!(kind == Kind::Sqlite || !setup.database.has_statistics());
    run(&setup, &["import", &groups], 0);
    assert!(kind == Kind::Sqlite || setup.database.has_statistics());
    run(&setup, &["import", &users], 0);
    run(&setup, &["import", &later, &none], 0);
    let app = setup.start();
    let admin = Client::admin(&app);
    assert_eq!(admin.listed("/users", "username").await, ["admin", "marla", "tyler"]);
    assert_eq!(admin.listed("/groups/Club/users", "username").await, ["tyler"], "memberships came with the other");
    assert!(!super::accepts(&app, "tyler", "S0ap-and-nothing-else").await);
    fed(&app.setup, &["user", "set-password", "tyler", "--file", "-"], "S0ap-and-nothing-else\n", 0);
    assert!(super::accepts(&app, "tyler", "S0ap-and-nothing-else").await);
}

/// A realm with a user whose password is `Wonderland-42!`, as Keycloak hashes it.
const REALM: &str = r#"{
  "realm": "example", "enabled": true,
  "groups": [{ "id": "10000000-0000-4000-8000-000000000001", "name": "staff", "path": "/staff", "subGroups": [
    { "id": "10000000-0000-4000-8000-000000000002", "name": "editors", "path": "/staff/editors", "subGroups": [] }] }],
  "users": [{
    "id": "20000000-0000-4000-8000-000000000001", "username": "alice", "email": "alice@example.com", "enabled": true,
    "groups": ["/staff/editors"],
    "credentials": [{
      "type": "password",
      "secretData": "{\"value\":\"GAecbIq3mRer/zjiDicRerb3r9TeSPS1FxzuD5iIqfhSShVR6D8kB97CsI7mRaF6BNYrlZscmUENZ7kwQVex/Q==\",\"salt\":\"MDEyMzQ1Njc4OWFiY2RlZg==\"}",
      "credentialData": "{\"hashIterations\":210000,\"algorithm\":\"pbkdf2-sha512\"}"
    }]
  }]
}"#;

async fn passwords_of_other_services_are_replaced(kind: Kind) {
    let setup = empty(kind).await;
    let file = write(&setup, "realm.json", REALM);
    let counts = json_of(&setup, &["import", "--from", "keycloak", &file]);
    assert_eq!((&counts["users"]["created"], &counts["groups"]["created"]), (&json!(1), &json!(2)), "{counts}");
    let of_scheme = |setup: &Setup, scheme: &str| {
        setup.database.count(&format!("SELECT count(*) AS number FROM users WHERE password_hash LIKE '{scheme}%'"))
    };
    assert_eq!(of_scheme(&setup, "$pbkdf2-sha512$"), 1);
    let app = setup.start();
    assert!(!super::accepts(&app, "alice", "wonderland-42!").await);
    assert_eq!(of_scheme(&app.setup, "$pbkdf2-sha512$"), 1);
    for _ in 0..2 {
        assert!(super::accepts(&app, "alice", "Wonderland-42!").await);
        assert_eq!(of_scheme(&app.setup, "$argon2id$"), 2, "hers and that of the administrator");
    }
    assert!(!super::accepts(&app, "alice", "wonderland-42!").await);
    assert_eq!(run(&app.setup, &["check", "alice", "staff"], 0), "member\n");
    let again = json_of(&app.setup, &["import", "--from", "keycloak", &file]);
    assert_eq!(again["users"]["unchanged"], 1, "a user who has a password keeps it: {again}");
}

async fn a_directory_of_ldap_is_imported(kind: Kind) {
    let setup = empty(kind).await;
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../transfer/tests/data/slapcat.ldif");
    let output = setup.run(&["import", "--from", "ldif", file, "--output", "json"]);
    let counts: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(counts["users"]["created"].as_u64().unwrap() > 5, "{counts}");
    assert!(counts["memberships"]["created"].as_u64().unwrap() > 5, "{counts}");
    assert!(counts["edges"]["created"].as_u64().unwrap() > 0, "{counts}");
    let again = setup.run(&["import", "--from", "ldif", file, "--output", "json"]);
    let again: Value = serde_json::from_slice(&again.stdout).unwrap();
    for kind in again.as_object().unwrap().values() {
        assert_eq!((&kind["created"], &kind["changed"]), (&json!(0), &json!(0)), "{again}");
    }
    let app = setup.start();
    for (name, password, is_right) in [
        ("alice", "Correct horse 1", true),
        ("alice", "Correct horse 2", false),
        ("bob", "Correct horse 3", true),
        ("carol", "Correct horse 4", true),
        // A salted SHA-1 is not taken over.
        ("j\u{fc}rgen", "Correct horse 2", false),
    ] {
        assert_eq!(super::accepts(&app, name, password).await, is_right, "{name}");
    }
    let doctor = run(&app.stop(), &["doctor"], 0);
    assert!(!doctor.contains("FAULT"), "{doctor}");
}
