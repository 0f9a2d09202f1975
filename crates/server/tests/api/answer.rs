//! What the server answers.

use std::collections::BTreeMap;

use reqwest::RequestBuilder;
use serde_json::{Value, json};

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) async fn to(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let text = |value: &reqwest::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = response.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        let status = response.status().as_u16();
        Self { status, headers, body: response.text().await.unwrap() }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Checks that this is an error in the API's form, and that its id is the request's.
    pub(crate) fn is_error(&self, status: u16, message: &str, data: &Value) {
        let body = self.json();
        let id = self.headers.get("x-request-id").unwrap_or_else(|| panic!("no X-Request-Id: {self:?}"));
        let expected = json!({ "logId": id, "message": message, "data": data, "type": "Error" });
        assert_eq!((self.status, &body), (status, &expected));
        assert!(uuid::Uuid::try_parse(id).is_ok_and(|id| !id.is_nil()), "{id}");
        assert_eq!(self.headers["content-type"], "application/json; charset=utf-8");
    }
}
