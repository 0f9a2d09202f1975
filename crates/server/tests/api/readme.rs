//! The session in the README, run as it stands.

use std::env;
use std::process::{Command, Stdio};

use crate::app::{GROUP_NAME, TestApp, USERS};
use crate::database::Kind;

on_both_databases! {
    the_session_in_the_readme_does_what_it_says,
}

async fn the_session_in_the_readme_does_what_it_says(kind: Kind) {
    let app = TestApp::on(kind).await;
    let session = section(include_str!("../../../../README.md"), "Try it")
        .replace("cargo run -q --", env!("CARGO_BIN_EXE_guildhall"))
        .replace("http://127.0.0.1:8080", &app.server.url);
    let environment = app.setup.command(&[]);
    let output = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &session])
        .env_clear()
        .env("PATH", env::var_os("PATH").unwrap_or_default())
        .envs(environment.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .current_dir(app.setup.database.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let statuses: Vec<&str> = said.lines().filter(|line| line.len() == 3 && line.parse::<u16>().is_ok()).collect();
    assert_eq!(statuses, ["201", "201", "201", "201", "201", "201", "204", "204", "200"], "{said}");
    let listing = said.lines().rev().nth(1).unwrap();
    assert!(USERS.iter().all(|user| listing.contains(user)), "{listing}");
    assert_eq!(app.member_count(GROUP_NAME).await, 5);
}

/// The code in a section of a page.
fn section(page: &str, title: &str) -> String {
    let (_, section) = page.split_once(&format!("\n## {title}\n")).unwrap();
    let section = section.split("\n## ").next().unwrap();
    section.split("```").skip(1).step_by(2).map(|block| block.strip_prefix("sh\n").unwrap()).collect()
}
