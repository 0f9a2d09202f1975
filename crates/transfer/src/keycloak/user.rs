//! A user.

use std::collections::BTreeMap;

use guildhall_domain::custom::{Custom, CustomValue};
use guildhall_domain::identifier::{UserIdentifier, parse_guid};
use guildhall_domain::name::NameKey;
use guildhall_domain::record::UserRecord;
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::UserId;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::credentials::Credential;
use crate::language::language;
use crate::notes::Notes;
use crate::passwords::{AcceptPassword, first_accepted};
use crate::source::RecordKind;

/// The attribute that is the language of a user.
const LOCALE: &str = "locale";

/// A user as Keycloak writes them.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct User {
    id: Option<String>,
    username: Option<String>,
    email: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    enabled: Option<bool>,
    created_timestamp: Option<i64>,
    attributes: Option<BTreeMap<String, Values>>,
    required_actions: Option<Vec<String>>,
    credentials: Option<Vec<Credential>>,
    federation_link: Option<String>,
    federated_identities: Option<Vec<IgnoredAny>>,
    service_account_client_id: Option<String>,
    realm_roles: Option<Vec<String>>,
    client_roles: Option<BTreeMap<String, Vec<String>>>,
    pub(super) groups: Option<Vec<String>>,
}

/// The values of an attribute. Old versions wrote one as it is.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Values {
    One(Option<String>),
    Many(Vec<Option<String>>),
}

impl Values {
    fn all(&self) -> Vec<&str> {
        match self {
            Self::One(value) => value.as_deref().into_iter().collect(),
            Self::Many(values) => values.iter().flatten().map(String::as_str).collect(),
        }
    }
}

/// Attributes as custom properties. Several values are a JSON list.
pub(super) fn custom(attributes: &BTreeMap<String, Values>) -> Custom {
    let text = |values: &Values| match *values.all() {
        [] => None,
        [value] => Some(value.to_owned()),
        ref values => serde_json::to_string(values).ok(),
    };
    let named = attributes.iter().filter_map(|(name, values)| Some((name.clone(), CustomValue::Text(text(values)?))));
    named.collect()
}

impl User {
    pub(super) fn is_service_account(&self) -> bool {
        self.service_account_client_id.is_some()
    }

    fn id(&self) -> Option<UserId> {
        self.id.as_deref().and_then(parse_guid).map(UserId)
    }

    pub(super) fn identifier(&self) -> Option<UserIdentifier> {
        let name = || Some(UserIdentifier::Name(NameKey::of(self.username.as_deref()?)));
        self.id().map(UserIdentifier::Id).or_else(name)
    }

    pub(super) fn record(self, accept: AcceptPassword<'_>, notes: &mut Notes) -> UserRecord {
        self.note(notes);
        let id = self.id();
        let text = |text: Option<String>| text.filter(|text| !text.is_empty()).map(Some);
        let locale = self.attributes.as_ref().and_then(|attributes| attributes.get(LOCALE));
        let language = locale.and_then(|values| language(values.all().first()?)).map(Some);
        let custom = self.attributes.map(|mut attributes| {
            attributes.remove(LOCALE);
            custom(&attributes)
        });
        let hashes = self.credentials.into_iter().flatten().filter_map(Credential::hash);
        UserRecord {
            id,
            username: self.username,
            email: text(self.email),
            first_name: text(self.first_name),
            last_name: text(self.last_name),
            language,
            custom,
            suspended: self.enabled.map(|is_enabled| !is_enabled),
            password_reset_required: self
                .required_actions
                .map(|actions| actions.iter().any(|action| action == "UPDATE_PASSWORD")),
            created: self.created_timestamp.map(Timestamp::from_milliseconds),
            password: first_accepted(accept, hashes, notes),
            ..UserRecord::default()
        }
    }

    /// Notes what is left out.
    fn note(&self, notes: &mut Notes) {
        let has_roles = self.realm_roles.iter().flatten().any(|role| !role.starts_with("default-roles-"))
            || self.client_roles.as_ref().is_some_and(|roles| !roles.is_empty());
        let has_identities = self.federated_identities.as_ref().is_some_and(|identities| !identities.is_empty());
        for (is_noted, what) in [
            (has_roles, "users with roles, which are left out"),
            (
                self.federation_link.is_some(),
                "users of a user federation (federationLink), who become users of Guildhall",
            ),
            (has_identities, "users with links to identity providers, which are left out"),
            (
                self.credentials.iter().flatten().any(Credential::is_second_factor),
                "users with credentials other than passwords, which are left out",
            ),
        ] {
            if is_noted {
                notes.add(RecordKind::Users, what);
            }
        }
    }
}
