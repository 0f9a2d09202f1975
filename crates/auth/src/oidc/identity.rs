//! Whom a token of an outside issuer stands for.

use std::collections::BTreeSet;

use guildhall_domain::access::Scopes;
use guildhall_domain::foreign::ForeignIdentity;
use serde_json::Value;

use super::claims::{ForeignClaims, texts};
use super::settings::ForeignIssuer;
use crate::jwt::error::Refusal;

const EMAIL: &str = "email";
/// The most characters of a subject (`OpenID` Connect Core 1.0, section 2).
const LONGEST_SUBJECT: usize = 255;

/// Whom the claims of a verified token stand for.
pub(crate) fn of(claims: &ForeignClaims, issuer: &ForeignIssuer) -> Result<ForeignIdentity, Refusal> {
    let subject = claims.text("sub")?;
    if subject.chars().count() > LONGEST_SUBJECT || subject.contains(char::is_control) {
        return Err(Refusal::Malformed);
    }
    let given = |text: &&str| !text.is_empty();
    let text = |name: &str| claims.get(name).and_then(Value::as_str).filter(given).map(str::to_owned);
    let email = text(EMAIL).filter(|_| is_email_verified(claims));
    let wanted = claims.at(&issuer.name_claim).and_then(Value::as_str).filter(given).map(str::to_owned);
    // Whatever reads as an address counts only as the address that the issuer has verified.
    let is_trusted = |name: &String| !name.contains('@') || email.as_ref().is_some_and(|email| email == name);
    let link_name = wanted.clone().filter(is_trusted);
    // Nobody is called by an address that may be somebody else's.
    let shown = |name: String| if is_trusted(&name) { name } else { format!("{name} ({})", issuer.name) };
    let names = [wanted.map(shown), text("preferred_username").map(shown), email.clone(), Some(subject.to_owned())];
    let mut names: Vec<String> = names.into_iter().flatten().collect();
    names.dedup();
    Ok(ForeignIdentity {
        issuer: issuer.issuer.clone(),
        subject: subject.to_owned(),
        provider: issuer.name.clone(),
        link_name,
        names,
        email,
        first_name: text("given_name"),
        last_name: text("family_name"),
        groups: issuer.groups_claim.as_ref().map_or(Ok(None), |claim| groups(claims, claim))?,
        scopes: issuer.scopes.and(&scopes(claims)?),
        issued: claims.issued()?,
        trust: issuer.trust,
    })
}

/// Issuers that do not verify addresses let anybody have anybody's (`OpenID` Connect Core 1.0, section 5.7): only one that says
/// that it has verified it is believed. Some say so in a text.
fn is_email_verified(claims: &ForeignClaims) -> bool {
    match claims.given("email_verified") {
        Some(Value::Bool(is_verified)) => *is_verified,
        Some(Value::String(text)) => text == "true",
        _ => false,
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
