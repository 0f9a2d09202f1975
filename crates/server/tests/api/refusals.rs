//! What a common reader could not read back is refused at the door, by every route and over both databases alike.

use reqwest::Method;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::app::TestApp;
use crate::client::Client;
use crate::database::Kind;

on_both_databases! {
    numbers_that_readers_would_change_are_refused,
    numbers_that_readers_keep_are_shown_as_they_were_sent,
    what_was_stored_before_stays_readable,
    characters_that_a_database_cannot_store_harm_no_request,
    an_inherited_member_is_told_by_which_groups,
}

const NOT_PORTABLE: &str =
    "The number must be a 64-bit integer, or one that a double holds without loss; a string keeps any digits";

/// Every route that takes custom properties, with a body that has a place for them.
const DOORS: [(&str, &str, &str); 5] = [
    ("POST", "/users", r#"{"email":"new{n}@fightclub.com","credentials":{"password":"F1ghtC1ub1234!"},"custom":%}"#),
    ("PUT", "/users/marla", r#"{"custom":%}"#),
    ("PATCH", "/users/marla", r#"{"custom":%}"#),
    ("POST", "/groups", r#"{"name":"New {n}","custom":%}"#),
    ("PUT", "/groups/Soap", r#"{"custom":%}"#),
];

async fn send(app: &TestApp, method: &str, path: &str, body: String) -> Answer {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    Answer::to(app.request(method, path).header("Content-Type", "application/json").body(body)).await
}

async fn with_marla_and_soap(kind: Kind) -> TestApp {
    let app = TestApp::on(kind).await;
    app.create_user("marla").await;
    app.create_group("Soap").await;
    app
}

async fn numbers_that_readers_would_change_are_refused(kind: Kind) {
    let app = with_marla_and_soap(kind).await;
    for number in [
        "1e999",
        "-1e999",
        "1e-999",
        "123456789012345678901234567890",
        "18446744073709551617",
        "1.0000000000000000000000001",
    ] {
        for (method, path, body) in DOORS {
            let body = body.replace("{n}", "").replace('%', &format!("{{\"fine\":1,\"big\":{number}}}"));
            send(&app, method, path, body).await.refuses(&[("custom.big", NOT_PORTABLE)]);
        }
    }
    for (custom, field, message) in [
        (r#"{"a":1,"a":2}"#, "custom.a", "The property is given more than once"),
        (r#"{"a":"\u0000"}"#, "custom.a", "The value must not contain the character U+0000"),
        (
            r#"{"a":"\ud800"}"#,
            "custom.a",
            "The value has half of a surrogate pair in it, such as \\ud800 alone, which is no character",
        ),
        (r#"{"a":[[[]]]}"#, "custom.a", "The value must not be an object or an array"),
    ] {
        for (method, path, body) in DOORS {
            send(&app, method, path, body.replace("{n}", "").replace('%', custom)).await.refuses(&[(field, message)]);
        }
    }
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(130), "]".repeat(130));
    for (method, path, body) in DOORS {
        let answer = send(&app, method, path, body.replace("{n}", "").replace('%', &deep)).await;
        answer.is_error(400, "The body is nested deeper than 128 levels", &Value::Null);
    }
    for path in ["/users/marla", "/groups/Soap"] {
        assert_eq!(app.get(path).await.json()["custom"], json!({}));
    }
    // Each of the two is allowed, but not what results from the merge.
    let text = |name: &str, length: usize| format!(r#"{{"custom":{{"{name}":"{}"}}}}"#, "x".repeat(length));
    assert_eq!(send(&app, "PATCH", "/users/marla", text("a", 32_768)).await.status, 200);
    let message = "The custom properties must have at most 65536 bytes as JSON in all, not 65537";
    send(&app, "PATCH", "/users/marla", text("b", 65_536 - 32_768 - 14)).await.refuses(&[("custom", message)]);
    assert_eq!(send(&app, "PATCH", "/users/marla", text("b", 65_536 - 32_768 - 15)).await.status, 200);
}

async fn numbers_that_readers_keep_are_shown_as_they_were_sent(kind: Kind) {
    let app = with_marla_and_soap(kind).await;
    let numbers = [
        "0",
        "-0",
        "1.50e2",
        "0.1",
        "9007199254740993",
        "-9223372036854775808",
        "18446744073709551615",
        "1e23",
        "1.7976931348623157e308",
        "5e-324",
    ];
    for (place, number) in numbers.into_iter().enumerate() {
        for (method, path, body) in DOORS {
            let custom = format!("{{\"level\":{number}}}");
            let body = body.replace("{n}", &place.to_string()).replace('%', &custom);
            let answer = send(&app, method, path, body).await;
            assert!([200, 201].contains(&answer.status), "{method} {path} {number}: {answer:?}");
            let shown = format!("\"custom\":{custom}");
            assert!(answer.body.contains(&shown), "{answer:?}");
            let id = answer.json()["id"].as_str().unwrap().to_owned();
            let collection = path.split('/').nth(1).unwrap();
            let query = format!("/{collection}?zenql=id%20=%20{id}%20and%20custom.level%20=%20{number}");
            for path in [format!("/{collection}/{id}"), query] {
                assert!(app.get(&path).await.body.contains(&shown), "{path} {number}");
            }
        }
    }
}

async fn what_was_stored_before_stays_readable(kind: Kind) {
    let app = with_marla_and_soap(kind).await;
    for (table, key) in [("users", "username_key = 'marla'"), ("groups", "name_key = 'soap'")] {
        app.setup.database.execute(&format!("UPDATE {table} SET custom = '{{\"old\":1e999}}' WHERE {key}"));
    }
    for (path, listing, change) in [
        ("/users/marla", "/users", json!({ "firstName": "Marla" })),
        ("/groups/Soap", "/groups", json!({ "description": "Soap" })),
    ] {
        assert!(app.get(path).await.body.contains("\"custom\":{\"old\":1e999}"));
        assert!(app.get(listing).await.body.contains("\"custom\":{\"old\":1e999}"));
        let answer = send(&app, "PUT", path, change.to_string()).await;
        assert!(answer.status == 200 && answer.body.contains("\"custom\":{\"old\":1e999}"), "{answer:?}");
        // A client sends back what it read, and something more.
        let answer = send(&app, "PUT", path, r#"{"custom":{"old":1e999,"new":1}}"#.to_owned()).await;
        assert!(answer.status == 200 && answer.body.contains("\"custom\":{\"new\":1,\"old\":1e999}"), "{answer:?}");
        send(&app, "PUT", path, r#"{"custom":{"new":1e999}}"#.to_owned())
            .await
            .refuses(&[("custom.new", NOT_PORTABLE)]);
    }
    let found = app.get("/users?zenql=custom.old%20=%20%221e999%22").await;
    assert!(found.body.contains("\"totalCount\":1,"), "{found:?}");
}

async fn characters_that_a_database_cannot_store_harm_no_request(kind: Kind) {
    let app = with_marla_and_soap(kind).await;
    let condition = |field: &str, value: &str| format!("%7B%22field%22:%22{field}%22,%22equalTo%22:%22{value}%22%7D");
    for (path, status) in [
        ("/users?q=%00", 200),
        ("/users?q=a%00b", 200),
        ("/users?zenql=username%20=%20%22a%00%22", 200),
        ("/users?zenql=username%20~%20%22a%00*%22", 200),
        ("/users?zenql=custom.level%20=%20%22%00%22", 200),
        ("/users?zenql=%22custom.%00%22%20=%201", 400),
        ("/users?zenql=%00", 400),
        ("/users?order=custom.%00", 400),
        ("/users?order=%00", 400),
        (&format!("/users?where={}", condition("username", "%5Cu0000")), 200),
        (&format!("/users?where={}", condition("custom.a%5Cu0000", "x")), 400),
        (&format!("/users?where={}", condition("id", "%5Cu0000")), 400),
        ("/groups?q=%00", 200),
        ("/groups?zenql=description%20~%20%22%00%22", 200),
        ("/groups?order=custom.%00", 400),
        ("/groups/Soap/users?excludedGroups=%00", 200),
        ("/groups/Soap/groups?excludedGroups=a%00,b", 200),
        ("/users/marla/groups?excludedGroups=%00", 200),
        ("/users/%00", 404),
        ("/users/marla/identities", 200),
        ("/groups/%00", 404),
        ("/apiKeys/%00", 404),
        ("/apiKeys/a%00", 404),
    ] {
        let answer = app.get(path).await;
        assert_eq!(answer.status, status, "{path}: {answer:?}");
    }
    for (method, path, body, status) in [
        ("DELETE", "/users/marla/identities?issuer=%00", "", 404),
        ("DELETE", "/users/marla/identities?subject=a%00&issuer=b", "", 404),
        ("POST", "/users/search", r#"{"q":"\u0000"}"#, 200),
        ("POST", "/memberships/check", r#"{"checks":[{"user":"\u0000","group":"a\u0000"}]}"#, 200),
        ("POST", "/users/search", r#"{"orderBy":"custom.\u0000"}"#, 400),
        ("POST", "/users/marla/actions", r#"{"type":"\u0000"}"#, 422),
        (
            "POST",
            "/users",
            r#"{"username":"a\u0000","email":"a@b.com","credentials":{"password":"F1ghtC1ub1234!"}}"#,
            422,
        ),
        ("POST", "/groups", r#"{"name":"a\u0000"}"#, 422),
        ("POST", "/groups", r#"{"name":"A","description":"\u0000"}"#, 422),
        ("POST", "/apiKeys", r#"{"name":"A","description":"\u0000"}"#, 422),
        ("POST", "/apiKeys", r#"{"name":"A\u0000"}"#, 422),
        ("POST", "/apiKeys", r#"{"name":"A","scopes":["\u0000"]}"#, 201),
    ] {
        let answer = send(&app, method, path, body.to_owned()).await;
        assert_eq!(answer.status, status, "{method} {path} {body}: {answer:?}");
    }
    for (form, code) in [
        ("grant_type=password&username=%00&password=x", "IncorrectUsernameorPassword"),
        ("grant_type=password&username=marla&password=%00", "IncorrectUsernameorPassword"),
        ("grant_type=refresh_token&refresh_token=%00", "invalid_grant"),
        ("grant_type=client_credentials&client_id=%00&client_secret=%00", "invalid_client"),
        ("grant_type=password&username=marla&password=caf%E9", "invalid_request"),
    ] {
        let request = app.client.post(format!("{}/authenticate/connect/token", app.server.url));
        let request = request.header("Content-Type", "application/x-www-form-urlencoded").body(form);
        let answer = Answer::to(request).await;
        assert_eq!((answer.status, answer.json()), (400, json!({ "error": code })), "{form}");
    }
}

async fn an_inherited_member_is_told_by_which_groups(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let marla = admin.create_user("marla").await;
    let lye = admin.create_group("Lye", &[&marla], &[]).await;
    let soap = admin.create_group("Soap", &[], &[&lye]).await;
    let top = admin.create_group("Top", &[], &[&soap]).await;
    let data = json!({ "groups": [{ "id": lye, "name": "Lye" }], "hasMore": false });
    for group in ["Soap", "Top"] {
        let message = format!("The user is in the group only by groups below it: 'Lye' ({lye})");
        app.delete(&format!("/groups/{group}/users/marla")).await.is_error(404, &message, &data);
    }
    let message = format!("The group is not a child of the group, but below its child 'Soap' ({soap})");
    let data = json!({ "groups": [{ "id": soap, "name": "Soap" }], "hasMore": false });
    app.delete(&format!("/groups/{top}/groups/{lye}")).await.is_error(404, &message, &data);
    app.delete(&format!("/groups/{top}/users/admin")).await.is_error(404, "The user is not in the group", &Value::Null);
    app.delete(&format!("/groups/{lye}/users/marla")).await.is(204);
    app.delete(&format!("/groups/{top}/users/marla")).await.is_error(404, "The user is not in the group", &Value::Null);
}
