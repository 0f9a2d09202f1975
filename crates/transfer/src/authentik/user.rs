//! A user.

use std::collections::BTreeMap;

use guildhall_domain::custom::{Custom, CustomValue};
use guildhall_domain::identifier::{UserIdentifier, parse_guid};
use guildhall_domain::name::NameKey;
use guildhall_domain::record::UserRecord;
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::UserId;
use serde::Deserialize;
use serde_json::Value;

use crate::language::language;
use crate::notes::Notes;
use crate::source::RecordKind;

/// The attribute with the settings of authentik's own pages, of which the language is taken.
const SETTINGS: &str = "settings";

/// A user as authentik writes them.
#[derive(Deserialize)]
pub(super) struct User {
    pub(super) pk: i64,
    uuid: Option<String>,
    username: String,
    name: Option<String>,
    email: Option<String>,
    is_active: Option<bool>,
    last_login: Option<String>,
    date_joined: Option<String>,
    last_updated: Option<String>,
    attributes: Option<BTreeMap<String, Value>>,
    #[serde(rename = "type")]
    kind: Option<String>,
    pub(super) groups: Option<Vec<String>>,
}

/// Attributes as custom properties. Lists and objects are their JSON.
pub(super) fn custom(attributes: BTreeMap<String, Value>) -> Custom {
    let property = |value| match value {
        Value::Null => CustomValue::Null,
        Value::Bool(flag) => CustomValue::Boolean(flag),
        Value::Number(number) => CustomValue::Number(number.to_string()),
        Value::String(text) => CustomValue::Text(text),
        Value::Array(_) | Value::Object(_) => CustomValue::Text(value.to_string()),
    };
    attributes.into_iter().map(|(name, value)| (name, property(value))).collect()
}

impl User {
    fn is_service_account(&self) -> bool {
        matches!(self.kind.as_deref(), Some("service_account" | "internal_service_account"))
    }

    fn id(&self) -> Option<UserId> {
        self.uuid.as_deref().and_then(parse_guid).map(UserId)
    }

    /// How records name the user; nobody who is left out is named.
    pub(super) fn identifier(&self) -> Option<UserIdentifier> {
        let name = || UserIdentifier::Name(NameKey::of(&self.username));
        (!self.is_service_account()).then(|| self.id().map_or_else(name, UserIdentifier::Id))
    }

    /// What is imported; `None`: the user is no person.
    pub(super) fn record(self, notes: &mut Notes) -> Option<UserRecord> {
        if self.is_service_account() {
            notes.add(RecordKind::Users, "service accounts, which are left out");
            return None;
        }
        notes.add(RecordKind::Users, "users who are imported without a password (authentik does not tell passwords)");
        let id = self.id();
        let text = |text: &str| Some(text.trim()).filter(|text| !text.is_empty()).map(|text| Some(text.to_owned()));
        let moment = |text: Option<String>| text.and_then(|text| Timestamp::parse(&text).ok());
        let name = self.name.unwrap_or_default();
        // As authentik itself divides a name where another program wants two.
        let (first, last) = name.trim().split_once(' ').unwrap_or((&name, ""));
        let mut attributes = self.attributes;
        let settings = attributes.as_mut().and_then(|attributes| attributes.remove(SETTINGS));
        let language = settings.and_then(|settings| language(settings.get("locale")?.as_str()?)).map(Some);
        Some(UserRecord {
            id,
            username: Some(self.username),
            email: self.email.as_deref().and_then(text),
            first_name: text(first),
            last_name: text(last),
            language,
            custom: attributes.map(custom),
            suspended: self.is_active.map(|is_active| !is_active),
            created: moment(self.date_joined),
            modified: moment(self.last_updated),
            last_login: moment(self.last_login).map(Some),
            ..UserRecord::default()
        })
    }
}
