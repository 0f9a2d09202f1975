//! What the claims of an external issuer's token mean, and which of them are refused.

use std::collections::BTreeSet;

use guildhall_auth::ExternalIssuer;
use guildhall_domain::access::Scopes;
use guildhall_domain::external::ExternalIdentity;
use guildhall_domain::ports::{Bearer, Tokens};
use guildhall_domain::time::Timestamp;
use serde_json::{Value, json};

use crate::provider::{NOW, Provider, header, identity, outcome};

const MALFORMED: &str = "the token is malformed";

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Checks the result of verifying tokens with these claims, for an issuer with these settings.
fn outcomes(name_claim: &str, groups_claim: Option<&str>, cases: Vec<(Value, Result<ExternalIdentity, &str>)>) {
    let provider = Provider::new();
    let (name_claim, groups_claim) = (name_claim.to_owned(), groups_claim.map(str::to_owned));
    let tokens = provider.service_with(ExternalIssuer { name_claim, groups_claim, ..provider.settings() });
    for (claims, expected) in cases {
        let token = provider.token(&provider.claims_with(&claims));
        assert_eq!(outcome(&tokens, &token), expected.map_err(str::to_owned), "{claims}");
    }
}

/// The identity with this link name and these names.
fn named(link_name: Option<&str>, names: &[&str]) -> ExternalIdentity {
    ExternalIdentity {
        link_name: link_name.map(str::to_owned),
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        ..identity()
    }
}

#[test]
fn issuer_and_subject_say_who_somebody_is() {
    let provider = Provider::new();
    let tokens = provider.service_with(provider.settings());
    let read = |claims: &Value| match tokens.verify(&provider.token(&provider.claims_with(claims))) {
        Ok(Bearer::External(identity)) => Some((identity.issuer, identity.subject)),
        _ => None,
    };
    let issuer = provider.settings().issuer;
    for (subject, is_good) in [
        (json!("u-1"), true),
        (json!("auth0|x@y"), true),
        (json!("é".repeat(255)), true),
        (json!("x".repeat(256)), false),
        (json!("a\u{0}b"), false),
        (json!("a\nb"), false),
        (json!(""), false),
        (json!(7), false),
        (Value::Null, false),
    ] {
        let expected = subject.as_str().filter(|_| is_good).map(|subject| (issuer.clone(), subject.to_owned()));
        assert_eq!(read(&json!({ "sub": subject })), expected, "{subject}");
    }
}

#[test]
fn a_user_is_called_by_the_claim_that_was_chosen_or_by_the_next_one() {
    let tyler = || named(Some("tyler"), &["tyler", "u-1"]);
    let nameless = || named(None, &["u-1"]);
    outcomes(
        "preferred_username",
        None,
        vec![
            (json!({}), Ok(tyler())),
            (
                json!({ "given_name": "Tyler", "family_name": "Durden", "email": "t@x.test", "email_verified": true }),
                Ok(ExternalIdentity {
                    first_name: Some("Tyler".to_owned()),
                    last_name: Some("Durden".to_owned()),
                    email: Some("t@x.test".to_owned()),
                    ..named(Some("tyler"), &["tyler", "t@x.test", "u-1"])
                }),
            ),
            (json!({ "given_name": "", "family_name": 7, "email": [], "email_verified": true }), Ok(tyler())),
            (json!({ "given_name": ["T"], "family_name": {}, "email": 7, "email_verified": "true" }), Ok(tyler())),
            (json!({ "given_name": false, "email": ["t@x.test"], "email_verified": "true" }), Ok(tyler())),
            (json!({ "preferred_username": null }), Ok(nameless())),
            (json!({ "preferred_username": "" }), Ok(nameless())),
            (json!({ "preferred_username": ["tyler"] }), Ok(nameless())),
            (json!({ "preferred_username": 7 }), Ok(nameless())),
        ],
    );
    outcomes("sub", None, vec![(json!({}), Ok(named(Some("u-1"), &["u-1", "tyler", "u-1"])))]);
    outcomes(
        "https://x.test/name",
        None,
        vec![
            (json!({ "https://x.test/name": "marla" }), Ok(named(Some("marla"), &["marla", "tyler", "u-1"]))),
            (json!({}), Ok(named(None, &["tyler", "u-1"]))),
        ],
    );
}

#[test]
fn an_address_counts_only_if_the_issuer_says_that_it_has_verified_it() {
    let (mut as_email, mut as_name, mut as_other) = (Vec::new(), Vec::new(), Vec::new());
    for (verified, counts) in [
        (None, false),
        (Some(json!(true)), true),
        (Some(json!("true")), true),
        (Some(json!(null)), false),
        (Some(json!(false)), false),
        (Some(json!("false")), false),
        (Some(json!("True")), false),
        (Some(json!(1)), false),
        (Some(json!([true])), false),
    ] {
        let mut claims = json!({ "email": "t@x.test", "upn": "t@x.test" });
        if let Some(verified) = verified {
            claims["email_verified"] = verified;
        }
        let email = counts.then(|| "t@x.test".to_owned());
        let identity = |link_name: Option<&str>, names: &[&str]| {
            Ok(ExternalIdentity { email: email.clone(), ..named(link_name, names) })
        };
        let [plain, linked, upn] = if counts {
            [
                identity(Some("tyler"), &["tyler", "t@x.test", "u-1"]),
                identity(Some("t@x.test"), &["t@x.test", "tyler", "t@x.test", "u-1"]),
                identity(Some("t@x.test"), &["t@x.test", "tyler", "t@x.test", "u-1"]),
            ]
        } else {
            [
                identity(Some("tyler"), &["tyler", "u-1"]),
                identity(None, &["t@x.test (elsewhere)", "tyler", "u-1"]),
                identity(None, &["t@x.test (elsewhere)", "tyler", "u-1"]),
            ]
        };
        as_email.push((claims.clone(), plain));
        as_name.push((claims.clone(), linked));
        as_other.push((claims, upn));
    }
    outcomes("preferred_username", None, as_email);
    outcomes("email", None, as_name);
    outcomes("upn", None, as_other);
}

#[test]
fn groups_are_texts_in_a_claim_that_may_lie_within_others() {
    let within = |groups: &[&str]| Ok(ExternalIdentity { groups: Some(names(groups)), ..identity() });
    let unsaid = || Ok(ExternalIdentity { groups: None, ..identity() });
    outcomes("preferred_username", None, vec![(json!({ "groups": ["a"] }), unsaid())]);
    outcomes(
        "preferred_username",
        Some("groups"),
        vec![
            (json!({ "groups": ["b", "a", "b"] }), within(&["a", "b"])),
            (json!({ "groups": "a b" }), within(&["a b"])),
            (json!({ "groups": [] }), within(&[])),
            (json!({}), within(&[])),
            (json!({ "_claim_names": { "groups": "src1" } }), unsaid()),
            (json!({ "_claim_names": { "other": "src1" } }), within(&[])),
            (json!({ "_claim_names": "groups" }), within(&[])),
            (json!({ "hasgroups": true }), unsaid()),
            (json!({ "hasgroups": "true" }), unsaid()),
            (json!({ "hasgroups": false }), within(&[])),
            (json!({ "hasgroups": true, "groups": ["a"] }), within(&["a"])),
            (json!({ "groups": ["a", 1] }), within(&["a"])),
            (json!({ "groups": [null, "b", true, 1.5, ["c"], { "name": "d" }, "a"] }), within(&["a", "b"])),
            (json!({ "groups": [1, null] }), within(&[])),
            (json!({ "groups": { "a": true } }), unsaid()),
            (json!({ "groups": 1 }), unsaid()),
            (json!({ "groups": false }), unsaid()),
        ],
    );
    outcomes(
        "preferred_username",
        Some("realm_access.roles"),
        vec![
            (json!({ "realm_access": { "roles": ["a"] } }), within(&["a"])),
            (json!({ "realm_access.roles": ["b"], "realm_access": { "roles": ["a"] } }), within(&["b"])),
            (json!({ "realm_access": { "role": ["a"] } }), within(&[])),
            (json!({ "realm_access": "roles" }), within(&[])),
            (json!({ "realm_access": { "roles": ["a", 1] } }), within(&["a"])),
            (json!({ "realm_access": { "roles": { "a": 1 } } }), unsaid()),
        ],
    );
}

#[test]
fn scopes_are_those_of_the_token_and_those_that_the_installation_grants() {
    let scoped = |scopes: &str| Ok(ExternalIdentity { scopes: Scopes::known_in(scopes), ..identity() });
    outcomes(
        "preferred_username",
        None,
        vec![
            (json!({ "scope": "Entry_Read  Root" }), scoped("openid Entry_Read")),
            (json!({ "scp": "Entry_Read Entry_Write" }), scoped("openid Entry_Read Entry_Write")),
            (json!({ "scp": ["Entry_Read", "Root"] }), scoped("openid Entry_Read")),
            (json!({ "scope": "Entry_Read", "scp": ["Entry_Write"] }), scoped("openid Entry_Read Entry_Write")),
            (json!({ "scope": "" }), scoped("openid")),
            (json!({ "scope": ["Entry_Read"] }), scoped("openid Entry_Read")),
            (json!({ "scope": ["Entry_Read", 1, null] }), scoped("openid Entry_Read")),
            (json!({ "scope": 1 }), scoped("openid")),
            (json!({ "scp": [1] }), scoped("openid")),
            (json!({ "scp": { "Entry_Read": true } }), scoped("openid")),
        ],
    );
}

#[test]
fn tokens_are_good_in_their_time_for_us_from_their_issuer() {
    let at = |milliseconds| Ok(ExternalIdentity { issued: Timestamp::from_milliseconds(milliseconds), ..identity() });
    let (expired, early, audience) =
        ("the token has expired", "the token is not valid yet", "the token is for another audience");
    outcomes(
        "preferred_username",
        None,
        vec![
            (json!({ "exp": NOW - 9 }), at(NOW * 1000)),
            (json!({ "exp": NOW - 10 }), Err(expired)),
            (json!({ "exp": 0 }), Err(expired)),
            (json!({ "exp": 1.7e9 + 300.5 }), at(NOW * 1000)),
            (json!({ "exp": 1e300 }), at(NOW * 1000)),
            (json!({ "exp": null }), Err(MALFORMED)),
            (json!({ "exp": -1 }), Err(MALFORMED)),
            (json!({ "exp": "1900000000" }), Err(MALFORMED)),
            (json!({ "exp": [NOW + 300] }), Err(MALFORMED)),
            (json!({ "nbf": NOW + 10 }), at(NOW * 1000)),
            (json!({ "nbf": NOW + 11 }), Err(early)),
            (json!({ "nbf": 1.7e9 + 10.5 }), Err(early)),
            (json!({ "nbf": "0" }), Err(MALFORMED)),
            (json!({ "nbf": false }), Err(MALFORMED)),
            (json!({ "iat": NOW - 100 }), at((NOW - 100) * 1000)),
            (json!({ "iat": 1.7e9 - 0.25 }), at(NOW * 1000 - 250)),
            (json!({ "iat": NOW + 10 }), at((NOW + 10) * 1000)),
            (json!({ "iat": NOW + 11 }), Err(early)),
            (json!({ "iat": 1e300 }), Err(early)),
            (json!({ "iat": null }), Err(MALFORMED)),
            (json!({ "iat": "now" }), Err(MALFORMED)),
            (json!({ "aud": "https://guildhall.test/api" }), at(NOW * 1000)),
            (json!({ "aud": ["elsewhere", "guildhall"] }), at(NOW * 1000)),
            (json!({ "aud": "elsewhere" }), Err(audience)),
            (json!({ "aud": "guildhall " }), Err(audience)),
            (json!({ "aud": "GUILDHALL" }), Err(audience)),
            (json!({ "aud": [] }), Err(audience)),
            (json!({ "aud": ["guildhall", 1, null] }), at(NOW * 1000)),
            (json!({ "aud": [1, ["guildhall"], { "guildhall": 1 }] }), Err(audience)),
            (json!({ "aud": 1 }), Err(MALFORMED)),
            (json!({ "aud": { "guildhall": 1 } }), Err(MALFORMED)),
            (json!({ "aud": null }), Err(MALFORMED)),
            (json!({ "sub": null }), Err(MALFORMED)),
            (json!({ "sub": "" }), Err(MALFORMED)),
            (json!({ "sub": 7 }), Err(MALFORMED)),
        ],
    );
}

#[test]
fn a_claim_that_is_there_twice_is_refused() {
    let provider = Provider::new();
    let tokens = provider.service();
    let claims = provider.claims().to_string();
    for twice in [r#""sub":"u-2""#, r#""iss":"x""#, r#""exp":9e9"#, r#""aud":"x""#, r#""preferred_username":"root""#] {
        let claims = claims.replacen('{', &format!("{{{twice},"), 1);
        let token = provider.key.token_of_text(&header().to_string(), &claims);
        assert_eq!(outcome(&tokens, &token), Err(MALFORMED.to_owned()), "{claims}");
    }
    for odd in ["[]", "null", "7", "\"x\"", "{", "", "{} {}"] {
        let token = provider.key.token_of_text(&header().to_string(), odd);
        assert_eq!(outcome(&tokens, &token), Err(MALFORMED.to_owned()), "{odd}");
    }
}
