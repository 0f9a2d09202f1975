//! API keys over HTTP and at the command line.

use reqwest::Method;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::app::{Setup, TestApp};
use crate::client::Client;
use crate::database::Kind;
use crate::wildcards::encoded as form;

on_both_databases! {
    a_program_signs_in_and_administers_as_its_groups_allow,
    a_key_is_disabled_rotated_and_deleted_at_once,
    keys_are_managed_at_the_command_line,
    the_first_start_makes_a_key_where_it_is_told_to,
    credentials_by_basic_are_read_encoded_and_as_they_are,
}

async fn token(app: &TestApp, id: &str, secret: &str) -> Answer {
    let parameters = [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)];
    Answer::to(app.request_for_token(&parameters)).await
}

fn credentials(key: &Value) -> (String, String) {
    let flow = &key["flows"][0];
    let text = |key: &str| flow[key].as_str().unwrap_or_else(|| panic!("{flow}")).to_owned();
    (text("clientId"), text("clientSecret"))
}

async fn create(app: &TestApp, name: &str) -> (Value, String, String) {
    let key = app.post("/apiKeys", &json!({ "name": name })).await.is(201).json();
    let (id, secret) = credentials(&key);
    (key, id, secret)
}

async fn assert_refused(app: &TestApp, id: &str, secret: &str) {
    let answer = token(app, id, secret).await;
    assert_eq!((answer.status, answer.json()), (400, json!({ "error": "invalid_client" })));
}

async fn a_program_signs_in_and_administers_as_its_groups_allow(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let (key, id, secret) = create(&app, "!! New key").await;
    let answer = token(&app, &id, &secret).await.is(200).json();
    assert!(answer.get("refresh_token").is_none(), "{answer}");
    let bearer = answer["access_token"].as_str().unwrap();
    let ask = async |path: &str| Answer::to(app.request_by(bearer, Method::GET, path)).await;
    let me = ask("/users/@current").await.is(200).json();
    assert_eq!((&me["username"], &me["email"], &me["id"]), (&json!("!! New key"), &Value::Null, &key["userId"]));
    ask("/users").await.is(403);
    admin.send("PUT", "/groups/System Administrators/users/!! New key").await.is(204);
    ask("/users").await.is(200);
    assert_eq!(admin.listed("/users", "username").await.first().map(String::as_str), Some("!! New key"));
    assert_refused(&app, &id, "wrong").await;
    assert_refused(&app, "!! New key", &secret).await;
}

async fn a_key_is_disabled_rotated_and_deleted_at_once(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let (_, id, secret) = create(&app, "Factory").await;
    let bearer = token(&app, &id, &secret).await.is(200).json()["access_token"].as_str().unwrap().to_owned();
    let me = async |bearer: &str| Answer::to(app.request_by(bearer, Method::GET, "/users/@current")).await.status;
    assert_eq!(me(&bearer).await, 200);
    let path = format!("/apiKeys/{id}");
    admin.send_with("PUT", &path, &json!({ "enabled": false })).await.is(200);
    assert_eq!(me(&bearer).await, 401);
    assert_refused(&app, &id, &secret).await;
    admin.send_with("PUT", &path, &json!({ "enabled": true })).await.is(200);
    let rotated = admin.send("POST", &format!("{path}/secret")).await.is(200).json();
    assert_refused(&app, &id, &secret).await;
    let (_, secret) = credentials(&rotated);
    let bearer = token(&app, &id, &secret).await.is(200).json()["access_token"].as_str().unwrap().to_owned();
    admin.send("DELETE", &path).await.is(204);
    assert_eq!(me(&bearer).await, 401);
    assert_refused(&app, &id, &secret).await;
    assert_eq!(admin.status("GET", "/users/Factory").await, 404);
}

async fn keys_are_managed_at_the_command_line(kind: Kind) {
    let app = TestApp::on(kind).await;
    let run = |arguments: &[&str]| {
        let output = app.setup.run(&[&["api-key"], arguments].concat());
        let [out, err] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
        (output.status.code(), out, err)
    };
    let printed = |out: &str| -> Vec<String> {
        out.lines().map(|line| line.split_whitespace().last().unwrap().to_owned()).collect()
    };
    let (code, out, err) = run(&["create", "--name", "Factory", "--group", "System Administrators"]);
    assert_eq!(code, Some(0), "{err}");
    let created = printed(&out);
    assert_eq!(created[1].len(), 98, "{out}");
    let bearer =
        token(&app, &created[0], &created[1]).await.is(200).json()["access_token"].as_str().unwrap().to_owned();
    Answer::to(app.request_by(&bearer, Method::GET, "/users")).await.is(200);
    assert_eq!(run(&["list"]).1, format!("{}  enabled   Factory\n", created[0]));
    let rotated = printed(&run(&["rotate", "factory"]).1);
    assert_refused(&app, &created[0], &created[1]).await;
    token(&app, &rotated[0], &rotated[1]).await.is(200);
    for (arguments, message) in [
        (&["create", "--name", "FACTORY"][..], "'FACTORY' is already in use"),
        (&["create", "--name", "@x"], "name: The API key name is reserved"),
        (&["create", "--name", "Mill", "--group", "Nothing"], "group not found"),
        (&["rotate", "Mill"], "API key not found"),
        (&["delete", "Mill"], "API key not found"),
    ] {
        let (code, out, err) = run(arguments);
        assert_eq!((code, out.as_str()), (Some(1), ""), "{arguments:?}");
        assert!(err.contains(message), "{arguments:?}: {err}");
    }
    assert_eq!(run(&["delete", &created[0]]).0, Some(0));
    assert_eq!(run(&["list"]).1, "");
}

async fn the_first_start_makes_a_key_where_it_is_told_to(kind: Kind) {
    const ID: &str = "8a4d2f6c-39a1-4d27-9c5e-5f3d0c6b7e10";
    let secret = "open-sesame-".repeat(4);
    let mut app = Setup::on(kind)
        .await
        .with("GUILDHALL_BOOTSTRAP__CLIENT_ID", ID)
        .with("GUILDHALL_BOOTSTRAP__CLIENT_SECRET", &secret)
        .start();
    let bearer = token(&app, ID, &secret).await.is(200).json()["access_token"].as_str().unwrap().to_owned();
    Answer::to(app.request_by(&bearer, Method::GET, "/users")).await.is(200);
    assert!(!app.server.output().contains(&secret), "{}", app.server.output());
    app.delete(&format!("/apiKeys/{ID}")).await.is(204);
    app.kill_and_restart();
    assert_refused(&app, ID, &secret).await;
}

async fn credentials_by_basic_are_read_encoded_and_as_they_are(kind: Kind) {
    const ID: &str = "f0a3e1d2-75b4-4f0e-9d5e-3b1c8a6f2e10";
    let secrets = [
        "100%-pure: soap+lye & water = clean!",
        "%41%42 is no A and no B, but percents",
        "a+b+c+d+e+f+g+h+i+j+k+l+m+n+o+p+q",
        "z/tZ9VwFZqApmIQ+ZH1I5pLk/uB4ud:X2/8bL+wfFTt1rFw=",
        "]T2v6(V{Y!wNHT>}YG6[UC9+85?zRF!9",
        "foo%Qbar-foo%Qbar-foo%Qbar-foo%Qbar",
    ];
    for secret in secrets {
        let app = Setup::on(kind)
            .await
            .with("GUILDHALL_BOOTSTRAP__CLIENT_ID", ID)
            .with("GUILDHALL_BOOTSTRAP__CLIENT_SECRET", secret)
            .start();
        let basic = async |id: &str, secret: &str| {
            let request = app.request_for_token(&[("grant_type", "client_credentials")]).basic_auth(id, Some(secret));
            Answer::to(request).await
        };
        let spaced = form(secret).replace("%20", "+");
        for (id, sent) in [
            (ID.to_owned(), secret.to_owned()),
            (ID.to_owned(), form(secret)),
            (ID.to_owned(), spaced),
            (form(ID), form(secret)),
            (form(ID), secret.to_owned()),
            (format!("{{{}}}", ID.to_uppercase()), secret.to_owned()),
        ] {
            basic(&id, &sent).await.is(200);
        }
        let twice = form(&form(secret));
        for wrong in [twice, secret.to_uppercase(), format!("{secret} "), form(&format!("{secret}x")), String::new()] {
            let answer = basic(ID, &wrong).await;
            assert_eq!((answer.status, answer.json()), (400, json!({ "error": "invalid_client" })), "{wrong}");
        }
        token(&app, ID, secret).await.is(200);
    }
}
