use actix_web::http::Method;
use serde_json::{Value, json};

use crate::world::{World, error, invalid};

const USERS: &str = "/api/security/users";
const INVALID: &str = "There are validation errors creating the user";

fn tyler() -> Value {
    json!({
        "username": "tdurden",
        "email": "t.durden@fightclub.com",
        "firstName": "Tyler",
        "lastName": "Durden",
        "timezone": "America/New_York",
        "expiry": "2030-01-01T12:00:00Z",
        "language": "en-US",
        "custom": { "House": "Paper Street", "a": null, "b": true, "c": 1.50, "d": "12" },
        "credentials": { "password": "F1ghtC1ub1234!" },
    })
}

#[actix_web::test]
async fn a_created_user_is_told_whole() {
    let world = World::new();
    let body = tyler().to_string().replace("1.5", "1.50e2");
    let answer = world.post(USERS, &body).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let user = answer.json();
    let id = user["id"].as_str().unwrap();
    assert_eq!(answer.header("location"), Some(format!("/api/security/users/{id}").as_str()));
    assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
    let expected = format!(
        concat!(
            r#"{{"id":"{}","username":"tdurden","email":"t.durden@fightclub.com","firstName":"Tyler","lastName":"Durden","#,
            r#""timezone":"America/New_York","language":"en-US","#,
            r#""custom":{{"House":"Paper Street","a":null,"b":true,"c":1.50e2,"d":"12"}},"#,
            r#""credentials":{{"passwordChangeFrequency":180,"provider":{{"type":"contensis","name":"contensis"}}}},"#,
            r#""status":{{"suspended":false,"locked":false,"passwordResetRequired":false}},"#,
            r#""created":"2026-01-02T03:04:05.678Z","modified":"2026-01-02T03:04:05.678Z","lastLogin":null,"#,
            r#""lastFailedLogin":null,"expiry":"2030-01-01T12:00:00.000Z","passwordChanged":"2026-01-02T03:04:05.678Z","#,
            r#""optOutOfNotifications":false,"failedLoginAttempts":0,"failedLoginAttemptsSinceLastSuccess":0,"#,
            r#""successfulLoginAttempts":0}}"#
        ),
        id
    );
    assert_eq!(answer.body, expected);
}

#[actix_web::test]
async fn property_names_have_no_case_but_inside_custom() {
    let world = World::new();
    let body = r#"{"userNAME":"b","Email":"b@x.com","Credentials":{"PassWord":"pr0j3ctM4yh3m","passwordchangefrequency":0},
        "id":"{24312B9F-0B66-4E6D-AEC0-6348C5B8D867}","OptOutOfNotifications":true,"firstname":"B","title":{"deep":[1]},
        "status":{"suspended":true},"created":5,"custom":{"a":"2","A":"3"}}"#;
    let user = world.post(USERS, body).await.json();
    assert_eq!(user["username"], "b");
    assert_eq!(user["id"], "24312b9f-0b66-4e6d-aec0-6348c5b8d867");
    assert_eq!(user["firstName"], "B");
    assert_eq!(user["credentials"]["passwordChangeFrequency"], 0);
    assert_eq!(user["optOutOfNotifications"], true);
    assert_eq!(user["status"]["suspended"], false);
    assert_eq!(user["custom"], json!({ "A": "3", "a": "2" }));
}

#[actix_web::test]
async fn the_query_suspends_and_asks_for_a_new_password() {
    let world = World::new();
    let path = format!("{USERS}/?Suspended=TRUE&forcepasswordreset=1&x=y");
    let user = world.post(&path, &tyler().to_string()).await.json();
    assert_eq!(user["status"], json!({ "suspended": true, "locked": false, "passwordResetRequired": true }));
    let answer = world.post(&format!("{USERS}?suspended=perhaps"), &tyler().to_string()).await;
    assert_eq!(answer.error(), error(400, "The parameter 'suspended' must be true or false"));
}

#[actix_web::test]
async fn properties_of_the_wrong_kind_are_named() {
    let world = World::new();
    let body = json!({
        "id": "tyler",
        "username": 5,
        "email": ["t@x.com"],
        "custom": { "x": {}, "y": [], "z": "fine" },
        "credentials": { "password": true, "passwordChangeFrequency": 1.5 },
        "expiry": "tomorrow",
        "optOutOfNotifications": "no",
    });
    let expected = invalid(
        INVALID,
        &[
            ("id", "The value must be a UUID"),
            ("username", "The value must be a string"),
            ("email", "The value must be a string"),
            ("custom.x", "The value must not be an object or an array"),
            ("custom.y", "The value must not be an object or an array"),
            ("credentials.password", "The value must be a string"),
            ("credentials.passwordChangeFrequency", "The value must be a whole number"),
            ("expiry", "The value must be an ISO 8601 date, such as 2024-09-03 or 2024-09-03T09:51:20Z"),
            ("optOutOfNotifications", "The value must be true or false"),
        ],
    );
    assert_eq!(world.post(USERS, &body.to_string()).await.error(), expected);
    for (body, field) in [
        (r#"{"credentials":"x"}"#, "credentials"),
        (r#"{"custom":[]}"#, "custom"),
        (r#"{"username":"\ud800"}"#, "username"),
    ] {
        let (status, json) = world.post(USERS, body).await.error();
        assert_eq!((status, &json["data"][0]["field"]), (422, &json!(field)), "{body}");
    }
}

#[actix_web::test]
async fn every_fault_of_a_user_is_named() {
    let world = World::new();
    let body = r#"{"username":"@x","email":"x","language":"english","expiry":"2020-01-01","credentials":{"password":"x","passwordChangeFrequency":-1}}"#;
    let (status, json) = world.post(USERS, body).await.error();
    assert_eq!(status, 422);
    assert_eq!(json["message"], INVALID);
    assert_eq!(json["type"], "Validation");
    let fields: Vec<_> =
        json["data"].as_array().unwrap().iter().map(|fault| fault["field"].as_str().unwrap()).collect();
    for field in
        ["username", "email", "language", "expiry", "credentials.password", "credentials.passwordChangeFrequency"]
    {
        assert!(fields.contains(&field), "{field} is not in {fields:?}");
    }
}

#[actix_web::test]
async fn names_that_are_taken_conflict() {
    let world = World::new();
    let id = world.post(USERS, &tyler().to_string()).await.json()["id"].as_str().unwrap().to_owned();
    let other = |changes: Value| {
        let mut user = tyler();
        for (key, value) in changes.as_object().unwrap() {
            user[key] = value.clone();
        }
        user.to_string()
    };
    let taken = [
        (json!({ "id": id, "username": "x", "email": "x@x.com" }), format!("A user with the id '{id}' already exists")),
        (
            json!({ "username": "TDurden", "email": "x@x.com" }),
            "A user with the username 'TDurden' already exists".into(),
        ),
        (
            json!({ "username": "x", "email": "T.Durden@FightClub.com" }),
            "A user with the email 'T.Durden@FightClub.com' already exists".into(),
        ),
    ];
    for (changes, message) in taken {
        assert_eq!(world.post(USERS, &other(changes)).await.error(), error(409, &message));
    }
}

#[actix_web::test]
async fn a_user_who_expired_since_is_told_as_suspended() {
    let world = World::new();
    let body = r#"{"email":"t@x.com","expiry":"2026-01-03","credentials":{"password":"pr0j3ctM4yh3m","passwordChangeFrequency":1}}"#;
    assert_eq!(world.post(USERS, body).await.json()["status"]["suspended"], false);
    world.is("2026-01-03T03:04:05.679Z");
    let listing = world.ask(Method::GET, "/api/security/groups/Everyone/users").await.json();
    let user = listing["items"].as_array().unwrap().iter().find(|user| user["username"] == "t@x.com").unwrap();
    assert_eq!(user["status"], json!({ "suspended": true, "locked": false, "passwordResetRequired": true }));
}
