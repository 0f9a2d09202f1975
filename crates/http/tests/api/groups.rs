use actix_web::http::Method;
use serde_json::json;

use crate::world::{World, error, invalid};

const GROUPS: &str = "/api/security/groups";
const INVALID: &str = "There are validation errors creating the group";

#[actix_web::test]
async fn a_created_group_is_told_whole_and_read_by_id_and_by_name() {
    let world = World::new();
    let body = r#"{"Name":" Paper Street Soap Company ","Description":"Soap","custom":{"Colour":"pink"},"type":"External",
        "autoMembershipEmailDomains":["@FightClub.com","a.org"],"userCount":7,"created":"x"}"#;
    let answer = world.post(GROUPS, body).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(answer.header("location"), Some(format!("/api/security/groups/{id}").as_str()));
    let expected = format!(
        concat!(
            r#"{{"id":"{}","name":"Paper Street Soap Company","description":"Soap","type":"external","userCount":0,"#,
            r#""childGroupCount":0,"custom":{{"Colour":"pink"}},"autoMembershipEmailDomains":["a.org","fightclub.com"],"#,
            r#""created":"2026-01-02T03:04:05.678Z","modified":"2026-01-02T03:04:05.678Z"}}"#
        ),
        id
    );
    assert_eq!(answer.body, expected);
    for path in [id.as_str(), &format!("%7B{}%7D", id.to_uppercase()), "paper%20street%20SOAP%20company"] {
        let read = world.ask(Method::GET, &format!("{GROUPS}/{path}")).await;
        assert_eq!((read.status.as_u16(), read.body.as_str()), (200, expected.as_str()), "{path}");
    }
}

#[actix_web::test]
async fn what_a_group_does_not_have_is_null() {
    let world = World::new();
    let group = world
        .post(GROUPS, r#"{"name":"Soap","description":null,"custom":null,"autoMembershipEmailDomains":null}"#)
        .await
        .json();
    assert_eq!(group["description"], json!(null));
    assert_eq!(group["custom"], json!({}));
    assert!(group.as_object().unwrap().contains_key("autoMembershipEmailDomains"));
    assert_eq!(group["autoMembershipEmailDomains"], json!(null));
    let group = world.ask(Method::GET, "/api/security/groups/Everyone").await.json();
    assert_eq!((&group["type"], &group["userCount"]), (&json!("sys"), &json!(2)));
    let group = world.ask(Method::GET, "/api/security/groups/CMS%20Editors").await.json();
    assert_eq!(group["childGroupCount"], 1);
}

#[actix_web::test]
async fn groups_that_are_not_as_they_must_be_are_refused() {
    let world = World::new();
    for (body, field, message) in [
        ("{}", "name", "The group name is required"),
        (r#"{"name":null}"#, "name", "The group name is required"),
        (r#"{"name":[]}"#, "name", "The value must be a string"),
        (r#"{"name":"6254736c-70e1-43b0-b769-f8e0f6359862"}"#, "name", "The group name must not be a GUID"),
        (
            r#"{"name":"x","type":"sys"}"#,
            "type",
            "The group type 'sys' is not valid; it must be 'contensis' or 'external'",
        ),
        (
            r#"{"name":"x","autoMembershipEmailDomains":["a.org","-"]}"#,
            "autoMembershipEmailDomains[1]",
            "The domain '-' is not valid: a part of the domain begins or ends with a hyphen",
        ),
        (
            r#"{"name":"x","autoMembershipEmailDomains":["a.org",1]}"#,
            "autoMembershipEmailDomains[1]",
            "The value must be a string",
        ),
        (
            r#"{"name":"x","autoMembershipEmailDomains":"a.org"}"#,
            "autoMembershipEmailDomains",
            "The value must be an array of strings",
        ),
    ] {
        assert_eq!(world.post(GROUPS, body).await.error(), invalid(INVALID, &[(field, message)]), "{body}");
    }
}

#[actix_web::test]
async fn names_and_ids_that_are_taken_conflict() {
    let world = World::new();
    let id = world.add_group("Soap");
    let answer = world.post(GROUPS, r#"{"name":"SOAP"}"#).await;
    assert_eq!(answer.error(), error(409, "A group with the name 'SOAP' already exists"));
    let answer = world.post(GROUPS, &json!({ "id": id.to_string(), "name": "x" }).to_string()).await;
    assert_eq!(answer.error(), error(409, &format!("A group with the id '{id}' already exists")));
}

#[actix_web::test]
async fn a_group_that_is_not_there_is_not_found() {
    let world = World::new();
    for path in ["Soap", "6254736c-70e1-43b0-b769-f8e0f6359862", "%20", "%00", "%FF", ".."] {
        let answer = world.ask(Method::GET, &format!("{GROUPS}/{path}")).await;
        assert_eq!(answer.error(), error(404, "Group not found"), "{path}");
    }
}
