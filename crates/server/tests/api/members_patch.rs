//! Many members and children in one request, with a report.

use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::answer::Answer;
use crate::app::{GROUP, GROUP_NAME, TestApp, USERS};
use crate::database::{Kind, user_id, user_ids};

on_both_databases! {
    a_patch_adds_and_removes_and_reports,
    what_cannot_be_done_is_named_and_nothing_is_done,
    what_can_be_done_is_done_in_the_mode_partial,
    switches_and_bodies_that_cannot_be_read_change_nothing,
    children_are_patched_and_cycles_are_told,
    the_bulk_posts_report_where_they_are_asked_to,
    the_last_administrator_and_everyone_stay,
    sets_beside_adds_do_not_block_one_another,
}

const MEMBERS: &str = "/groups/Paper Street Soap Company/users/";

impl TestApp {
    async fn patch(&self, path: &str, body: &Value) -> Answer {
        Answer::to(self.request(Method::PATCH, path).json(body)).await
    }
}

async fn documented(kind: Kind) -> TestApp {
    let app = TestApp::on(kind).await;
    app.create_documented().await;
    app
}

/// The report on a patch of members that named nothing in vain.
fn report(dry: bool, [added, removed, unchanged, count]: [u64; 4]) -> Value {
    json!({
        "group": GROUP, "mode": "atomic", "dryRun": dry, "added": added, "updated": 0, "removed": removed,
        "unchanged": unchanged, "userCount": count, "notFound": [], "refused": [],
    })
}

/// A report, and the effects beside it.
fn without_effects(answer: &Answer) -> (Value, Option<Value>) {
    let mut report = answer.json();
    let effects = report.as_object_mut().unwrap().remove("effects");
    (report, effects)
}

/// How many users each group would gain and lose.
fn moves(effects: &Value) -> Value {
    let groups = effects["groups"].as_array().unwrap();
    groups.iter().map(|group| json!([group["id"], group["usersGained"], group["usersLost"]])).collect()
}

async fn a_patch_adds_and_removes_and_reports(kind: Kind) {
    let app = documented(kind).await;
    app.post(MEMBERS, &json!([USERS[0], USERS[1]])).await;
    let patch = json!({ "add": [USERS[1], "MEMBER2@fightclub.com", { "user": "admin" }, "@current"], "Remove": ["member0@fightclub.com"] });
    for (query, dry) in [("?dryRun=true", true), ("?DRYRUN=1&MODE=Atomic", true), ("", false)] {
        let answer = app.patch(&format!("{MEMBERS}{query}"), &patch).await;
        let (told, effects) = without_effects(&answer);
        assert_eq!((answer.status, told), (200, report(dry, [2, 1, 1, 3])));
        assert_eq!(effects.map(|effects| moves(&effects)), dry.then(|| json!([[GROUP, 2, 1]])));
        assert_eq!(answer.headers["content-type"], "application/json; charset=utf-8");
        assert_eq!(app.member_count(GROUP).await, if dry { 2 } else { 3 });
    }
    let answer = app.patch(&format!("{MEMBERS}?dryRun=false"), &patch).await;
    assert_eq!(answer.json(), report(false, [0, 0, 4, 3]));
    let merge =
        app.request(Method::PATCH, MEMBERS).header("Content-Type", "application/merge-patch+json; charset=utf-8");
    let answer = Answer::to(merge.body(json!({ "set": [USERS[3], USERS[4], USERS[3]] }).to_string())).await;
    assert_eq!((answer.status, answer.json()), (200, report(false, [2, 3, 0, 2])));
    let mut expected = vec![USERS[3].to_owned(), USERS[4].to_owned()];
    expected.sort();
    assert_eq!(app.members(GROUP).await, expected);
    let answer = app.patch(MEMBERS, &json!({ "set": [] })).await;
    assert_eq!(answer.json(), report(false, [0, 2, 0, 0]));
}

async fn what_cannot_be_done_is_named_and_nothing_is_done(kind: Kind) {
    let app = documented(kind).await;
    app.post(MEMBERS, &json!([USERS[0]])).await;
    let unknown = "{FFFFFFFF-ffff-4fff-bfff-fffffffffff0}";
    let patch = json!({ "add": ["Nobody", USERS[1], unknown], "remove": [USERS[0], "nobody@fightclub.com", "nobody@fightclub.com"] });
    let data = json!({ "notFound": [
        { "list": "add", "index": 0, "user": "Nobody" },
        { "list": "add", "index": 2, "user": "ffffffff-ffff-4fff-bfff-fffffffffff0" },
        { "list": "remove", "index": 1, "user": "nobody@fightclub.com" },
        { "list": "remove", "index": 2, "user": "nobody@fightclub.com" },
    ]});
    for query in ["", "?dryRun=true", "?mode=atomic"] {
        app.patch(&format!("{MEMBERS}{query}"), &patch).await.is_error(404, "User not found", &data);
    }
    let data = json!({ "notFound": [{ "list": "set", "index": 1, "user": "nobody" }] });
    app.patch(MEMBERS, &json!({ "set": [USERS[1], "nobody"] })).await.is_error(404, "User not found", &data);
    app.patch("/groups/nothing/users", &patch).await.is_error(404, "Group not found", &Value::Null);
    let both = json!({ "add": [USERS[1], "member0@fightclub.com"], "remove": ["nobody", USERS[0]] });
    for query in ["", "?mode=partial"] {
        let message = "The element at index 1 of 'remove' is the one at index 1 of 'add'";
        app.patch(&format!("{MEMBERS}{query}"), &both).await.is_error(400, message, &Value::Null);
    }
    assert_eq!(app.members(GROUP).await, [USERS[0]]);
}

async fn what_can_be_done_is_done_in_the_mode_partial(kind: Kind) {
    let app = documented(kind).await;
    let patch = json!({ "add": ["Nobody", USERS[1]], "remove": [user_id(7)] });
    let answer = app.patch(&format!("{MEMBERS}?mode=partial"), &patch).await;
    let expected = json!({
        "group": GROUP, "mode": "partial", "dryRun": false, "added": 1, "updated": 0, "removed": 0, "unchanged": 0,
        "userCount": 1, "refused": [], "notFound": [
            { "list": "add", "index": 0, "user": "Nobody" }, { "list": "remove", "index": 0, "user": user_id(7) },
        ],
    });
    assert_eq!((answer.status, answer.json()), (200, expected));
    assert_eq!(app.members(GROUP).await, [USERS[1]]);
}

async fn switches_and_bodies_that_cannot_be_read_change_nothing(kind: Kind) {
    let app = documented(kind).await;
    for (query, message) in [
        ("?mode=", "The parameter 'mode' must be atomic or partial"),
        ("?mode", "The parameter 'mode' must be atomic or partial"),
        ("?mode=all", "The parameter 'mode' must be atomic or partial"),
        ("?mode=atomic&MODE=atomic", "The parameter 'mode' is given more than once"),
        ("?dryRun=", "The parameter 'dryRun' must be true or false"),
        ("?dryRun=undefined", "The parameter 'dryRun' must be true or false"),
        ("?dryRun=true&dryrun=true", "The parameter 'dryRun' is given more than once"),
        ("?dryRun=%FF", "The parameter 'dryRun' is not UTF-8"),
    ] {
        for path in [MEMBERS.to_owned(), format!("/groups/{GROUP}/groups")] {
            app.patch(&format!("{path}{query}"), &json!({ "set": [] })).await.is_error(400, message, &Value::Null);
            app.post(&format!("{path}{query}"), &json!([])).await.is_error(400, message, &Value::Null);
        }
    }
    for (body, message) in [
        (json!({}), "The body must have 'add', 'remove' or 'set'"),
        (json!({ "set": [], "remove": [] }), "The body must not have 'set' beside 'add' or 'remove'"),
        (json!({ "add": [USERS[0]], "remove": [USERS[1], 5] }), "The element at index 1 of 'remove' must be a string"),
        (
            json!({ "add": [USERS[0], { "user": USERS[1], "validUntil": "2037-02-30T00:00:00Z" }] }),
            "The element at index 1 of 'add' has dates that cannot be read: 'validUntil' is a date or a time that there is not",
        ),
    ] {
        app.patch(&format!("{MEMBERS}?mode=partial"), &body).await.is_error(400, message, &Value::Null);
    }
    assert_eq!(app.member_count(GROUP).await, 0);
}

async fn children_are_patched_and_cycles_are_told(kind: Kind) {
    let app = documented(kind).await;
    let mut ids = Vec::new();
    for name in ["top", "a", "b", "c"] {
        ids.push(app.create_group(name).await);
    }
    let children = format!("/groups/{GROUP}/groups");
    app.put(&format!("/groups/top/groups/{GROUP}")).await;
    let report = |mode: &str, [added, removed, unchanged, count]: [u64; 4], not_found: Value, refused: Value| {
        json!({
            "group": GROUP, "mode": mode, "dryRun": false, "added": added, "updated": 0, "removed": removed,
            "unchanged": unchanged, "childGroupCount": count, "notFound": not_found, "refused": refused,
        })
    };
    let answer = app.patch(&children, &json!({ "add": ["A", { "group": ids[2] }, ids[1]], "remove": ["c"] })).await;
    assert_eq!((answer.status, answer.json()), (200, report("atomic", [2, 0, 1, 2], json!([]), json!([]))));
    let cyclic = json!({ "add": ["c", "Top", GROUP_NAME], "remove": ["a"] });
    let answer = app.patch(&children, &cyclic).await;
    assert_eq!((answer.status, answer.json()["data"][0]["field"].clone()), (422, json!("childGroupId")), "{answer:?}");
    assert!(!answer.json()["data"][0]["path"].as_array().unwrap().is_empty());
    let data = json!({ "notFound": [{ "list": "set", "index": 0, "group": "Nothing" }] });
    app.patch(&children, &json!({ "set": ["Nothing", "a"] })).await.is_error(404, "Child group not found", &data);
    assert_eq!(app.get(&format!("/groups/{GROUP}")).await.json()["childGroupCount"], 2);
    let cyclic = json!({ "add": ["c", "Top", GROUP_NAME, "Nothing"], "remove": ["a"] });
    let answer = app.patch(&format!("{children}?mode=partial"), &cyclic).await;
    let reason = "The group is this group or above it, so adding it would close a cycle";
    let refused = json!([
        { "list": "add", "index": 1, "group": "Top", "reason": reason },
        { "list": "add", "index": 2, "group": GROUP_NAME, "reason": reason },
    ]);
    let not_found = json!([{ "list": "add", "index": 3, "group": "Nothing" }]);
    assert_eq!((answer.status, answer.json()), (200, report("partial", [1, 1, 0, 2], not_found, refused)));
    let answer = app.patch(&children, &json!({ "set": ["a", "c"] })).await;
    assert_eq!(answer.json(), report("atomic", [1, 1, 1, 2], json!([]), json!([])));
}

async fn the_bulk_posts_report_where_they_are_asked_to(kind: Kind) {
    let app = documented(kind).await;
    let other = app.create_group("other").await;
    let ids = json!([USERS[0], USERS[1], USERS[0]]);
    let send = async |path: &str, prefer: Option<&str>, body: &Value| {
        let request = app.request(Method::POST, path).json(body);
        Answer::to(match prefer {
            Some(prefer) => request.header("Prefer", prefer),
            None => request,
        })
        .await
    };
    let members = |query: &str| format!("{MEMBERS}{query}");
    let answer = send(&members("?dryRun=true"), None, &ids).await;
    let (told, effects) = without_effects(&answer);
    assert_eq!((answer.status, told), (200, report(true, [2, 0, 0, 2])));
    assert_eq!(effects.map(|effects| moves(&effects)), Some(json!([[GROUP, 2, 0]])));
    assert_eq!(app.member_count(GROUP).await, 0);
    for (query, prefer) in
        [("", None), ("", Some("return=minimal")), ("", Some("respond-async")), ("?other=1", Some(""))]
    {
        let answer = send(&members(query), prefer, &ids).await;
        assert_eq!((answer.status, answer.body.as_str()), (204, ""), "{query} {prefer:?}");
        assert!(!answer.headers.contains_key("preference-applied"));
    }
    let answer = send(MEMBERS, Some("wait=5, Return=\"representation\"; x=y"), &json!([USERS[0], USERS[2]])).await;
    assert_eq!((answer.status, answer.json()), (200, report(false, [1, 0, 1, 3])));
    assert_eq!(answer.headers["preference-applied"], "return=representation");
    let unknown = user_id(7);
    let mixed = json!([USERS[3], unknown]);
    for (query, prefer) in [("", None), ("?mode=atomic", None), ("?dryRun=false", Some("return=representation"))] {
        let answer = send(&members(query), prefer, &mixed).await;
        answer.is_error(404, "User not found", &json!({ "userIds": [unknown] }));
    }
    let answer = send(&members("?mode=partial"), Some("return=minimal"), &mixed).await;
    assert_eq!(answer.status, 200);
    assert!(!answer.headers.contains_key("preference-applied"));
    assert_eq!(answer.json()["notFound"], json!([{ "list": "add", "index": 1, "user": unknown }]));
    assert_eq!(app.member_count(GROUP).await, 4);
    let children = format!("/groups/{GROUP}/groups");
    let answer = send(&format!("{children}?mode=partial"), None, &json!([other, unknown, GROUP])).await;
    let body = answer.json();
    assert_eq!((answer.status, &body["added"], &body["childGroupCount"]), (200, &json!(1), &json!(1)));
    assert_eq!(body["notFound"], json!([{ "list": "add", "index": 1, "group": unknown }]));
    assert_eq!((&body["refused"][0]["index"], &body["refused"][0]["group"]), (&json!(2), &json!(GROUP)));
    let answer = send(&format!("{children}?mode=atomic"), None, &json!([unknown])).await;
    answer.is_error(404, "Child group not found", &json!({ "groupIds": [unknown] }));
}

async fn the_last_administrator_and_everyone_stay(kind: Kind) {
    let app = documented(kind).await;
    let administrators = "/groups/System Administrators/users";
    let message = "The last System Administrator cannot be removed";
    for body in [json!({ "set": [] }), json!({ "remove": ["admin"] })] {
        app.patch(administrators, &body).await.is_error(409, message, &Value::Null);
        let answer = app.patch(&format!("{administrators}?mode=partial"), &body).await.json();
        assert_eq!((&answer["removed"], &answer["userCount"]), (&json!(0), &json!(1)), "{answer}");
        assert_eq!(answer["refused"][0]["reason"], message);
    }
    let message = "Users cannot be removed from 'Everyone'";
    let everyone = app.member_count("Everyone").await;
    for body in [json!({ "set": ["admin"] }), json!({ "remove": [USERS[0]] })] {
        app.patch("/groups/Everyone/users", &body).await.is_error(409, message, &Value::Null);
        let answer = app.patch("/groups/Everyone/users?mode=partial", &body).await.json();
        let refused = answer["refused"].as_array().unwrap();
        assert!(!refused.is_empty() && refused.iter().all(|refusal| refusal["reason"] == message), "{answer}");
    }
    assert_eq!(app.member_count("Everyone").await, everyone);
}

async fn sets_beside_adds_do_not_block_one_another(kind: Kind) {
    let app = documented(kind).await;
    app.setup.database.insert_users(400);
    let ids = user_ids(400);
    let mut requests = JoinSet::new();
    for number in 0..24_usize {
        let part: Vec<String> = ids.iter().skip(number * 10).take(150).cloned().collect();
        let (method, body) = match number % 3 {
            0 => (Method::PATCH, json!({ "set": part })),
            1 => (Method::POST, json!(part)),
            _ => (Method::PATCH, json!({ "add": &part[..75], "remove": &part[75..] })),
        };
        let request = app.request(method, MEMBERS).json(&body);
        requests.spawn(Answer::to(request));
    }
    while let Some(answer) = requests.join_next().await {
        let answer = answer.unwrap();
        assert!([200, 204].contains(&answer.status), "{answer:?}");
    }
    // What is listed is what is counted.
    let count = app.member_count(GROUP).await;
    let answer = app.patch(MEMBERS, &json!({ "set": ids[..10] })).await.json();
    assert_eq!(
        (answer["userCount"].as_u64(), answer["removed"].as_u64().map(|gone| gone <= count)),
        (Some(10), Some(true))
    );
    assert_eq!(app.members(GROUP).await.len(), 10);
}
