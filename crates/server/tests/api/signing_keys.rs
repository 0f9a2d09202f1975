//! Where the key that signs tokens comes from: created where it is missing and can be, always told, never overwritten.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;

use guildhall_auth::SigningKey;

use crate::app::{Setup, TestApp};
use crate::database::Kind;
use crate::server::Server;

on_both_databases! {
    a_missing_key_is_created_and_told_once,
    a_missing_key_is_not_created_where_nothing_can_be_written,
    only_the_service_creates_a_key_by_itself,
}

const KEY: &str = "GUILDHALL_AUTH__SIGNING_KEY_FILE";
/// In a folder where root cannot create files either.
const READ_ONLY: &str = "/proc/guildhall.key.pem";

fn assert_ends(output: &Output, code: i32, said: &[&str]) {
    let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    let text = String::from_utf8(text).unwrap();
    assert_eq!(output.status.code(), Some(code), "{text}");
    for said in said {
        assert!(text.contains(said), "{said}: {text}");
    }
    assert!(!text.contains("PRIVATE KEY"), "{text}");
}

fn assert_owner_only(file: &Path) {
    assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600, "{}", file.display());
}

async fn a_missing_key_is_created_and_told_once(kind: Kind) {
    let setup = Setup::on(kind).await;
    let folder = setup.database.path().to_path_buf();
    let mut places = vec![(Some("key of mine.pem"), folder.join("key of mine.pem"))];
    if kind == Kind::Sqlite {
        places.push((None, folder.join("guildhall.key.pem")));
    }
    let mut setup = Some(setup);
    for (named, file) in places {
        let own = setup.take().unwrap();
        let own = match named {
            Some(name) => own.with(KEY, name),
            None => own.without(KEY),
        };
        let told = |app: &TestApp| {
            let output = app.server.output();
            output
                .lines()
                .filter(|line| line.contains("created the signing key"))
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let mut app = own.start();
        let id = SigningKey::from_pem(&fs::read_to_string(&file).unwrap()).unwrap().id().to_owned();
        let lines = told(&app);
        assert_eq!(lines.len(), 1, "{}", app.server.output());
        for said in ["\"level\":\"WARN\"", &id, file.file_name().unwrap().to_str().unwrap(), "all instances"] {
            assert!(lines[0].contains(said), "{said}: {}", lines[0]);
        }
        assert_owner_only(&file);
        app.kill_and_restart();
        assert_eq!(told(&app), Vec::<String>::new());
        assert_eq!(app.get("/groups/Everyone").await.status, 200, "the token of before is good");
        setup = Some(app.stop());
    }
}

async fn a_missing_key_is_not_created_where_nothing_can_be_written(kind: Kind) {
    let setup = Setup::on(kind).await;
    let folder = setup.database.path().join("missing/key.pem");
    for file in [READ_ONLY, folder.to_str().unwrap()] {
        let output = setup.command(&["serve"]).env(KEY, file).output().unwrap();
        assert_ends(&output, 1, &["auth.signing_key_file", "guildhall keys generate", file]);
        let output = setup.command(&["keys", "generate"]).env(KEY, file).output().unwrap();
        assert_ends(&output, 1, &["cannot write", file]);
    }
}

async fn only_the_service_creates_a_key_by_itself(kind: Kind) {
    let setup = Setup::on(kind).await.start().stop();
    let file = setup.database.path().join("another.pem");
    for arguments in [&["token", "--user", "admin"][..], &["keys", "rotate"]] {
        let output = setup.command(arguments).env(KEY, &file).output().unwrap();
        assert_ends(&output, 1, &["another.pem", "guildhall keys generate"]);
        assert!(!file.exists(), "{arguments:?}");
    }
}

#[tokio::test]
async fn a_key_is_generated_in_a_file_or_on_standard_output() {
    let setup = Setup::on(Kind::Sqlite).await.without(KEY);
    let folder = setup.database.path();
    let configured = [("GUILDHALL_AUTH__SIGNING_KEY_FILE", "configured.pem")];
    // The file that is given wins over all settings, which need not be right.
    let wrong = [("GUILDHALL_SERVER__PORT", "none"), ("GUILDHALL_DATABASE__URL", "mysql://h/d")];
    for (arguments, environment, file) in [
        (&["keys", "generate"][..], &[][..], "guildhall.key.pem"),
        (&["keys", "generate"], &configured, "configured.pem"),
        (&["keys", "generate", "given.pem"], &wrong, "given.pem"),
    ] {
        let file = folder.join(file);
        let run = || setup.command(arguments).envs(environment.iter().copied()).output().unwrap();
        let output = run();
        let text = fs::read_to_string(&file).unwrap();
        let id = SigningKey::from_pem(&text).unwrap().id().to_owned();
        assert_ends(&output, 0, &["created the signing key", &id, file.file_name().unwrap().to_str().unwrap()]);
        assert_owner_only(&file);
        assert_ends(&run(), 1, &["exists already", "guildhall keys rotate"]);
        assert_eq!(fs::read_to_string(&file).unwrap(), text);
    }
    let printed = [(); 2].map(|()| setup.run(&["keys", "generate", "-"]).stdout);
    let ids = printed.map(|pem| SigningKey::from_pem(&String::from_utf8(pem).unwrap()).unwrap().id().to_owned());
    assert_ne!(ids[0], ids[1]);
    assert!(!folder.join("-").exists());
    let secret = ("GUILDHALL_AUTH__HS256_SECRET", "a-secret-that-has-more-than-thirty-two-bytes");
    let output = setup.command(&["keys", "generate"]).envs([secret]).output().unwrap();
    assert_ends(&output, 1, &["auth.hs256_secret", "no key file"]);
}

#[tokio::test]
async fn a_key_that_was_generated_beforehand_is_used() {
    let setup = Setup::on(Kind::Sqlite).await.with(KEY, "prepared.pem");
    assert_ends(&setup.run(&["keys", "generate"]), 0, &["prepared.pem"]);
    let before = fs::read(setup.database.path().join("prepared.pem")).unwrap();
    let server = Server::start(&setup);
    assert!(!server.output().contains("created the signing key"), "{}", server.output());
    assert_eq!(fs::read(setup.database.path().join("prepared.pem")).unwrap(), before);
}
