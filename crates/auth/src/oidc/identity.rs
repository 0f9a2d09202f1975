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
        groups: issuer.groups_claim.as_ref().and_then(|claim| groups(claims, claim, &issuer.name)),
        scopes: issuer.scopes.and(&scopes(claims)),
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

/// The user's groups: the strings of the claim. A missing claim means no groups, unless the issuer says that there are too many for
/// the token: then the groups are unknown. They are unknown too if the claim is neither a string nor an array, because nobody should
/// lose memberships by a claim that cannot be read.
fn groups(claims: &ExternalClaims, claim: &str, issuer: &str) -> Option<BTreeSet<String>> {
    let Some(value) = claims.at(claim) else { return (!are_elsewhere(claims, claim)).then(BTreeSet::new) };
    let names = texts(value);
    if names.is_none() {
        tracing::warn!(issuer, claim, "the claim {claim} of the issuer {issuer} is no list of groups and changes none");
    } else if value.as_array().is_some_and(|values| !values.iter().all(Value::is_string)) {
        tracing::debug!(issuer, claim, "the claim {claim} of the issuer {issuer} holds more than strings");
    }
    names.map(|names| names.into_iter().map(str::to_owned).collect())
}

/// Whether the groups are to be fetched from elsewhere: `_claim_names` (`OpenID` Connect Core 1.0, section 5.6.2), or `hasgroups`,
/// which Microsoft's issuers say instead where the token would be too long for a URL.
fn are_elsewhere(claims: &ExternalClaims, claim: &str) -> bool {
    let has_groups = claims.get("hasgroups").is_some_and(|has| *has == Value::Bool(true) || *has == "true");
    has_groups || claims.get("_claim_names").is_some_and(|names| names.get(claim).is_some())
}

/// The scopes in `scope` (RFC 8693, section 4.2), and in `scp`, which some issuers use instead; both as a string or as an array.
/// What is no string grants nothing.
fn scopes(claims: &ExternalClaims) -> Scopes {
    let all = ["scope", "scp"].into_iter().filter_map(|name| claims.get(name)).filter_map(texts);
    Scopes::known_in(&all.flatten().collect::<Vec<_>>().join(" "))
}
