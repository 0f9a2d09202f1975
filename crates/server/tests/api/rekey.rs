//! A database of before, in which names are told apart that read the same.

use serde_json::json;

use crate::app::TestApp;
use crate::client::Client;
use crate::database::Kind;

on_both_databases! {
    the_program_reports_names_that_would_be_the_same_and_starts_when_they_are_not,
}

async fn the_program_reports_names_that_would_be_the_same_and_starts_when_they_are_not(kind: Kind) {
    let app = TestApp::on(kind).await;
    let (user, other, group) = {
        let admin = Client::admin(&app);
        let (user, other) = (admin.create_user("plain").await, admin.create_user("other").await);
        (user, other, admin.create_group("plain", &[], &[]).await)
    };
    let setup = app.stop();
    setup.database.execute(
        "UPDATE users SET username = 'Caf\u{e9}', username_key = 'caf\u{e9}' WHERE username = 'plain';
         UPDATE user_identifiers SET identifier_key = 'caf\u{e9}' WHERE identifier_key = 'plain';
         UPDATE users SET username = 'Cafe\u{301}', username_key = 'cafe/\u{301}' WHERE username = 'other';
         UPDATE user_identifiers SET identifier_key = 'cafe/\u{301}' WHERE identifier_key = 'other';
         UPDATE groups SET name = 'Stra\u{df}e', name_key = 'stra\u{df}e' WHERE name = 'plain';
         DROP TABLE key_version; DELETE FROM __diesel_schema_migrations WHERE version = '20261126000300'",
    );
    for command in ["migrate", "serve"] {
        let output = setup.run(&[command]);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{command}: {error}");
        for text in [
            "error: the database could not be migrated: nothing was changed",
            &user,
            &other,
            "\"Cafe\\u{301}\"",
            "UPDATE users SET username",
        ] {
            assert!(error.contains(text), "{command}: {text}: {error}");
        }
        assert!(!error.contains(&group), "{error}");
        assert_eq!(setup.database.count("SELECT count(*) AS number FROM users WHERE username_key = 'cafe/\u{301}'"), 1);
    }
    setup.database.execute("UPDATE users SET username = 'Another' WHERE username = 'Cafe\u{301}'");
    let migrated = setup.run(&["migrate"]);
    assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
    let app = setup.start();
    let admin = Client::admin(&app);
    for (path, id) in [("users/CAFE\u{301}", &user), ("users/another", &other), ("groups/STRASSE", &group)] {
        assert_eq!(admin.get(&format!("/{path}")).await["id"], json!(id), "{path}");
    }
    assert_eq!(admin.listed("/users?q=cafe\u{301}", "id").await, [user.as_str()]);
    assert_eq!(admin.listed("/users", "username").await, ["admin", "Another", "Caf\u{e9}"]);
}
