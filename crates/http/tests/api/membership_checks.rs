//! Many checks in one request.

use actix_web::http::Method;
use guildhall_domain::identifier::{GroupIdentifier, UserIdentifier};
use serde_json::{Value, json};

use crate::world::{ADMINISTRATOR, Answer, LIMITS, ORDINARY, World, by, error, invalid};

const CHECKS: &str = "/api/security/memberships/check";
const MESSAGE: &str = "There are validation errors in the checks";
const UNKNOWN: &str = "75490b0f-56f7-4690-a20a-6f2a822f1d3f";

/// `tyler` is in `Lye`, which is below `Soap`; `bob` is in neither.
fn world() -> World {
    let world = World::new();
    for group in ["Soap", "Lye"] {
        world.add_group(group);
    }
    world.add_user("tyler");
    let [soap, lye] = ["Soap", "Lye"].map(GroupIdentifier::from);
    let directory = &world.directory;
    directory.add_child(&world.by(&world.administrator), &soap, &lye).unwrap();
    directory.add_member(&world.by(&world.administrator), &lye, &UserIdentifier::from("tyler")).unwrap();
    world
}

fn checks(pairs: &[(&str, &str)]) -> String {
    let checks: Vec<Value> = pairs.iter().map(|(user, group)| json!({ "user": user, "group": group })).collect();
    json!({ "checks": checks }).to_string()
}

async fn ask_by(world: &World, token: &str, path: &str, body: &str) -> Answer {
    world.send(by(token, Method::POST, path).set_payload(body.to_owned())).await
}

#[actix_web::test]
async fn results_stand_in_the_order_of_the_checks() {
    let world = world();
    let pairs = [
        ("tyler", "Soap"),
        ("bob", "Soap"),
        ("TYLER@fightclub.com", "LYE"),
        ("tyler", "Soap"),
        ("nobody", "Soap"),
        ("tyler", "Nothing"),
        (UNKNOWN, UNKNOWN),
        ("@current", "System Administrators"),
        ("@current", "Lye"),
        ("\u{200b}ty\u{ad}ler ", "\u{ff33}oap"),
        ("tyler", "Soap,Lye"),
        ("", ""),
    ];
    let members = [true, false, true, true, false, false, false, true, false, true, false, false];
    let body = checks(&pairs);
    for path in [CHECKS, "/api/management/security/Memberships/CHECK/", "/api/security/memberships/check?detail=false"]
    {
        let answer = world.post(path, &body).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (200, json!({ "results": members })), "{path}");
    }
    let detailed = world.post("/api/security/memberships/check?DETAIL=1", &body).await;
    let found = |name: &str| !["nobody", "Nothing", UNKNOWN, "Soap,Lye", ""].contains(&name);
    let results = pairs.iter().zip(members).map(
        |((user, group), member)| json!({ "member": member, "userFound": found(user), "groupFound": found(group) }),
    );
    assert_eq!(detailed.json(), json!({ "results": results.collect::<Vec<_>>() }));
}

#[actix_web::test]
async fn names_of_properties_are_read_in_any_case_and_others_ignored() {
    let world = world();
    let body =
        r#" { "x": [[[]]], "CHECKS" : [ {"Group":"soap","note":{"user":"bob"},"USER":"ty\u006cer"} ], "user": 5 } "#;
    assert_eq!(world.post(CHECKS, body).await.json(), json!({ "results": [true] }));
}

#[actix_web::test]
async fn every_fault_is_named_with_its_index() {
    let world = world();
    let whole = r#"{"user":"bob","group":"Soap"}"#;
    let required =
        |field: &'static str| if field.ends_with("user") { "The user is required" } else { "The group is required" };
    for (body, faults) in [
        ("{}".to_owned(), vec![("checks", "The checks are required")]),
        (r#"{"checks":null}"#.to_owned(), vec![("checks", "The checks are required")]),
        (r#"{"checks":[]}"#.to_owned(), vec![("checks", "There must be at least one check")]),
        (
            r#"{"checks":[{}]}"#.to_owned(),
            ["checks[0].user", "checks[0].group"].map(|field| (field, required(field))).into(),
        ),
        (
            format!(r#"{{"checks":[{whole},{{"user":null,"group":"Soap"}},{whole},{{"user":5,"USER":"bob"}},"bob"]}}"#),
            vec![
                ("checks[1].user", "The user is required"),
                ("checks[3].user", "The property is given more than once"),
                ("checks[3].group", "The group is required"),
                ("checks[4]", "The value must be an object"),
            ],
        ),
        (
            format!(r#"{{"checks":[{whole},{{"user":["bob"],"group":{{}}}},{{"user":"\ud800","group":1e999}}]}}"#),
            vec![
                ("checks[1].user", "The value must be a string"),
                ("checks[1].group", "The value must be a string"),
                (
                    "checks[2].user",
                    "The value has half of a surrogate pair in it, such as \\ud800 alone, which is no character",
                ),
                ("checks[2].group", "The value must be a string"),
            ],
        ),
    ] {
        for token in [ADMINISTRATOR, ORDINARY] {
            assert_eq!(ask_by(&world, token, CHECKS, &body).await.error(), invalid(MESSAGE, &faults), "{body}");
        }
    }
    let many = format!(r#"{{"checks":[{}]}}"#, vec!["7"; 150].join(","));
    let (status, fault) = world.post(CHECKS, &many).await.error();
    assert_eq!((status, fault["data"].as_array().unwrap().len()), (422, 100));
}

#[actix_web::test]
async fn what_is_no_switch_is_refused_even_if_it_is_empty() {
    let world = world();
    let body = checks(&[("bob", "Soap")]);
    for query in ["detail", "detail=", "detail=yes", "detail=undefined", "detail=null", "Detail=2"] {
        let answer = world.post(&format!("{CHECKS}?{query}"), &body).await;
        assert_eq!(answer.error(), error(400, "The parameter 'detail' must be true or false"), "{query}");
    }
}

#[actix_web::test]
async fn a_body_past_the_limit_is_too_much() {
    let world = world();
    let fitting = checks(&[("bob", "Soap")]);
    let padded = format!("{fitting}{}", " ".repeat(LIMITS.bulk_bytes - fitting.len()));
    for token in [ADMINISTRATOR, ORDINARY] {
        let answer = ask_by(&world, token, CHECKS, &format!("{padded} ")).await;
        assert_eq!(answer.error(), error(413, "The body is larger than 8192 bytes"));
    }
    assert_eq!(world.post(CHECKS, &padded).await.json(), json!({ "results": [false] }));
}

#[actix_web::test]
async fn whoever_does_not_administer_learns_only_about_themselves() {
    let world = world();
    let bob = world.ordinary.to_string();
    for own in ["@current", "bob", "BOB@fightclub.com", &bob, &format!("{{{}}}", bob.to_uppercase())] {
        let body = checks(&[(own, "Everyone"), (own, "Soap"), (own, "Nothing"), (own, "Everyone")]);
        let answer = ask_by(&world, ORDINARY, CHECKS, &body).await;
        assert_eq!(answer.json(), json!({ "results": [true, false, false, true] }), "{own}");
        let detailed = ask_by(&world, ORDINARY, "/api/security/memberships/check?detail=true", &body).await;
        assert_eq!(detailed.json()["results"][2], json!({ "member": false, "userFound": true, "groupFound": false }));
    }
    for other in ["tyler", "tyler@fightclub.com", "admin", "nobody", UNKNOWN, "", "\u{200b}"] {
        for group in ["Soap", "Nothing", UNKNOWN, ""] {
            for body in [checks(&[(other, group)]), checks(&[("@current", "Soap"), (other, group), ("bob", "Soap")])] {
                for path in [CHECKS, "/api/security/memberships/check?detail=true"] {
                    let answer = ask_by(&world, ORDINARY, path, &body).await;
                    assert_eq!(answer.error(), error(403, "Access denied"), "{body}");
                }
            }
        }
    }
}

#[actix_web::test]
async fn whoever_must_change_their_password_asks_nothing() {
    let world = world();
    world.is("2026-12-31");
    for body in [checks(&[("@current", "Soap")]), "x".to_owned()] {
        let answer = ask_by(&world, ADMINISTRATOR, CHECKS, &body).await;
        assert_eq!(answer.error(), error(403, "Password reset required"));
    }
}
