//! Identities at external issuers, as their tokens describe them (contract 2.5).

use std::collections::BTreeSet;

use crate::model::scopes::Scopes;
use crate::model::value::Value;
use crate::name::TextKey;
use crate::position::Position;
use crate::time::Timestamp;
use crate::user::UserId;

/// The identity that a valid token of an external issuer proves: the pair of issuer and subject. Which user that is
/// here is found by [`recognise`](crate::directory::Directory::recognise).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalIdentity {
    /// The claim `iss`.
    pub issuer: String,
    /// The claim `sub`, which the issuer gives to one person and never to another.
    pub subject: String,
    /// What this installation calls the issuer; users who are created for its tokens have it as their provider.
    pub provider: String,
    /// The username or address by which an existing user may be linked at the first sign-in: the value of the configured claim,
    /// unless it is an address that the issuer has not verified.
    pub link_name: Option<String>,
    /// Candidates for the username of a user who is created, in order of preference.
    pub names: Vec<String>,
    /// Their email address, if the issuer has verified it.
    pub email: Option<String>,
    /// Their first name.
    pub first_name: Option<String>,
    /// Their last name.
    pub last_name: Option<String>,
    /// The names of their groups at the issuer. `None`: the issuer does not manage groups.
    pub groups: Option<BTreeSet<String>>,
    /// What the token may be used for.
    pub scopes: Scopes,
    /// When the token was issued.
    pub issued: Timestamp,
    /// How far the issuer is trusted.
    pub trust: Trust,
}

/// How far an external issuer is trusted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    /// At the first sign-in, a subject may be linked to an existing user, by a name that an administrator or an
    /// issuer set.
    pub links_existing: bool,
    /// Such a user may be an administrator.
    pub links_administrators: bool,
    /// A user is created for a subject that is not linked.
    pub creates_users: bool,
    /// Groups that it names and that do not exist are created.
    pub creates_groups: bool,
}

/// The link between a subject of an issuer and a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityLink {
    /// The claim `iss` of the issuer.
    pub issuer: String,
    /// The claim `sub` of the subject.
    pub subject: String,
    /// The linked user.
    pub user: UserId,
    /// When the link was made.
    pub linked: Timestamp,
    /// When the latest token that counted as a sign-in was issued. `None`: no token has counted yet.
    pub latest_token: Option<Timestamp>,
}

impl IdentityLink {
    /// The position after it in the listing of a user's links.
    #[must_use]
    pub fn place(&self) -> Position {
        Position::after([&self.issuer, &self.subject].map(|text| Value::Text(TextKey::stored(text.clone()))).into())
    }
}
