//! Somebody can always administer.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::app::TestApp;
use crate::client::Client;
use crate::database::Kind;

on_both_databases! {
    the_last_administrator_stays_by_every_route,
    an_administrator_who_cannot_sign_in_does_not_count,
    nobody_leaves_everyone,
    two_administrators_cannot_end_each_other,
}

const ADMINISTRATORS: &str = "/groups/System Administrators";

async fn the_last_administrator_stays_by_every_route(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    admin.send("DELETE", &format!("{ADMINISTRATORS}/users/admin")).await.is(409);
    admin.create_user("marla").await;
    admin.create_group("Squad", &["marla"], &[]).await;
    admin.create_group("Lieutenants", &[], &["Squad"]).await;
    admin.send("PUT", &format!("{ADMINISTRATORS}/groups/Lieutenants")).await.is(204);
    let marla = Client::of(&app, "marla");
    marla.send("DELETE", &format!("{ADMINISTRATORS}/users/admin")).await.is(204);
    assert_eq!(admin.status("GET", "/groups").await, 403);

    for (path, status) in [
        ("/groups/Squad/users/marla", 409),
        ("/groups/Lieutenants/groups/Squad", 409),
        ("/groups/System Administrators/groups/Lieutenants", 409),
        ("/groups/Squad", 403),
        ("/groups/Lieutenants", 403),
        ("/groups/System Administrators", 403),
        ("/users/marla", 403),
        ("/users/@current", 403),
    ] {
        let refusal = marla.send("DELETE", path).await;
        refusal.is_error(status, refusal.json()["message"].as_str().unwrap(), &Value::Null);
    }
    let suspended = marla.send_with("POST", "/users/marla/actions", &json!({ "type": "suspend" })).await;
    suspended.refuses_only(&["type"]);
    assert_eq!(marla.listed(&format!("{ADMINISTRATORS}/users?includeInherited=true"), "username").await, ["marla"]);

    marla.send("PUT", "/groups/Lieutenants/users/admin").await.is(204);
    marla.send("DELETE", "/groups/Squad").await.is(204);
    assert_eq!(marla.status("GET", "/groups").await, 403);
    admin.send("DELETE", &format!("{ADMINISTRATORS}/groups/Lieutenants")).await.is(409);
}

async fn an_administrator_who_cannot_sign_in_does_not_count(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    admin.create_user("marla").await;
    admin.send("PUT", &format!("{ADMINISTRATORS}/users/marla")).await.is(204);
    for (set, reset) in [("suspended = (1 = 1)", "suspended = (1 = 0)"), ("expiry = 1", "expiry = NULL")] {
        app.setup.database.execute(&format!("UPDATE users SET {set} WHERE username_key = 'marla'"));
        admin.send("DELETE", &format!("{ADMINISTRATORS}/users/admin")).await.is(409);
        app.setup.database.execute(&format!("UPDATE users SET {reset} WHERE username_key = 'marla'"));
    }
    admin.send("DELETE", &format!("{ADMINISTRATORS}/users/admin")).await.is(204);
}

async fn nobody_leaves_everyone(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let id = admin.create_user("marla").await;
    for (group, user) in
        [("Everyone", "marla"), ("everyone", &id), ("EVERYONE", "marla@fightclub.com"), ("Everyone", "@current")]
    {
        let refusal = admin.send("DELETE", &format!("/groups/{group}/users/{user}")).await;
        refusal.is_error(409, refusal.json()["message"].as_str().unwrap(), &Value::Null);
        admin.send("PUT", &format!("/groups/{group}/users/{user}")).await.is(204);
    }
    assert_eq!(app.member_count("Everyone").await, 2);
}

/// Ways in which one administrator ends the powers of another.
const WAYS: [&str; 4] = ["leave", "suspend", "delete", "unlink"];

fn end(client: &Client<'_>, way: &str, victim: &str) -> reqwest::RequestBuilder {
    match way {
        "leave" => client.request("DELETE", &format!("/groups/Squad of {victim}/users/{victim}")),
        "unlink" => client.request("DELETE", &format!("{ADMINISTRATORS}/groups/Squad of {victim}")),
        "delete" => client.request("DELETE", &format!("/users/{victim}")),
        _ => client.request_with("POST", &format!("/users/{victim}/actions"), &json!({ "type": "suspend" })),
    }
}

async fn two_administrators_cannot_end_each_other(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let membership = format!("{ADMINISTRATORS}/users/admin");
    for (number, (first_way, second_way)) in WAYS.iter().flat_map(|way| WAYS.map(|other| (way, other))).enumerate() {
        let names = [format!("a{number}"), format!("b{number}")];
        for name in &names {
            admin.create_user(name).await;
            let squad = admin.create_group(&format!("Squad of {name}"), &[name], &[]).await;
            admin.send("PUT", &format!("{ADMINISTRATORS}/groups/{squad}")).await.is(204);
        }
        let [first, second] = [Client::of(&app, &names[0]), Client::of(&app, &names[1])];
        first.send("DELETE", &membership).await.is(204);
        let attacks = (Answer::to(end(&first, first_way, &names[1])), Answer::to(end(&second, second_way, &names[0])));
        let (by_first, by_second) = tokio::join!(attacks.0, attacks.1);
        let survivor = match (by_first.status, by_second.status) {
            (204, 401 | 403 | 409 | 422) => &first,
            (401 | 403 | 409 | 422, 204) => &second,
            _ => panic!("{first_way} against {second_way}: {by_first:?} {by_second:?}"),
        };
        survivor.send("PUT", &membership).await.is(204);
        for name in names {
            assert!(matches!(admin.status("DELETE", &format!("/groups/Squad of {name}")).await, 204 | 404));
        }
    }
}
