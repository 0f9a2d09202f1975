//! Which settings of an external issuer are refused.

use std::error::Error;

use guildhall_auth::{ExternalIssuer, JwtTokens, KeySet, SignatureAlgorithm, TokenSettings, UnknownAlgorithm};
use guildhall_domain::ports::Clock;

use crate::provider::{ManualClock, NOW, OURS, settings};

fn fault(issuers: Vec<ExternalIssuer>) -> Option<(String, String)> {
    let own = TokenSettings { issuer: OURS.to_owned(), audience: "guildhall".to_owned(), lifetime: 3600 };
    let keys = KeySet::from_secrets(&"s".repeat(32), []).unwrap();
    let clock: std::sync::Arc<dyn Clock> = ManualClock::at(NOW);
    let error = JwtTokens::new(own, keys, clock).with_external_issuers(issuers).err()?;
    Some((error.name.clone(), error.source().unwrap().to_string()))
}

#[test]
fn an_issuer_that_could_not_be_told_from_others_is_refused() {
    let good = || settings("elsewhere", "http://127.0.0.1:1");
    let other = || settings("other", "http://127.0.0.1:1/other");
    let url = |url: &str| Some(url.to_owned());
    for (issuers, expected) in [
        (vec![good(), other()], None),
        (
            vec![ExternalIssuer { issuer: "elsewhere".to_owned(), jwks_url: url("http://127.0.0.1:1/keys"), ..good() }],
            None,
        ),
        (vec![ExternalIssuer { name: String::new(), ..good() }], Some("it needs a name without control characters")),
        (
            vec![ExternalIssuer { name: "a\nb".to_owned(), ..good() }],
            Some("it needs a name without control characters"),
        ),
        (
            vec![ExternalIssuer { name: "a\0b".to_owned(), ..good() }],
            Some("it needs a name without control characters"),
        ),
        (vec![other(), good(), good()], Some("another issuer has the same name")),
        (
            vec![good(), ExternalIssuer { name: "other".to_owned(), ..good() }],
            Some("another issuer, or this service, has the same `iss`"),
        ),
        (
            vec![ExternalIssuer { issuer: OURS.to_owned(), ..good() }],
            Some("another issuer, or this service, has the same `iss`"),
        ),
        (vec![ExternalIssuer { audiences: vec![], ..good() }], Some("it needs an audience")),
        (vec![ExternalIssuer { algorithms: vec![], ..good() }], Some("it needs an algorithm")),
        (
            vec![ExternalIssuer { name_claim: String::new(), ..good() }],
            Some("it needs a claim that says what to call users"),
        ),
        (
            vec![ExternalIssuer { issuer: "elsewhere".to_owned(), ..good() }],
            Some("\"elsewhere\" is no URL of http or https, and says not where its keys are"),
        ),
        (
            vec![ExternalIssuer { jwks_url: url("file:///etc/keys.json"), ..good() }],
            Some("\"file:///etc/keys.json\" is no URL of http or https, and says not where its keys are"),
        ),
        (
            vec![ExternalIssuer { jwks_url: url("https://"), ..good() }],
            Some("\"https://\" is no URL of http or https, and says not where its keys are"),
        ),
    ] {
        let name = issuers.last().unwrap().name.clone();
        let expected = expected.map(|fault| (name, fault.to_owned()));
        assert_eq!(fault(issuers), expected);
    }
}

#[test]
fn an_issuer_never_signs_with_a_shared_secret() {
    for name in ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"] {
        assert!(name.parse::<SignatureAlgorithm>().is_ok(), "{name}");
    }
    for name in ["HS256", "HS384", "HS512", "none", "rs256", "ES512", "ES256K", "", " RS256"] {
        assert_eq!(name.parse::<SignatureAlgorithm>(), Err(UnknownAlgorithm), "{name}");
    }
}
