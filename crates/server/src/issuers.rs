//! External issuers, from settings.

use anyhow::{Context, Result};
use guildhall_auth::{ExternalIssuer, SignatureAlgorithm};
use guildhall_domain::access::Scopes;
use guildhall_domain::external::Trust;

use crate::settings::{Issuer, Settings};

/// The external issuers whose tokens are accepted.
pub(crate) fn issuers(settings: &Settings) -> Result<Vec<ExternalIssuer>> {
    let issuer = |(name, issuer): (&String, &Issuer)| {
        let algorithm = |text: &String| {
            text.parse::<SignatureAlgorithm>().with_context(|| format!("auth.issuers.{name}.algorithms: '{text}'"))
        };
        Ok(ExternalIssuer {
            name: name.clone(),
            issuer: issuer.issuer.clone(),
            audiences: issuer.audiences.clone(),
            algorithms: issuer.algorithms.iter().map(algorithm).collect::<Result<_>>()?,
            jwks_url: issuer.jwks_url.clone(),
            name_claim: issuer.name_claim.clone(),
            groups_claim: issuer.groups_claim.clone(),
            scopes: Scopes::known_in(&issuer.scopes.join(" ")),
            trust: Trust {
                creates_users: issuer.create_users,
                links_existing: issuer.link_existing,
                links_administrators: issuer.link_administrators,
                creates_groups: issuer.create_groups,
            },
        })
    };
    settings.auth.issuers.iter().map(issuer).collect()
}
