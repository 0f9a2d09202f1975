//! Many checks in one request: ten thousand at once, bodies that attack, and whoever else is here meanwhile.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::answer::Answer;
use crate::app::{API, Setup, TestApp};
use crate::client::Client;
use crate::database::{Kind, user_id, user_ids};
use crate::socket::Wire;

on_both_databases! {
    ten_thousand_checks_are_answered_in_their_order,
    more_checks_or_bytes_than_the_limit_are_too_much,
    bodies_that_attack_are_answered_and_harm_nobody,
    others_are_not_told_who_is_here,
    single_checks_go_on_beside_ten_thousands,
}

const CHECKS: &str = "/memberships/check";
const MOST: u32 = 10_000;
const USERS: u32 = 3_000;

fn body(checks: impl Iterator<Item = (String, String)>) -> Value {
    let checks: Vec<Value> = checks.map(|(user, group)| json!({ "user": user, "group": group })).collect();
    json!({ "checks": checks })
}

async fn post(app: &TestApp, body: impl Into<reqwest::Body>) -> Answer {
    Answer::to(app.request(Method::POST, CHECKS).header("Content-Type", "application/json").body(body)).await
}

/// A server with users, of whom every `n`th is in the group `n`, for 2, 3 and 5. 2 is below `Even Top`, which is below `Top`.
async fn with_members(setup: Setup) -> TestApp {
    let app = setup.start();
    app.setup.database.insert_users(USERS);
    let admin = Client::admin(&app);
    for number in [2, 3, 5] {
        admin.create_group(&format!("Every {number}"), &[], &[]).await;
        let members: Vec<String> = (0..USERS).filter(|user| user % number == 0).map(user_id).collect();
        admin.send_with("POST", &format!("/groups/Every {number}/users"), &json!(members)).await.is(204);
    }
    let even = admin.create_group("Even Top", &[], &["Every 2"]).await;
    admin.create_group("Top", &[], &[&even]).await;
    app
}

async fn ten_thousand_checks_are_answered_in_their_order(kind: Kind) {
    let app = with_members(Setup::on(kind).await).await;
    let top = app.get("/groups/Top").await.json()["id"].as_str().unwrap().to_owned();
    let groups = [
        ("Every 2", 2),
        ("EVERY 3", 3),
        ("\u{200b}every 5 ", 5),
        ("Even Top", 2),
        (top.as_str(), 2),
        ("Nothing", u32::MAX),
        ("01900000-0000-7000-8000-000000000000", u32::MAX),
    ];
    let check = |place: u32| {
        let (number, group) = (place * 7919 % (USERS + 2), groups[place as usize % groups.len()]);
        let user = match place % 4 {
            0 => format!("USER-{number}"),
            1 => format!("{{{}}}", user_id(number).to_uppercase()),
            _ => user_id(number),
        };
        (user, group.0.to_owned(), number < USERS && group.1 <= USERS && number % group.1 == 0)
    };
    let all: Vec<_> = (0..MOST).map(check).collect();
    let asked = body(all.iter().map(|(user, group, _)| (user.clone(), group.clone())));
    let expected: Vec<bool> = all.iter().map(|(_, _, member)| *member).collect();
    assert_eq!(app.post(CHECKS, &asked).await.is(200).json(), json!({ "results": expected }));
    let detailed = app.post(&format!("{CHECKS}?detail=true"), &asked).await.is(200).json();
    for (place, answer) in (0..MOST).zip(detailed["results"].as_array().unwrap()) {
        let (number, group) = (place * 7919 % (USERS + 2), groups[place as usize % groups.len()]);
        let found = json!({
            "member": expected[place as usize], "userFound": number < USERS, "groupFound": group.1 <= USERS
        });
        assert_eq!(*answer, found, "{:?}", all[place as usize]);
    }
    for (user, group, member) in all.iter().step_by(251) {
        let single = Answer::to(app.request(Method::HEAD, &format!("/groups/{}/users/{user}", group.trim()))).await;
        assert_eq!(single.status == 204, *member, "{user} {group}");
    }
    // All about one user, and about one group.
    let many = (0..MOST).map(|place| ("user-6".to_owned(), groups[place as usize % groups.len()].0.to_owned()));
    let pattern = [true, true, false, true, true, false, false];
    let expected: Vec<bool> = (0..MOST as usize).map(|place| pattern[place % pattern.len()]).collect();
    assert_eq!(app.post(CHECKS, &body(many)).await.is(200).json(), json!({ "results": expected }));
    let one_group = user_ids(USERS).into_iter().map(|user| (user, "Top".to_owned()));
    let answers = app.post(CHECKS, &body(one_group)).await.is(200).json();
    let members = answers["results"].as_array().unwrap().iter().filter(|member| **member == json!(true)).count();
    assert_eq!(members, USERS as usize / 2);
}

async fn more_checks_or_bytes_than_the_limit_are_too_much(kind: Kind) {
    let setup = Setup::on(kind).await.with("GUILDHALL_LIMITS__BULK_BYTES", "600000");
    let app = setup.with("GUILDHALL_LIMITS__BODY_BYTES", "200").start();
    let most = vec![json!({ "user": "admin", "group": "Everyone" }); MOST as usize];
    let fitting = json!({ "checks": most }).to_string();
    let answers = post(&app, fitting.clone()).await.is(200).json();
    assert_eq!(answers, json!({ "results": vec![true; MOST as usize] }));
    // One more of any kind, and with a fault before it.
    for (first, last) in [("", ",{\"user\":\"admin\",\"group\":\"Everyone\"}"), ("", ",7"), ("7,", "")] {
        let body = fitting.replacen('[', &format!("[{first}"), 1).replace("]}", &format!("{last}]}}"));
        post(&app, body).await.is_error(413, "There are more than 10000 checks", &Value::Null);
    }
    let padded = format!("{fitting}{}", " ".repeat(600_000 - fitting.len()));
    post(&app, padded.clone()).await.is(200);
    post(&app, format!("{padded} ")).await.is_error(413, "The body is larger than 600000 bytes", &Value::Null);
    let mut wire = Wire::to(&app);
    wire.send(&format!(
        "POST {API}{CHECKS} HTTP/1.1\r\nHost: guildhall\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{padded}\r\n1\r\n \r\n0\r\n\r\n",
        app.token,
        padded.len()
    ));
    assert_eq!(wire.answer().0, 413);
}

async fn bodies_that_attack_are_answered_and_harm_nobody(kind: Kind) {
    let app = with_members(Setup::on(kind).await).await;
    let deep = |text: &str| format!("{{\"checks\":[{{\"user\":{text},\"group\":\"Top\"}}]}}");
    for levels in [130, 1_000_000] {
        let nested = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        post(&app, deep(&nested)).await.is_error(400, "The body is nested deeper than 128 levels", &Value::Null);
    }
    let nested = format!("{}{}", "[".repeat(120), "]".repeat(120));
    post(&app, deep(&nested)).await.refuses(&[("checks[0].user", "The value must be a string")]);
    // Names far longer than any, with all that is special to JSON, to SQL, to arrays of PostgreSQL, and to Unicode.
    let long: String = "\u{fdfa}".repeat(1000);
    let hidden = format!("{}user-6{}", "\u{200b}".repeat(5_000), "\u{ad}".repeat(5_000));
    let specials = [
        "'; DROP TABLE users; --",
        "{\"a\",NULL}",
        "{}",
        "NULL",
        "\\",
        "\"",
        "\u{0}",
        "%",
        "_",
        "$1",
        "\u{1f468}",
        &long,
        &hidden,
    ];
    let names = specials.iter().flat_map(|user| specials.iter().map(|group| ((*user).to_owned(), (*group).to_owned())));
    let answers = app.post(CHECKS, &body(names)).await.is(200).json();
    assert_eq!(answers, json!({ "results": vec![false; specials.len() * specials.len()] }));
    let seen = body([(hidden, "Top".to_owned())].into_iter());
    assert_eq!(app.post(CHECKS, &seen).await.is(200).json(), json!({ "results": [true] }));
    let large = body(
        (0..MOST).map(|place| (format!("{place}{}", "x".repeat(2_000)), format!("\u{e9}{}", "\u{e9}".repeat(200)))),
    );
    let answers = app.post(CHECKS, &large).await.is(200).json();
    assert_eq!(answers, json!({ "results": vec![false; MOST as usize] }));
    assert_eq!(app.get("/groups/Every 2").await.json()["userCount"], USERS / 2);
}

async fn others_are_not_told_who_is_here(kind: Kind) {
    let app = with_members(Setup::on(kind).await).await;
    let marla = app.create_user("marla").await;
    let client = Client::of(&app, "marla");
    let groups = ["Top", "Nothing", "01900000-0000-7000-8000-000000000000"];
    for own in ["marla", "MARLA@fightclub.com", &marla, "@current"] {
        let asked = body(groups.iter().map(|group| (own.to_owned(), (*group).to_owned())));
        let answers = client.send_with("POST", CHECKS, &asked).await.is(200).json();
        assert_eq!(answers, json!({ "results": vec![false; 3] }), "{own}");
    }
    for other in ["user-6", "nobody", &user_id(6), "01900000-0000-7000-8000-ffffffffffff", "admin", ""] {
        for group in groups {
            let asked = body(
                [("@current", group), (other, group)]
                    .map(|(user, group)| (user.to_owned(), group.to_owned()))
                    .into_iter(),
            );
            for path in [CHECKS, "/memberships/check?detail=true"] {
                client.send_with("POST", path, &asked).await.is_error(403, "Access denied", &Value::Null);
            }
        }
    }
}

async fn single_checks_go_on_beside_ten_thousands(kind: Kind) {
    // Of two connections, many checks may have one.
    let app = with_members(Setup::on(kind).await.with("GUILDHALL_DATABASE__POOL_SIZE", "2")).await;
    let asked = body((0..MOST).map(|place| (user_id(place % USERS), "Top".to_owned()))).to_string();
    let mut batches = JoinSet::new();
    for _ in 0..6 {
        let batch = app.request(Method::POST, CHECKS).header("Content-Type", "application/json").body(asked.clone());
        batches.spawn(async move {
            loop {
                let status = batch.try_clone().unwrap().send().await.unwrap().status().as_u16();
                if status != 200 {
                    return status;
                }
            }
        });
    }
    for number in 0..40 {
        let begun = Instant::now();
        let check = Answer::to(app.request(Method::HEAD, &format!("/groups/Top/users/{}", user_id(number)))).await;
        let few = body((0..20).map(|place| (user_id(number + place), "Every 2".to_owned())));
        let few = app.post(CHECKS, &few).await.is(200).json();
        assert_eq!((check.status == 204, few["results"][0] == json!(true)), (number % 2 == 0, number % 2 == 0));
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    }
    assert!(batches.try_join_next().is_none(), "many checks were refused");
    drop(batches);
    // Clients that leave take their work with them.
    let request = format!(
        "POST {API}{CHECKS} HTTP/1.1\r\nHost: guildhall\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{asked}",
        app.token,
        asked.len()
    );
    let clients: Vec<Wire> = (0..50)
        .map(|_| {
            let mut wire = Wire::to(&app);
            wire.send(&request);
            wire
        })
        .collect();
    drop(clients);
    post(&app, asked).await.is(200);
    if kind == Kind::Postgres {
        crate::waiting::until("nothing runs any more", async || app.setup.database.clients("state = 'active'") == 0)
            .await;
    }
}
