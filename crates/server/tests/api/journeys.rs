//! What integrators do, request by request as the official JavaScript client sends them.

use reqwest::RequestBuilder;
use serde_json::json;

use crate::answer::Answer;
use crate::app::TestApp;
use crate::client::{Client, USER_PASSWORD};
use crate::database::Kind;
use crate::endpoints::{ENDPOINTS, Scene};

on_both_databases! {
    the_compatibility_checklist_of_groups_in_groups,
    a_membership_is_set_by_an_empty_put_that_calls_itself_json,
    every_route_answers_alike_with_a_trailing_slash_and_under_the_old_prefix,
    somebody_who_is_no_administrator_sees_themselves_and_nobody_else,
}

async fn the_compatibility_checklist_of_groups_in_groups(kind: Kind) {
    let app = TestApp::on(kind).await;
    let js = Client::admin(&app);
    let [tyler, marla] = [js.create_user("tdurden").await, js.create_user("marla").await];
    let [soap, lye] =
        [js.create_group("Paper Street Soap Company", &[], &[]).await, js.create_group("Lye", &[], &[]).await];
    let of = |group: &str, user: &str| format!("/groups/{group}/users/{user}");

    let added = js.send_with("POST", &format!("/groups/{lye}/users"), &json!([tyler, marla])).await.is(204);
    assert_eq!(added.body, "");
    js.send("DELETE", &of(&lye, &marla)).await.is(204);
    assert_eq!(js.status("HEAD", &of(&lye, &tyler)).await, 204);
    assert_eq!(js.status("HEAD", &of(&lye, &marla)).await, 404);

    assert_eq!(js.status("HEAD", &of(&soap, &tyler)).await, 404);
    assert_eq!(js.send("PUT", &format!("/groups/{soap}/groups/{lye}")).await.is(204).body, "");
    assert_eq!(js.status("HEAD", &of(&soap, &tyler)).await, 204, "membership flows from the child to the parent");
    assert_eq!(js.status("HEAD", &of("Paper%20Street%20Soap%20Company", "tdurden")).await, 204);

    let members = format!("/groups/{soap}/users");
    assert_eq!(js.listed(&members, "id").await, Vec::<String>::new());
    let inherited = format!("{members}?includeInherited=true&pageIndex=0&pageSize=25");
    assert_eq!(js.listed(&inherited, "id").await, [tyler.as_str()]);
    let own = format!("/users/{tyler}/groups?pageIndex=0&pageSize=25");
    assert_eq!(js.listed(&own, "name").await, ["Everyone", "Lye"]);
    let all = format!("/users/{tyler}/groups?includeInherited=true&pageIndex=0&pageSize=25");
    assert_eq!(js.listed(&all, "name").await, ["CMS Editors", "Everyone", "Lye", "Paper Street Soap Company"]);

    js.send("DELETE", &of(&lye, &tyler)).await.is(204);
    js.send("DELETE", &of(&lye, &tyler)).await.is(404);
    for path in
        [format!("/groups/{soap}"), format!("/groups/{lye}"), format!("/users/{tyler}"), format!("/users/{marla}")]
    {
        assert_eq!(js.send("DELETE", &path).await.is(204).body, "");
        js.send("GET", &path).await.is(404);
        js.send("DELETE", &path).await.is(404);
    }
}

async fn a_membership_is_set_by_an_empty_put_that_calls_itself_json(kind: Kind) {
    let app = TestApp::on(kind).await;
    let js = Client::admin(&app);
    js.create_user("marla").await;
    js.create_group("Lye", &[], &[]).await;
    js.create_group("Soap", &[], &[]).await;
    for path in ["/groups/Lye/users/marla", "/groups/Soap/groups/Lye"] {
        let answer = js.send("PUT", path).await.is(204);
        assert_eq!((answer.body.as_str(), answer.headers.get("content-type")), ("", None), "{path}");
    }
    assert_eq!(js.status("HEAD", "/groups/Soap/users/marla").await, 204);
    for method in ["GET", "HEAD", "DELETE"] {
        js.send(method, "/groups/Lye/users/marla").await.is(if method == "GET" { 405 } else { 204 });
    }
}

async fn every_route_answers_alike_with_a_trailing_slash_and_under_the_old_prefix(kind: Kind) {
    const SPELLINGS: [(&str, &str); 4] = [("", ""), ("", "/"), ("/management", ""), ("/management", "/")];
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let mut scene = Scene::new(&app, 4 * u32::try_from(ENDPOINTS.len()).unwrap()).await;
    for endpoint in &ENDPOINTS {
        for (prefix, slash) in SPELLINGS {
            let mut request = scene.next().await.request(&admin, endpoint).build().unwrap();
            let path = request.url().path().replacen("/api", &format!("/api{prefix}"), 1) + slash;
            request.url_mut().set_path(&path);
            let answer = Answer::to(RequestBuilder::from_parts(app.client.clone(), request)).await;
            assert_eq!(answer.status, endpoint.done, "{} {path}: {answer:?}", endpoint.method);
        }
    }
}

async fn somebody_who_is_no_administrator_sees_themselves_and_nobody_else(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let tyler = admin.create_user("tdurden").await;
    let marla = admin.create_user("marla").await;
    let js = Client::of(&app, "marla");
    assert_eq!(js.get("/users/@current").await["id"], marla.as_str());
    let groups = format!("/users/{marla}/groups?includeInherited=true&pageIndex=0&pageSize=100");
    assert_eq!(js.listed(&groups, "name").await, ["CMS Editors", "Everyone"]);
    for path in ["/groups", "/users", &format!("/users/{tyler}"), "/users/tdurden/groups", "/users/nobody"] {
        let refusal = js.send("GET", path).await;
        refusal.is_error(403, "Access denied", &json!(null));
    }
    for path in ["/users/@current/groups/Everyone", "/groups/CMS Editors/users/@current"] {
        assert_eq!(js.status("HEAD", path).await, 204, "{path}");
    }
    assert_eq!(js.status("HEAD", &format!("/groups/Everyone/users/{tyler}")).await, 403);
    let password = format!("/users/{marla}/credentials/password");
    let changed = js.send_with("POST", &password, &json!({ "new": "An0ther!One", "existing": USER_PASSWORD })).await;
    assert_eq!(changed.is(200).body, "");
}
