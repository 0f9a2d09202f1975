//! Faults of a SQLite file.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use super::{Reading, Watched};
use crate::app::{GROUP, TestApp, USERS};
use crate::database::Kind;
use crate::waiting::until;

async fn watched() -> (Watched, PathBuf, PathBuf) {
    let watched = Watched::over(TestApp::on(Kind::Sqlite).await).await;
    let path = watched.app.setup.database.path().join("guildhall.db");
    let aside = watched.app.setup.database.path().join("aside.db");
    (watched, path, aside)
}

#[tokio::test]
async fn a_file_that_was_removed_is_not_written_to() {
    let (watched, path, aside) = watched().await;
    let (remove, restore) = (|| fs::rename(&path, &aside).unwrap(), || fs::rename(&aside, &path).unwrap());
    watched.through("file_removed", Reading::Fails, remove, restore).await;
    assert!(!aside.exists());
}

#[tokio::test]
async fn a_file_that_was_replaced_is_not_taken_for_the_one_that_was_opened() {
    let (watched, path, aside) = watched().await;
    let replace = || {
        fs::rename(&path, &aside).unwrap();
        fs::copy(&aside, &path).unwrap();
    };
    let restore = || {
        // Nothing was written into the other file.
        assert!(fs::read(&path).unwrap() == fs::read(&aside).unwrap());
        fs::rename(&aside, &path).unwrap();
    };
    watched.through("file_replaced", Reading::Fails, replace, restore).await;
}

#[tokio::test]
async fn a_file_that_is_gone_for_good_is_not_made_anew() {
    let (watched, path, _) = watched().await;
    fs::remove_file(&path).unwrap();
    for _ in 0..3 {
        watched.is_unavailable(&watched.change().await, "removed");
        watched.is_unavailable(&watched.ready().await, "removed");
    }
    assert!(!path.exists());
    until("the log tells it", async || watched.all_lines() == 1).await;
}

/// Overwrites the file as it lies there.
fn overwrite(path: &PathBuf, content: &[u8]) {
    fs::OpenOptions::new().write(true).truncate(true).open(path).unwrap().write_all(content).unwrap();
}

#[tokio::test]
async fn a_file_of_which_something_else_is_left() {
    let (watched, path, _) = watched().await;
    for (left, fault) in
        [(vec![0xa5; 500_000], "damaged"), (vec![], "missing_tables"), (b"no database\n".to_vec(), "damaged")]
    {
        watched.app.setup.database.execute("PRAGMA wal_checkpoint(TRUNCATE)");
        let whole = fs::read(&path).unwrap();
        let known = watched.lines(fault);
        overwrite(&path, &left);
        // What is in memory already may be read and written for a while: a check looks at the file itself.
        watched.is_unavailable(&watched.ready().await, fault);
        watched.through_broken(fault, known, || overwrite(&path, &whole)).await;
    }
}

#[tokio::test]
async fn tables_that_are_gone() {
    let (watched, ..) = watched().await;
    let rename = |from: &str, to: &str| {
        watched.app.setup.database.execute(&format!("ALTER TABLE {from} RENAME TO {to}"));
    };
    let (remove, restore) = (|| rename("group_users", "aside"), || rename("aside", "group_users"));
    watched.through("missing_tables", Reading::Fails, remove, restore).await;
}

/// What writing meets when the disk refuses it: a limit of the system on the size of files, which a running process can be given.
#[tokio::test]
async fn a_disk_that_takes_no_more() {
    let (watched, ..) = watched().await;
    let limit = |bytes: &str| {
        let process = watched.app.server.pid().to_string();
        // The hard limit stays, so that anybody can lift the other one again.
        let limited = Command::new("prlimit").args(["--pid", &process, &format!("--fsize={bytes}:")]).status().unwrap();
        assert!(limited.success());
    };
    for _ in 0..2 {
        watched.through("input_output", Reading::GoesOn, || limit("0"), || limit("unlimited")).await;
    }
}

#[tokio::test]
async fn a_backup_that_was_put_back_is_served_after_a_restart() {
    let (watched, path, aside) = watched().await;
    watched.app.setup.database.execute(&format!("VACUUM INTO '{}'", aside.display()));
    watched.app.create_group("Made after the backup").await;
    fs::rename(&aside, &path).unwrap();
    watched.is_unavailable(&watched.change().await, "file_replaced");
    let mut app = watched.app;
    app.server.kill();
    for ending in ["-wal", "-shm"] {
        fs::remove_file(format!("{}{ending}", path.display())).unwrap();
    }
    app.restart();
    assert_eq!(app.get("/groups/Made after the backup").await.status, 404);
    assert_eq!(app.members(GROUP).await.len(), USERS.len());
}
