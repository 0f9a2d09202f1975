//! Query parameters, path parameters and headers that cannot be read or name nothing, on every route that has them.

use std::collections::BTreeSet;

use actix_web::http::Method;
use serde_json::Value;

use crate::openapi::{document, operations};
use crate::world::{ADMINISTRATOR, World, by, error};

/// Bad values of a query parameter as they stand in an address, each with its message; `None` where the parameter is any text.
fn faults(template: &str, parameter: &str) -> Option<Vec<(&'static str, String)>> {
    if template == EVENTS {
        return Some(faults_of_events(parameter));
    }
    let whole = |least: u64| format!("The parameter '{parameter}' must be a whole number, {least} or more");
    let switch = || format!("The parameter '{parameter}' must be true or false");
    let rows: Vec<(&str, String)> = match parameter {
        "pageIndex" => {
            let most = || "The parameter 'pageIndex' must be at most 2147483647".to_owned();
            let mut rows: Vec<_> =
                ["abc", "-1", "1.5", "1e2", "0x1", "%2B1", "%20", "1,2", "true"].map(|bad| (bad, whole(0))).into();
            rows.extend([("2147483648", most()), ("99999999999999999999", most())]);
            rows
        }
        "pageSize" => ["abc", "0", "-1", "1.5", "1e2", "[]", "%D9%A3"].map(|bad| (bad, whole(1))).into(),
        "includeInherited" | "includeSelf" | "detail" | "suspended" | "forcePasswordReset" | "classicUserId" => {
            ["yes", "on", "2", "-1", "%22true%22", "true,false"].map(|bad| (bad, switch())).into()
        }
        "limit" => ["abc", "0", "-1", "101", "1.5", "1e1", "%2B1", "", "null", "undefined", "99999999999999999999"]
            .map(|bad| (bad, "The parameter 'limit' must be a whole number from 1 to 100".to_owned()))
            .into(),
        "parent" => ["", "null", "undefined"]
            .map(|bad| (bad, "The parameter 'parent' must be the id or the name of a group".to_owned()))
            .into(),
        "cursor" => {
            ["x", "0", "%20", "AAAA", "%3D", "a%2Fb"].map(|bad| (bad, "The cursor is not valid".to_owned())).into()
        }
        "order" if is_of_memberships(template) => {
            let name = if template == MEMBERSHIPS { "username" } else { "name" };
            let of = format!("{name}, added, validFrom or validUntil, with '-' before it for the reverse order");
            let bad = ["", "undefined", "null", "surname", "--added", "added,name", "state", "ADDED%20x"];
            bad.map(|bad| (bad, format!("The parameter 'order' must be {of}"))).into()
        }
        "state" => ["", "undefined", "null", "ended", "active,scheduled", "true"]
            .map(|bad| (bad, "The parameter 'state' must be active, scheduled or all".to_owned()))
            .into(),
        "asOf" | "expiringBefore" => faults_of_dates(parameter),
        "order" => vec![
            ("surname", "The parameter 'order': there is no field 'surname'".to_owned()),
            ("created,-surname", "The parameter 'order': there is no field 'surname'".to_owned()),
            ("created%20surname", "The parameter 'order': there is no field 'created surname'".to_owned()),
        ],
        "orderBy" => vec![
            ("surname", "The parameter 'orderBy': there is no field 'surname'".to_owned()),
            ("%5B", "The parameter 'orderBy' is not JSON: it ends too early, at line 1 column 1".to_owned()),
            (
                "%5B%22%5Cud800%22%5D",
                concat!(
                    "The search is not valid at orderBy[0]: The value has half of a surrogate pair in it, ",
                    "such as \\ud800 alone, which is no character"
                )
                .to_owned(),
            ),
        ],
        "where" => vec![
            ("x", "The parameter 'where' is not JSON: expected value at line 1 column 1".to_owned()),
            ("5", "The search is not valid at where: an object should stand here".to_owned()),
            (
                "%7B%22field%22:%22username%22,%22FIELD%22:%22email%22,%22contains%22:%22x%22%7D",
                "The search is not valid at where.FIELD: The property is given more than once".to_owned(),
            ),
            (
                "%7B%22field%22:%22username%22,%22contains%22:%22%5Cudc00%22%7D",
                concat!(
                    "The search is not valid at where.contains: The value has half of a surrogate pair in it, ",
                    "such as \\ud800 alone, which is no character"
                )
                .to_owned(),
            ),
            (
                "%7B%22field%22:%22custom.level%22,%22equalTo%22:1e999%7D",
                concat!(
                    "The search is not valid at where.equalTo: The number must be a 64-bit integer, ",
                    "or one that a double holds without loss; a string keeps any digits"
                )
                .to_owned(),
            ),
            (
                "%7B%22field%22:%22failedLoginAttempts%22,%22lessThan%22:1e30%7D",
                concat!(
                    "The search is not valid at where.lessThan: the field 'failedLoginAttempts' is compared with ",
                    "a whole number from -9223372036854775808 to 9223372036854775807"
                )
                .to_owned(),
            ),
        ],
        "mode" => ["", "all", "%22atomic%22", "undefined", "null"]
            .map(|bad| (bad, "The parameter 'mode' must be atomic or partial".to_owned()))
            .into(),
        "dryRun" => ["", "yes", "undefined", "null", "2", "%20true"].map(|bad| (bad, switch())).into(),
        "zenql" => vec![("nothing%20=%201", "The ZenQL query is not valid".to_owned())],
        "q" | "excludedGroups" | "issuer" | "subject" => return None,
        other => unreachable!("the parameter {other} is not known"),
    };
    Some(rows)
}

/// The same for a date, which of the past may not be in the future.
fn faults_of_dates(parameter: &str) -> Vec<(&'static str, String)> {
    let message = format!("The parameter '{parameter}' must be an ISO 8601 date, such as 2024-09-03");
    let bad = ["", "undefined", "null", "tomorrow", "2027", "2027-02-30", "1798761600", "now(7)"];
    let future = ("9999-01-01", "The parameter 'asOf' must not be in the future".to_owned());
    let future = (parameter == "asOf").then_some(future);
    bad.map(|bad| (bad, message.clone())).into_iter().chain(future).collect()
}

const EVENTS: &str = "/api/security/events";

/// The same for the log of all changes.
fn faults_of_events(parameter: &str) -> Vec<(&'static str, String)> {
    let of = |wanted: &str, bad: &[&'static str]| {
        let message = format!("The parameter '{parameter}' must be {wanted}");
        bad.iter().map(|bad| (*bad, message.clone())).collect()
    };
    let id = ["", "bob", "null", "75490b0f-56f7-4690-a20a-6f2a822f1d3", "%20"];
    let date = ["", "undefined", "tomorrow", "2027", "2027-02-30", "1798761600", "now(7)"];
    match parameter {
        "after" => of(
            "a whole number from 0 to 9223372036854775807",
            &["", "-1", "1.5", "1e1", "%2B1", "null", "9223372036854775808", "99999999999999999999"],
        ),
        "limit" => of("a whole number from 1 to 1000", &["", "0", "-1", "1001", "1.5", "1e1", "99999999999999999999"]),
        "wait" => {
            of("a whole number of seconds from 0 to 30", &["", "-1", "31", "1.5", "true", "99999999999999999999"])
        }
        "order" => {
            of("sequence, or -sequence for the reverse order", &["", "time", "--sequence", "sequence,time", "null"])
        }
        "type" => of(
            "a type of events, or the beginning of one with '*' after it",
            &["", "guildhall.user", "guildhall.nothing*", "*.created", "null", "guildhall.user.*,guildhall.group.*"],
        ),
        "group" => of("the id of a group", &id),
        "user" | "actor" => of("the id of a user", &id),
        "from" | "to" => of("an ISO 8601 date, such as 2024-09-03", &date),
        other => unreachable!("the parameter {other} is not known"),
    }
}

const MEMBERSHIPS: &str = "/api/security/groups/{group}/memberships";

fn is_of_memberships(template: &str) -> bool {
    let others = ["/api/security/groups/{group}/children", "/api/security/users/{user}/memberships"];
    template == MEMBERSHIPS || others.contains(&template)
}

/// An address that is right in everything else.
fn filled(template: &str) -> String {
    template
        .replace("{user}", "bob")
        .replace("{group}", "Soap")
        .replace("{groups}", "Soap")
        .replace("{child}", "Lye")
        .replace("{manager}", "Lye")
        .replace("{key}", "Factory")
        .replace("{asset}", "start.js")
}

/// What belongs to a group, as lists.
const GROUP_LISTS: &str = "/api/security/groups/{group}/";

fn body(method: &str, template: &str) -> &'static str {
    match template {
        _ if method == "PATCH" && template.starts_with(GROUP_LISTS) => r#"{"set":[]}"#,
        "/api/security/users" => r#"{"email":"t@x.com","credentials":{"password":"pr0j3ctM4yh3m"}}"#,
        _ if template.starts_with(GROUP_LISTS) => "[]",
        _ => "{}",
    }
}

fn world() -> World {
    let world = World::new();
    world.add_api_key("Factory");
    world.add_group("Soap");
    world.add_group("Lye");
    world
}

fn parameters(operation: &Value, place: &str) -> BTreeSet<String> {
    let all = operation["parameters"].as_array().into_iter().flatten().filter(|parameter| parameter["in"] == place);
    all.map(|parameter| parameter["name"].as_str().unwrap().to_owned()).collect()
}

#[actix_web::test]
async fn query_parameters_that_cannot_be_read_are_named() {
    let (world, document) = (world(), document());
    let mut tried = 0;
    for (name, operation) in operations(&document) {
        let (method, template) = name.split_once(' ').unwrap();
        for parameter in parameters(operation, "query") {
            let mut rows: Vec<(String, String)> = faults(template, &parameter)
                .unwrap_or_default()
                .into_iter()
                .map(|(value, message)| (format!("{parameter}={value}"), message))
                .collect();
            let of = |fault: &str| format!("The parameter '{parameter}' {fault}");
            rows.push((format!("{parameter}=%FF"), of("is not UTF-8")));
            rows.push((format!("{parameter}=a%C3"), of("is not UTF-8")));
            rows.push((format!("{parameter}=1&{}=0", parameter.to_uppercase()), of("is given more than once")));
            let sent = body(method, template);
            for (query, message) in rows {
                let method = Method::from_bytes(method.as_bytes()).unwrap();
                let path = format!("{}?{query}", filled(template));
                let answer = world.send(by(ADMINISTRATOR, method, &path).set_payload(sent)).await;
                let (status, fault) = answer.error();
                assert_eq!((status, fault["message"].as_str()), (400, Some(message.as_str())), "{name} {path}");
                tried += 1;
            }
        }
    }
    assert!(tried > 300, "{tried}");
}

/// Nobody and nothing is called so, however it is written.
#[actix_web::test]
async fn paths_that_name_nothing_are_told_what_was_not_found() {
    let (world, document) = (world(), document());
    for (name, operation) in operations(&document).into_iter().filter(|(name, _)| name.contains(" /api/security/")) {
        let (method, template) = name.split_once(' ').unwrap();
        for parameter in parameters(operation, "path") {
            let message = match (parameter.as_str(), template) {
                ("user", _) => "User not found",
                ("group", _) => "Group not found",
                ("groups", _) => "The user is not in the group",
                ("child", _) => "Child group not found",
                ("manager", _) => "Manager group not found",
                ("key", _) => "API key not found",
                ("event", _) => "Event not found",
                ("webhook", _) => "Webhook not found",
                other => unreachable!("{other:?}"),
            };
            for value in [
                "nothing",
                "75490b0f-56f7-4690-a20a-6f2a822f1d3f",
                "75490b0f-56f7-4690-a20a-6f2a822f1d3",
                "%7B75490B0F-56F7-4690-A20A-6F2A822F1D3F%7D",
                "75490b0f56f74690a20a6f2a822f1d3f",
                "%FF",
                "%zz",
                "%",
                "%00",
                "a%00b",
                "%EF%BB%BF",
                "%20",
            ] {
                let method = Method::from_bytes(method.as_bytes()).unwrap();
                let path = filled(&template.replace(&format!("{{{parameter}}}"), value));
                let body = match template {
                    _ if template.ends_with("/credentials/password") => r#"{"new":"An0ther!One"}"#,
                    _ if parameter == "webhook" && template.ends_with("/actions") => r#"{"type":"enable"}"#,
                    _ if template.ends_with("/actions") => r#"{"type":"unlock"}"#,
                    _ => body(method.as_str(), template),
                };
                let answer = world.send(by(ADMINISTRATOR, method.clone(), &path).set_payload(body)).await;
                if method == Method::HEAD {
                    assert_eq!(answer.bare(), 404, "{name} {path}");
                } else {
                    assert_eq!(answer.error(), error(404, message), "{name} {path}");
                }
            }
        }
    }
}

#[actix_web::test]
async fn conditions_that_cannot_be_read_are_named() {
    let (world, document) = (world(), document());
    for (name, operation) in operations(&document) {
        let (method, template) = name.split_once(' ').unwrap();
        // Preferences are advice, and keys are no conditions.
        let is_condition = |header: &String| !["Prefer", "Idempotency-Key"].contains(&header.as_str());
        for header in parameters(operation, "header").into_iter().filter(is_condition) {
            let sent = body(method, template);
            for value in ["1.0", "\"1.0", "*, \"1.0\"", ""] {
                let method = Method::from_bytes(method.as_bytes()).unwrap();
                let request = by(ADMINISTRATOR, method, &filled(template)).insert_header((header.as_str(), value));
                let answer = world.send(request.set_payload(sent)).await;
                let message = "must be '*' or a list of entity tags in double quotes";
                let expected = error(400, &format!("The header '{}' {message}", header.to_lowercase()));
                assert_eq!(answer.error(), expected, "{name} {header}: {value}");
            }
        }
    }
}

/// Which of the messages of a removal is right depends on where the membership comes from.
#[actix_web::test]
async fn who_is_in_by_groups_below_is_told_by_which() {
    let world = world();
    let ask = async |method: Method, path: &str| world.ask(method, &format!("/api/security/groups/{path}")).await;
    let lye = ask(Method::GET, "Lye").await.json()["id"].as_str().unwrap().to_owned();
    let everyone = ask(Method::GET, "Everyone").await.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(ask(Method::PUT, "Soap/groups/Lye").await.bare(), 204);
    assert_eq!(ask(Method::PUT, "Lye/users/bob").await.bare(), 204);
    let inherited = |list: &str, groups: Value, has_more: bool| {
        let mut expected = error(404, &format!("The user is in the group only by groups below it: {list}"));
        expected.1["data"] = serde_json::json!({ "groups": groups, "hasMore": has_more });
        expected
    };
    let named = serde_json::json!([{ "id": lye, "name": "Lye" }]);
    let expected = inherited(&format!("'Lye' ({lye})"), named, false);
    assert_eq!(ask(Method::DELETE, "Soap/users/bob").await.error(), expected);
    let named = serde_json::json!([{ "id": everyone, "name": "Everyone" }]);
    let expected = inherited(&format!("'Everyone' ({everyone})"), named, false);
    assert_eq!(ask(Method::DELETE, "CMS%20Editors/users/bob").await.error(), expected);
    assert_eq!(ask(Method::DELETE, "Soap/users/admin").await.error(), error(404, "The user is not in the group"));
    for number in 0..11 {
        let group = world.add_group(&format!("{number:02}"));
        assert_eq!(ask(Method::PUT, &format!("Soap/groups/{group}")).await.bare(), 204);
        assert_eq!(ask(Method::PUT, &format!("{group}/users/bob")).await.bare(), 204);
    }
    let (status, fault) = ask(Method::DELETE, "Soap/users/bob").await.error();
    let message = fault["message"].as_str().unwrap();
    assert!(status == 404 && message.contains("'00' (") && message.ends_with(") and others"), "{message}");
    assert_eq!((fault["data"]["groups"].as_array().unwrap().len(), &fault["data"]["hasMore"]), (10, &true.into()));
    // The same for a group further below.
    assert_eq!(ask(Method::PUT, "Lye/groups/Everyone").await.bare(), 204);
    let mut expected = error(404, &format!("The group is not a child of the group, but below its child 'Lye' ({lye})"));
    expected.1["data"] = serde_json::json!({ "groups": [{ "id": lye, "name": "Lye" }], "hasMore": false });
    assert_eq!(ask(Method::DELETE, "Soap/groups/Everyone").await.error(), expected);
    let expected = error(404, "The group is not a child of the group");
    assert_eq!(ask(Method::DELETE, "Everyone/groups/Soap").await.error(), expected);
}
