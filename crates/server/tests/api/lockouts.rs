//! Guessing: whom it hurts, and what it tells.

use std::time::Instant;

use reqwest::Method;
use serde_json::json;

use crate::answer::Answer;
use crate::app::{PASSWORD, Setup, TestApp};
use crate::client::{Client, USER_PASSWORD};
use crate::database::Kind;

on_both_databases! {
    wrong_passwords_lock_until_somebody_unlocks,
    an_outsider_neither_signs_the_administrator_out_nor_keeps_them_out,
    an_outsider_makes_no_right_secret_fail,
    nobody_learns_who_is_here,
    the_time_tells_nobody_who_is_here,
    failures_are_put_off,
    addresses_are_kept_as_digests_only,
}

const HOME: &str = "192.0.2.1";
const OUTSIDE: &str = "198.51.100.9";

/// A server behind a proxy, so that each request says from where it comes.
async fn behind_a_proxy(kind: Kind) -> Setup {
    Setup::on(kind).await.with("GUILDHALL_SERVER__TRUSTED_PROXIES", "127.0.0.1")
}

async fn sign_in_from(app: &TestApp, address: &str, name: &str, password: &str) -> Answer {
    let parameters = [("grant_type", "password"), ("username", name), ("password", password)];
    Answer::to(app.request_for_token(&parameters).header("X-Forwarded-For", address)).await
}

fn error(answer: &Answer) -> String {
    answer.json()["error"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned()
}

async fn wrong_passwords_lock_until_somebody_unlocks(kind: Kind) {
    let app = Setup::on(kind)
        .await
        .with("GUILDHALL_AUTH__LOCKOUT_THRESHOLD", "3")
        .with("GUILDHALL_AUTH__LOCKOUT_DURATION", "0")
        .start();
    let sign_in = async |password: &str| sign_in_from(&app, HOME, "admin", password).await;
    for _ in 0..3 {
        assert_eq!(error(&sign_in("wrong").await), "IncorrectUsernameorPassword");
    }
    for password in [PASSWORD, "wrong"] {
        assert_eq!(error(&sign_in(password).await), "AccountLocked", "{password}");
    }
    assert_eq!(app.get("/users/admin").await.json()["status"]["locked"], true);
    assert_eq!(app.get("/users?zenql=status.locked%20%3D%20true").await.json()["totalCount"], 1);
    // Whoever has the host gets in, and lets others in.
    assert!(app.setup.run(&["token", "--user", "admin"]).status.success());
    let output = app.setup.run(&["unlock", "--user", "nobody"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("there is no user 'nobody'"));
    assert!(app.setup.run(&["unlock", "--user", "ADMIN"]).status.success());
    sign_in(PASSWORD).await.is(200);
    let user = app.get("/users/admin").await.json();
    assert_eq!((&user["failedLoginAttempts"], &user["status"]["locked"]), (&json!(5), &json!(false)));
}

async fn an_outsider_neither_signs_the_administrator_out_nor_keeps_them_out(kind: Kind) {
    let app = behind_a_proxy(kind).await.start();
    let session = sign_in_from(&app, HOME, "admin", PASSWORD).await.is(200).json();
    for _ in 0..12 {
        sign_in_from(&app, OUTSIDE, "admin", "wrong").await.is(400);
    }
    assert_eq!(error(&sign_in_from(&app, OUTSIDE, "admin", PASSWORD).await), "AccountLocked");
    // What is live goes on: access token, refresh token, and that the account administers.
    let token = session["access_token"].as_str().unwrap();
    Answer::to(app.request_by(token, Method::GET, "/users")).await.is(200);
    let refresh_token = session["refresh_token"].as_str().unwrap();
    let parameters = [("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
    Answer::to(app.request_for_token(&parameters).header("X-Forwarded-For", OUTSIDE)).await.is(200);
    // The owner signs in where they usually do, and the guesser is still kept out.
    sign_in_from(&app, HOME, "admin", PASSWORD).await.is(200);
    assert_eq!(error(&sign_in_from(&app, OUTSIDE, "admin", PASSWORD).await), "AccountLocked");
    assert_eq!(app.get("/users/admin").await.json()["status"]["locked"], true);
}

async fn an_outsider_makes_no_right_secret_fail(kind: Kind) {
    let app = behind_a_proxy(kind)
        .await
        .with("GUILDHALL_LIMITS__TOKEN_REQUESTS_PER_ADDRESS", "6")
        .with("GUILDHALL_LIMITS__TOKEN_REQUESTS_PER_ACCOUNT", "3")
        .start();
    let created = app.post("/apiKeys", &json!({ "name": "Factory" })).await.is(201).json();
    let flow = &created["flows"][0];
    let client = async |address: &str, secret: &str| {
        let id = flow["clientId"].as_str().unwrap();
        let parameters = [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)];
        Answer::to(app.request_for_token(&parameters).header("X-Forwarded-For", address)).await.status
    };
    sign_in_from(&app, HOME, "admin", PASSWORD).await.is(200);
    let mut statuses = Vec::new();
    for _ in 0..10 {
        statuses.push(sign_in_from(&app, OUTSIDE, "admin", "wrong").await.status);
        statuses.push(client(OUTSIDE, "wrong").await);
    }
    assert!(statuses.contains(&429), "{statuses:?}");
    sign_in_from(&app, HOME, "admin", PASSWORD).await.is(200);
    for _ in 0..20 {
        assert_eq!(client(HOME, flow["clientSecret"].as_str().unwrap()).await, 200);
    }
}

/// Users of every kind, and a name that nobody has. None of them but the first can sign in here.
const NAMES: [&str; 5] = ["known", "nobody", "external", "Factory", "suspended"];

async fn with_every_kind(app: &TestApp) {
    let admin = Client::admin(app);
    for name in ["known", "external", "suspended"] {
        admin.create_user(name).await;
    }
    admin.create("/apiKeys", &json!({ "name": "Factory" })).await;
    admin.send_with("POST", "/users/suspended/actions", &json!({ "type": "suspend" })).await.is(204);
    app.setup
        .database
        .execute("UPDATE users SET provider_kind = 'external', password_hash = NULL WHERE username_key = 'external'");
}

async fn nobody_learns_who_is_here(kind: Kind) {
    let app = TestApp::on(kind).await;
    with_every_kind(&app).await;
    let expected: Vec<String> = [vec!["IncorrectUsernameorPassword"; 5], vec!["AccountLocked"; 3]]
        .concat()
        .into_iter()
        .map(str::to_owned)
        .collect();
    for name in NAMES {
        let mut said = Vec::new();
        for _ in 0..8 {
            said.push(error(&sign_in_from(&app, HOME, name, "wrong").await));
        }
        assert_eq!(said, expected, "{name}");
        let endless = "x".repeat(1025);
        assert_eq!(error(&sign_in_from(&app, HOME, name, &endless).await), "IncorrectUsernameorPassword", "{name}");
    }
}

/// None of the answers comes sooner than another, for names that are locked either: compared over many requests in turns, and only
/// roughly.
async fn the_time_tells_nobody_who_is_here(kind: Kind) {
    let setup = Setup::alone_on(kind)
        .await
        .with("GUILDHALL_LIMITS__TOKEN_REQUESTS_PER_ADDRESS", "0")
        .with("GUILDHALL_LIMITS__TOKEN_REQUESTS_PER_ACCOUNT", "0")
        .with("GUILDHALL_AUTH__LOCKOUT_DURATION", "0");
    let app = setup.with("GUILDHALL_AUTH__LOCKOUT_THRESHOLD", "1").start();
    with_every_kind(&app).await;
    Client::admin(&app).create_user("locked").await;
    for name in ["locked", "nobody, locked"] {
        sign_in_from(&app, HOME, name, "wrong").await.is(400);
    }
    let app = app.stop().with("GUILDHALL_AUTH__LOCKOUT_THRESHOLD", "1000").start();
    let locked = [("locked", "wrong"), ("locked", USER_PASSWORD), ("nobody, locked", "wrong")];
    let attempts = [NAMES.map(|name| (name, "wrong")).as_slice(), &locked].concat();
    let times = quartiles(&app, &attempts, 25).await;
    let [shortest, longest] = [f64::min, f64::max].map(|of| times.iter().copied().reduce(of).unwrap());
    let ratio = longest / shortest;
    crate::tell(&format!("{kind:?}: of {attempts:?}, the slowest takes {ratio:.2} times as long as the fastest"));
    assert!(ratio < 1.5, "{times:?}");
    // What cannot be right is refused at once, whoever it is for.
    let endless = "x".repeat(4000);
    let endless = quartiles(&app, &NAMES.map(|name| (name, endless.as_str())), 25).await;
    let longest = endless.iter().copied().reduce(f64::max).unwrap();
    assert!(longest < shortest / 2.0, "{endless:?} against {shortest}: something was looked up or hashed");
}

/// What a quarter of the attempts take no longer than, in seconds: of each, `rounds` are made, in turns. Other work of the machine
/// only makes them longer.
async fn quartiles(app: &TestApp, attempts: &[(&str, &str)], rounds: usize) -> Vec<f64> {
    let mut times = vec![Vec::new(); attempts.len()];
    for _ in 0..rounds {
        for ((name, password), times) in attempts.iter().zip(&mut times) {
            let begun = Instant::now();
            sign_in_from(app, HOME, name, password).await.is(400);
            times.push(begun.elapsed().as_secs_f64());
        }
    }
    let quartile = |mut times: Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 4]
    };
    times.into_iter().map(quartile).collect()
}

async fn failures_are_put_off(kind: Kind) {
    let app = behind_a_proxy(kind)
        .await
        .with("GUILDHALL_LIMITS__TOKEN_REQUESTS_PER_ADDRESS", "4")
        .with("GUILDHALL_LIMITS__TOKEN_REQUESTS_PER_ACCOUNT", "2")
        .start();
    let ask = async |address: &str, name: &str| sign_in_from(&app, address, name, "wrong").await;
    for _ in 0..2 {
        ask(HOME, "marla").await.is(400);
    }
    let refused = ask(HOME, "MARLA").await.is(429);
    assert_eq!(refused.json(), json!({ "error": "slow_down" }));
    let seconds: u64 = refused.headers["retry-after"].parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
    ask("192.0.2.2", "marla").await.is(400);
    ask(HOME, "raymond").await.is(400);
    ask(HOME, "robert").await.is(429);
    ask("192.0.2.3", "robert").await.is(400);
}

async fn addresses_are_kept_as_digests_only(kind: Kind) {
    let app = behind_a_proxy(kind).await.start();
    for last in 1..=14 {
        sign_in_from(&app, &format!("192.0.2.{last}"), "admin", PASSWORD).await.is(200);
        sign_in_from(&app, "198.51.100.1", &format!("nobody{last}"), "wrong").await.is(400);
    }
    let count = |query: &str| app.setup.database.count(&format!("SELECT count(*) AS number FROM {query}"));
    assert_eq!(count("known_addresses WHERE length(address) = 32"), 10);
    assert_eq!(count("unknown_sign_ins WHERE length(name) = 32"), 14);
}
