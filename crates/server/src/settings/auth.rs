//! Settings of tokens and issuers.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Result, bail};
use guildhall_domain::access::KNOWN_SCOPES;
use serde::{Deserialize, Serialize};

use super::masked;
use super::values::{self, Secret};

/// Official clients treat a token as expired this many seconds early (contract 2.1).
const CLIENTS_EXPIRE_EARLY: u32 = 60;

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct Auth {
    pub(crate) issuer: String,
    pub(crate) audience: String,
    /// In seconds.
    #[serde(deserialize_with = "values::whole")]
    pub(crate) access_token_ttl: u32,
    pub(crate) signing_key_file: Option<PathBuf>,
    pub(crate) hs256_secret: Option<Secret>,
    pub(crate) hs256_previous_secret: Option<Secret>,
    #[serde(deserialize_with = "values::whole")]
    pub(crate) lockout_threshold: u32,
    /// In seconds.
    #[serde(deserialize_with = "values::whole")]
    pub(crate) lockout_duration: u32,
    /// By the name that their users have as provider.
    #[serde(default)]
    pub(crate) issuers: BTreeMap<String, Issuer>,
}

/// An external issuer whose tokens are accepted.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
#[expect(clippy::struct_field_names, reason = "the fields are named as the keys are")]
pub(crate) struct Issuer {
    #[serde(serialize_with = "masked::url")]
    pub(crate) issuer: String,
    #[serde(deserialize_with = "values::list")]
    pub(crate) audiences: Vec<String>,
    #[serde(default = "rs256", deserialize_with = "values::list")]
    pub(crate) algorithms: Vec<String>,
    #[serde(default, serialize_with = "masked::optional_url")]
    pub(crate) jwks_url: Option<String>,
    #[serde(default = "preferred_username")]
    pub(crate) name_claim: String,
    pub(crate) groups_claim: Option<String>,
    #[serde(default, deserialize_with = "values::list")]
    pub(crate) scopes: Vec<String>,
    #[serde(default)]
    pub(crate) create_users: bool,
    #[serde(default)]
    pub(crate) create_groups: bool,
    #[serde(default)]
    pub(crate) link_existing: bool,
    #[serde(default)]
    pub(crate) link_administrators: bool,
}

fn rs256() -> Vec<String> {
    vec!["RS256".to_owned()]
}

fn preferred_username() -> String {
    "preferred_username".to_owned()
}

impl Auth {
    /// Validates what the types cannot.
    pub(super) fn check(&self) -> Result<()> {
        for (holds, key, rule) in [
            (!self.issuer.is_empty(), "issuer", "must not be empty"),
            (!self.audience.is_empty(), "audience", "must not be empty"),
            (self.access_token_ttl > CLIENTS_EXPIRE_EARLY, "access_token_ttl", "must be more than 60 seconds"),
            (self.lockout_threshold > 0, "lockout_threshold", "must be at least 1"),
            (
                self.hs256_previous_secret.is_none() || self.hs256_secret.is_some(),
                "hs256_previous_secret",
                "is for nothing without auth.hs256_secret",
            ),
        ] {
            if !holds {
                bail!("auth.{key}: {rule}");
            }
        }
        for (name, issuer) in &self.issuers {
            issuer.check(name, &self.issuer)?;
            if self.issuers.iter().any(|(other, theirs)| other != name && theirs.issuer == issuer.issuer) {
                bail!("auth.issuers.{name}.issuer: another issuer has it too");
            }
        }
        Ok(())
    }
}

impl Issuer {
    fn check(&self, name: &str, own: &str) -> Result<()> {
        let is_url = |text: &str| text.starts_with("https://") || text.starts_with("http://");
        for (holds, key, rule) in [
            (
                !name.chars().any(char::is_uppercase),
                "issuer",
                "must stand under a name in lower case, as variables of the environment are read",
            ),
            (name != "contensis", "issuer", "cannot be called contensis, which is the provider of local users"),
            (is_url(&self.issuer), "issuer", "must be the URL that its tokens say in `iss`"),
            (self.issuer != own, "issuer", "must not be auth.issuer"),
            (!self.audiences.is_empty(), "audiences", "must not be empty"),
            (!self.algorithms.is_empty(), "algorithms", "must not be empty"),
            (self.jwks_url.as_deref().is_none_or(is_url), "jwks_url", "must be a URL"),
            (!self.name_claim.is_empty(), "name_claim", "must not be empty"),
            (
                self.link_existing || !self.link_administrators,
                "link_administrators",
                "is for nothing without link_existing",
            ),
            (self.scopes.iter().all(|scope| KNOWN_SCOPES.contains(&scope.as_str())), "scopes", "must be known scopes"),
            (
                self.groups_claim.is_some() || !self.create_groups,
                "create_groups",
                "is for nothing without groups_claim",
            ),
        ] {
            if !holds {
                bail!("auth.issuers.{name}.{key}: {rule}");
            }
        }
        Ok(())
    }
}
