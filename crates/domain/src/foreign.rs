//! People who sign in elsewhere: what the token of a trusted outside issuer says of them.

use std::collections::BTreeSet;

use crate::access::Scopes;
use crate::time::Timestamp;

/// Who a valid token of an outside issuer stands for, in that issuer's words. Which user that is here, if any, is found by
/// [`recognise`](crate::directory::Directory::recognise).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignIdentity {
    /// What this installation calls the issuer; users who are created for its tokens have it as their provider.
    pub provider: String,
    /// What the claim says that names the user: a username, an email address or an id.
    pub name: String,
    /// Another name for a user who is created, where `name` is an id.
    pub alias: Option<String>,
    /// Their email address, if the issuer does not say that it is unverified.
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
    /// Users it names who are not here are created.
    pub creates_users: bool,
    /// It may name users who have their password here, and not only those created for it.
    pub names_local_users: bool,
    /// Groups it names that are not here are created.
    pub creates_groups: bool,
}
