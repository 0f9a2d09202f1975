//! What the start checks about the database: each refusal names the fault and what to do, and no secret.

use std::fs;
use std::process::Output;

use crate::app::Setup;
use crate::database::{Kind, ROLE_PASSWORD};

const URL: &str = "GUILDHALL_DATABASE__URL";

on_both_databases! {
    a_database_of_a_later_version_is_not_touched,
}

/// Checks that the program does not start, and that what it says has all of these texts and no secret.
#[track_caller]
fn assert_refused(setup: &Setup, said: &[&str]) {
    for command in ["serve", "migrate"] {
        assert_ends(&setup.run(&[command]), said);
    }
}

#[track_caller]
fn assert_ends(output: &Output, said: &[&str]) {
    let all = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{all}");
    for text in said {
        assert!(all.contains(text), "{text}: {all}");
    }
    assert!(!all.contains("sesame"), "{all}");
}

async fn a_database_of_a_later_version_is_not_touched(kind: Kind) {
    let setup = Setup::on(kind).await.start().stop();
    let later = "INSERT INTO __diesel_schema_migrations (version) VALUES ('20991231235959')";
    setup.database.execute(later);
    assert_refused(&setup, &["database.url", "migration 20991231235959", "start the version that ran it"]);
    setup.database.execute("DELETE FROM __diesel_schema_migrations WHERE version = '20991231235959'");
    setup.start();
}

#[tokio::test]
async fn a_database_in_another_encoding_is_refused() {
    for (encoding, locale) in [("SQL_ASCII", "C"), ("LATIN1", "C")] {
        let setup = Setup::of_a_role(&format!(
            "ENCODING '{encoding}' TEMPLATE template0 LC_COLLATE '{locale}' LC_CTYPE '{locale}'"
        ))
        .await;
        assert_refused(&setup, &["database.url", encoding, "ENCODING 'UTF8'"]);
    }
}

#[tokio::test]
async fn lacking_rights_are_named() {
    let setup = Setup::of_a_role("").await;
    let (database, role) = (&setup.database, setup.database.role().to_owned());
    database.execute("ALTER SCHEMA public OWNER TO CURRENT_USER");
    assert_refused(&setup, &["may not create tables in the schema public", "GRANT CREATE ON SCHEMA public"]);
    database.execute("REVOKE USAGE ON SCHEMA public FROM PUBLIC");
    assert_refused(&setup, &["no schema of the search path", "search_path"]);
    database.execute(&format!("GRANT USAGE, CREATE ON SCHEMA public TO {role}"));
    let setup = setup.start().stop();
    // What is up to date needs no right to create tables.
    setup.database.execute(&format!("REVOKE CREATE ON SCHEMA public FROM {role}"));
    let setup = setup.start().stop();
    for right in ["SELECT", "INSERT", "UPDATE", "DELETE"] {
        setup.database.execute(&format!("REVOKE {right} ON group_users FROM {role}"));
        let said = ["database.url", "lacks rights", "grant SELECT, INSERT, UPDATE and DELETE", "group_users"];
        assert_ends(&setup.run(&["serve"]), &said);
        setup.database.execute(&format!("GRANT {right} ON group_users TO {role}"));
    }
    setup.start();
}

#[tokio::test]
async fn a_database_that_only_reads_is_refused() {
    let setup = Setup::of_a_role("").await;
    let read_only = format!("ALTER DATABASE {} SET default_transaction_read_only", setup.database.role());
    setup.database.execute(&format!("{read_only} = on"));
    assert_refused(&setup, &["database is read-only and has to be migrated", "primary"]);
    setup.database.execute(&format!("{read_only} = off"));
    let setup = setup.start().stop();
    setup.database.execute(&format!("{read_only} = on"));
    assert_ends(&setup.run(&["serve"]), &["database.url", "the database is read-only", "primary"]);
}

#[tokio::test]
async fn a_server_that_is_not_there_or_does_not_let_in() {
    let setup = Setup::of_a_role("").await;
    let url = setup.database.url.clone();
    let (server, _) = url.rsplit_once('/').unwrap();
    let (_, host) = url.split_once('@').unwrap();
    for (url, said) in [
        (url.replace(ROLE_PASSWORD, "other-sesame"), "connection to server"),
        (format!("{server}/nowhere"), "nowhere"),
        (format!("postgres://nobody:open-sesame@{host}"), "connection to server"),
        ("postgres://u:open-sesame@127.0.0.1:1/d".to_owned(), "refused"),
        ("postgres://u:open-sesame@name.invalid/d".to_owned(), "name.invalid"),
    ] {
        assert_ends(&setup.command(&["serve"]).env(URL, &url).output().unwrap(), &["database.url", said]);
    }
}

#[tokio::test]
async fn a_url_that_cannot_be_read_is_not_repeated() {
    let setup = Setup::on(Kind::Sqlite).await;
    for url in [
        "postgres://u:open-sesame@h:port/d",
        "postgres://u:open-sesame@h:99999/d",
        "postgres://u:open-sesame@h:5432x/d",
        "postgres://u:open-sesame%@h/d",
        "postgres://u:open-sesame%zz@h/d",
        "postgres://u:open%00sesame@h/d",
        "postgres://u:open sesame@h/d",
        "postgres://u:open-sesame@/d",
        "postgres://u:open@sesame@h/d",
        "postgres://u:open/sesame@h/d",
        "postgres://u:open#sesame/x@h/d",
        "postgres://u:otS33+tb/e4=sesame@h:5432/d",
        "postgres://u:1234/@sesame/d",
        "postgres://u:q^G$sesame)@W)\u{a3}+$\\$r{5F?#x:$A\\y^9\\;&pzIS1&b_k@1.1.1.1:5432/d",
        "postgres://u:open-sesame",
        "postgres://:open-sesame@",
        "postgres://u:open-sesame@[::1/d",
        "postgres://u:open-sesame@h/d?sslmode=sesame",
        "postgres://h/d?pasword=open-sesame",
        "postgres://h/d?password=open&sesame",
        "postgres://h/d?password=open&sesame=1",
        "postgres://h/d?password=open=sesame",
        "postgres://h/d?open-sesame",
        "postgres://127.0.0.1:1/d?connect_timeout=sesame",
        "postgres://127.0.0.1:1/d?port=sesame",
        "postgres:u:open-sesame@h/d",
        "postgres//u:open-sesame@h/d",
        "Postgres://u:open-sesame@h/d",
        "host=h user=u password=open-sesame dbname=d",
        "mysql://u:open-sesame@h/d",
        "u:open-sesame@h/d",
        "open-sesame",
    ] {
        for level in ["info", "trace"] {
            let output = setup
                .command(&["serve"])
                .env(URL, url)
                .env("GUILDHALL_LOG__LEVEL", level)
                .env("GUILDHALL_AUTH__ISSUER", "guildhall")
                .output()
                .unwrap();
            assert_ends(&output, &["database.url"]);
        }
    }
}

#[tokio::test]
async fn each_form_of_a_sqlite_url_works_or_is_refused_by_name() {
    let setup = Setup::on(Kind::Sqlite).await;
    let folder = setup.database.path().to_path_buf();
    let before = fs::read_dir(&folder).unwrap().count();
    for (url, said) in [
        ("sqlite://guildhall.db?mode=rw", "parameters"),
        ("sqlite://guildhall.db?mode=rwc&cache=shared", "parameters"),
        ("sqlite://guildhall.db#main", "parameters"),
        ("sqlite://file:guildhall.db", "file:"),
        ("sqlite://file:guildhall.db?mode=memory", "file:"),
        ("sqlite://:memory:", "memory"),
        ("sqlite://", "names no file"),
        ("sqlite://~/guildhall.db", "~"),
        ("sqlite://100%.db", "percent"),
        ("sqlite://data/", "folder"),
        ("sqlite:guildhall.db", "must start with"),
        ("sqlite:/guildhall.db", "must start with"),
        ("file:guildhall.db", "must start with"),
        ("guildhall.db", "must start with"),
        ("sqlite3://guildhall.db", "must start with"),
        ("sqlite:///dev/null/guildhall.db", "/dev/null/guildhall.db"),
        ("sqlite:///proc/nowhere/guildhall.db", "folder that this user can write to"),
        ("sqlite:///proc/version", "/proc/version"),
        ("sqlite://.", "cannot be created or written to"),
    ] {
        assert_ends(&setup.command(&["serve"]).env(URL, url).output().unwrap(), &["database.url", said]);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), before, "{url} made a file");
    }
    for (url, file) in [
        ("sqlite://relative.db".to_owned(), "relative.db"),
        ("sqlite://new/folder/relative.db".to_owned(), "new/folder/relative.db"),
        (format!("sqlite://{}/absolute.db", folder.display()), "absolute.db"),
        (format!("sqlite:///{}/slashes.db", folder.display()), "slashes.db"),
        ("sqlite://my%20folder/g%23%3F%25.db".to_owned(), "my folder/g#?%.db"),
        ("sqlite://plain space.db".to_owned(), "plain space.db"),
        ("sqlite://%C3%A9\u{e9}.db".to_owned(), "\u{e9}\u{e9}.db"),
    ] {
        let output = setup.command(&["migrate"]).env(URL, &url).output().unwrap();
        assert!(output.status.success(), "{url}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(folder.join(file).is_file(), "{url}");
        let again = setup.command(&["migrate"]).env(URL, &url).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&again.stdout), "the database is up to date\n", "{url}");
    }
}

#[tokio::test]
async fn a_file_that_is_no_database_of_ours_is_left_alone() {
    let setup = Setup::on(Kind::Sqlite).await;
    let file = setup.database.path().join("guildhall.db");
    fs::write(&file, "a letter\n".repeat(1000)).unwrap();
    assert_refused(&setup, &["database.url", "file is not a database"]);
    assert!(fs::read(&file).unwrap().starts_with(b"a letter"));
    fs::remove_file(&file).unwrap();
    setup.database.execute("CREATE TABLE letters (text TEXT)");
    assert_refused(&setup, &["database.url", "another program"]);
}
