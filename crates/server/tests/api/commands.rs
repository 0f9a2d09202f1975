//! Commands that manage users, groups and memberships.

mod copying;
mod importing;
mod upgrading;
mod upkeep;

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
    everything_is_exported,
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
