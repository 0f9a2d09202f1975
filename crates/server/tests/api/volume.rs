//! Pages of very many users and groups.

use std::fmt::Write;
use std::time::{Duration, Instant};

use crate::app::{Setup, TestApp};
use crate::client::Client;
use crate::database::Kind;

on_both_databases! {
    any_page_of_a_million_users_and_a_hundred_thousand_groups_is_answered,
}

const USERS: u32 = 1_000_000;
const GROUPS: u32 = 100_000;
/// How often each page is asked for that is compared, and how often one that is not.
const ROUNDS: [usize; 2] = [15, 3];
/// How much longer a page may take that holds a group of everybody.
const MOST: f64 = 3.0;

async fn any_page_of_a_million_users_and_a_hundred_thousand_groups_is_answered(kind: Kind) {
    let app = Setup::alone_on(kind).await.start();
    fill(&app);
    let admin = Client::admin(&app);
    let everyone = admin.get("/groups/Everyone").await;
    assert_eq!(everyone["userCount"], USERS + 1);
    let total = admin.get("/groups?pageSize=1").await["totalCount"].clone();
    assert_eq!(total, GROUPS + 9);
    assert_eq!(admin.get("/users?pageSize=1").await["totalCount"], USERS + 1);

    let mut figures = String::new();
    for size in [25, 1000] {
        let pages = [0, 1].map(|index| format!("/groups?pageIndex={index}&pageSize={size}"));
        assert!(admin.listed(&pages[0], "name").await.contains(&"Everyone".to_owned()));
        assert!(!admin.listed(&pages[1], "name").await.contains(&"Everyone".to_owned()));
        let [with, without] = medians(&admin, ROUNDS[0], &pages.each_ref().map(String::as_str)).await;
        let ratio = with.as_secs_f64() / without.as_secs_f64();
        write!(figures, " {size} groups with Everyone {with:.2?}, without {without:.2?} ({ratio:.2}x);").unwrap();
        assert!(ratio <= MOST, "{figures}");
    }
    for (what, path) in [
        ("the last 100 groups", format!("/groups?pageIndex={}&pageSize=100", GROUPS / 100 - 1)),
        ("the first 25 users", "/users".to_owned()),
        ("the last 100 users", format!("/users?pageIndex={}&pageSize=100", USERS / 100 - 1)),
        ("the first 25 of Everyone", "/groups/Everyone/users".to_owned()),
        ("the last 100 of Everyone", format!("/groups/Everyone/users?pageIndex={}&pageSize=100", USERS / 100 - 1)),
        ("25 of CMS Editors", "/groups/CMS Editors/users?includeInherited=true".to_owned()),
    ] {
        let expected = if path.contains("pageSize") { 100 } else { 25 };
        assert_eq!(admin.listed(&path, "id").await.len(), expected, "{path}");
        let [median] = medians(&admin, ROUNDS[1], &[path.as_str()]).await;
        write!(figures, " {what} {median:.2?};").unwrap();
    }
    crate::tell(&format!("{kind:?}: medians:{figures}"));
}

/// The median time for each of these pages, asked for in turn.
async fn medians<const N: usize>(admin: &Client<'_>, rounds: usize, pages: &[&str; N]) -> [Duration; N] {
    let mut times = [const { Vec::new() }; N];
    for _ in 0..rounds {
        for (page, times) in pages.iter().zip(&mut times) {
            let started = Instant::now();
            admin.send("GET", page).await.is(200);
            times.push(started.elapsed());
        }
    }
    times.map(|mut times| {
        times.sort_unstable();
        times[rounds / 2]
    })
}

/// Every user is in `Everyone`, and each of the first groups has a user and a child.
fn fill(app: &TestApp) {
    let database = &app.setup.database;
    database.insert_users(USERS);
    let last = GROUPS - 1;
    let insert = |numbers: &str, id: &str, custom: &str| {
        format!(
            "INSERT INTO groups (id, name, name_key, kind, custom, created, modified, version)
             SELECT {id}, 'group-' || n, 'group-' || n, 'contensis', {custom}, 0, 0, 1 FROM {numbers};
             INSERT INTO group_closure (ancestor_id, descendant_id)
             SELECT id, id FROM groups WHERE kind = 'contensis';
             INSERT INTO group_users (group_id, user_id, added)
             SELECT (SELECT id FROM groups WHERE name_key = 'everyone'), id, 0 FROM users
             WHERE email IS NULL AND username_key LIKE 'user-%' ON CONFLICT DO NOTHING;
             INSERT INTO group_users (group_id, user_id, added)
             SELECT groups.id, users.id, 0 FROM groups JOIN users ON users.username_key = 'user-' || substr(groups.name_key, 7)
             WHERE groups.kind = 'contensis';
             DELETE FROM group_user_counts;
             INSERT INTO group_user_counts (group_id, slot, users)
             SELECT group_id, 0, count(*) FROM group_users GROUP BY group_id;"
        )
    };
    database.execute_either(
        &insert(
            &format!(
                "(WITH RECURSIVE c (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n < {last}) SELECT n FROM c)"
            ),
            "unhex('01900001000070008000' || printf('%012x', n))",
            "'{}'",
        ),
        &(insert(
            &format!("generate_series(0, {last}) AS n"),
            "('01900001-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid",
            "'{}'::json",
        ) + "ANALYZE;"),
    );
}
