//! What a large SQLite file costs: nothing at the start, and no more memory than a small one.

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::answer::Answer;
use crate::app::{Setup, TestApp};
use crate::database::{Kind, user_id, user_ids};
use crate::memory::private;

const USERS: u32 = 100_000;
/// How much more a start over many users may read than one over none, in bytes.
const MOST_READ: u64 = 512 * 1024;
/// The most private memory, in KiB.
const MOST_PRIVATE: usize = 64 * 1024;
/// How many requests each client makes.
const ROUNDS: u32 = 300;

/// A server over an empty file.
async fn alone() -> TestApp {
    Setup::alone_on(Kind::Sqlite).await.start()
}

/// Stops the server, has all of the log in the file, and starts another one.
fn restarted(app: TestApp) -> TestApp {
    let setup = app.stop();
    setup.database.execute("PRAGMA wal_checkpoint(TRUNCATE)");
    setup.start()
}

#[tokio::test]
async fn a_start_reads_as_little_of_a_large_file_as_of_a_small_one() {
    let read_until_ready = async |app: &TestApp| {
        Answer::to(app.client.get(format!("{}/health/ready", app.server.url))).await.is(200);
        let counters = fs::read_to_string(format!("/proc/{}/io", app.server.pid())).unwrap();
        counters.lines().find_map(|line| line.strip_prefix("rchar: ")).unwrap().parse::<u64>().unwrap()
    };
    let app = restarted(alone().await);
    let small = read_until_ready(&app).await;
    app.setup.database.insert_users(USERS);
    let app = restarted(app);
    let large = read_until_ready(&app).await;
    let file = fs::metadata(app.setup.database.path().join("guildhall.db")).unwrap().len();
    crate::tell(&format!("a start reads {small} bytes over an empty file, and {large} over one of {file}"));
    assert!(large < small + MOST_READ, "{large} bytes of {file}, and {small} without users");
}

/// Each connection had pages of its own, up to 16 MiB; what a statement needs to undo it, and what is sorted, was kept in memory whole.
#[tokio::test]
async fn memory_is_bounded_for_all_connections_together_whatever_is_read_and_added() {
    let app = Setup::alone_on(Kind::Sqlite).await.with("GUILDHALL_DATABASE__POOL_SIZE", "20").start();
    fill(&app);
    let app = restarted(app);
    let group = app.create_group("Project Mayhem").await;
    let ids = json!(user_ids(USERS));
    let (most, is_over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let watch = async {
        while !is_over.load(Ordering::Relaxed) {
            most.fetch_max(private(app.server.pid()), Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let work = async {
        let peak = || most.load(Ordering::Relaxed) / 1024;
        let mut figures = vec![(private(app.server.pid()) / 1024, "at first")];
        let (checks, listings) = (async |client| check(&app, client).await, async |client| list(&app, client).await);
        tokio::join!(
            checks(0),
            checks(1),
            checks(2),
            checks(3),
            checks(4),
            checks(5),
            checks(6),
            checks(7),
            listings(0),
            listings(1),
            listings(2),
            listings(3),
            listings(4),
            listings(5)
        );
        figures.push((peak(), "while reading"));
        for round in 0..3 {
            app.post(&format!("/groups/{group}/users"), &ids).await.is(204);
            assert_eq!(app.member_count(&group).await, u64::from(USERS), "round {round}");
        }
        figures.push((peak(), "while adding"));
        app.delete(&format!("/groups/{group}")).await.is(204);
        is_over.store(true, Ordering::Relaxed);
        figures.push((private(app.server.pid()) / 1024, "at last"));
        crate::tell(&format!("private MiB: {figures:?}"));
    };
    tokio::join!(watch, work);
    let most = most.into_inner();
    assert!(most < MOST_PRIVATE, "{most} KiB");
}

/// Everybody is in five groups of the first hundred.
fn fill(app: &TestApp) {
    app.setup.database.insert_users(USERS);
    app.setup.database.execute(
        "INSERT INTO groups (id, name, name_key, kind, custom, created, modified, version)
         SELECT unhex('01900001000070008000' || printf('%012x', n)), 'group-' || n, 'group-' || n, 'contensis', '{}', 0, 0, 1
         FROM (WITH RECURSIVE c (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n < 99) SELECT n FROM c);
         INSERT INTO group_closure (ancestor_id, descendant_id) SELECT id, id FROM groups WHERE kind = 'contensis';
         INSERT INTO group_users (group_id, user_id, added)
         SELECT unhex('01900001000070008000' || printf('%012x', (u.rowid * 7 + k.n) % 100)), u.id, 0
         FROM users u, (SELECT 0 AS n UNION ALL SELECT 13 UNION ALL SELECT 29 UNION ALL SELECT 51 UNION ALL SELECT 77) k
         WHERE u.username_key LIKE 'user-%';
         UPDATE user_search SET names_key = 'user ' || row;
         DELETE FROM group_user_counts;
         INSERT INTO group_user_counts (group_id, slot, users) SELECT g.id, 0, count(u.user_id)
         FROM groups g LEFT JOIN group_users u ON u.group_id = g.id GROUP BY g.id;",
    );
}

async fn check(app: &TestApp, client: u32) {
    for round in 0..ROUNDS {
        let number = (round * 7919 + client * 104_729) % USERS;
        let path = format!("/groups/group-{}/users/{}", number % 100, user_id(number));
        let answer = Answer::to(app.request(Method::HEAD, &path)).await;
        assert!([200, 204, 404].contains(&answer.status), "{answer:?}");
        app.get(&format!("/users/{}", user_id((number + 1) % USERS))).await.is(200);
    }
}

async fn list(app: &TestApp, client: u32) {
    let paths = [
        "/users?q=user&order=-lastLogin&pageIndex=1000",
        "/users?order=-created&pageIndex=900&pageSize=100",
        "/users?zenql=successfulLoginAttempts < 5&order=firstName,username&pageIndex=1500",
        "/groups/group-7/users?order=-modified,username&pageSize=1000",
        "/users?pageIndex=99&pageSize=1000",
        "/users?zenql=username ~ \"r-9\"&order=-username&pageIndex=200",
    ];
    for round in 0..ROUNDS / 50 {
        let path = paths[((client + round) as usize) % paths.len()];
        app.get(path).await.is(200);
    }
}
