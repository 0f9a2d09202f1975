//! Names, addresses, domains, passwords, time zones and languages that are refused, each with what is wrong.

use serde_json::{Value, json};

use crate::app::{Setup, TestApp};
use crate::client::Client;
use crate::database::Kind;

on_both_databases! {
    texts_of_users_that_cannot_be_are_refused,
    names_of_groups_and_keys_that_cannot_be_are_refused,
    what_people_send_is_taken,
    what_was_stored_by_the_rules_of_before_stays,
    a_first_administrator_needs_a_visible_name,
}

const INVISIBLE: [&str; 4] = ["\u{200b}", "\u{ad}\u{2060}\u{feff}", "\u{3164}", "\u{200d}\u{3000}\u{200c}"];

/// A user who can be created, with one property replaced.
fn user(field: &str, value: &str) -> Value {
    let mut user =
        json!({ "username": "new", "email": "new@fightclub.com", "credentials": { "password": "F1ghtC1ub1234!" } });
    match field {
        "credentials.password" => user["credentials"]["password"] = json!(value),
        field => user[field] = json!(value),
    }
    user
}

async fn texts_of_users_that_cannot_be_are_refused(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let id = admin.create_user("tdurden").await;
    let long = "x".repeat(65);
    let mut refused: Vec<(&str, &str, &str)> = vec![
        ("username", "\u{ff20}current", "The username is reserved"),
        ("username", "sea\u{200b}rch", "The username is reserved"),
        ("username", "\u{ff12}4312b9f-0b66-4e6d-aec0-6348c5b8d867", "The username is reserved"),
        ("email", "tyler", "The email address is not valid: it has no '@'"),
        ("email", "@fightclub.com", "The email address is not valid: nothing stands before the '@'"),
        ("email", "t d@fightclub.com", "The email address is not valid: ' ' must not stand before the '@'"),
        (
            "email",
            "a..b@fightclub.com",
            "The email address is not valid: a dot stands at the beginning, before the '@' or beside another dot",
        ),
        (
            "email",
            "\"a@fightclub.com",
            "The email address is not valid: the quotation marks before the '@' are not used right",
        ),
        ("email", "t@", "The email address is not valid: the domain is missing"),
        ("email", "t@fight..com", "The email address is not valid: the domain has a dot too many"),
        ("email", "t@fight_club.com", "The email address is not valid: the domain contains '_'"),
        ("email", "t@-x.com", "The email address is not valid: a part of the domain begins or ends with a hyphen"),
        (
            "email",
            "t@\u{5d0}a.com",
            "The email address is not valid: the domain contains characters that no domain has",
        ),
        ("timezone", "Mars/Phobos", "The time zone is not valid"),
        ("timezone", "GMT Standard Time", "The time zone is not valid"),
        ("timezone", "Europe/Manchester", "The time zone is not valid"),
        ("language", "xx", "The language code is not valid"),
        ("language", "en-ZZ", "The language code is not valid"),
        ("language", "english", "The language code is not valid"),
    ];
    refused.extend(INVISIBLE.map(|name| ("username", name, "The username has no visible characters")));
    let (label, mailbox) = (format!("t@{long}.com"), format!("{long}@fightclub.com"));
    refused.push(("email", &label, "The email address is not valid: the domain is too long"));
    refused.push(("email", &mailbox, "The email address is not valid: more than 64 bytes stand before the '@'"));
    for (field, value, message) in refused {
        admin.send_with("POST", "/users", &user(field, value)).await.refuses(&[(field, message)]);
        for method in ["PUT", "PATCH"] {
            let answer = admin.send_with(method, &format!("/users/{id}"), &json!({ field: value })).await;
            answer.refuses(&[(field, message)]);
        }
    }
    for (password, message) in [
        ("Passw0rd\u{200b}", "The password must not contain the character U+200B, which cannot be typed everywhere"),
        ("Passw0rd\t", "The password must not contain the character U+0009, which cannot be typed everywhere"),
        ("Passw0rd\u{378}", "The password must not contain the character U+0378, which cannot be typed everywhere"),
        ("Aa1e\u{301}e\u{301}e\u{301}e\u{301}", "The password must have 8 or more characters"),
    ] {
        let answer = admin.send_with("POST", "/users", &user("credentials.password", password)).await;
        answer.refuses(&[("credentials.password", message)]);
        let path = format!("/users/{id}/credentials/password");
        admin.send_with("POST", &path, &json!({ "new": password })).await.refuses(&[("new", message)]);
    }
}

async fn names_of_groups_and_keys_that_cannot_be_are_refused(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let group = admin.create_group("Soap", &[], &[]).await;
    let key = admin.create("/apiKeys", &json!({ "name": "Key" })).await;
    for name in INVISIBLE {
        for (what, path) in [("group", "/groups".to_owned()), ("API key", "/apiKeys".to_owned())] {
            let answer = admin.send_with("POST", &path, &json!({ "name": name })).await;
            answer.refuses(&[("name", &format!("The {what} name has no visible characters"))]);
        }
        for (what, path) in [("group", format!("/groups/{group}")), ("API key", format!("/apiKeys/{key}"))] {
            let answer = admin.send_with("PUT", &path, &json!({ "name": name })).await;
            answer.refuses(&[("name", &format!("The {what} name has no visible characters"))]);
        }
        for path in ["users", "groups", "apiKeys"] {
            admin.send("GET", &format!("/{path}/{name}")).await.is(404);
        }
    }
    let guid = json!({ "name": "{\u{ff12}4312B9F-0B66-4E6D-AEC0-6348C5B8D867}" });
    admin.send_with("POST", "/groups", &guid).await.refuses(&[("name", "The group name must not be a GUID")]);
    let long = json!({ "name": "\u{fdfa}".repeat(255) });
    let message = "The group name is too long when its characters are written out";
    admin.send_with("POST", "/groups", &long).await.refuses(&[("name", message)]);
    for (domain, fault) in [
        ("a b.de", "the domain contains ' '"),
        ("\u{fc}..de", "the domain has a dot too many"),
        ("xn--\u{fc}.de", "the domain contains characters that no domain has"),
    ] {
        let body = json!({ "name": "Domains", "autoMembershipEmailDomains": ["m\u{fc}nchen.de", domain] });
        let message = format!("The domain '{domain}' is not valid: {fault}");
        let faults = [("autoMembershipEmailDomains[1]", message.as_str())];
        admin.send_with("POST", "/groups", &body).await.refuses(&faults);
        admin.send_with("PUT", &format!("/groups/{group}"), &body).await.refuses(&faults);
    }
}

async fn what_people_send_is_taken(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let longest = "\u{1f600}".repeat(255);
    for (number, name) in [
        "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
        "\u{915}\u{94d}\u{200d}\u{937}",
        "\u{e19}\u{e49}\u{e33}",
        "❤\u{fe0f}",
        &longest,
    ]
    .into_iter()
    .enumerate()
    {
        let new = user("username", name);
        let mut new = new;
        new["email"] = json!(format!("{number}@fightclub.com"));
        let created = admin.send_with("POST", "/users", &new).await.is(201).json();
        assert_eq!(created["username"], name, "shown as given");
        let group = admin.send_with("POST", "/groups", &json!({ "name": name })).await.is(201).json();
        assert_eq!(group["name"], name, "shown as given");
    }
    for (number, (email, timezone, language)) in [
        ("\u{7528}\u{6237}@\u{4f8b}\u{3048}.\u{30c6}\u{30b9}\u{30c8}", "Europe/London", "en-GB"),
        ("t.durden+soap@xn--mnchen-3ya.de", "Etc/UTC", "en"),
        ("\"Tyler Durden\"@localhost", "America/New_York", "zh-CN"),
        ("\u{645}@\u{645}\u{62b}\u{627}\u{644}.\u{625}\u{62e}\u{62a}\u{628}\u{627}\u{631}", "Asia/Calcutta", "ar-SA"),
        ("o'brien@r3---sn.example", "US/Pacific", "cy-GB"),
    ]
    .into_iter()
    .enumerate()
    {
        let mut new = user("email", email);
        new["username"] = json!(format!("person {number}"));
        new["timezone"] = json!(timezone);
        new["language"] = json!(language);
        let created = admin.send_with("POST", "/users", &new).await.is(201).json();
        assert_eq!([&created["email"], &created["timezone"], &created["language"]], [email, timezone, language]);
        assert_eq!(admin.get(&format!("/users/{email}")).await, created);
    }
}

/// Clients send back what they read: what does not change is not checked by the rules of today.
async fn what_was_stored_by_the_rules_of_before_stays(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let id = admin.create_user("tdurden").await;
    app.setup.database.execute(
        "UPDATE users SET email = 'a..b@fight_club.com', timezone = 'Mars/Phobos', language = 'xx' WHERE username = 'tdurden'",
    );
    let stored = admin.get(&format!("/users/{id}")).await;
    assert_eq!(
        [&stored["email"], &stored["timezone"], &stored["language"]],
        ["a..b@fight_club.com", "Mars/Phobos", "xx"]
    );
    for method in ["PUT", "PATCH"] {
        let changed = admin.send_with(method, &format!("/users/{id}"), &stored).await.is(200).json();
        assert_eq!(changed["email"], stored["email"]);
    }
    let other = json!({ "email": "a..c@fight_club.com", "timezone": "Mars/Deimos" });
    admin.send_with("PUT", &format!("/users/{id}"), &other).await.refuses_only(&["email", "timezone"]);
}

async fn a_first_administrator_needs_a_visible_name(kind: Kind) {
    let setup = Setup::on(kind).await.with("GUILDHALL_BOOTSTRAP__ADMIN_USERNAME", "\u{200b}");
    let output = setup.run(&["serve"]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("The username has no visible characters"), "{error}");
}
