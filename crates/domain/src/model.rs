//! Values that are valid once they exist. They know nothing of the rest of the crate.

pub mod api_key;
pub(crate) mod caller;
mod casefold;
pub mod custom;
pub mod email_domain;
pub mod event;
pub mod external;
pub mod group;
pub mod idempotency_key;
pub mod identifier;
pub mod manager;
pub mod name;
pub mod number;
pub mod page;
pub mod password;
pub mod position;
pub mod provenance;
pub mod record;
pub(crate) mod scopes;
pub mod secret;
pub mod time;
pub mod user;
pub mod validation;
pub mod validity;
pub(crate) mod value;
pub mod version;
pub mod webhook;
