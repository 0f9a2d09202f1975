//! API keys, with which programs sign in (contract 2.2 and 11).

use std::fmt;

use uuid::Uuid;

use crate::identifier::parse_guid;
use crate::model::scopes::Scopes;
use crate::model::value::Value;
use crate::name::NameKey;
use crate::position::Position;
use crate::time::Timestamp;
use crate::user::{UserId, Username, UsernameError};
use crate::validation::{Faults, InvalidField};

/// The id of an API key, which is also the client id that programs present.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApiKeyId(pub Uuid);

impl fmt::Display for ApiKeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// An API key. It acts as a user of its own, who can be put in groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// Its name, which is its user's username.
    pub name: Username,
    /// Its description.
    pub description: Option<String>,
    /// Whether programs may sign in with it: whether its user is not suspended.
    pub enabled: bool,
    /// The user it acts as.
    pub user: UserId,
    /// The scopes that its tokens may have at most.
    pub scopes: Scopes,
    /// When it was created.
    pub created: Timestamp,
    /// The username of who created it; an operator at the command line has none.
    pub created_by: Option<String>,
    /// When its own properties or its secret last changed.
    pub modified: Timestamp,
    /// The username of who changed it last.
    pub modified_by: Option<String>,
}

impl ApiKey {
    /// The position after it in the listing of all keys.
    #[must_use]
    pub fn place(&self) -> Position {
        Position::after(vec![Value::Text(self.name.key().into())])
    }
}

/// How a request names an API key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApiKeyIdentifier {
    /// Its id.
    Id(ApiKeyId),
    /// The key of its name.
    Name(NameKey),
}

impl From<&str> for ApiKeyIdentifier {
    fn from(text: &str) -> Self {
        let key = NameKey::of(text);
        parse_guid(&key.folded()).map_or(Self::Name(key), |id| Self::Id(ApiKeyId(id)))
    }
}

/// The properties that a request gives an API key. `None` leaves a property as it is, or at its default in a new key. The
/// values are not yet validated.
#[derive(Clone, Debug, Default)]
pub struct ApiKeyDraft {
    /// The name.
    pub name: Option<Option<String>>,
    /// Its description.
    pub description: Option<Option<String>>,
    /// Whether programs may sign in with it.
    pub enabled: Option<bool>,
    /// The scopes that its tokens may have at most. Unknown scopes are dropped.
    pub scopes: Option<Vec<String>>,
}

impl ApiKeyDraft {
    /// The new key, for the user with this id.
    pub(crate) fn check(self, id: ApiKeyId, user: UserId, now: Timestamp) -> Result<ApiKey, Vec<InvalidField>> {
        let mut faults = Faults::default();
        let name = check_name(&mut faults, self.name.flatten());
        let description = self.description.flatten();
        faults.check_description(description.as_deref());
        let key = name.map(|name| ApiKey {
            id,
            name,
            description,
            enabled: self.enabled.unwrap_or(true),
            user,
            scopes: scopes(self.scopes).unwrap_or_else(Scopes::all),
            created: now,
            created_by: None,
            modified: now,
            modified_by: None,
        });
        faults.into_result(key)
    }

    /// The key with the changes applied, or every invalid field.
    pub(crate) fn apply(self, key: &ApiKey) -> Result<ApiKey, Vec<InvalidField>> {
        let mut faults = Faults::default();
        let mut changed = key.clone();
        // Clients send back what they read.
        let is_name = |name: &Option<String>| name.as_deref().map(str::trim) == Some(key.name.as_str());
        if let Some(name) = self.name.filter(|name| !is_name(name)) {
            changed.name = check_name(&mut faults, name).unwrap_or(changed.name);
        }
        if let Some(description) = self.description {
            faults.check_description(description.as_deref());
            changed.description = description;
        }
        changed.enabled = self.enabled.unwrap_or(changed.enabled);
        changed.scopes = scopes(self.scopes).unwrap_or(changed.scopes);
        faults.into_result(Some(changed))
    }
}

fn check_name(faults: &mut Faults, name: Option<String>) -> Option<Username> {
    let checked = Username::try_from(name.unwrap_or_default()).map_err(|error| match error {
        UsernameError::Missing => "The API key name is required".to_owned(),
        UsernameError::TooLong => format!("The API key name must have {} or fewer characters", Username::LONGEST),
        UsernameError::Invisible => "The API key name has no visible characters".to_owned(),
        UsernameError::KeyTooLong => "The API key name is too long when its characters are written out".to_owned(),
        UsernameError::InvalidCharacters => "The API key name contains invalid characters".to_owned(),
        UsernameError::Reserved => "The API key name is reserved".to_owned(),
    });
    faults.check("name", checked)
}

fn scopes(given: Option<Vec<String>>) -> Option<Scopes> {
    given.map(|scopes| Scopes::known_in(&scopes.join(" ")))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{ApiKeyDraft, ApiKeyId};
    use crate::model::scopes::{SECURITY_ADMINISTRATOR, Scopes};
    use crate::time::Timestamp;
    use crate::user::UserId;

    #[test]
    fn a_key_has_a_name_like_a_users_and_only_known_scopes() {
        let check = |draft: ApiKeyDraft| {
            draft.check(ApiKeyId(Uuid::max()), UserId(Uuid::max()), Timestamp::from_milliseconds(0))
        };
        for (name, message) in [
            (None, "The API key name is required"),
            (Some("@x"), "The API key name is reserved"),
            (Some("a\nb"), "The API key name contains invalid characters"),
            (Some("\u{200b}"), "The API key name has no visible characters"),
        ] {
            let draft = ApiKeyDraft { name: Some(name.map(str::to_owned)), ..ApiKeyDraft::default() };
            assert_eq!(check(draft).map_err(|faults| faults[0].message.clone()), Err(message.to_owned()));
        }
        let named = ApiKeyDraft { name: Some(Some("Soap".to_owned())), ..ApiKeyDraft::default() };
        assert_eq!(check(named.clone()).map(|key| (key.enabled, key.scopes)), Ok((true, Scopes::all())));
        let scopes = Some(vec![SECURITY_ADMINISTRATOR.to_owned(), "Delivery_website".to_owned()]);
        let limited = check(ApiKeyDraft { scopes, ..named }).map(|key| key.scopes.to_text());
        assert_eq!(limited, Ok(SECURITY_ADMINISTRATOR.to_owned()));
    }
}
