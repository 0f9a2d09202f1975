//! Who caused an event.

use std::fmt;

use serde_json::{Value, json};

use crate::api_key::ApiKeyId;
use crate::user::UserId;

/// The way by which a change was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Via {
    /// The HTTP API.
    Api,
    /// The HTTP API, as SCIM.
    Scim,
    /// The console in a browser.
    Console,
    /// The command line, or the start of the service.
    Cli,
    /// A program that embeds the directory.
    Embedded,
    /// A token of the external issuer of this name.
    Issuer(String),
    /// A date that came.
    Schedule,
    /// The first start.
    Bootstrap,
}

impl fmt::Display for Via {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Api => formatter.write_str("api"),
            Self::Scim => formatter.write_str("scim"),
            Self::Console => formatter.write_str("console"),
            Self::Cli => formatter.write_str("cli"),
            Self::Embedded => formatter.write_str("embedded"),
            Self::Issuer(name) => write!(formatter, "issuer:{name}"),
            Self::Schedule => formatter.write_str("schedule"),
            Self::Bootstrap => formatter.write_str("bootstrap"),
        }
    }
}

/// Who caused an event, and by which way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventActor {
    /// The user. `None`: nobody who has an account, such as an operator.
    pub id: Option<UserId>,
    /// Their username at that time.
    pub username: Option<String>,
    /// The way.
    pub via: Via,
    /// The API key, if a program called by one.
    pub api_key: Option<ApiKeyId>,
}

impl EventActor {
    /// Nobody who has an account.
    #[must_use]
    pub fn nobody(via: Via) -> Self {
        Self { id: None, username: None, via, api_key: None }
    }

    /// What an event tells of it.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "id": self.id.map(|id| id.to_string()),
            "username": self.username,
            "via": self.via.to_string(),
            "apiKey": self.api_key.map(|key| key.0.to_string()),
        })
    }
}
