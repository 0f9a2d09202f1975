//! Starting: configuration, keys, the first administrator.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::app::{PASSWORD, Setup, TestApp};
use crate::database::Kind;
use crate::server::Server;

on_both_databases! {
    a_generated_password_is_printed_once,
    a_chosen_password_is_never_printed,
    migrations_can_be_run_by_themselves_and_again,
    a_token_is_issued_to_those_who_exist,
    the_document_is_printed_as_it_is_served,
}

async fn a_generated_password_is_printed_once(kind: Kind) {
    let setup = Setup::on_empty(kind).await.without("GUILDHALL_BOOTSTRAP__ADMIN_PASSWORD");
    let mut app = setup.start();
    let lines = |app: &TestApp| app.server.output().lines().filter(|line| line.contains("password")).count();
    assert_eq!(lines(&app), 1, "{}", app.server.output());
    app.kill_and_restart();
    assert_eq!(lines(&app), 0, "{}", app.server.output());
    assert_eq!(app.get("/groups/Everyone").await.status, 200);
}

async fn a_chosen_password_is_never_printed(kind: Kind) {
    let mut app = Setup::on_empty(kind).await.start();
    assert!(!app.server.output().contains(PASSWORD), "{}", app.server.output());
    app.kill_and_restart();
    assert!(!app.server.output().contains(PASSWORD), "{}", app.server.output());
    assert_eq!(app.member_count("System Administrators").await, 1);
    assert_eq!(app.member_count("Everyone").await, 1);
}

async fn migrations_can_be_run_by_themselves_and_again(kind: Kind) {
    let setup = Setup::on_empty(kind).await;
    for _ in 0..2 {
        let output = setup.run(&["migrate"]);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let app = setup.start();
    assert_eq!(app.get("/groups/System Administrators").await.json()["type"], "sys");
}

async fn the_document_is_printed_as_it_is_served(kind: Kind) {
    let setup = Setup::on(kind).await;
    let printed = setup.run(&["openapi"]);
    assert_eq!(printed.status.code(), Some(0), "{}", String::from_utf8_lossy(&printed.stderr));
    let printed: serde_json::Value = serde_json::from_slice(&printed.stdout).unwrap();
    assert_eq!(printed["openapi"], "3.1.0");
    let app = setup.start();
    let served = app.client.get(format!("{}/api/openapi.json", app.server.url)).send().await.unwrap();
    assert_eq!(served.json::<serde_json::Value>().await.unwrap(), printed);
}

#[tokio::test]
async fn the_checked_in_document_is_current() {
    let printed = Setup::on(Kind::Sqlite).await.run(&["openapi"]);
    let checked_in = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json")).unwrap();
    assert!(checked_in == printed.stdout, "docs/openapi.json is out of date: `make openapi` renews it");
}

async fn a_token_is_issued_to_those_who_exist(kind: Kind) {
    let app = TestApp::on(kind).await;
    assert_eq!(app.token_of("ADMIN").matches('.').count(), 2);
    let output = app.setup.run(&["token", "--user", "nobody"]);
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(3), b"".as_slice()));
    assert!(String::from_utf8_lossy(&output.stderr).contains("nobody"), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn a_mistake_in_the_configuration_is_named() {
    for (variable, value, named) in [
        ("GUILDHALL_SERVER__PROT", "8080", "server.prot"),
        ("GUILDHALL_SEVER__PORT", "8080", "sever"),
        ("GUILDHALL_SERVER__PORT", "http", "server.port"),
        ("GUILDHALL_SERVER__PORT", "70000", "server.port"),
        ("GUILDHALL_SERVER__WORKERS", "0", "server.workers"),
        ("GUILDHALL_DATABASE__POOL_SIZE", "-1", "database.pool_size"),
        ("GUILDHALL_DATABASE__URL", "mysql://root:open-sesame@localhost/guildhall", "database.url"),
        ("GUILDHALL_DATABASE__URL", "postgres:open-sesame", "database.url"),
        ("GUILDHALL_AUTH__HS256_SECRET", "open-sesame", "auth.hs256_secret"),
        ("GUILDHALL_AUTH__ACCESS_TOKEN_TTL", "soon", "auth.access_token_ttl"),
        ("GUILDHALL_AUTH__SIGNING_KEY_FILE", "/dev/null", "auth.signing_key_file"),
        ("GUILDHALL_LIMITS__BULK_IDS", "many", "limits.bulk_ids"),
        ("GUILDHALL_BOOTSTRAP__ADMIN_PASSWORD", "sesame", "bootstrap.admin_password"),
        ("GUILDHALL_BOOTSTRAP__ADMIN_USERNAME", "@admin", "bootstrap.admin_username"),
        ("GUILDHALL_LOG__FORMAT", "prose", "log.format"),
        ("GUILDHALL_LOG__LEVEL", "loud=very", "log.level"),
    ] {
        let mut setup = Setup::on(Kind::Sqlite).await;
        if variable.ends_with("HS256_SECRET") {
            setup = setup.without("GUILDHALL_AUTH__SIGNING_KEY_FILE");
        }
        assert_refused(&setup.with(variable, value), &["serve"], named);
    }
}

#[tokio::test]
async fn a_configuration_file_comes_before_the_environment_and_after_the_defaults() {
    let setup = Setup::on(Kind::Sqlite).await.without("GUILDHALL_BOOTSTRAP__ADMIN_PASSWORD");
    let file = setup.database.path().join("guildhall.toml");
    fs::write(&file, "[server]\nprot = 1\n").unwrap();
    let arguments = ["serve", "--config", file.to_str().unwrap()];
    assert_refused(&setup, &arguments, "server.prot");
    fs::write(&file, "[server\n").unwrap();
    assert_refused(&setup, &arguments, "guildhall.toml");
    fs::remove_file(&file).unwrap();
    assert_refused(&setup, &arguments, "guildhall.toml");
    fs::write(&file, "[server]\nport = 1\n[bootstrap]\nadmin_username = 'tyler'\n").unwrap();
    let server = Server::start_with(&setup, &arguments);
    assert!(!server.url.ends_with(":1"));
    let output = setup.run(&["token", "--user", "tyler"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn a_signing_key_is_generated_once_for_its_owner_alone() {
    let mut app = Setup::on(Kind::Sqlite).await.without("GUILDHALL_AUTH__SIGNING_KEY_FILE").start();
    let private = |app: &TestApp| {
        let files = fs::read_dir(app.setup.database.path()).unwrap().map(|entry| entry.unwrap().path());
        let keys = files.filter(|file| *file != app.signing_key_file() && holds_a_key(file));
        keys.map(|file| (fs::metadata(&file).unwrap().permissions().mode() & 0o777, fs::read(file).unwrap()))
            .collect::<Vec<_>>()
    };
    let before = private(&app);
    assert_eq!(before.iter().map(|(mode, _)| *mode).collect::<Vec<_>>(), [0o600]);
    app.kill_and_restart();
    assert_eq!(private(&app), before);
    assert_eq!(app.get("/groups/Everyone").await.status, 200, "the token from before the restart is good");
}

fn holds_a_key(file: &std::path::Path) -> bool {
    fs::read(file).is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains("PRIVATE KEY"))
}

/// Checks that the program ends with code 1 and names the key, and that it repeats no secret.
fn assert_refused(setup: &Setup, arguments: &[&str], named: &str) {
    let output = setup.run(arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{named}: {said}");
    assert!(said.contains(named), "{named}: {said}");
    assert!(!said.contains("sesame"), "{said}");
}
