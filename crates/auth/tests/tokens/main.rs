//! Which tokens of this service are accepted, and which are refused. Those that are refused are made without the crate under
//! test.

#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect, in its helpers too")]

mod forge;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::signature::KeyPair;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use guildhall_auth::JwtTokens;
use guildhall_domain::access::SECURITY_ADMINISTRATOR;
use guildhall_domain::api_key::ApiKeyId;
use guildhall_domain::ports::{Bearer, Tokens};
use serde_json::{Value, json};
use uuid::{Uuid, uuid};

use forge::{
    NOW, Pair, caller, claims, claims_with, claims_without, everything, forge, forge_text, hs256, payload, refusal,
    tokens_at,
};

#[test]
fn a_token_of_ours_names_its_caller_until_it_expires() {
    let pair = Pair::new();
    let issued = tokens_at(NOW, &[&pair]).issue(&everything(), None).unwrap();
    assert_eq!(issued.expires_in, 3600);
    for (now, expected) in [
        (NOW - 11, "the token is not valid yet"),
        (NOW - 10, "accepted"),
        (NOW, "accepted"),
        (NOW + 3600 + 9, "accepted"),
        (NOW + 3600 + 10, "the token has expired"),
        (NOW + 400_000_000, "the token has expired"),
    ] {
        let tokens = tokens_at(now, &[&pair]);
        assert!(refusal(&tokens, &issued.value).starts_with(expected), "at {now}");
    }
    let tokens = tokens_at(NOW, &[&pair]);
    assert_eq!(tokens.verify(&issued.value).unwrap(), Bearer::Caller(everything()));
    assert_eq!(tokens.issuer(), "https://guildhall.test");
}

#[test]
fn a_token_made_by_hand_shows_that_the_refusals_below_are_not_accidents() {
    let pair = Pair::new();
    let tokens = tokens_at(NOW, &[&pair]);
    let sign = |message: &[u8]| pair.sign(message);
    let token = forge(&pair.header(), &claims(), sign);
    assert_eq!(tokens.verify(&token).unwrap(), Bearer::Caller(caller("openid Security_Administrator")));
    let nameless = forge(&json!({ "typ": "JWT", "alg": "EdDSA" }), &claims(), sign);
    assert_eq!(tokens.verify(&nameless).unwrap(), Bearer::Caller(caller("openid Security_Administrator")));
    let unknown_scope = forge(&pair.header(), &claims_with("scope", "openid Root"), sign);
    let Bearer::Caller(unscoped) = tokens.verify(&unknown_scope).unwrap() else { panic!("a token of ours") };
    assert_eq!(unscoped, caller("openid"));
    assert!(!unscoped.scopes.contains(SECURITY_ADMINISTRATOR));
}

#[test]
fn tokens_with_wrong_or_missing_claims_are_refused() {
    let pair = Pair::new();
    let tokens = tokens_at(NOW, &[&pair]);
    for (claims, expected) in [
        (claims_with("exp", NOW - 10), "the token has expired"),
        (claims_with("exp", 0), "the token has expired"),
        (claims_with("nbf", NOW + 11), "the token is not valid yet"),
        (claims_with("iss", "https://elsewhere.test"), "the token is from another issuer"),
        (claims_with("aud", "elsewhere"), "the token is for another audience"),
        (claims_with("iss", json!(["https://guildhall.test"])), "the token is malformed"),
        (claims_with("aud", json!(["guildhall", "elsewhere"])), "the token is malformed"),
        (claims_with("exp", "1900000000"), "the token is malformed"),
        (claims_with("exp", 1.9e9), "the token is malformed"),
        (claims_with("exp", -1), "the token is malformed"),
        (claims_with("sub", "admin"), "the token is malformed"),
        (claims_with("stamp", Value::Null), "the token is malformed"),
        (claims_without("exp"), "the token is malformed"),
        (claims_without("nbf"), "the token is malformed"),
        (claims_without("iat"), "the token is malformed"),
        (claims_without("iss"), "the token is malformed"),
        (claims_without("aud"), "the token is malformed"),
        (claims_without("sub"), "the token is malformed"),
        (claims_without("scope"), "the token is malformed"),
        (claims_without("stamp"), "the token is malformed"),
        (json!([]), "the token is malformed"),
        (json!(null), "the token is malformed"),
    ] {
        let token = forge(&pair.header(), &claims, |message| pair.sign(message));
        assert_eq!(refusal(&tokens, &token), expected, "{claims}");
    }
}

#[test]
fn tokens_that_somebody_else_signed_are_refused() {
    let (pair, other) = (Pair::new(), Pair::new());
    let tokens = tokens_at(NOW, &[&pair]);
    let none = json!({ "typ": "JWT", "alg": "none", "kid": pair.key.id() });
    let hmac = json!({ "typ": "JWT", "alg": "HS256", "kid": pair.key.id() });
    let no_kid = json!({ "typ": "JWT", "alg": "HS256" });
    let raw = pair.raw.public_key().as_ref().to_vec();
    let der: PublicKeyX509Der<'_> = pair.raw.public_key().as_der().unwrap();
    let public_pem = pem::encode(&pem::Pem::new("PUBLIC KEY", der.as_ref()));
    let unsigned = |_: &[u8]| Vec::new();
    let valid = forge(&pair.header(), &claims(), |message| pair.sign(message));
    let (message, signature) = valid.rsplit_once('.').unwrap();
    let (header, _) = message.split_once('.').unwrap();
    let payload = URL_SAFE_NO_PAD.encode(claims_with("sub", Uuid::nil().to_string()).to_string());
    for (what, token, expected) in [
        (
            "another key",
            forge(&pair.header(), &claims(), |message| other.sign(message)),
            "the token's signature is wrong",
        ),
        (
            "another key's id",
            forge(&other.header(), &claims(), |message| other.sign(message)),
            "the token names no known key",
        ),
        ("no signature", forge(&pair.header(), &claims(), unsigned), "the token's signature is wrong"),
        ("alg none", forge(&none, &claims(), unsigned), "the token is malformed"),
        ("HS256, raw", forge(&hmac, &claims(), hs256(&raw)), "the token is signed by another algorithm than its key's"),
        (
            "HS256, DER",
            forge(&hmac, &claims(), hs256(der.as_ref())),
            "the token is signed by another algorithm than its key's",
        ),
        (
            "HS256, PEM",
            forge(&hmac, &claims(), hs256(public_pem.as_bytes())),
            "the token is signed by another algorithm than its key's",
        ),
        (
            "HS256, no kid",
            forge(&no_kid, &claims(), hs256(&raw)),
            "the token is signed by another algorithm than its key's",
        ),
        ("changed payload", format!("{header}.{payload}.{signature}"), "the token's signature is wrong"),
    ] {
        assert_eq!(refusal(&tokens, &token), expected, "{what}");
    }
}

#[test]
fn what_is_no_token_is_refused() {
    let pair = Pair::new();
    let tokens = tokens_at(NOW, &[&pair]);
    let valid = forge(&pair.header(), &claims(), |message| pair.sign(message));
    let long = forge(&pair.header(), &claims_with("pad", "x".repeat(13_000)), |message| pair.sign(message));
    for (token, expected) in [
        (String::new(), "the token is malformed"),
        ("garbage".to_owned(), "the token is malformed"),
        ("...".to_owned(), "the token is malformed"),
        ("..".to_owned(), "the token is malformed"),
        ("é.é.é".to_owned(), "the token is malformed"),
        (format!("{valid}."), "the token is malformed"),
        (format!("{valid}=="), "the token is malformed"),
        (format!("{valid} "), "the token is malformed"),
        (format!(" {valid}"), "the token is malformed"),
        (format!("x.{valid}"), "the token is malformed"),
        (long, "the token is too long"),
    ] {
        assert_eq!(refusal(&tokens, &token), expected, "{token}");
    }
}

#[test]
fn critical_extensions_are_refused_and_keys_inside_a_token_are_ignored() {
    let (pair, other) = (Pair::new(), Pair::new());
    let tokens = tokens_at(NOW, &[&pair]);
    for extensions in [json!(["b64"]), json!(["exp"]), json!([])] {
        let mut header = pair.header();
        header["crit"] = extensions;
        let token = forge(&header, &claims(), |message| pair.sign(message));
        assert_eq!(refusal(&tokens, &token), "the token has critical extensions", "{header}");
    }
    let mut header = pair.header();
    let public = URL_SAFE_NO_PAD.encode(other.raw.public_key().as_ref());
    header["jwk"] = json!({ "kty": "OKP", "crv": "Ed25519", "x": public });
    header["jku"] = json!("https://elsewhere.test/keys");
    header["x5u"] = json!("https://elsewhere.test/certificate");
    header["x5c"] = json!(["MIIB"]);
    let token = forge(&header, &claims(), |message| other.sign(message));
    assert_eq!(refusal(&tokens, &token), "the token's signature is wrong");
    let token = forge(&header, &claims(), |message| pair.sign(message));
    assert!(tokens.verify(&token).is_ok());
}

#[test]
fn what_is_there_twice_is_refused() {
    let pair = Pair::new();
    let tokens = tokens_at(NOW, &[&pair]);
    let (header, claims) = (pair.header().to_string(), claims().to_string());
    let twice = |text: &str, member: &str| text.replacen('{', &format!("{{{member},"), 1);
    for (header, claims) in [
        (twice(&header, r#""alg":"none""#), claims.clone()),
        (twice(&header, r#""alg":"HS256""#), claims.clone()),
        (twice(&header, r#""kid":"x""#), claims.clone()),
        (header.clone(), twice(&claims, r#""iss":"https://elsewhere.test""#)),
        (header.clone(), twice(&claims, r#""sub":"00000000-0000-0000-0000-000000000000""#)),
        (header.clone(), twice(&claims, r#""exp":9000000000"#)),
        (header.clone(), twice(&claims, r#""scope":"openid""#)),
    ] {
        let token = forge_text(&header, &claims, |message| pair.sign(message));
        assert_eq!(refusal(&tokens, &token), "the token is malformed", "{header} {claims}");
    }
}

#[test]
fn a_token_for_an_api_key_says_so() {
    let pair = Pair::new();
    let tokens = tokens_at(NOW, &[&pair]);
    let client = uuid!("0192f0c1-2345-7000-8000-000000000003");
    let issued = tokens.issue(&everything(), Some(ApiKeyId(client))).unwrap();
    assert_eq!(payload(&issued.value)["client_id"], client.to_string());
    assert_eq!(tokens.verify(&issued.value).unwrap(), Bearer::Caller(everything()));
    let issued = tokens.issue(&everything(), None).unwrap();
    assert_eq!(payload(&issued.value).get("client_id"), None);
}

#[test]
fn a_token_of_another_type_is_no_access_token() {
    let pair = Pair::new();
    let tokens = tokens_at(NOW, &[&pair]);
    for (kind, is_good) in [
        (json!("JWT"), true),
        (json!("jwt"), true),
        (json!("at+jwt"), true),
        (json!("application/at+jwt"), true),
        (Value::Null, false),
        (json!("id+jwt"), false),
        (json!("logout+jwt"), false),
        (json!(""), false),
    ] {
        let mut header = pair.header();
        header["typ"] = kind.clone();
        let token = forge(&header, &claims(), |message| pair.sign(message));
        assert_eq!(tokens.verify(&token).is_ok(), is_good, "{kind}");
        if !is_good {
            assert_eq!(refusal(&tokens, &token), "the token is of another type than an access token", "{kind}");
        }
    }
}

#[test]
fn a_retired_key_verifies_until_it_is_dropped() {
    let (old, new) = (Pair::new(), Pair::new());
    let before = tokens_at(NOW, &[&old]);
    let during = tokens_at(NOW, &[&new, &old]);
    let after = tokens_at(NOW, &[&new]);
    let issue = |tokens: &JwtTokens| tokens.issue(&everything(), None).unwrap().value;
    assert!(during.verify(&issue(&before)).is_ok());
    assert!(after.verify(&issue(&during)).is_ok());
    assert_eq!(refusal(&after, &issue(&before)), "the token names no known key");
    let nameless = forge(&json!({ "typ": "JWT", "alg": "EdDSA" }), &claims(), |message| new.sign(message));
    assert_eq!(refusal(&during, &nameless), "the token names no known key");
}
