//! Users: listing, reading, deleting them.

use serde_json::{Value, json};

use crate::app::TestApp;
use crate::client::{Client, USER_PASSWORD};
use crate::database::Kind;

on_both_databases! {
    users_are_listed_by_name_in_pages,
    a_user_is_read_by_every_identifier_they_have,
    a_new_user_has_every_property,
    a_user_can_be_created_suspended_or_asked_for_a_new_password,
    no_user_has_an_id_of_the_time_before_guids,
    a_deleted_user_is_gone_with_their_memberships_and_tokens,
    administrators_delete_others_and_everybody_else_themselves,
}

async fn users_are_listed_by_name_in_pages(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    for name in ["tyler", "_marla", "Bob", "42"] {
        admin.create_user(name).await;
    }
    let sorted = ["_marla", "42", "admin", "Bob", "tyler"];
    let whole = admin.get("/users").await;
    let frame =
        |page: &Value| ["pageIndex", "pageSize", "totalCount", "pageCount"].map(|key| page[key].as_u64().unwrap());
    assert_eq!(frame(&whole), [0, 25, 5, 1]);
    assert_eq!(admin.listed("/users", "username").await, sorted);
    for (page, expected) in sorted.chunks(2).enumerate() {
        let path = format!("/users?pageIndex={page}&pageSize=2");
        assert_eq!(frame(&admin.get(&path).await), [page as u64, 2, 5, 3]);
        assert_eq!(admin.listed(&path, "username").await, expected);
    }
    let beyond = admin.get("/users?pageIndex=7&pageSize=2").await;
    assert_eq!((frame(&beyond), &beyond["items"]), ([7, 2, 5, 3], &json!([])));
    assert_eq!(frame(&admin.get("/users?PAGESIZE=5000&unknown=x").await), [0, 1000, 5, 1]);
    for query in ["pageSize=0", "pageSize=-1", "pageIndex=-1", "pageIndex=one", "pageSize=2.5"] {
        let answer = admin.send("GET", &format!("/users?{query}")).await;
        assert_eq!((answer.status, &answer.json()["type"]), (400, &json!("Error")), "{query}");
    }
}

async fn a_user_is_read_by_every_identifier_they_have(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let id = admin.create_user("tdurden").await;
    let whole = admin.get(&format!("/users/{id}")).await;
    let [upper, digits] = [id.to_uppercase(), id.replace('-', "")];
    for user in [
        upper.clone(),
        digits.clone(),
        digits.to_uppercase(),
        format!("%7B{upper}%7D"),
        format!("({id})"),
        format!("%7B{digits}%7D"),
        "tdurden".to_owned(),
        "TDurden".to_owned(),
        "tdurden@fightclub.com".to_owned(),
        "TDURDEN%40FightClub.com".to_owned(),
    ] {
        assert_eq!(admin.get(&format!("/users/{user}")).await, whole, "{user}");
    }
    let tyler = Client::of(&app, "tdurden");
    for user in ["@current", "@CURRENT", &id, "tdurden"] {
        assert_eq!(tyler.get(&format!("/users/{user}")).await, whole, "{user}");
    }
    for user in ["nobody", "75490b0f-56f7-4690-a20a-6f2a822f1d3f", "75490b0f-56f7-4690-a20a-6f2a822f1d3", "%2F"] {
        admin.send("GET", &format!("/users/{user}")).await.is_error(404, "User not found", &Value::Null);
    }
}

async fn a_new_user_has_every_property(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let id = "75490b0f-56f7-4690-a20a-6f2a822f1d3f";
    let credentials = json!({ "password": USER_PASSWORD });
    let body = json!({ "id": id, "EMAIL": "t.durden@fightclub.com", "FirstName": "Tyler", "title": "Mr",
                       "custom": { "Soap": "Lye" }, "credentials": credentials });
    let created = admin.send_with("POST", "/users", &body).await.is(201);
    assert_eq!(created.headers["location"], format!("/api/security/users/{id}"));
    let user = created.json();
    let now = &user["created"];
    let provider = json!({ "type": "contensis", "name": "contensis" });
    assert_eq!(
        user,
        json!({
            "id": id, "username": "t.durden@fightclub.com", "email": "t.durden@fightclub.com",
            "firstName": "Tyler", "lastName": null, "timezone": "Etc/UTC", "language": "en-GB",
            "custom": { "Soap": "Lye" },
            "credentials": { "passwordChangeFrequency": 180, "provider": provider },
            "status": { "suspended": false, "locked": false, "passwordResetRequired": false },
            "created": now, "modified": now, "lastLogin": null, "lastFailedLogin": null, "expiry": null,
            "passwordChanged": now, "optOutOfNotifications": false, "failedLoginAttempts": 0,
            "failedLoginAttemptsSinceLastSuccess": 0, "successfulLoginAttempts": 0,
        })
    );
    assert_eq!(admin.get(&format!("/users/{id}")).await, user);
}

async fn a_user_can_be_created_suspended_or_asked_for_a_new_password(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    for (number, (query, suspended, reset)) in [
        ("", false, false),
        ("?suspended=true", true, false),
        ("?SUSPENDED=1&forcePasswordReset=TRUE", true, true),
        ("?suspended=false&forcePasswordReset=true", false, true),
    ]
    .into_iter()
    .enumerate()
    {
        let credentials = json!({ "password": USER_PASSWORD });
        let body = json!({ "email": format!("user{number}@fightclub.com"), "credentials": credentials });
        let user = admin.send_with("POST", &format!("/users{query}"), &body).await.is(201).json();
        let expected = json!({ "suspended": suspended, "locked": false, "passwordResetRequired": reset });
        assert_eq!(user["status"], expected, "{query}");
    }
}

async fn no_user_has_an_id_of_the_time_before_guids(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    admin.create_user("12").await;
    admin.send("GET", "/users/12?classicUserId=true").await.is_error(404, "User not found", &Value::Null);
    admin.send("GET", "/users/12?classicUserId=false").await.is(200);
    admin.send("GET", "/users/12").await.is(200);
}

async fn a_deleted_user_is_gone_with_their_memberships_and_tokens(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let id = admin.create_user("marla").await;
    admin.create_group("Soap", &["marla", "admin"], &[]).await;
    let marla = Client::of(&app, "marla");
    let everyone = app.member_count("Everyone").await;
    assert_eq!(admin.send("DELETE", "/users/MARLA").await.is(204).body, "");
    assert_eq!(marla.status("GET", "/users/@current").await, 401);
    assert_eq!(app.member_count("Soap").await, 1);
    assert_eq!(app.member_count("Everyone").await, everyone - 1);
    for method in ["GET", "DELETE"] {
        admin.send(method, &format!("/users/{id}")).await.is_error(404, "User not found", &Value::Null);
    }
    assert_eq!(admin.status("PUT", &format!("/groups/Soap/users/{id}")).await, 404);
    let again = admin.create_user("marla").await;
    assert_ne!(again, id);
    assert_eq!(marla.status("GET", "/users/@current").await, 401, "a name that is taken again opens nothing");
}

async fn administrators_delete_others_and_everybody_else_themselves(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    for name in ["marla", "bob", "second"] {
        admin.create_user(name).await;
    }
    admin.send("PUT", "/groups/System Administrators/users/second").await.is(204);
    for user in ["@current", "admin"] {
        admin.send("DELETE", &format!("/users/{user}")).await.is_error(403, "Access denied", &Value::Null);
    }
    let marla = Client::of(&app, "marla");
    for user in ["bob", "admin", "nobody"] {
        marla.send("DELETE", &format!("/users/{user}")).await.is_error(403, "Access denied", &Value::Null);
    }
    marla.send("DELETE", "/users/@current").await.is(204);
    admin.send("DELETE", "/users/second").await.is(204);
    assert_eq!(admin.listed("/users", "username").await, ["admin", "bob"]);
}
