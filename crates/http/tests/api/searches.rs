//! Searches described by JSON (contract 8.3).

use serde_json::{Value, json};

use crate::crowd::{EVERYBODY, SEARCH, USERS, crowd, misplaced};
use crate::world::{World, error};

/// The same search in a parameter of either listing and in a body.
async fn everywhere(world: &World, conditions: &Value) -> [String; 3] {
    let text = conditions.to_string();
    let body = json!({ "where": conditions }).to_string();
    [
        world.list(SEARCH, &[("where", &text)]).await.names(),
        world.list(USERS, &[("where", &text)]).await.names(),
        world.post(SEARCH, &body).await.names(),
    ]
}

#[actix_web::test]
async fn conditions_are_understood_in_every_form() {
    let world = crowd().await;
    let id = world.ordinary.to_string().to_uppercase();
    let of = |field: &str, operator: &str, value: Value| json!([{ "field": field, operator: value }]);
    let either = json!([{ "or": [
        { "field": "username", "contains": "tyler" }, { "field": "Email", "contains": "durden" },
    ] }]);
    for (conditions, expected) in [
        (json!([]), EVERYBODY),
        (either.clone(), "tdurden"),
        (either[0].clone(), "tdurden"),
        (json!({ "Field": "username", "EqualTo": "BOB", "weight": 5 }), "bob"),
        (of("lastName", "equalTo", Value::Null), "!! New key, admin, bob, Geoff, lou"),
        (of("lastName", "equalTo", json!("")), "jack"),
        (of("email", "contains", json!("t?dur*.com")), "tdurden"),
        (of("email", "startsWith", json!("T.D")), "tdurden"),
        (of("email", "endsWith", json!("club.com")), "bob, tdurden"),
        (of("failedLoginAttempts", "greaterThan", json!(1)), "lou"),
        (of("failedLoginAttempts", "greaterThanOrEqualTo", json!("1")), "angel, lou"),
        (of("created", "lessThan", json!("2026-01-01T00:00:00.000Z")), "Geoff"),
        (of("created", "lessThanOrEqualTo", json!("2025-12-20")), "Geoff"),
        (of("created", "between", json!(["2026-02-01", "2026-02-10T00:00:00.000Z"])), "jack, marla"),
        (of("created", "greaterThan", json!("now(-1d)")), ""),
        (of("created", "greaterThan", json!("-1w")), "angel, raymond, tdurden"),
        (of("username", "in", json!(["lou", "nobody", "MARLA"])), "lou, marla"),
        (of("username", "in", json!([])), ""),
        (of("email", "exists", json!(false)), "!! New key, admin, raymond"),
        (of("lastLogin", "exists", json!(true)), "raymond, tdurden"),
        (of("id", "equalTo", json!(id)), "bob"),
        (of("id", "in", json!([format!("{{{id}}}")])), "bob"),
        (of("status.locked", "equalTo", json!(true)), "lou"),
        (of("optOutOfNotifications", "equalTo", json!("true")), "angel"),
        (of("custom.level", "equalTo", json!(2)), "marla"),
        (of("custom.vip", "equalTo", json!(true)), "tdurden"),
        (of("username", "freeText", json!("key new")), "!! New key"),
        (of("username", "freeText", json!({ "term": "key new", "fuzzy": false, "operator": "and" })), "!! New key"),
        (of("username", "freeText", json!({ "term": "key old", "fuzzy": false, "operator": "and" })), ""),
        (of("username", "freeText", json!({ "term": "key bob", "fuzzy": true, "operator": "OR" })), "!! New key, bob"),
        (of("*", "freeText", json!("singer marla")), "marla"),
        (of("*", "freeText", json!({ "term": "singer face", "operator": "or" })), "angel, marla"),
        (json!([{ "not": { "field": "email", "exists": true } }]), "!! New key, admin, raymond"),
        (json!([{ "not": [{ "field": "email", "exists": true }] }]), "!! New key, admin, raymond"),
        (json!([{ "field": "username", "greaterThan": "l" }, { "field": "username", "lessThan": "n" }]), "lou, marla"),
        (
            json!({ "and": [{ "field": "username", "greaterThan": "l" }, { "not": { "field": "email", "contains": "@" } }] }),
            "raymond",
        ),
        (json!({ "OR": { "field": "username", "equalTo": "lou" } }), "lou"),
        (json!({ "and": [] }), EVERYBODY),
        (json!({ "or": [] }), ""),
    ] {
        assert_eq!(everywhere(&world, &conditions).await, [expected; 3], "{conditions}");
    }
}

#[actix_web::test]
async fn searches_of_the_platforms_clients_are_answered() {
    let world = crowd().await;
    let tyler = r#"[{"or":[{"field":"username","contains":"tyler"},{"field":"Email","contains":"durden"}]}]"#;
    for (path, parameters, expected) in [
        (
            SEARCH,
            vec![("orderBy", r#"[{"desc":"created"}]"#), ("pageIndex", "0"), ("pageSize", "20"), ("where", tyler)],
            "tdurden",
        ),
        (SEARCH, vec![("where", "undefined")], EVERYBODY),
        (SEARCH, vec![("where", "null"), ("orderBy", "undefined"), ("defaultHeaders", "[object Object]")], EVERYBODY),
        (SEARCH, vec![("where", "")], EVERYBODY),
        (USERS, vec![("pageSize", "5"), ("where", tyler)], "tdurden"),
        (SEARCH, vec![("zenQL", "username=\"Geoff\"")], "Geoff"),
    ] {
        assert_eq!(world.list(path, &parameters).await.names(), expected, "{parameters:?}");
    }
    let body = json!({
        "pageIndex": 0, "pageSize": 50,
        "where": [{ "or": [{ "field": "username", "contains": "tyler" }, { "field": "Email", "contains": "durden" }] }],
        "orderBy": [{ "desc": "created" }],
        "includeArchived": true, "includeDeleted": {}, "aggregations": [], "fields": ["x"], "fieldLinkDepths": 3,
    });
    assert_eq!(world.post(SEARCH, &body.to_string()).await.names(), "tdurden");
}

#[actix_web::test]
async fn a_search_says_its_order_in_every_form() {
    let world = crowd().await;
    let some = r#"{"field":"username","in":["tdurden","bob","admin"]}"#;
    for (order, expected) in [
        (json!("-username"), "tdurden, bob, admin"),
        (json!("-created,username"), "tdurden, admin, bob"),
        (json!(["-created", "username"]), "tdurden, admin, bob"),
        (json!([{ "desc": "created" }, { "Asc": "userName" }]), "tdurden, admin, bob"),
        (json!([{ "desc": "created" }, "-username"]), "tdurden, bob, admin"),
        (json!({ "desc": "username" }), "tdurden, bob, admin"),
        (json!([]), "admin, bob, tdurden"),
        (json!(""), "admin, bob, tdurden"),
        (Value::Null, "admin, bob, tdurden"),
    ] {
        let text = order.to_string();
        for path in [SEARCH, USERS] {
            let answer = world.list(path, &[("where", some), ("orderBy", &text), ("order", "username")]).await;
            assert_eq!(answer.names(), expected, "{path} {text}");
        }
        for name in ["orderBy", "order", "ORDERBY"] {
            let body = format!(r#"{{"where":{some},"{name}":{text}}}"#);
            assert_eq!(world.post(SEARCH, &body).await.names(), expected, "{body}");
        }
    }
    for parameters in [
        vec![("orderBy", "-username")],
        vec![("order", "-username")],
        vec![("orderBy", "-username"), ("order", "email")],
        vec![("orderBy", "email"), ("zenql", "order by username desc")],
    ] {
        let answer = world.list(SEARCH, &[parameters.as_slice(), &[("where", some)]].concat()).await;
        assert_eq!(answer.names(), "tdurden, bob, admin", "{parameters:?}");
    }
    let body = r#"{"zenql":"username in (tdurden, bob, admin) order by username desc","orderBy":"email","q":"bob"}"#;
    assert_eq!(world.post(SEARCH, body).await.names(), "bob");
}

#[actix_web::test]
async fn a_body_says_which_page() {
    let world = crowd().await;
    for (body, page, names) in [
        (r#"{"pageIndex":1,"pageSize":4}"#, [1, 4, 10, 3], "Geoff, jack, lou, marla"),
        (r#"{"PAGEINDEX":"2","pagesize":"4"}"#, [2, 4, 10, 3], "raymond, tdurden"),
        (r#"{"pageIndex":null}"#, [0, 25, 10, 1], EVERYBODY),
        (r#"{"pageIndex":1.0,"pageSize":4e0}"#, [1, 4, 10, 3], "Geoff, jack, lou, marla"),
        (r#"{"pageSize":99999999999999999999999}"#, [0, 1000, 10, 1], EVERYBODY),
    ] {
        let answer = world.post(SEARCH, body).await;
        assert_eq!(answer.names(), names, "{body}");
        let answer = answer.json();
        assert_eq!(
            ["pageIndex", "pageSize", "totalCount", "pageCount"].map(|key| answer[key].clone()),
            page.map(Value::from)
        );
    }
    for (body, message) in [
        (r#"{"pageIndex":-1}"#, "The property 'pageIndex' must be a whole number, 0 or more"),
        (r#"{"pageIndex":2147483648}"#, "The property 'pageIndex' must be at most 2147483647"),
        (r#"{"pageSize":0}"#, "The property 'pageSize' must be a whole number, 1 or more"),
        (r#"{"pageSize":1.5}"#, "The property 'pageSize' must be a whole number, 1 or more"),
        (r#"{"pageSize":""}"#, "The property 'pageSize' must be a whole number, 1 or more"),
        (r#"{"pageSize":1,"PageSize":2}"#, "The search is not valid at pageSize: The property is given more than once"),
        (r#"{"pageSize":[]}"#, "The property 'pageSize' must be a whole number, 1 or more"),
        (r#"{"q":5}"#, "The search is not valid at q: a string should stand here"),
        (r#"{"zenql":{}}"#, "The search is not valid at zenql: a string should stand here"),
    ] {
        assert_eq!(world.post(SEARCH, body).await.error(), error(400, message), "{body}");
    }
    let answer = world.post(SEARCH, r#"{"zenQL":"username = bob"}"#).await;
    assert_eq!(answer.names(), "bob");
    let answer = world.post(SEARCH, r#"{"zenQL":"surname = bob"}"#).await;
    assert_eq!(answer.error(), misplaced(0, "there is no field 'surname'"));
}
