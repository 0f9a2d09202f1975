//! `guildhall config`, and secrets in files.

use std::fs;
use std::process::Output;

use serde_json::Value;

use crate::app::Setup;
use crate::database::Kind;

fn text(output: &Output) -> (String, String) {
    (String::from_utf8(output.stdout.clone()).unwrap(), String::from_utf8(output.stderr.clone()).unwrap())
}

#[tokio::test]
async fn every_setting_in_effect_is_shown_with_its_source_and_no_secret() {
    const SECRETS: [&str; 5] = ["s3cr3t-url", "s3cr3t-parameter", "s3cr3t-password", "s3cr3t-issuer", "s3cr3t-signing"];
    let setup = Setup::on(Kind::Sqlite).await.without("GUILDHALL_AUTH__SIGNING_KEY_FILE");
    let secret = setup.database.path().join("secret");
    fs::write(&secret, format!("{}{}\n", SECRETS[4], "x".repeat(32))).unwrap();
    let file = setup.file(&format!(
        "[server]\nallowed_origins = ['https://a.example', 'https://b.example']\ntrusted_proxies = ['10.0.0.0/8']\nport = 1\n\
         [auth.issuers.keycloak]\nissuer = 'https://u:{}@id.example'\naudiences = ['guildhall']\n",
        SECRETS[3]
    ));
    let setup = setup
        .with("GUILDHALL_DATABASE__URL", &format!("postgres://u:{}@h/d?password={}", SECRETS[0], SECRETS[1]))
        .with("GUILDHALL_BOOTSTRAP__ADMIN_PASSWORD", SECRETS[2])
        .with("GUILDHALL_AUTH__HS256_SECRET_FILE", secret.to_str().unwrap())
        .with("GUILDHALL_SERVER__WORKERS", "3");
    let shown = |arguments: &[&str]| {
        let arguments = [&["--config", &*file, "config", "show"], arguments].concat();
        let (shown, error) =
            text(&setup.command(&arguments).env("GUILDHALL_DATABASE__URL", setup_url()).output().unwrap());
        for secret in SECRETS {
            assert!(!shown.contains(secret) && !error.contains(secret), "{secret}: {shown}{error}");
        }
        assert_eq!(error, "");
        shown
    };
    let list: Vec<Value> = serde_json::from_str(&shown(&["--output", "json"])).unwrap();
    let of = |key: &str| {
        let found: Vec<_> = list.iter().filter(|shown| shown["key"] == key).collect();
        assert_eq!(found.len(), 1, "{key}: {found:?}");
        (found[0]["value"].clone(), found[0]["source"].as_str().unwrap().to_owned())
    };
    let by_file = format!("GUILDHALL_AUTH__HS256_SECRET_FILE = {}", secret.display());
    for (key, value, source) in [
        ("server.host", "127.0.0.1".into(), "default"),
        ("server.port", 0.into(), "GUILDHALL_SERVER__PORT"),
        ("server.workers", 3.into(), "GUILDHALL_SERVER__WORKERS"),
        ("server.allowed_origins", serde_json::json!(["https://a.example", "https://b.example"]), &*file),
        ("server.trusted_proxies", serde_json::json!(["10.0.0.0/8"]), &file),
        ("server.public_url", Value::Null, "default"),
        ("server.tls_key_file", Value::Null, "default"),
        ("server.unix_socket_mode", "660".into(), "default"),
        ("database.url", "postgres://u:********@h/d?password=********".into(), "GUILDHALL_DATABASE__URL"),
        ("bootstrap.admin_password", "********".into(), "GUILDHALL_BOOTSTRAP__ADMIN_PASSWORD"),
        ("bootstrap.client_secret", Value::Null, "default"),
        ("auth.hs256_secret", "********".into(), &by_file),
        ("auth.issuers.keycloak.issuer", "https://u:********@id.example".into(), &file),
        ("auth.issuers.keycloak.algorithms", serde_json::json!(["RS256"]), "default"),
        ("log.format", "auto".into(), "default"),
    ] {
        assert_eq!(of(key), (value, source.to_owned()), "{key}");
    }
    // Every key of the file with the defaults is among them.
    let (mut table, mut keys) = (String::new(), 0);
    for line in include_str!("../../../../config/default.toml").lines() {
        let line = line.strip_prefix("# ").unwrap_or(line);
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            name.clone_into(&mut table);
        } else if let Some((key, _)) = line.split_once(" = ").filter(|(key, _)| !key.contains([' ', '`'])) {
            of(&format!("{table}.{key}"));
            keys += 1;
        }
    }
    assert!(keys > 40, "{keys}");
    let lines = shown(&[]);
    let line = lines.lines().find(|line| line.starts_with("server.port ")).unwrap();
    assert_eq!(line.split_whitespace().collect::<Vec<_>>(), ["server.port", "0", "GUILDHALL_SERVER__PORT"]);
    assert!(lines.contains("(not set)") && lines.contains("https://a.example, https://b.example"), "{lines}");
}

/// Where no database is: nothing asks for it.
fn setup_url() -> &'static str {
    "postgres://u:s3cr3t-url@h/d?password=s3cr3t-parameter"
}

#[tokio::test]
async fn the_check_finds_all_that_is_wrong_and_changes_nothing() {
    let setup = Setup::on(Kind::Sqlite).await;
    let entries = |setup: &Setup| fs::read_dir(setup.database.path()).unwrap().count();
    let before = entries(&setup);
    let (said, error) = text(&setup.run(&["config", "check"]));
    assert_eq!((said.as_str(), error.as_str()), ("the settings are good\n", ""));
    let unset = setup.command(&["config", "check"]).env("GUILDHALL_AUTH__SIGNING_KEY_FILE", "").output().unwrap();
    assert!(unset.status.success(), "{unset:?}");
    assert_eq!(entries(&setup), before, "the check made a file");
    let issuer = [
        ("GUILDHALL_AUTH__ISSUERS__X__ISSUER", "https://id.example"),
        ("GUILDHALL_AUTH__ISSUERS__X__AUDIENCES", "a"),
        ("GUILDHALL_AUTH__ISSUERS__X__ALGORITHMS", "none"),
    ];
    for (variables, named) in [
        (&[("GUILDHALL_AUTH__SIGNING_KEY_FILE", "/nowhere.pem")][..], &["auth.signing_key_file", "/nowhere.pem"][..]),
        (&[("GUILDHALL_AUTH__HS256_SECRET", "short")], &["auth.hs256_secret", "auth.signing_key_file"]),
        (
            &[("GUILDHALL_AUTH__HS256_SECRET", "short"), ("GUILDHALL_AUTH__SIGNING_KEY_FILE", "")],
            &["auth.hs256_secret", "32"],
        ),
        (&issuer, &["auth.issuers.x.algorithms", "none"]),
        (&[("GUILDHALL_DATABASE__URL", "mysql://h/d")], &["database.url"]),
        (&[("GUILDHALL_SERVER__PORT", "http")], &["server.port", "GUILDHALL_SERVER__PORT"]),
        (&[("GUILDHALL_SERVER__UNIX_SOCKET", "/nowhere/s")], &["server.unix_socket", "/nowhere"]),
        (&[("GUILDHALL_SERVER__UNIX_SOCKET_MODE", "rw")], &["server.unix_socket_mode", "octal"]),
        (&[("GUILDHALL_SERVER__UNIX_SOCKET_MODE", "1000")], &["server.unix_socket_mode", "octal"]),
        (
            &[("GUILDHALL_AUTH__SIGNING_KEY_FILE", "/nowhere.pem"), ("GUILDHALL_SERVER__UNIX_SOCKET", "/nowhere/s")],
            &["2 mistakes", "auth.signing_key_file", "server.unix_socket"],
        ),
    ] {
        let output = setup.command(&["config", "check"]).envs(variables.iter().copied()).output().unwrap();
        let (said, error) = text(&output);
        assert_eq!((output.status.code(), said.as_str()), (Some(1), ""), "{variables:?}: {error}");
        assert!(named.iter().all(|name| error.contains(name)), "{variables:?}: {error}");
    }
    assert_eq!(entries(&setup), before, "the check made a file");
}

#[tokio::test]
async fn secrets_come_from_files_that_variables_name() {
    let setup = Setup::on(Kind::Sqlite).await.without("GUILDHALL_BOOTSTRAP__ADMIN_PASSWORD");
    let file = setup.database.path().join("password");
    fs::write(&file, "Pr0ject-Mayhem\n").unwrap();
    let url = setup.database.path().join("url");
    fs::write(&url, &setup.database.url).unwrap();
    let setup = setup
        .with("GUILDHALL_BOOTSTRAP__ADMIN_PASSWORD_FILE", file.to_str().unwrap())
        .with("GUILDHALL_DATABASE__URL", "")
        .with("GUILDHALL_DATABASE__URL_FILE", url.to_str().unwrap());
    let app = setup.start();
    let form = [("grant_type", "password"), ("username", "admin"), ("password", "Pr0ject-Mayhem")];
    assert_eq!(crate::answer::Answer::to(app.request_for_token(&form)).await.status, 200);
    let setup = app.stop();
    for (variables, said) in [
        (
            &[("GUILDHALL_BOOTSTRAP__ADMIN_PASSWORD", "x")][..],
            "GUILDHALL_BOOTSTRAP__ADMIN_PASSWORD and GUILDHALL_BOOTSTRAP__ADMIN_PASSWORD_FILE are both set",
        ),
        (
            &[("GUILDHALL_BOOTSTRAP__ADMIN_PASSWORD_FILE", "/nowhere")],
            "GUILDHALL_BOOTSTRAP__ADMIN_PASSWORD_FILE: cannot read /nowhere: No such file",
        ),
        (&[("GUILDHALL_SERVER__PORT_FILE", "/dev/null")], "GUILDHALL_SERVER__PORT_FILE"),
    ] {
        let output = setup.command(&["serve"]).envs(variables.iter().copied()).output().unwrap();
        let (_, error) = text(&output);
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.contains(said), "{said}: {error}");
    }
}
