//! Faults of PostgreSQL, which speaks German wherever its messages are not in the code.

use std::sync::atomic::{AtomicBool, Ordering};

use diesel::connection::SimpleConnection;

use super::{Reading, Watched};
use crate::app::{GROUP, Setup, USERS};
use crate::waiting::until;

async fn watched() -> Watched {
    Watched::over(Setup::of_a_role("").await.start()).await
}

#[test]
fn the_server_of_the_tests_does_not_speak_english() {
    let administrator = std::env::var("GUILDHALL_TEST_POSTGRES").unwrap();
    let mut connection = <diesel::PgConnection as diesel::Connection>::establish(&administrator).unwrap();
    let error = connection.batch_execute("SELECT 1/0").unwrap_err().to_string();
    assert_eq!(error, "Division durch Null", "scripts/install-tools makes the locale de_DE.UTF-8");
}

#[tokio::test]
async fn a_database_that_only_reads_after_a_failover() {
    let watched = watched().await;
    let database = &watched.app.setup.database;
    let set = |value: &str| {
        database.execute(&format!("ALTER DATABASE {} SET default_transaction_read_only = {value}", database.role()));
    };
    let fail_over = || {
        set("on");
        database.disconnect_everybody();
    };
    watched.through("read_only", Reading::GoesOn, fail_over, || set("off")).await;
}

#[tokio::test]
async fn connections_of_before_a_failover_are_replaced() {
    let watched = watched().await;
    let database = &watched.app.setup.database;
    let set = |value: &str| {
        database.execute(&format!("ALTER DATABASE {} SET default_transaction_read_only = {value}", database.role()));
    };
    set("on");
    database.disconnect_everybody();
    for _ in 0..20 {
        assert_eq!(watched.app.get("/groups/Everyone").await.status, 200);
    }
    // The connections that read so far cannot write, and nobody has noticed yet.
    set("off");
    watched.change().await.is(204);
    assert_eq!(watched.all_lines(), 0);
}

#[tokio::test]
async fn no_connection_is_to_be_had() {
    let watched = watched().await;
    let database = &watched.app.setup.database;
    let limit = |limit: &str| database.execute(&format!("ALTER ROLE {} CONNECTION LIMIT {limit}", database.role()));
    let cut_off = || {
        limit("0");
        database.disconnect_everybody();
    };
    watched.through("unreachable", Reading::Fails, cut_off, || limit("-1")).await;
    let log_in = |may: &str| database.execute(&format!("ALTER ROLE {} {may}", database.role()));
    let lock_out = || {
        log_in("NOLOGIN");
        database.disconnect_everybody();
    };
    watched.through("unreachable", Reading::Fails, lock_out, || log_in("LOGIN")).await;
}

#[tokio::test]
async fn rights_that_were_revoked() {
    let watched = watched().await;
    let database = &watched.app.setup.database;
    let role = database.role();
    for (right, table) in [("INSERT", "group_users"), ("UPDATE", "user_counts"), ("DELETE", "group_users")] {
        let revoke =
            || database.execute(&format!("REVOKE {right} ON {table} FROM {role}; REVOKE INSERT ON groups FROM {role}"));
        let grant =
            || database.execute(&format!("GRANT {right} ON {table} TO {role}; GRANT INSERT ON groups TO {role}"));
        watched.through("lacking_rights", Reading::GoesOn, revoke, grant).await;
    }
}

#[tokio::test]
async fn tables_that_are_gone() {
    let watched = watched().await;
    let database = &watched.app.setup.database;
    let rename = |from: &str, to: &str| database.execute(&format!("ALTER TABLE {from} RENAME TO {to}"));
    watched.through("missing_tables", Reading::Fails, || rename("groups", "aside"), || rename("aside", "groups")).await;
}

/// Has every change of a count refused with this state, while `condition` holds.
fn refusing(state: &str, condition: &str) -> String {
    format!(
        "CREATE FUNCTION refuse () RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF {condition} THEN RAISE EXCEPTION 'abgelehnt' USING ERRCODE = '{state}'; END IF; RETURN NULL;
         END $$;
         CREATE TRIGGER refuse AFTER INSERT OR UPDATE ON user_counts FOR EACH STATEMENT EXECUTE FUNCTION refuse ();
         CREATE TRIGGER refuse AFTER INSERT OR UPDATE OR DELETE ON group_users FOR EACH STATEMENT EXECUTE FUNCTION refuse ();
         CREATE TRIGGER refuse AFTER INSERT ON groups FOR EACH STATEMENT EXECUTE FUNCTION refuse ();"
    )
}

#[tokio::test]
async fn faults_that_the_server_tells_by_a_state() {
    let watched = watched().await;
    let database = &watched.app.setup.database;
    for (state, fault) in [
        ("53100", "full"),
        ("53200", "out_of_memory"),
        ("53400", "refusing"),
        ("54000", "refusing"),
        ("58030", "input_output"),
        ("58P01", "input_output"),
        ("XX000", "refusing"),
        ("XX001", "damaged"),
        ("XX002", "damaged"),
    ] {
        let refuse = || database.execute(&refusing(state, "true"));
        let allow = || database.execute("DROP FUNCTION refuse CASCADE");
        watched.through(fault, Reading::GoesOn, refuse, allow).await;
    }
}

#[tokio::test]
async fn collisions_that_are_over_at_once_are_no_faults() {
    let watched = watched().await;
    let database = &watched.app.setup.database;
    for state in ["40001", "40P01", "57014", "55P03", "53200"] {
        let sequence = "CREATE SEQUENCE tries; GRANT USAGE ON SEQUENCE tries TO PUBLIC;";
        database.execute(&format!("{sequence} {}", refusing(state, "nextval('tries') % 20 < 4")));
        for _ in 0..10 {
            watched.change().await.is(204);
            watched.ready().await.is(200);
        }
        database.execute("DROP FUNCTION refuse CASCADE; DROP SEQUENCE tries");
        assert_eq!(watched.all_lines(), 0, "{state}:\n{}", watched.app.server.output());
    }
}

#[tokio::test]
async fn what_waits_for_a_lock_for_too_long_is_no_fault_of_the_database() {
    let app = Setup::of_a_role("").await.with("GUILDHALL_DATABASE__STATEMENT_TIMEOUT", "1").start();
    let watched = Watched::over(app).await;
    let mut locking = watched.app.setup.database.administrate();
    locking.batch_execute("BEGIN; LOCK TABLE group_users IN EXCLUSIVE MODE").unwrap();
    let member = format!("/groups/{GROUP}/users/{}", USERS[0]);
    watched.is_unavailable(&watched.app.delete(&member).await, "a lock");
    watched.ready().await.is(200);
    locking.batch_execute("LOCK TABLE group_users").unwrap();
    let answer = watched.app.get(&format!("/groups/{GROUP}/users")).await;
    answer.is_error(503, "The query took longer than 1 second", &serde_json::Value::Null);
    watched.ready().await.is(200);
    locking.batch_execute("ROLLBACK").unwrap();
    watched.change().await.is(204);
    assert_eq!(watched.all_lines(), 0);
}

#[tokio::test]
async fn a_server_that_stops_and_starts() {
    let watched = Watched::over(Setup::on_own_cluster().await.start()).await;
    let database = &watched.app.setup.database;
    for _ in 0..2 {
        watched.through("unreachable", Reading::Fails, || database.turn(false), || database.turn(true)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_cut_off_are_told_to_try_again() {
    let watched = watched().await;
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let cutting = scope.spawn(|| {
            let mut administrator = watched.app.setup.database.administrate();
            while !is_done.load(Ordering::SeqCst) {
                let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                           WHERE datname = current_database() AND pid <> pg_backend_pid()";
                administrator.batch_execute(cut).unwrap();
            }
        });
        tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(async {
                for _ in 0..20 {
                    for answer in
                        [watched.change().await, watched.app.get("/groups/Everyone").await, watched.ready().await]
                    {
                        assert!([200, 204, 503].contains(&answer.status), "{answer:?}");
                    }
                }
            });
        });
        is_done.store(true, Ordering::SeqCst);
        cutting.join().unwrap();
    });
    until("the service is ready again", async || watched.ready().await.status == 200).await;
    watched.change().await.is(204);
    assert_eq!(watched.app.get("/groups/Everyone").await.status, 200);
}
