//! Groups: listing, creating, changing and deleting them, and who joins by email domain.

use serde_json::{Value, json};

use crate::app::TestApp;
use crate::client::{Client, USER_PASSWORD};
use crate::database::Kind;

on_both_databases! {
    groups_are_listed_by_name_in_pages,
    a_new_group_has_every_property,
    a_description_that_does_not_compress_is_kept,
    a_group_that_cannot_be_is_refused,
    a_put_sets_what_is_there_and_keeps_the_rest,
    a_system_group_keeps_its_name_and_stays,
    a_deleted_group_leaves_its_users_and_children,
    a_new_user_joins_the_groups_of_their_email_domain,
    counts_are_of_direct_members_and_children,
}

const SYSTEM: [&str; 9] = [
    "AD Users",
    "API Key Administrators",
    "CMS Editors",
    "Everyone",
    "Group Administrators",
    "Role Administrators",
    "Site View Administrators",
    "System Administrators",
    "User Administrators",
];

async fn groups_are_listed_by_name_in_pages(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    assert_eq!(admin.listed("/groups", "name").await, SYSTEM);
    for name in ["zebra", "_first", "532 Group", "alias"] {
        admin.create_group(name, &[], &[]).await;
    }
    let all = admin.listed("/groups?pageSize=100", "name").await;
    assert_eq!(all[..5], ["_first", "532 Group", "AD Users", "alias", "API Key Administrators"]);
    assert_eq!(all[12], "zebra");
    for (page, expected) in all.chunks(5).enumerate() {
        let path = format!("/groups?pageIndex={page}&pageSize=5");
        assert_eq!(admin.listed(&path, "name").await, expected);
        assert_eq!(admin.get(&path).await["totalCount"], 13);
    }
    let beyond = admin.get("/groups?pageIndex=9&pageSize=5").await;
    assert_eq!((&beyond["items"], &beyond["pageCount"]), (&json!([]), &json!(3)));
    for query in ["pageSize=0", "pageIndex=-1"] {
        assert_eq!(admin.status("GET", &format!("/groups?{query}")).await, 400, "{query}");
    }
}

async fn a_new_group_has_every_property(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let id = "6254736c-70e1-43b0-b769-f8e0f6359862";
    let body = json!({ "id": id, "NAME": "Paper Street Soap Company", "Description": "Soap", "custom": { "Fat": "yes" },
                       "userCount": 7, "type": "Contensis" });
    let created = admin.send_with("POST", "/groups", &body).await.is(201);
    assert_eq!(created.headers["location"], format!("/api/security/groups/{id}"));
    let group = created.json();
    let now = &group["created"];
    assert_eq!(
        group,
        json!({
            "id": id, "name": "Paper Street Soap Company", "description": "Soap", "type": "contensis",
            "userCount": 0, "childGroupCount": 0, "custom": { "Fat": "yes" }, "autoMembershipEmailDomains": null,
            "created": now, "modified": now,
        })
    );
    let spellings = [
        id,
        "%7B6254736C-70E1-43B0-B769-F8E0F6359862%7D",
        "6254736c70e143b0b769f8e0f6359862",
        "Paper%20Street%20Soap%20Company",
        "PAPER street soap company",
        "%20Paper%20Street%20Soap%20Company%20",
    ];
    for spelling in spellings {
        assert_eq!(admin.get(&format!("/groups/{spelling}")).await, group, "{spelling}");
    }
    admin.send("GET", "/groups/Paper%20%20Street").await.is_error(404, "Group not found", &Value::Null);
}

async fn a_description_that_does_not_compress_is_kept(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut description = || {
        let digits = std::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            format!("{state:016x}")
        });
        digits.take(2048).collect::<String>()
    };
    for name in ["soap", "glycerin"] {
        let body = json!({ "name": name, "description": description() });
        let created = admin.send_with("POST", "/groups", &body).await.is(201).json();
        assert_eq!(created["description"], body["description"]);
    }
    let other = json!({ "description": description() });
    let changed = admin.send_with("PUT", "/groups/soap", &other).await.is(200).json();
    assert_eq!(changed["description"], other["description"]);
    let sorted = admin.listed("/groups?order=-description&pageSize=100", "name").await;
    assert_eq!(sorted.len(), SYSTEM.len() + 2);
}

async fn a_group_that_cannot_be_is_refused(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let id = admin.create_group("Soap", &[], &[]).await;
    for body in [json!({ "name": "soap" }), json!({ "name": " SOAP " }), json!({ "name": "Lye", "id": id })] {
        let answer = admin.send_with("POST", "/groups", &body).await;
        assert_eq!((answer.status, &answer.json()["type"]), (409, &json!("Error")), "{body}");
    }
    for (body, fields) in [
        (json!({}), ["name"]),
        (json!({ "name": "" }), ["name"]),
        (json!({ "name": null }), ["name"]),
        (json!({ "name": "x".repeat(256) }), ["name"]),
        (json!({ "name": "a\tb" }), ["name"]),
        (json!({ "name": format!("{{{id}}}") }), ["name"]),
        (json!({ "name": "Lye", "type": "sys" }), ["type"]),
        (
            json!({ "name": "Lye", "autoMembershipEmailDomains": ["ok.org", "not a domain"] }),
            ["autoMembershipEmailDomains[1]"],
        ),
    ] {
        admin.send_with("POST", "/groups", &body).await.refuses_only(&fields);
    }
    assert_eq!(admin.get("/groups").await["totalCount"], 10);
    let external =
        admin.send_with("POST", "/groups", &json!({ "name": "Lye", "type": "external" })).await.is(201).json();
    assert_eq!(external["type"], "external");
}

async fn a_put_sets_what_is_there_and_keeps_the_rest(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let body = json!({ "name": "Soap", "description": "Made of fat", "custom": { "a": "1" }, "autoMembershipEmailDomains": ["Soap.ORG"] });
    let mut group = admin.send_with("POST", "/groups", &body).await.is(201).json();
    let path = format!("/groups/{}", group["id"].as_str().unwrap());
    admin.create_group("Lye", &[], &[]).await;
    for (body, changes) in [
        (json!({}), json!({})),
        (json!({ "name": "SOAP" }), json!({ "name": "SOAP" })),
        (json!({ "Name": "Paper Street" }), json!({ "name": "Paper Street" })),
        (json!({ "description": null }), json!({ "description": null })),
        (json!({ "custom": { "b": "2" } }), json!({ "custom": { "b": "2" } })),
        (
            json!({ "autoMembershipEmailDomains": ["@b.org", "A.org"] }),
            json!({ "autoMembershipEmailDomains": ["a.org", "b.org"] }),
        ),
        (json!({ "autoMembershipEmailDomains": null }), json!({ "autoMembershipEmailDomains": null })),
        (
            json!({ "type": "external", "userCount": 3, "childGroupCount": 3, "created": "2001-01-01", "id": "x" }),
            json!({}),
        ),
    ] {
        for (key, value) in changes.as_object().unwrap() {
            group[key] = value.clone();
        }
        let changed = admin.send_with("PUT", &path, &body).await.is(200).json();
        group["modified"] = changed["modified"].clone();
        assert_eq!(changed, group, "{body}");
        assert_eq!(admin.get(&path).await, changed, "{body}");
    }
    assert_ne!(group["modified"], group["created"]);
    for name in ["Lye", "LYE", "everyone"] {
        admin.send_with("PUT", &path, &json!({ "name": name })).await.refuses_only(&["name"]);
    }
    for body in [json!({ "name": null }), json!({ "name": " " }), json!({ "name": group["id"] })] {
        admin.send_with("PUT", &path, &body).await.refuses_only(&["name"]);
    }
    assert_eq!(admin.get("/groups/Paper Street").await, group);
    assert_eq!(admin.status("GET", "/groups/Soap").await, 404);
    admin.send_with("PUT", "/groups/Soap", &json!({})).await.is_error(404, "Group not found", &Value::Null);
}

async fn a_system_group_keeps_its_name_and_stays(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    for name in SYSTEM {
        let path = format!("/groups/{name}");
        let before = admin.get(&path).await;
        assert_eq!(before["type"], "sys");
        let rename = admin.send_with("PUT", &path, &json!({ "name": "Other" })).await;
        rename.refuses(&[("name", "The name of a system group cannot be changed")]);
        admin.send("DELETE", &path).await.is_error(403, "System groups cannot be deleted", &Value::Null);
        let mut changes = before.clone();
        changes["description"] = json!("Changed");
        changes["custom"] = json!({ "a": "1" });
        changes["autoMembershipEmailDomains"] = json!(["mayhem.org"]);
        let mut after = admin.send_with("PUT", &path, &changes).await.is(200).json();
        after["modified"] = before["modified"].clone();
        assert_eq!(after, changes);
    }
    assert_eq!(admin.listed("/groups", "name").await, SYSTEM);
    assert_eq!(admin.listed("/groups/CMS Editors/groups", "name").await, ["Everyone"]);
}

async fn a_deleted_group_leaves_its_users_and_children(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    admin.create_user("marla").await;
    admin.create_group("Bottom", &["marla"], &[]).await;
    let id = admin.create_group("Middle", &["marla"], &["Bottom"]).await;
    admin.create_group("Top", &[], &["Middle"]).await;
    assert_eq!(admin.status("HEAD", "/groups/Top/users/marla").await, 204);
    assert_eq!(admin.send("DELETE", "/groups/middle").await.is(204).body, "");
    for path in [format!("/groups/{id}"), "/groups/Middle".to_owned()] {
        for method in ["GET", "DELETE"] {
            admin.send(method, &path).await.is_error(404, "Group not found", &Value::Null);
        }
    }
    assert_eq!(admin.status("HEAD", "/groups/Top/users/marla").await, 404);
    assert_eq!(admin.status("HEAD", "/groups/Bottom/users/marla").await, 204);
    assert_eq!(admin.get("/groups/Top").await["childGroupCount"], 0);
    assert_eq!(admin.listed("/users/marla/groups", "name").await, ["Bottom", "Everyone"]);
    assert_ne!(admin.create_group("Middle", &[], &[]).await, id);
    assert_eq!(app.member_count("Middle").await, 0);
}

async fn a_new_user_joins_the_groups_of_their_email_domain(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let create = async |email: &str| {
        let credentials = json!({ "password": USER_PASSWORD });
        admin.create("/users", &json!({ "email": email, "credentials": credentials })).await
    };
    create("before@project-mayhem.org").await;
    for (name, domains) in
        [("Mayhem", json!(["@Project-Mayhem.ORG", "mayhem.example"])), ("Too", json!(["project-mayhem.org"]))]
    {
        admin.create("/groups", &json!({ "name": name, "autoMembershipEmailDomains": domains })).await;
    }
    assert_eq!(
        admin.get("/groups/Mayhem").await["autoMembershipEmailDomains"],
        json!(["mayhem.example", "project-mayhem.org"])
    );
    for (email, groups) in [
        ("bob@project-mayhem.org", vec!["Everyone", "Mayhem", "Too"]),
        ("rob@PROJECT-mayhem.Org", vec!["Everyone", "Mayhem", "Too"]),
        ("ann@mayhem.example", vec!["Everyone", "Mayhem"]),
        ("sub@sub.mayhem.example", vec!["Everyone"]),
        ("sup@example", vec!["Everyone"]),
        ("end@notmayhem.example", vec!["Everyone"]),
    ] {
        let id = create(email).await;
        assert_eq!(admin.listed(&format!("/users/{id}/groups"), "name").await, groups, "{email}");
    }
    assert_eq!(admin.listed("/users/before@project-mayhem.org/groups", "name").await, ["Everyone"]);
    admin.send_with("PUT", "/groups/Too", &json!({ "autoMembershipEmailDomains": [] })).await.is(200);
    let late = create("late@project-mayhem.org").await;
    assert_eq!(admin.listed(&format!("/users/{late}/groups"), "name").await, ["Everyone", "Mayhem"]);
    admin.send_with("PATCH", &format!("/users/{late}"), &json!({ "email": "late@mayhem.org" })).await.is(200);
    assert_eq!(
        admin.listed(&format!("/users/{late}/groups"), "name").await,
        ["Everyone", "Mayhem"],
        "nobody leaves by it"
    );
}

async fn counts_are_of_direct_members_and_children(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    for name in ["marla", "bob"] {
        admin.create_user(name).await;
    }
    admin.create_group("Bottom", &["marla", "bob"], &[]).await;
    admin.create_group("Middle", &["bob"], &["Bottom"]).await;
    admin.create_group("Top", &[], &["Middle", "Everyone"]).await;
    let counts = async |name: &str| {
        let listed = admin.get("/groups?pageSize=100").await["items"].as_array().unwrap().clone();
        let listed = listed.into_iter().find(|group| group["name"] == name).unwrap();
        let read = admin.get(&format!("/groups/{name}")).await;
        assert_eq!(listed, read);
        [&read["userCount"], &read["childGroupCount"]].map(|count| count.as_u64().unwrap())
    };
    assert_eq!([counts("Top").await, counts("Middle").await, counts("Bottom").await], [[0, 2], [1, 1], [2, 0]]);
    assert_eq!(counts("Everyone").await, [3, 0]);
    admin.send("PUT", "/groups/Bottom/users/bob").await.is(204);
    admin.send("DELETE", "/groups/Bottom/users/marla").await.is(204);
    admin.send("DELETE", "/groups/Top/groups/Middle").await.is(204);
    assert_eq!([counts("Top").await, counts("Middle").await, counts("Bottom").await], [[0, 1], [1, 1], [1, 0]]);
    admin.send("DELETE", "/users/bob").await.is(204);
    admin.send("DELETE", "/groups/Bottom").await.is(204);
    assert_eq!([counts("Middle").await, counts("Everyone").await], [[0, 0], [2, 0]]);
}
