//! What is wrong with a search, and where (contract 8.3).

use serde_json::{Value, json};

use crate::crowd::{SEARCH, USERS, crowd};
use crate::world::{LIMITS, error};

#[actix_web::test]
async fn what_makes_no_sense_is_told_with_its_place() {
    let world = crowd().await;
    let of = |field: &str, operator: &str, value: Value| json!([{ "field": field, operator: value }]);
    let moment = "the field 'created' is compared with a date, a period or a date function";
    for (conditions, place, detail) in [
        (json!([{ "field": "surname", "equalTo": "x" }]), "where[0].field", "there is no field 'surname'"),
        (
            json!({ "field": "credentials.password", "exists": true }),
            "where.field",
            "there is no field 'credentials.password'",
        ),
        (of("username", "like", json!("x")), "where[0].like", "there is no operator 'like'"),
        (
            json!([{ "or": [{ "field": "username", "exists": true }, { "field": "created", "contains": "x" }] }]),
            "where[0].or[1].contains",
            "the operator does not fit the field 'created', which holds a date",
        ),
        (of("created", "greaterThan", json!("yesterday")), "where[0].greaterThan", moment),
        (of("created", "greaterThan", json!(5)), "where[0].greaterThan", moment),
        (of("created", "between", json!(["-1d", "x"])), "where[0].between[1]", moment),
        (of("created", "between", json!(["-1d"])), "where[0].between", "an array of two values should stand here"),
        (of("created", "lessThan", json!("9999y")), "where[0].lessThan", "the moment is outside the years 0 to 9999"),
        (of("created", "equalTo", json!("2026-02-30T10:00Z")), "where[0].equalTo", "there is no such date or time"),
        (of("id", "in", json!(["x"])), "where[0].in[0]", "the field 'id' is compared with a UUID"),
        (of("id", "in", json!("x")), "where[0].in", "an array should stand here"),
        (
            of("failedLoginAttempts", "equalTo", json!(1.5)),
            "where[0].equalTo",
            "the field 'failedLoginAttempts' is compared with a whole number",
        ),
        (
            of("status.locked", "equalTo", json!(1)),
            "where[0].equalTo",
            "the field 'status.locked' is compared with true or false",
        ),
        (
            of("username", "startsWith", Value::Null),
            "where[0].startsWith",
            "the field 'username' is compared with a text",
        ),
        (
            of("username", "equalTo", json!(["x"])),
            "where[0].equalTo",
            "a string, a number, true, false or null should stand here",
        ),
        (of("username", "exists", json!("true")), "where[0].exists", "true or false should stand here"),
        (
            of("created", "freeText", json!("x")),
            "where[0].freeText",
            "the operator does not fit the field 'created', which holds a date",
        ),
        (of("username", "freeText", json!(5)), "where[0].freeText", "a string should stand here"),
        (of("username", "freeText", json!({ "fuzzy": false })), "where[0].freeText", "there is no 'term'"),
        (
            of("username", "freeText", json!({ "term": "x", "operator": "xor" })),
            "where[0].freeText.operator",
            "'and' or 'or' should stand here",
        ),
        (of("*", "contains", json!("x")), "where[0].field", "there is no field '*'"),
        (of("location", "distanceWithin", json!({})), "where[0].distanceWithin", "'distanceWithin' is not supported"),
        (json!([{ "field": "username" }]), "where[0]", "the condition has no operator"),
        (json!([{ "contains": "x" }]), "where[0]", "the condition has no field"),
        (json!([{}]), "where[0]", "the condition has no operator"),
        (json!([{ "field": 5, "contains": "x" }]), "where[0].field", "a string should stand here"),
        (
            json!([{ "contains": "x", "field": "username", "startsWith": "x" }]),
            "where[0].startsWith",
            "the condition has an operator already",
        ),
        (json!([{ "field": "username", "and": [] }]), "where[0].field", "a condition around others has no field"),
        (json!([{ "not": [] }]), "where[0].not", "one condition should stand here"),
        (json!([{ "not": [{}, {}] }]), "where[0].not", "one condition should stand here"),
        (json!([[]]), "where[0]", "an object should stand here"),
        (json!("x"), "where", "an object should stand here"),
        (json!([{ "and": 5 }]), "where[0].and", "an object should stand here"),
    ] {
        let expected = error(400, &format!("The search is not valid at {place}: {detail}"));
        let text = conditions.to_string();
        assert_eq!(world.list(SEARCH, &[("where", &text)]).await.error(), expected, "{text}");
        let body = json!({ "where": conditions }).to_string();
        assert_eq!(world.post(SEARCH, &body).await.error(), expected, "{body}");
    }
    let sort = "a field, or an object with either 'asc' or 'desc', should stand here";
    for (order, place, detail) in [
        (json!("-surname"), "orderBy", "there is no field 'surname'"),
        (json!(["username", "+surname"]), "orderBy[1]", "there is no field 'surname'"),
        (json!([{ "desc": "-username" }]), "orderBy[0].desc", "there is no field '-username'"),
        (json!([{ "desc": 5 }]), "orderBy[0].desc", "a string should stand here"),
        (json!([{ "asc": "username", "desc": "username" }]), "orderBy[0]", sort),
        (json!([{ "up": "username" }]), "orderBy[0]", sort),
        (json!([5]), "orderBy[0]", sort),
        (json!(5), "orderBy", sort),
    ] {
        let expected = error(400, &format!("The search is not valid at {place}: {detail}"));
        let body = json!({ "orderBy": order }).to_string();
        assert_eq!(world.post(SEARCH, &body).await.error(), expected, "{body}");
    }
    let answer = world.list(SEARCH, &[("orderBy", r#"["surname"]"#)]).await;
    assert_eq!(answer.error(), error(400, "The search is not valid at orderBy[0]: there is no field 'surname'"));
    let answer = world.list(USERS, &[("orderBy", "-surname")]).await;
    assert_eq!(answer.error(), error(400, "The parameter 'orderBy': there is no field 'surname'"));
}

/// What a parser of JSON values cannot hold, in a parameter and in a body alike.
#[actix_web::test]
async fn what_readers_disagree_on_is_told_with_its_place() {
    let world = crowd().await;
    let half = "The value has half of a surrogate pair in it, such as \\ud800 alone, which is no character";
    let repeated = "The property is given more than once";
    let number =
        "The number must be a 64-bit integer, or one that a double holds without loss; a string keeps any digits";
    let range = "the field 'failedLoginAttempts' is compared with a whole number from -9223372036854775808 to 9223372036854775807";
    for (conditions, place, detail) in [
        (r#"{"field":"username","contains":"\ud800"}"#, "where.contains", half),
        (r#"{"field":"username","in":["a","\udc00x"]}"#, "where.in[1]", half),
        (r#"{"field":"\ud800","contains":"a"}"#, "where.field", half),
        (r#"{"field":"username","\ud800":"a"}"#, "where", half),
        (r#"{"field":"username","freeText":{"term":"\ud800"}}"#, "where.freeText.term", half),
        (r#"{"field":"username","field":"email","contains":"a"}"#, "where.field", repeated),
        (r#"[{"or":[{"field":"username","contains":"a","Contains":"b"}]}]"#, "where[0].or[0].Contains", repeated),
        (r#"{"field":"username","freeText":{"term":"a","term":"b"}}"#, "where.freeText.term", repeated),
        (r#"{"field":"custom.level","equalTo":1e999}"#, "where.equalTo", number),
        (r#"{"field":"custom.level","between":[1,1.0000000000000000000000001]}"#, "where.between[1]", number),
        (r#"{"field":"failedLoginAttempts","in":[123456789012345678901234567890]}"#, "where.in[0]", number),
        (r#"{"field":"failedLoginAttempts","greaterThan":1e30}"#, "where.greaterThan", range),
        (r#"{"field":"failedLoginAttempts","greaterThan":"-1e999"}"#, "where.greaterThan", range),
    ] {
        let expected = error(400, &format!("The search is not valid at {place}: {detail}"));
        assert_eq!(world.list(SEARCH, &[("where", conditions)]).await.error(), expected, "{conditions}");
        let body = format!("{{\"where\":{conditions}}}");
        assert_eq!(world.post(SEARCH, &body).await.error(), expected, "{body}");
    }
    for (body, place, detail) in [
        (r#"{"where":[],"where":[]}"#, "where", repeated),
        (r#"{"where":[],"WHERE":null}"#, "WHERE", repeated),
        (r#"{"q":"a","q":"b"}"#, "q", repeated),
        (r#"{"zenql":"","zenQL":""}"#, "zenql", repeated),
        (r#"{"q":"\ud800"}"#, "q", half),
        (r#"{"orderBy":"\ud800"}"#, "orderBy", half),
        (r#"{"orderBy":[{"asc":"username","ASC":"email"}]}"#, "orderBy[0].ASC", repeated),
        (r#"{"pageSize":"\ud800"}"#, "pageSize", half),
    ] {
        let place = place.replace("WHERE", "where");
        let expected = error(400, &format!("The search is not valid at {place}: {detail}"));
        assert_eq!(world.post(SEARCH, body).await.error(), expected, "{body}");
    }
    let answer = world.list(SEARCH, &[("where", &format!("{}{}", "[".repeat(129), "]".repeat(129)))]).await;
    assert_eq!(answer.error(), error(400, "The parameter 'where' is nested deeper than 128 levels"));
    for (conditions, names) in [
        (r#"{"field":"failedLoginAttempts","equalTo":1.0}"#, "angel"),
        (r#"{"field":"failedLoginAttempts","equalTo":"1e0"}"#, "angel"),
        (r#"{"field":"custom.level","equalTo":2}"#, "marla"),
        (r#"{"field":"custom.level","equalTo":"1e999"}"#, ""),
    ] {
        assert_eq!(world.list(SEARCH, &[("where", conditions)]).await.names(), names, "{conditions}");
    }
}

#[actix_web::test]
async fn what_is_no_json_is_told_with_line_and_column() {
    let world = crowd().await;
    for (text, fault) in [
        ("[{]", "key must be a string at line 1 column 3"),
        ("[\n{\"field\":}]", "expected value at line 2 column 10"),
        ("username", "expected value at line 1 column 1"),
        ("[] []", "trailing characters at line 1 column 4"),
    ] {
        let expected = error(400, &format!("The parameter 'where' is not JSON: {fault}"));
        assert_eq!(world.list(SEARCH, &[("where", text)]).await.error(), expected, "{text}");
    }
    let answer = world.list(SEARCH, &[("orderBy", "[\"username\"")]).await;
    let fault = "The parameter 'orderBy' is not JSON: it ends too early, at line 1 column 11";
    assert_eq!(answer.error(), error(400, fault));
    for (body, fault) in
        [("", "it is empty"), ("[]", "it is an array"), ("{\"where\":\n[}", "expected value at line 2 column 2")]
    {
        let expected = error(400, &format!("The body is not a JSON object: {fault}"));
        assert_eq!(world.post(SEARCH, body).await.error(), expected, "{body}");
    }
}

#[actix_web::test]
async fn searches_are_bounded() {
    let world = crowd().await;
    let nested = |levels: usize| {
        let bob = json!({ "field": "username", "equalTo": "bob" });
        let around = |inner: Value, level: usize| match level % 4 {
            0 => json!({ "and": [inner] }),
            1 => json!({ "or": [inner] }),
            2 => json!({ "not": [{ "not": inner }] }),
            _ => json!({ "or": inner }),
        };
        (0..levels).fold(bob, around)
    };
    // Every fourth of them is two.
    let body = json!({ "where": nested(40) }).to_string();
    assert_eq!(world.post(SEARCH, &body).await.names(), "bob");
    let body = json!({ "where": nested(41) }).to_string();
    let (status, fault) = world.post(SEARCH, &body).await.error();
    let message = fault["message"].as_str().unwrap();
    assert!(status == 400 && message.ends_with(": at most 50 conditions may stand around another"), "{message}");
    for body in [r#"{"where":[{"and":"#.repeat(200), format!(r#"{{"where":{}{}}}"#, "[".repeat(1500), "]".repeat(1500))]
    {
        assert_eq!(world.post(SEARCH, &body).await.status, 400);
    }
    let among = |values: usize| json!({ "field": "failedLoginAttempts", "in": vec![0; values] }).to_string();
    let bob = ("zenql", "username = bob");
    assert_eq!(world.list(SEARCH, &[("where", &among(3999)), bob]).await.names(), "bob");
    let answer = world.list(SEARCH, &[("where", &among(4000)), bob]).await;
    assert_eq!(answer.error(), error(400, "The search makes more than 4000 comparisons"));
    let long = "x".repeat(8001);
    let too_long =
        |place: &str| error(400, &format!("The search is not valid at {place}: a text has at most 8000 characters"));
    for (operator, value, place) in [
        ("contains", json!(long), "where.contains"),
        ("in", json!([long]), "where.in[0]"),
        ("freeText", json!(long), "where.freeText"),
        ("freeText", json!({ "term": long }), "where.freeText.term"),
    ] {
        let conditions = json!({ "field": "username", operator: value }).to_string();
        assert_eq!(world.list(SEARCH, &[("where", &conditions)]).await.error(), too_long(place), "{place}");
    }
    assert_eq!(world.list(USERS, &[("q", &long)]).await.error(), too_long("q"));
    assert_eq!(world.list(USERS, &[("q", &long[1..])]).await.names(), "");
    let body = json!({ "q": "x".repeat(LIMITS.body_bytes) }).to_string();
    assert_eq!(world.post(SEARCH, &body).await.error(), error(413, "The body is larger than 4096 bytes"));
}
