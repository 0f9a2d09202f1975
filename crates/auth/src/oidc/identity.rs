//! Maps the claims of an external issuer's token to whom it stands for.

use std::collections::BTreeSet;

use guildhall_domain::access::Scopes;
use guildhall_domain::external::ExternalIdentity;
use serde_json::Value;

use super::claims::{ExternalClaims, texts};
use super::settings::ExternalIssuer;
use crate::jwt::error::VerificationError;

const EMAIL: &str = "email";
/// `OpenID` Connect Core 1.0, section 2.
const MAX_SUBJECT_CHARS: usize = 255;

/// The identity that the claims of a verified token describe.
pub(crate) fn identity_of(
    claims: &ExternalClaims,
    issuer: &ExternalIssuer,
) -> Result<ExternalIdentity, VerificationError> {
    let subject = claims.text("sub")?;
    if subject.chars().count() > MAX_SUBJECT_CHARS || subject.contains(char::is_control) {
        return Err(VerificationError::Malformed);
    }
    let is_given = |text: &&str| !text.is_empty();
    let text = |name: &str| claims.get(name).and_then(Value::as_str).filter(is_given).map(str::to_owned);
    let email = text(EMAIL).filter(|_| is_email_verified(claims));
    let wanted = claims.at(&issuer.name_claim).and_then(Value::as_str).filter(is_given).map(str::to_owned);
    // A name with an `@` is trusted only if it is the email address that the issuer has verified.
    let is_trusted = |name: &String| !name.contains('@') || email.as_ref().is_some_and(|email| email == name);
    let link_name = wanted.clone().filter(is_trusted);
    // An address that is not verified may be another person's, so a user is not created under it as it is.
    let shown = |name: String| if is_trusted(&name) { name } else { format!("{name} ({})", issuer.name) };
    let names = [wanted.map(shown), text("preferred_username").map(shown), email.clone(), Some(subject.to_owned())];
    let mut names: Vec<String> = names.into_iter().flatten().collect();
    names.dedup();
    Ok(ExternalIdentity {
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

/// Whether the issuer says that it has verified the email address (`OpenID` Connect Core 1.0, section 5.7). Otherwise it may
/// be any address that the person has entered. Some issuers send the claim as a string.
fn is_email_verified(claims: &ExternalClaims) -> bool {
    match claims.get_nullable("email_verified") {
        Some(Value::Bool(is_verified)) => *is_verified,
        Some(Value::String(text)) => text == "true",
        _ => false,
    }
}

/// The user's groups. A missing claim means no groups, unless `_claim_names` says that they are to be fetched from elsewhere,
/// which issuers do when there are too many (`OpenID` Connect Core 1.0, section 5.6.2): then the groups are unknown.
fn groups(claims: &ExternalClaims, claim: &str) -> Result<Option<BTreeSet<String>>, VerificationError> {
    let Some(value) = claims.at(claim) else {
        let is_elsewhere = claims.get("_claim_names").is_some_and(|names| names.get(claim).is_some());
        return Ok((!is_elsewhere).then(BTreeSet::new));
    };
    let names = texts(value).ok_or(VerificationError::Malformed)?;
    Ok(Some(names.into_iter().map(str::to_owned).collect()))
}

/// The scopes in `scope` (RFC 8693, section 4.2), and in `scp`, which some issuers use instead.
fn scopes(claims: &ExternalClaims) -> Result<Scopes, VerificationError> {
    let scope = claims.get("scope").map(|value| value.as_str().ok_or(VerificationError::Malformed)).transpose()?;
    let scp = claims.get("scp").map(|value| texts(value).ok_or(VerificationError::Malformed)).transpose()?;
    let all: Vec<&str> = scope.into_iter().chain(scp.into_iter().flatten()).collect();
    Ok(Scopes::known_in(&all.join(" ")))
}
