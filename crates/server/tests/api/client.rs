//! A client that sends its requests as the official JavaScript one does.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::app::TestApp;

/// The password of every user that a [`Client`] creates.
pub(crate) const USER_PASSWORD: &str = "F1ghtC1ub1234!";

/// Somebody with a token.
pub(crate) struct Client<'a> {
    app: &'a TestApp,
    token: String,
}

impl<'a> Client<'a> {
    /// The first administrator.
    pub(crate) fn admin(app: &'a TestApp) -> Self {
        Self { app, token: app.token.clone() }
    }

    /// A user, with a fresh token from the command line.
    pub(crate) fn of(app: &'a TestApp, user: &str) -> Self {
        Self { app, token: app.token_of(user) }
    }

    /// A request with the headers that come with every one, even without a body.
    pub(crate) fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let kind =
            if method == Method::PATCH { "application/merge-patch+json; charset=utf-8" } else { "application/json" };
        let request = self.app.request_by(&self.token, method.clone(), path);
        let request = request.header("Accept", "application/json").header("Content-Type", kind);
        if method == Method::PUT { request.header("Content-Length", "0") } else { request }
    }

    /// A request with JSON in it.
    pub(crate) fn request_with(&self, method: &str, path: &str, body: &Value) -> RequestBuilder {
        let body = body.to_string();
        let length = body.len().to_string();
        let mut request = self.request(method, path).build().unwrap();
        request.headers_mut().insert("Content-Length", length.parse().unwrap());
        *request.body_mut() = Some(body.into());
        RequestBuilder::from_parts(self.app.client.clone(), request)
    }

    pub(crate) async fn send(&self, method: &str, path: &str) -> Answer {
        Answer::to(self.request(method, path)).await
    }

    pub(crate) async fn send_with(&self, method: &str, path: &str, body: &Value) -> Answer {
        Answer::to(self.request_with(method, path, body)).await
    }

    /// The status alone.
    pub(crate) async fn status(&self, method: &str, path: &str) -> u16 {
        self.send(method, path).await.status
    }

    /// What is read there.
    pub(crate) async fn get(&self, path: &str) -> Value {
        self.send("GET", path).await.is(200).json()
    }

    /// Creates something, and says its id.
    pub(crate) async fn create(&self, path: &str, body: &Value) -> String {
        self.send_with("POST", path, body).await.is(201).json()["id"].as_str().unwrap().to_owned()
    }

    /// Creates a user of this name with [`USER_PASSWORD`].
    pub(crate) async fn create_user(&self, username: &str) -> String {
        let email = format!("{username}@fightclub.com");
        let credentials = json!({ "password": USER_PASSWORD });
        self.create("/users", &json!({ "username": username, "email": email, "credentials": credentials })).await
    }

    /// Creates a group of this name with these users and child groups in it.
    pub(crate) async fn create_group(&self, name: &str, users: &[&str], children: &[&str]) -> String {
        let group = self.create("/groups", &json!({ "name": name })).await;
        for user in users {
            self.send("PUT", &format!("/groups/{group}/users/{user}")).await.is(204);
        }
        for child in children {
            self.send("PUT", &format!("/groups/{group}/groups/{child}")).await.is(204);
        }
        group
    }

    /// The values of `key` on one page of a listing, in order.
    pub(crate) async fn listed(&self, path: &str, key: &str) -> Vec<String> {
        let page = self.get(path).await;
        let items = page["items"].as_array().unwrap();
        assert!(page["pageIndex"] != 0 || page["pageCount"] != 1 || page["totalCount"] == items.len(), "{page}");
        items.iter().map(|item| item[key].as_str().unwrap().to_owned()).collect()
    }
}

impl Answer {
    /// The same, if its status is this one.
    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// Checks that it refuses exactly these fields, with these messages.
    #[track_caller]
    pub(crate) fn refuses(&self, fields: &[(&str, &str)]) {
        let body = self.json();
        let named: Vec<Value> =
            fields.iter().map(|(field, message)| json!({ "field": field, "message": message })).collect();
        assert_eq!((self.status, &body["type"], &body["data"]), (422, &json!("Validation"), &json!(named)), "{body}");
    }

    /// Checks that it refuses exactly these fields, whatever the messages.
    #[track_caller]
    pub(crate) fn refuses_only(&self, fields: &[&str]) {
        let body = self.json();
        assert_eq!((self.status, &body["type"]), (422, &json!("Validation")), "{body}");
        let named: Vec<&str> =
            body["data"].as_array().unwrap().iter().map(|fault| fault["field"].as_str().unwrap()).collect();
        assert_eq!(named, fields, "{body}");
    }
}
