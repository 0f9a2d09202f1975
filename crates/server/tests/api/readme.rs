//! The session in the README, run as it stands.

use std::env;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::app::{GROUP_NAME, TestApp, USERS};
use crate::database::Kind;

on_both_databases! {
    the_session_in_the_readme_does_what_it_says,
}

/// A SQLite database is what there is to back up.
#[tokio::test]
async fn the_commands_in_the_readme_do_what_they_say() {
    let app = TestApp::on(Kind::Sqlite).await;
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_guildhall")).parent().unwrap().display();
    let path = format!("{program}:{}", env::var("PATH").unwrap_or_default());
    let output = run(&app, &section(include_str!("../../../../README.md"), "Run it from a shell"), &path);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("\nmember\n") && said.contains("guildhall-monday.db\nok "), "{said}");
}

async fn the_session_in_the_readme_does_what_it_says(kind: Kind) {
    let app = TestApp::on(kind).await;
    let session =
        ["Try it", "Find", "Follow", "Sign in"].map(|title| section(include_str!("../../../../README.md"), title));
    let session = session
        .concat()
        .replace("cargo run -q --", env!("CARGO_BIN_EXE_guildhall"))
        .replace("http://127.0.0.1:8080", &app.server.url);
    let output = run(&app, &session, &env::var("PATH").unwrap_or_default());
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let statuses: Vec<&str> = said.lines().filter(|line| line.len() == 3 && line.parse::<u16>().is_ok()).collect();
    assert_eq!(
        statuses,
        [
            "201", "201", "201", "201", "201", "201", "204", "204", "200", "200", "200", "200", "204", "200", "200",
            "200", "200", "200", "200"
        ],
        "{said}"
    );
    assert!(said.contains(r#"{"results":[true,false]}"#), "{said}");
    assert!(said.contains(r#""dryRun":true,"added":1,"updated":0,"removed":2,"unchanged":0,"userCount":4"#), "{said}");
    assert!(said.contains(r#""pathCount":1"#) && said.contains(r#""administrators":{"gained":[{"#), "{said}");
    assert!(said.contains("\ndata: {\"hash\":") && said.contains("\"type\":\"guildhall.group.created\""), "{said}");
    let mut pages = said.lines().filter(|line| line.contains("\"totalCount\":"));
    let mut names = |name: &str| {
        let page: Value = serde_json::from_str(pages.next().unwrap()).unwrap();
        let items = page["items"].as_array().unwrap().iter();
        items.map(|item| item[name].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names("id"), in_order_of_name(USERS));
    assert_eq!(names("validUntil"), ["2099-12-31T00:00:00.000Z"]);
    assert_eq!(names("username"), ["tdurden"]);
    assert_eq!(names("username"), ["rchesler", "rpaulson"]);
    assert!(!names("name").contains(&GROUP_NAME.to_owned()));
    let token: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    assert_eq!((&token["token_type"], &token["expires_in"]), (&"Bearer".into(), &3600.into()));
    assert_eq!(app.member_count(GROUP_NAME).await, 5);
}

/// Runs commands in the folder and the environment of the test.
fn run(app: &TestApp, commands: &str, path: &str) -> Output {
    let environment = app.setup.command(&[]);
    Command::new("bash")
        .args(["-euo", "pipefail", "-c", commands])
        .env_clear()
        .env("PATH", path)
        .envs(environment.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .current_dir(app.setup.database.path())
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// The users of the session, whose names sort otherwise than they were made.
fn in_order_of_name([tdurden, msinger, rpaulson, aface, rchesler]: [&str; 5]) -> [&str; 5] {
    [aface, msinger, rchesler, rpaulson, tdurden]
}

/// The commands in a section of a page.
fn section(page: &str, title: &str) -> String {
    let (_, section) = page.split_once(&format!("\n## {title}\n")).unwrap();
    let section = section.split("\n## ").next().unwrap();
    section.split("```").skip(1).step_by(2).filter_map(|block| block.strip_prefix("sh\n")).collect()
}
