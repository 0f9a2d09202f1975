use actix_web::http::Method;
use guildhall_domain::user::UserId;
use serde_json::{Value, json};

use crate::world::{LIMITS, World, error};

const SOAP: &str = "/api/security/groups/Paper%20Street%20Soap%20Company/users/";
const UNKNOWN: &str = "75490b0f-56f7-4690-a20a-6f2a822f1d3f";

fn soap() -> (World, Vec<UserId>) {
    let world = World::new();
    world.add_group("Paper Street Soap Company");
    let users = ["tdurden", "msinger", "rpaulson", "angelface", "lou"].map(|name| world.add_user(name)).to_vec();
    (world, users)
}

fn ids(users: &[UserId]) -> String {
    json!(users.iter().map(ToString::to_string).collect::<Vec<_>>()).to_string()
}

async fn usernames(world: &World, query: &str) -> Vec<String> {
    let listing = world.ask(Method::GET, &format!("{SOAP}{query}")).await.json();
    let username = |user: &Value| user["username"].as_str().unwrap().to_owned();
    listing["items"].as_array().unwrap().iter().map(username).collect()
}

#[actix_web::test]
async fn many_are_added_in_one_request() {
    let (world, users) = soap();
    for _ in 0..2 {
        assert_eq!(world.post(SOAP, &ids(&users)).await.bare(), 204);
        assert_eq!(usernames(&world, "").await, ["angelface", "lou", "msinger", "rpaulson", "tdurden"]);
    }
}

#[actix_web::test]
async fn ids_are_taken_in_every_spelling_and_once_each() {
    let (world, users) = soap();
    let id = users[0].to_string();
    let body = json!([id, id.to_uppercase(), format!("{{{id}}}"), format!("({id})"), id.replace('-', "")]);
    assert_eq!(world.post(SOAP, &body.to_string()).await.bare(), 204);
    assert_eq!(usernames(&world, "").await, ["tdurden"]);
    assert_eq!(world.post(SOAP, "[]").await.bare(), 204);
}

#[actix_web::test]
async fn unknown_users_are_all_named_and_nobody_is_added() {
    let (world, users) = soap();
    let other = "00000000-0000-0000-0000-000000000000";
    let body = json!([UNKNOWN, users[0].to_string(), other, UNKNOWN]).to_string();
    let data = json!({ "message": "User not found", "data": { "userIds": [other, UNKNOWN] }, "type": "Error" });
    assert_eq!(world.post(SOAP, &body).await.error(), (404, data));
    assert_eq!(usernames(&world, "").await, [""; 0]);
    let answer = world.post("/api/security/groups/Nothing/users", &body).await;
    assert_eq!(answer.error(), error(404, "Group not found"));
}

#[actix_web::test]
async fn bodies_that_are_no_ids_say_where() {
    let (world, users) = soap();
    let id = users[0].to_string();
    for (body, message) in [
        (json!([id, id, id, "tdurden"]).to_string(), "The element at index 3 is not a UUID"),
        (json!([7]).to_string(), "The element at index 0 is not a UUID"),
        (String::new(), "The body is not a JSON array of UUIDs: it is empty"),
        ("{}".to_owned(), "The body is not a JSON array of UUIDs: it is an object"),
        ("[,]".to_owned(), "The body is not a JSON array of UUIDs: expected value at line 1 column 2"),
    ] {
        assert_eq!(world.post(SOAP, &body).await.error(), error(400, message), "{body}");
    }
    assert_eq!(usernames(&world, "").await, [""; 0]);
}

#[actix_web::test]
async fn more_than_the_limit_is_too_much() {
    let (world, users) = soap();
    let most = vec![users[0]; LIMITS.bulk_ids];
    assert_eq!(world.post(SOAP, &ids(&most)).await.bare(), 204);
    let answer = world.post(SOAP, &ids(&[most.as_slice(), &[users[1]]].concat())).await;
    assert_eq!(answer.error(), error(413, "There are more than 100 ids"));
    let answer = world.post(SOAP, &" ".repeat(LIMITS.bulk_bytes + 1)).await;
    assert_eq!(answer.error(), error(413, "The body is larger than 8192 bytes"));
    assert_eq!(usernames(&world, "").await, ["tdurden"]);
}

#[actix_web::test]
async fn one_is_added_asked_for_and_removed() {
    let (world, users) = soap();
    let at = |user: &str| format!("{SOAP}{user}");
    for user in ["tdurden", "TDURDEN@fightclub.com", &users[0].to_string(), "@current"] {
        assert_eq!(world.ask(Method::PUT, &at(user)).await.bare(), 204, "{user}");
        assert_eq!(world.ask(Method::HEAD, &at(user)).await.bare(), 204, "{user}");
    }
    assert_eq!(usernames(&world, "").await, ["admin", "tdurden"]);
    assert_eq!(world.ask(Method::DELETE, &at("tdurden")).await.bare(), 204);
    assert_eq!(world.ask(Method::HEAD, &at("tdurden")).await.bare(), 404);
    let answer = world.ask(Method::DELETE, &at("tdurden")).await;
    assert_eq!(answer.error(), error(404, "The user is not in the group"));
    for method in [Method::PUT, Method::DELETE] {
        assert_eq!(world.ask(method.clone(), &at("x")).await.error(), error(404, "User not found"));
        let answer = world.ask(method, "/api/security/groups/x/users/tdurden").await;
        assert_eq!(answer.error(), error(404, "Group not found"));
    }
    assert_eq!(world.ask(Method::HEAD, "/api/security/groups/x/users/tdurden").await.bare(), 404);
    assert_eq!(world.ask(Method::HEAD, &at("x")).await.bare(), 404);
}

#[actix_web::test]
async fn some_cannot_be_removed() {
    let (world, _) = soap();
    let delete = async |path: &str| world.ask(Method::DELETE, &format!("/api/security/groups/{path}")).await;
    let answer = delete("Everyone/users/tdurden").await;
    assert_eq!(answer.error(), error(409, "Users cannot be removed from 'Everyone'"));
    let answer = delete("System%20Administrators/users/admin").await;
    assert_eq!(answer.error(), error(409, "The last System Administrator cannot be removed"));
}

#[actix_web::test]
async fn members_are_listed_in_pages() {
    let (world, users) = soap();
    world.post(SOAP, &ids(&users)).await;
    let page = world.ask(Method::GET, &format!("{SOAP}?pageIndex=1&pageSize=2&x=-x&y=z")).await.json();
    let numbers: Vec<_> = ["pageIndex", "pageSize", "totalCount", "pageCount"].map(|key| page[key].clone()).into();
    assert_eq!(numbers, [1, 2, 5, 3].map(Value::from));
    assert_eq!(usernames(&world, "?pageIndex=1&pageSize=2").await, ["msinger", "rpaulson"]);
    let page = world.ask(Method::GET, &format!("{SOAP}?pageIndex=9&pageSize=5000")).await;
    assert_eq!(page.body, r#"{"pageIndex":9,"pageSize":1000,"totalCount":5,"pageCount":1,"items":[]}"#);
    let answer = world.ask(Method::GET, &format!("{SOAP}?pageSize=0")).await;
    assert_eq!(answer.error(), error(400, "The parameter 'pageSize' must be a whole number, 1 or more"));
}

#[actix_web::test]
async fn members_of_children_are_listed_when_asked_for() {
    let (world, users) = soap();
    world.add_group("Technicians");
    let path = "/api/security/groups/Paper%20Street%20Soap%20Company/groups/Technicians";
    assert_eq!(world.ask(Method::PUT, path).await.bare(), 204);
    world.post("/api/security/groups/Technicians/users", &ids(&users[..2])).await;
    assert_eq!(usernames(&world, "?includeInherited=false").await, [""; 0]);
    assert_eq!(usernames(&world, "?IncludeInherited=True").await, ["msinger", "tdurden"]);
    assert_eq!(world.ask(Method::HEAD, &format!("{SOAP}tdurden")).await.bare(), 204);
    let answer = world.ask(Method::GET, &format!("{SOAP}?includeInherited=maybe")).await;
    assert_eq!(answer.error(), error(400, "The parameter 'includeInherited' must be true or false"));
}
