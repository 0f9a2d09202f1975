//! An OpenID provider of another make, in a process of its own, and servers that trust it.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use jsonwebtoken::EncodingKey;
use pem::Pem;
use serde_json::{Value, json};

use crate::app::{Setup, TestApp};
use crate::published::javascript;
use crate::secure;
use crate::server::Server;
use crate::waiting::until;

/// Long enough for any answer on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);
/// Whom its tokens are for.
pub(crate) const AUDIENCE: &str = "paper-street";

/// The provider.
pub(crate) struct Issuer {
    child: Child,
    input: ChildStdin,
    lines: Receiver<String>,
    /// What its tokens say in `iss`.
    pub(crate) url: String,
    /// Where it keeps its keys.
    pub(crate) keys: PathBuf,
}

impl Issuer {
    /// A new one, which keeps its keys in this folder.
    pub(crate) fn start(folder: &Path) -> Self {
        Self::with_keys(folder.join("issuer.json"))
    }

    /// A new one with the keys in this file, or with new ones that it keeps there.
    pub(crate) fn with_keys(keys: PathBuf) -> Self {
        let log = log_beside(&keys);
        Self::listen(keys, "0")
            .unwrap_or_else(|| panic!("the issuer does not start: {}", fs::read_to_string(log).unwrap()))
    }

    fn listen(keys: PathBuf, port: &str) -> Option<Self> {
        let mut child = Command::new("node")
            .args(["issuer.mjs", "--port", port, "--keys"])
            .arg(&keys)
            .current_dir(javascript())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(log_beside(&keys)).unwrap())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let (said, lines) = channel();
        thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| said.send(line)));
        let Ok(url) = lines.recv_timeout(PATIENCE) else {
            drop(child.kill());
            drop(child.wait());
            return None;
        };
        Some(Self { child, input, lines, url, keys })
    }

    fn ask(&mut self, line: &str) -> Value {
        writeln!(self.input, "{line}").unwrap();
        let answer = self.lines.recv_timeout(PATIENCE).expect("the issuer does not answer");
        serde_json::from_str(&answer).unwrap()
    }

    /// A token for `subject`, with these claims besides or instead.
    pub(crate) fn token(&mut self, subject: &str, claims: &Value) -> String {
        self.token_as(subject, claims, &json!({}))
    }

    /// The same, made as `wanted` says: its `alg`, its `scope`.
    pub(crate) fn token_as(&mut self, subject: &str, claims: &Value, wanted: &Value) -> String {
        // All is said anew, because what is said of a client stays said.
        let mut said =
            json!({ "client": subject, "audience": AUDIENCE, "claims": claims, "alg": "RS256", "scope": "" });
        said.as_object_mut().unwrap().extend(wanted.as_object().unwrap().clone());
        let answer = self.ask(&format!("token {said}"));
        answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    /// Signs with new keys from now on, and no longer publishes the old ones unless they are to be kept.
    pub(crate) fn rotate(&mut self, keep: bool) {
        self.ask(&format!("rotate {}", json!({ "keep": keep })));
    }

    /// How often somebody came for its keys.
    pub(crate) fn visits(&mut self) -> u64 {
        self.ask("requests")["requests"]["/jwks"].as_u64().unwrap_or(0)
    }

    /// Ends it.
    pub(crate) fn stop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts the same issuer again.
    pub(crate) async fn restart(&mut self) {
        let (keys, port) = (self.keys.clone(), self.url.rsplit(':').next().unwrap().to_owned());
        // Anybody may have got its port meanwhile, for a moment.
        until("the issuer gets its port back", async || {
            Self::listen(keys.clone(), &port).map(|issuer| *self = issuer).is_some()
        })
        .await;
    }

    /// A table of settings that says to trust it by this name, with these lines in it.
    pub(crate) fn table(&self, name: &str, lines: &str) -> String {
        let url = &self.url;
        format!("[auth.issuers.{name}]\nissuer = '{url}'\naudiences = ['{AUDIENCE}']\n{lines}\n")
    }

    /// The same under another `iss`, so that one server can trust it in several ways.
    pub(crate) fn table_as(&self, name: &str, lines: &str) -> String {
        let (issuer, url) = (Self::url_as(name), &self.url);
        format!(
            "[auth.issuers.{name}]\nissuer = '{issuer}'\njwks_url = '{url}/jwks'\naudiences = ['{AUDIENCE}']\n{lines}\n"
        )
    }

    /// The `iss` of [`Issuer::table_as`].
    pub(crate) fn url_as(name: &str) -> String {
        format!("http://{name}.test")
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Setup {
    /// The server trusts the issuer under this name, as variables of its environment say.
    pub(crate) fn trusting(self, name: &str, issuer: &Issuer, settings: &[(&str, &str)]) -> Self {
        let common = [("issuer", issuer.url.as_str()), ("audiences", AUDIENCE)];
        common.into_iter().chain(settings.iter().copied()).fold(self, |setup, (key, value)| {
            setup.with(&format!("GUILDHALL_AUTH__ISSUERS__{name}__{key}").to_uppercase(), value)
        })
    }

    /// A file with these settings.
    pub(crate) fn file(&self, settings: &str) -> String {
        let file = self.database.path().join("guildhall.toml");
        fs::write(&file, settings).unwrap();
        file.to_str().unwrap().to_owned()
    }

    /// Starts the server with these settings in a file.
    pub(crate) fn start_with(self, settings: &str) -> TestApp {
        let server = Server::start_with(&self, &["serve", "--config", &self.file(settings)]);
        let mut app = TestApp { setup: self, server, client: secure::client(), token: String::new() };
        app.token = app.token_of("admin");
        app
    }
}

/// Where an issuer with these keys puts its notices.
fn log_beside(keys: &Path) -> PathBuf {
    keys.with_extension("log")
}

/// A new RSA key, in PEM.
pub(crate) fn rsa_pem() -> String {
    let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
    pem::encode(&Pem::new("PRIVATE KEY", AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).unwrap().as_ref()))
}

/// A key that no issuer knows.
pub(crate) fn strangers_key() -> EncodingKey {
    EncodingKey::from_rsa_pem(rsa_pem().as_bytes()).unwrap()
}
