//! Faults of the database and of its disk: told apart, answered with 503, and over without a restart once they are mended.

mod postgres;
mod sqlite;

use reqwest::Method;
use serde_json::json;

use crate::answer::Answer;
use crate::app::{GROUP, TestApp, USERS};
use crate::waiting::until;

/// Whether reading goes on while there is a fault.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    GoesOn,
    Fails,
}

/// A service with the documented users and groups, which is ready.
struct Watched {
    app: TestApp,
}

impl Watched {
    async fn over(app: TestApp) -> Self {
        app.create_documented().await;
        app.post(&format!("/groups/{GROUP}/users"), &json!(USERS)).await.is(204);
        let watched = Self { app };
        watched.ready().await.is(200);
        watched
    }

    async fn ready(&self) -> Answer {
        Answer::to(self.app.client.get(format!("{}/health/ready", self.app.server.url))).await
    }

    /// A change that is possible before, during and after the fault: a member is removed and added.
    async fn change(&self) -> Answer {
        let user = format!("/groups/{GROUP}/users/{}", USERS[0]);
        let removed = self.app.delete(&user).await;
        if [204, 404].contains(&removed.status) { self.app.put(&user).await } else { removed }
    }

    /// Breaks the database, sees that requests and readiness say so and the log names the fault once, mends it, and sees that all is
    /// well again.
    async fn through(&self, fault: &str, reading: Reading, break_it: impl FnOnce(), mend_it: impl FnOnce()) {
        let known = self.lines(fault);
        break_it();
        self.is_broken(fault, reading).await;
        self.until_mended(fault, known, mend_it).await;
    }

    /// The same, where something was broken that only a check of the database notices, and was noticed: nothing is served.
    async fn through_broken(&self, fault: &str, known: usize, mend_it: impl FnOnce()) {
        self.is_broken(fault, Reading::Fails).await;
        self.until_mended(fault, known, mend_it).await;
    }

    async fn is_broken(&self, fault: &str, reading: Reading) {
        for _ in 0..3 {
            self.is_unavailable(&self.change().await, fault);
            self.is_unavailable(&self.ready().await, fault);
            let read = self.app.get(&format!("/groups/{GROUP}")).await;
            match reading {
                Reading::GoesOn => drop(read.is(200)),
                Reading::Fails => self.is_unavailable(&read, fault),
            }
            let live = Answer::to(self.app.client.get(format!("{}/health/live", self.app.server.url))).await;
            assert_eq!(live.status, 200);
        }
        let tried = self.app.request(Method::POST, "/groups").json(&json!({ "name": fault }));
        self.is_unavailable(&Answer::to(tried).await, fault);
    }

    async fn until_mended(&self, fault: &str, known: usize, mend_it: impl FnOnce()) {
        let log = || self.app.server.output();
        until(&format!("the log tells of {fault}"), async || self.lines(fault) > known).await;
        let again = || log().matches("ready again: ").count();
        let known_again = again();
        mend_it();
        until(&format!("the service is ready again after {fault}"), async || self.ready().await.status == 200).await;
        until("the log tells that it is over", async || again() > known_again).await;
        self.change().await.is(204);
        self.ready().await.is(200);
        assert_eq!(self.app.members(GROUP).await.len(), USERS.len());
        assert_eq!((self.lines(fault), again()), (known + 1, known_again + 1), "{fault}:\n{}", log());
        assert!(!log().contains(r#""status":500"#), "{fault}:\n{}", log());
    }

    #[track_caller]
    fn is_unavailable(&self, answer: &Answer, fault: &str) {
        assert_eq!(answer.status, 503, "{fault}: {answer:?}\n{}", self.app.server.output());
        assert!(answer.headers["retry-after"].parse::<u32>().is_ok_and(|seconds| seconds >= 1), "{fault}: {answer:?}");
    }

    /// How many lines of the log say that this fault began.
    fn lines(&self, fault: &str) -> usize {
        let named = format!(r#""fault":"{fault}""#);
        self.app.server.output().lines().filter(|line| line.contains(&named) && line.contains("not ready: ")).count()
    }

    /// How many lines of the log say that any fault began.
    fn all_lines(&self) -> usize {
        self.app.server.output().lines().filter(|line| line.contains("not ready: ")).count()
    }
}
