//! The server as its users meet it: a process of its own, spoken to through a socket.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use guildhall_auth::SigningKey;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::answer::Answer;
use crate::database::{Database, Kind};
use crate::secure;
use crate::server::Server;

/// The prefix of the API.
pub(crate) const API: &str = "/api/security";
/// The password of the first administrator.
pub(crate) const PASSWORD: &str = "Pr0ject-Mayhem";
/// The documented group.
pub(crate) const GROUP: &str = "6254736c-70e1-43b0-b769-f8e0f6359862";
/// Its name.
pub(crate) const GROUP_NAME: &str = "Paper Street Soap Company";
/// The documented users.
pub(crate) const USERS: [&str; 5] = [
    "75490b0f-56f7-4690-a20a-6f2a822f1d3f",
    "20b5e923-beb8-44ab-8bb4-34467582230f",
    "13f8cd48-7765-47b7-9fa3-2ad9c935a4be",
    "3c3d98a1-c80a-49d1-b602-f38ad2b01af8",
    "11f5ce76-ca86-45d8-9928-d7fd56863ec7",
];

/// Where the server keeps its signing key, in the folder of the test.
const KEY_FILE: &str = "signing-key.pem";

/// Tests share the machine, but those that measure have it for themselves.
static MACHINE: RwLock<()> = RwLock::const_new(());

#[expect(dead_code, reason = "held until the test ends")]
enum Turn {
    Shared(RwLockReadGuard<'static, ()>),
    Alone(RwLockWriteGuard<'static, ()>),
}

/// What is spoken on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Plain,
    Tls,
}

/// How a server is to be started.
pub(crate) struct Setup {
    pub(crate) database: Database,
    environment: BTreeMap<String, String>,
    open_files: Option<u32>,
    #[expect(dead_code, reason = "held until the test ends")]
    turn: Turn,
}

impl Setup {
    /// The defaults over a new database.
    pub(crate) async fn on(kind: Kind) -> Self {
        let turn = Turn::Shared(MACHINE.read().await);
        Self::over(Database::new(kind), turn)
    }

    /// The same over a database without any table.
    pub(crate) async fn on_empty(kind: Kind) -> Self {
        let turn = Turn::Shared(MACHINE.read().await);
        Self::over(Database::empty(kind), turn)
    }

    /// The defaults over a new database, while no other test runs.
    pub(crate) async fn alone_on(kind: Kind) -> Self {
        let turn = Turn::Alone(MACHINE.write().await);
        Self::over(Database::new(kind), turn)
    }

    /// The defaults over a PostgreSQL that can be stopped.
    pub(crate) async fn on_own_cluster() -> Self {
        let turn = Turn::Shared(MACHINE.read().await);
        Self::over(Database::on_own_cluster(), turn)
    }

    /// The defaults over a new database on PostgreSQL, with this `CREATE DATABASE` option, that belongs to a user without any other rights.
    pub(crate) async fn of_a_role(option: &str) -> Self {
        let turn = Turn::Shared(MACHINE.read().await);
        Self::over(Database::of_a_role(option), turn)
    }

    fn over(database: Database, turn: Turn) -> Self {
        let key = database.path().join(KEY_FILE);
        fs::write(&key, SigningKey::generate_pem().unwrap()).unwrap();
        let environment = BTreeMap::new();
        Self { database, environment, open_files: None, turn }
            .with("GUILDHALL_BOOTSTRAP__ADMIN_PASSWORD", PASSWORD)
            .with("GUILDHALL_AUTH__SIGNING_KEY_FILE", key.to_str().unwrap())
            .with("GUILDHALL_SERVER__PORT", "0")
    }

    /// Sets a variable of the server's environment.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The server may have only so many files open.
    pub(crate) fn with_open_files(self, most: u32) -> Self {
        Self { open_files: Some(most), ..self }
    }

    /// Forgets a variable of the server's environment.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.environment.remove(name);
        self
    }

    /// Starts the server, and gets its administrator a token.
    pub(crate) fn start(self) -> TestApp {
        let server = Server::start(&self);
        let mut app = TestApp { setup: self, server, client: secure::client(), token: String::new() };
        app.token = app.token_of("admin");
        app
    }

    /// The program with `arguments`, in the folder and the environment of this test.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let program = env!("CARGO_BIN_EXE_guildhall");
        let mut command = match self.open_files {
            None => Command::new(program),
            Some(most) => {
                let mut shell = Command::new("/bin/sh");
                shell.args(["-c", &format!("ulimit -n {most}; exec \"$0\" \"$@\""), program]);
                shell
            }
        };
        command
            .args(arguments)
            .env_clear()
            .env("GUILDHALL_DATABASE__URL", &self.database.url)
            .envs(&self.environment)
            .current_dir(self.database.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }
}

/// A server that runs, and an administrator's token for it.
pub(crate) struct TestApp {
    pub(crate) setup: Setup,
    pub(crate) server: Server,
    pub(crate) client: Client,
    pub(crate) token: String,
}

impl TestApp {
    /// A server over a new database.
    pub(crate) async fn on(kind: Kind) -> Self {
        Setup::on(kind).await.start()
    }

    /// Ends the server, so that another can be started over its database.
    pub(crate) fn stop(mut self) -> Setup {
        self.server.kill();
        self.setup
    }

    /// Kills the server as it stands, and starts another over what it left.
    pub(crate) fn kill_and_restart(&mut self) {
        self.server.kill();
        self.restart();
    }

    /// Starts another server over what the last one left.
    pub(crate) fn restart(&mut self) {
        self.setup.database.settle();
        self.server = Server::start(&self.setup);
    }

    /// A token for a user, from the command line.
    pub(crate) fn token_of(&self, user: &str) -> String {
        let output = self.setup.run(&["token", "--user", user]);
        assert!(output.status.success(), "{}: {}", output.status, String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Where the server keeps the key that it signs tokens with.
    pub(crate) fn signing_key_file(&self) -> PathBuf {
        self.setup.database.path().join(KEY_FILE)
    }

    /// A request by the administrator to a path below [`API`].
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.request_by(&self.token, method, path)
    }

    /// A request by the owner of `token` to a path below [`API`].
    pub(crate) fn request_by(&self, token: &str, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, self.url(path)).bearer_auth(token)
    }

    /// A request for a token, with these parameters in its form.
    pub(crate) fn request_for_token(&self, parameters: &[(&str, &str)]) -> RequestBuilder {
        self.client.post(format!("{}/authenticate/connect/token", self.server.url)).form(parameters)
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{API}{path}", self.server.url)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Answer::to(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        Answer::to(self.request(Method::POST, path).json(body)).await
    }

    pub(crate) async fn put(&self, path: &str) -> Answer {
        Answer::to(self.request(Method::PUT, path)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        Answer::to(self.request(Method::DELETE, path)).await
    }

    /// Creates a user with a password, and says its id.
    pub(crate) async fn create_user(&self, username: &str) -> String {
        self.create(
            "/users",
            &json!({ "username": username, "email": format!("{username}@fightclub.com"),
                     "credentials": { "password": "F1ghtC1ub1234!" } }),
        )
        .await
    }

    /// Creates a group, and says its id.
    pub(crate) async fn create_group(&self, name: &str) -> String {
        self.create("/groups", &json!({ "name": name })).await
    }

    /// Creates the documented group and users.
    pub(crate) async fn create_documented(&self) {
        self.create("/groups", &json!({ "id": GROUP, "name": GROUP_NAME })).await;
        for (number, id) in USERS.iter().enumerate() {
            let email = format!("member{number}@fightclub.com");
            let credentials = json!({ "password": "F1ghtC1ub1234!" });
            self.create("/users", &json!({ "id": id, "email": email, "credentials": credentials })).await;
        }
    }

    async fn create(&self, path: &str, body: &Value) -> String {
        let answer = self.post(path, body).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    /// The ids of a group's direct members, in order.
    pub(crate) async fn members(&self, group: &str) -> Vec<String> {
        let mut members = Vec::new();
        for page in 0.. {
            let answer = self.get(&format!("/groups/{group}/users?pageIndex={page}&pageSize=1000")).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            let body = answer.json();
            members
                .extend(body["items"].as_array().unwrap().iter().map(|user| user["id"].as_str().unwrap().to_owned()));
            if page + 1 >= body["pageCount"].as_u64().unwrap() {
                assert_eq!(members.len() as u64, body["totalCount"].as_u64().unwrap());
                break;
            }
        }
        members.sort();
        members
    }

    /// How many direct members a group has, as the listing and the group itself agree.
    pub(crate) async fn member_count(&self, group: &str) -> u64 {
        let listed =
            self.get(&format!("/groups/{group}/users?pageSize=1")).await.json()["totalCount"].as_u64().unwrap();
        let counted = self.get(&format!("/groups/{group}")).await.json()["userCount"].as_u64().unwrap();
        assert_eq!(listed, counted, "the group counts other members than it lists");
        listed
    }
}
