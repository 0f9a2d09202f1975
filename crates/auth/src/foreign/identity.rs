//! Whom a token of an outside issuer stands for.

use std::collections::BTreeSet;

use guildhall_domain::access::Scopes;
use guildhall_domain::foreign::ForeignIdentity;
use guildhall_domain::identifier::parse_guid;
use serde_json::Value;

use super::claims::{ForeignClaims, texts};
use super::settings::ForeignIssuer;
use crate::refusal::Refusal;

const EMAIL: &str = "email";

/// Whom the claims of a verified token stand for.
pub(crate) fn of(claims: &ForeignClaims, issuer: &ForeignIssuer) -> Result<ForeignIdentity, Refusal> {
    claims.text("sub")?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
    let is_verified = is_email_verified(claims);
    if issuer.user_claim == EMAIL && !is_verified {
        return Err(Refusal::UnverifiedEmail);
    }
    let name = claims.at(&issuer.user_claim).and_then(Value::as_str).filter(|name| !name.is_empty());
    let name = name.ok_or(Refusal::NoUser)?.to_owned();
    let email = text(EMAIL).filter(|_| is_verified);
    let is_id = |name: &str| parse_guid(name).is_some();
    let readable = || [text("preferred_username"), email.clone()].into_iter().flatten().find(|name| !is_id(name));
    let alias = if is_id(&name) { readable() } else { None };
    Ok(ForeignIdentity {
        provider: issuer.name.clone(),
        name,
        alias,
        email,
        first_name: text("given_name"),
        last_name: text("family_name"),
        groups: issuer.groups_claim.as_ref().map_or(Ok(None), |claim| groups(claims, claim))?,
        scopes: issuer.scopes.and(&scopes(claims)?),
        issued: claims.issued()?,
        trust: issuer.trust,
    })
}

/// Issuers that do not verify addresses let anybody have anybody's (`OpenID` Connect Core 1.0, section 5.7). Some say so in a
/// text.
fn is_email_verified(claims: &ForeignClaims) -> bool {
    match claims.given("email_verified") {
        None | Some(Value::Bool(true)) => true,
        Some(Value::String(text)) => text == "true",
        Some(_) => false,
    }
}

/// The user's groups. A token without the claim says that there are none, unless they are somewhere else because they are too
/// many (`OpenID` Connect Core 1.0, section 5.6.2).
fn groups(claims: &ForeignClaims, claim: &str) -> Result<Option<BTreeSet<String>>, Refusal> {
    let Some(value) = claims.at(claim) else {
        let is_elsewhere = claims.get("_claim_names").is_some_and(|names| names.get(claim).is_some());
        return Ok((!is_elsewhere).then(BTreeSet::new));
    };
    let names = texts(value).ok_or(Refusal::Malformed)?;
    Ok(Some(names.into_iter().map(str::to_owned).collect()))
}

/// What the token may be used for: `scope` (RFC 8693, section 4.2), or `scp`, as some issuers have it.
fn scopes(claims: &ForeignClaims) -> Result<Scopes, Refusal> {
    let scope = claims.get("scope").map(|value| value.as_str().ok_or(Refusal::Malformed)).transpose()?;
    let scp = claims.get("scp").map(|value| texts(value).ok_or(Refusal::Malformed)).transpose()?;
    let all: Vec<&str> = scope.into_iter().chain(scp.into_iter().flatten()).collect();
    Ok(Scopes::known_in(&all.join(" ")))
}
