//! People who sign in elsewhere: what the token of a trusted outside issuer says of them (contract 2.5).

use std::collections::BTreeSet;

use crate::model::scopes::Scopes;
use crate::time::Timestamp;
use crate::user::UserId;

/// Who a valid token of an outside issuer stands for: the issuer and the subject together, and nothing else. Which user that is
/// here is found by [`recognise`](crate::directory::Directory::recognise).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalIdentity {
    /// The claim `iss`.
    pub issuer: String,
    /// The claim `sub`, which the issuer gives to one person and never to another.
    pub subject: String,
    /// What this installation calls the issuer; users who are created for its tokens have it as their provider.
    pub provider: String,
    /// By which username or address a user who is already here may be found, the first time: what the configured claim says,
    /// unless it is an address that the issuer has not verified.
    pub link_name: Option<String>,
    /// What to call a user who is created, the best name first.
    pub names: Vec<String>,
    /// Their email address, if the issuer has verified it.
    pub email: Option<String>,
    /// Their first name.
    pub first_name: Option<String>,
    /// Their last name.
    pub last_name: Option<String>,
    /// The groups they belong to over there; `None` where the issuer has no say in groups.
    pub groups: Option<BTreeSet<String>>,
    /// What the token may be used for.
    pub scopes: Scopes,
    /// When the token was issued.
    pub issued: Timestamp,
    /// What its issuer may do here.
    pub trust: Trust,
}

/// How far an outside issuer is trusted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    /// People who come for the first time may be linked to users who are already here, by a name that an administrator or an
    /// issuer gave these.
    pub links_existing: bool,
    /// Also to users who administer.
    pub links_administrators: bool,
    /// Users are created for people who come for the first time and are not linked to anybody.
    pub creates_users: bool,
    /// Groups it names that are not here are created.
    pub creates_groups: bool,
}

/// That a subject of an issuer is a user here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityLink {
    /// The issuer's `iss`.
    pub issuer: String,
    /// The subject's `sub`.
    pub subject: String,
    /// Who they are here.
    pub user: UserId,
    /// When the link was made.
    pub linked: Timestamp,
    /// When the latest token was issued that counted as a sign-in; none has, as long as the user was kept out.
    pub latest_token: Option<Timestamp>,
}
