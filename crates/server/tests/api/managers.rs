//! Managers of groups, and explanations, by journeys.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::app::TestApp;
use crate::client::{Client, USER_PASSWORD};
use crate::database::Kind;

on_both_databases! {
    a_manager_runs_a_team_and_nothing_else,
    groups_that_make_administrators_are_beyond_every_manager,
    a_manager_learns_nothing_that_a_summary_does_not_show,
    many_checks_are_answered_about_managed_groups,
    forty_diamonds_are_explained_at_once,
}

const ADMINISTRATORS: [&str; 4] =
    ["System Administrators", "User Administrators", "Group Administrators", "API Key Administrators"];

async fn a_manager_runs_a_team_and_nothing_else(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    for name in ["marla", "bob", "tyler"] {
        admin.create_user(name).await;
    }
    admin.create_group("Apart", &[], &[]).await;
    admin.create_group("Soap", &["bob"], &[]).await;
    admin.create_group("House", &[], &["Soap"]).await;
    let marla = Client::of(&app, "marla");
    marla.send("GET", "/groups/Soap").await.is(403);
    assert_eq!(marla.listed("/users/@current/managedGroups", "name").await, [""; 0]);
    for _ in 0..2 {
        admin.send("PUT", "/groups/House/managers/users/marla@fightclub.com").await.is(204);
    }
    assert_eq!(marla.listed("/users/@current/managedGroups", "name").await, ["House", "Soap"]);
    marla.send("PUT", "/groups/soap/users/tyler").await.is(204);
    assert_eq!(marla.listed("/groups/House/users?includeInherited=true", "username").await, ["bob", "tyler"]);
    marla.send("DELETE", "/groups/Soap/users/bob").await.is(204);
    let lye = marla.send_with("POST", "/groups?parent=Soap", &json!({ "name": "Lye" })).await.is(201).json();
    assert_eq!(marla.listed("/groups/Soap/groups", "name").await, ["Lye"]);
    marla.send("PUT", &format!("/groups/House/groups/{}", lye["id"].as_str().unwrap())).await.is(204);
    marla.send("DELETE", "/groups/Soap/groups/Lye").await.is(204);
    // JS sends the entire object back.
    let whole = marla.get("/groups/Lye").await;
    marla.send_with("PUT", "/groups/Lye", &whole).await.is(200);
    let described = marla.send_with("PUT", "/groups/Lye", &json!({ "description": "Burns" })).await.is(200).json();
    assert_eq!(described["description"], "Burns");
    for (method, path, body) in [
        ("PUT", "/groups/House", json!({ "description": "Paper Street" })),
        ("PUT", "/groups/Lye", json!({ "autoMembershipEmailDomains": ["fightclub.com"] })),
        ("POST", "/groups?parent=Apart", json!({ "name": "New" })),
        ("POST", "/groups", json!({ "name": "New" })),
        ("POST", "/groups?parent=Soap", json!({ "name": "New", "autoMembershipEmailDomains": ["fightclub.com"] })),
        ("POST", "/groups?parent=Soap", json!({ "name": "New", "type": "external" })),
        ("DELETE", "/groups/Lye", Value::Null),
        ("PUT", "/groups/Apart/users/tyler", Value::Null),
        ("PUT", "/groups/Soap/groups/Apart", Value::Null),
        ("PUT", "/groups/Apart/groups/Soap", Value::Null),
        ("PUT", "/groups/Soap/groups/Nothing", Value::Null),
        ("GET", "/groups", Value::Null),
        ("GET", "/users/tyler", Value::Null),
        ("GET", "/users/tyler/groups", Value::Null),
        ("GET", "/users/tyler/managedGroups", Value::Null),
        ("GET", "/groups/House/managers", Value::Null),
        ("PUT", "/groups/Soap/managers/users/@current", Value::Null),
        ("GET", "/groups/House/users?excludedGroups=Apart", Value::Null),
        ("GET", "/groups/House/groups?excludedGroups=Nothing", Value::Null),
    ] {
        let request =
            if body.is_null() { marla.request(method, path) } else { marla.request_with(method, path, &body) };
        let answer = crate::answer::Answer::to(request).await;
        assert_eq!(answer.status, 403, "{method} {path}: {answer:?}");
    }
    admin.send("DELETE", "/groups/House/managers/users/marla").await.is(204);
    marla.send("GET", "/groups/Soap").await.is(403);
    admin.send("DELETE", "/groups/House/managers/users/marla").await.is(404);
    admin.send("PUT", "/groups/House/managers/groups/Soap").await.is(204);
    Client::of(&app, "tyler").send("DELETE", "/groups/Soap/users/tyler").await.is(204);
    Client::of(&app, "tyler").send("GET", "/groups/Soap").await.is(403);
}

async fn groups_that_make_administrators_are_beyond_every_manager(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    for name in ["direct", "by-team", "over", "tyler"] {
        admin.create_user(name).await;
    }
    admin.create_group("Team", &["by-team"], &[]).await;
    admin.create_group("Ours", &[], &[]).await;
    let direct = Client::of(&app, "direct");
    let [by_team, over] = ["by-team", "over"].map(|name| Client::of(&app, name));
    for administrators in ADMINISTRATORS {
        let deep = admin.create_group(&format!("Deep {administrators}"), &[], &[]).await;
        let deputies = admin.create_group(&format!("Deputies {administrators}"), &[], &[&deep]).await;
        let above = admin.create_group(&format!("Above {administrators}"), &[], &[administrators, "Ours"]).await;
        // Appointed before the group makes administrators.
        for group in [&deep, &deputies, "Ours"] {
            for manager in ["users/direct", "groups/Team"] {
                admin.send("PUT", &format!("/groups/{group}/managers/{manager}")).await.is(204);
            }
        }
        admin.send("PUT", &format!("/groups/{above}/managers/users/over")).await.is(204);
        direct.send("PUT", &format!("/groups/{deep}/users/tyler")).await.is(204);
        direct.send("DELETE", &format!("/groups/{deep}/users/tyler")).await.is(204);
        admin.send("PUT", &format!("/groups/{administrators}/groups/{deputies}")).await.is(204);
        for group in [administrators, &deputies, &deep] {
            for (method, path, body) in [
                ("GET", format!("/groups/{group}"), Value::Null),
                ("PUT", format!("/groups/{group}"), json!({ "description": "x" })),
                ("GET", format!("/groups/{group}/users"), Value::Null),
                ("GET", format!("/groups/{group}/groups"), Value::Null),
                ("GET", format!("/groups/{group}/memberships/tyler"), Value::Null),
                ("HEAD", format!("/groups/{group}/users/tyler"), Value::Null),
                ("PUT", format!("/groups/{group}/users/@current"), Value::Null),
                ("POST", format!("/groups/{group}/users"), json!([])),
                ("DELETE", format!("/groups/{group}/users/admin"), Value::Null),
                ("PUT", format!("/groups/{group}/groups/Ours"), Value::Null),
                ("POST", format!("/groups/{group}/groups"), json!([])),
                ("PUT", format!("/groups/Ours/groups/{group}"), Value::Null),
                ("DELETE", format!("/groups/{above}/groups/{group}"), Value::Null),
                ("POST", format!("/groups?parent={group}"), json!({ "name": "New" })),
            ] {
                for manager in [&direct, &by_team, &over] {
                    let request = if body.is_null() {
                        manager.request(method, &path)
                    } else {
                        manager.request_with(method, &path, &body)
                    };
                    let answer = crate::answer::Answer::to(request).await;
                    assert_eq!(answer.status, 403, "{method} {path}: {answer:?}");
                }
            }
            let refused = admin.send("PUT", &format!("/groups/{group}/managers/users/tyler")).await;
            refused.refuses(&[("group", "The group makes administrators, so nobody can manage it")]);
        }
        // What is above is theirs, without those below.
        over.send("PUT", &format!("/groups/{above}/users/tyler")).await.is(204);
        assert_eq!(over.listed(&format!("/groups/{above}/groups?includeInherited=true"), "name").await, ["Ours"]);
        admin.send("DELETE", &format!("/groups/{administrators}/groups/{deputies}")).await.is(204);
        by_team.send("GET", &format!("/groups/{deep}")).await.is(200);
    }
    assert_eq!(admin.listed("/groups/System Administrators/users?includeInherited=true", "username").await, ["admin"]);
}

async fn a_manager_learns_nothing_that_a_summary_does_not_show(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let custom = json!({ "rank": "general" });
    let general = json!({ "username": "general", "email": "g@fightclub.com", "custom": custom, "timezone": "Asia/Tokyo",
                          "credentials": { "password": USER_PASSWORD } });
    admin.create("/users", &general).await;
    admin.create_user("marla").await;
    admin.create_group("Soap", &["general", "marla"], &[]).await;
    admin.send("PUT", "/groups/Soap/managers/users/marla").await.is(204);
    let marla = Client::of(&app, "marla");
    for cursor in ["", "&cursor="] {
        let page = marla.get(&format!("/groups/Soap/users?q=gen&order=-email{cursor}")).await;
        let item = &page["items"][0];
        assert_eq!(
            item,
            &json!({ "id": item["id"], "username": "general", "email": "g@fightclub.com", "firstName": null, "lastName": null })
        );
        for query in [
            "order=timezone",
            "order=-custom.rank",
            "zenql=custom.rank%20%3D%20general",
            "zenql=NOT%20(timezone%20startsWith%20Asia)",
            "zenql=username%20startsWith%20g%20ORDER%20BY%20lastLogin",
            "zenql=username%20%3D%20general%20OR%20status.suspended%20%3D%20true",
            "zenql=created%20%3E%20-1d",
        ] {
            let refused = marla.send("GET", &format!("/groups/Soap/users?{query}{cursor}")).await.is(403).json();
            assert!(refused["message"].as_str().unwrap().starts_with("Managers of a group neither"), "{refused}");
        }
    }
    let walked = marla.get("/groups/Soap/users?pageSize=1&cursor=").await;
    let next = walked["nextCursor"].as_str().unwrap();
    assert_eq!(marla.listed(&format!("/groups/Soap/users?pageSize=1&cursor={next}"), "username").await, ["marla"]);
}

async fn many_checks_are_answered_about_managed_groups(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    for name in ["marla", "tyler"] {
        admin.create_user(name).await;
    }
    admin.create_group("Lye", &["tyler"], &[]).await;
    admin.create_group("Soap", &[], &["Lye"]).await;
    admin.create_group("Apart", &["tyler", "marla"], &[]).await;
    admin.send("PUT", "/groups/Soap/managers/users/marla").await.is(204);
    let marla = Client::of(&app, "marla");
    let check = |user: &str, group: &str| json!({ "user": user, "group": group });
    let ask =
        async |checks: Vec<Value>| marla.send_with("POST", "/memberships/check", &json!({ "checks": checks })).await;
    let mut checks =
        vec![check("tyler", "Soap"), check("nobody", "soap"), check("MARLA", "Apart"), check("marla", "Nothing")];
    checks.extend((0..9_000).map(|number| check(&format!("nobody {number}"), "Lye")));
    let results = ask(checks).await.is(200).json();
    let results = results["results"].as_array().unwrap();
    assert_eq!(results[..4], [json!(true), json!(false), json!(true), json!(false)]);
    assert!(results[4..].iter().all(|result| *result == false));
    for group in ["Apart", "Nothing", "System Administrators", "Everyone"] {
        ask(vec![check("tyler", "Lye"), check("tyler", group)]).await.is(403);
    }
}

/// Two to the power of forty paths.
async fn forty_diamonds_are_explained_at_once(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    admin.create_user("tyler").await;
    let mut below = admin.create_group("waist 40", &["tyler"], &[]).await;
    for number in (0..40).rev() {
        let left = admin.create_group(&format!("left {number}"), &[], &[&below]).await;
        let right = admin.create_group(&format!("right {number}"), &[], &[&below]).await;
        below = admin.create_group(&format!("waist {number}"), &[], &[&left, &right]).await;
    }
    let path = format!("/groups/{below}/memberships/tyler");
    let mut times = Vec::new();
    for _ in 0..20 {
        let begun = Instant::now();
        let explained = admin.get(&path).await;
        times.push(begun.elapsed());
        assert_eq!((&explained["pathCount"], &explained["pathCountIsLowerBound"]), (&json!(1000), &json!(true)));
        let lengths: Vec<usize> = explained["paths"]
            .as_array()
            .unwrap()
            .iter()
            .map(|path| path["groups"].as_array().unwrap().len())
            .collect();
        assert_eq!(lengths, [81; 10]);
    }
    times.sort();
    println!("40 diamonds on {kind:?}: {:?} at first, {:?} in the middle", times[19], times[10]);
    assert!(times[10] < Duration::from_secs(2), "{times:?}");
}
