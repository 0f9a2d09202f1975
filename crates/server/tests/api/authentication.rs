//! Who is heard at all: everything but a good token of an open account is answered 401, with one and the same body.

use std::fs;
use std::net::TcpListener;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use guildhall_auth::SigningKey;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use pem::Pem;
use reqwest::Method;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::app::{GROUP, Setup, TestApp, USERS};
use crate::database::Kind;
use crate::tokens::{Mint, public_key_in};

on_both_databases! {
    a_request_without_a_good_token_is_denied,
    a_token_signed_like_the_servers_own_is_heard,
    a_token_with_other_claims_is_denied,
    a_token_signed_by_anybody_else_is_denied,
    what_a_token_says_of_its_key_is_not_believed,
    a_key_verifies_only_the_tokens_that_name_it,
    a_suspended_user_is_no_longer_heard,
    an_expired_user_is_no_longer_heard,
    a_deleted_user_is_no_longer_heard,
    a_user_with_a_new_security_stamp_is_no_longer_heard,
}

/// The answer, to the byte.
pub(crate) const DENIED: &str = r#"{"message":"Authorization has been denied for this request."}"#;

/// Sends the documented request with this `Authorization` header.
async fn ask(app: &TestApp, authorization: Option<&str>) -> Answer {
    let mut request = app.client.request(Method::POST, app.url(&format!("/groups/{GROUP}/users/"))).json(&json!(USERS));
    if let Some(authorization) = authorization {
        request = request.header("Authorization", authorization);
    }
    Answer::to(request).await
}

async fn assert_denied(app: &TestApp, authorization: Option<&str>, what: &str) {
    let answer = ask(app, authorization).await;
    assert_eq!((answer.status, answer.body.as_str()), (401, DENIED), "{what}: {answer:?}");
    assert_eq!(answer.headers["www-authenticate"], "Bearer", "{what}");
    assert_eq!(answer.headers["content-type"], "application/json; charset=utf-8", "{what}");
    assert!(answer.headers.contains_key("x-request-id"), "{what}");
    assert_eq!(app.member_count(GROUP).await, 0, "{what}");
}

async fn assert_token_denied(app: &TestApp, token: &str, what: &str) {
    assert_denied(app, Some(&format!("Bearer {token}")), what).await;
}

async fn assert_heard(app: &TestApp, token: &str) {
    let answer = ask(app, Some(&format!("Bearer {token}"))).await;
    assert_eq!(answer.status, 204, "{answer:?}");
}

async fn documented(kind: Kind) -> TestApp {
    let app = TestApp::on(kind).await;
    app.create_documented().await;
    app
}

async fn a_request_without_a_good_token_is_denied(kind: Kind) {
    let app = documented(kind).await;
    assert_denied(&app, None, "no header").await;
    for authorization in
        ["", "Bearer", "Bearer ", "Bearer garbage", "Bearer a.b.c", "Bearer ..", "Basic YWRtaW46YWRtaW4=", "garbage"]
    {
        assert_denied(&app, Some(authorization), authorization).await;
    }
    let cut = app.token.rsplit_once('.').unwrap().0;
    assert_token_denied(&app, cut, "no signature").await;
    assert_token_denied(&app, &format!("{cut}."), "an empty signature").await;
    assert_token_denied(&app, &format!("{}A", app.token), "a longer signature").await;
    // As long as the largest head allows.
    assert_token_denied(&app, &app.token.repeat(14_000 / app.token.len()), "a very long token").await;
    assert_denied(&app, Some(&app.token), "no scheme").await;
    let lower_case = ask(&app, Some(&format!("bearer {}", app.token))).await;
    assert_eq!(lower_case.status, 204, "{lower_case:?}");
}

async fn a_token_signed_like_the_servers_own_is_heard(kind: Kind) {
    let app = documented(kind).await;
    let mint = Mint::of(&app);
    assert_heard(&app, &mint.with("jti", json!("anything"))).await;
}

async fn a_token_with_other_claims_is_denied(kind: Kind) {
    let app = documented(kind).await;
    let mint = Mint::of(&app);
    let issued = mint.moment("iat");
    for (claim, value) in [
        ("exp", json!(issued - 3600)),
        ("nbf", json!(issued + 3600)),
        ("iss", json!("https://somebody.else")),
        ("aud", json!("https://somebody.else")),
        ("aud", json!(["https://somebody.else"])),
        ("sub", json!("00000000-0000-0000-0000-000000000000")),
        ("sub", json!("admin")),
        ("exp", Value::Null),
        ("iss", Value::Null),
        ("aud", Value::Null),
        ("sub", Value::Null),
        ("stamp", json!("00000000-0000-0000-0000-000000000000")),
        ("stamp", Value::Null),
    ] {
        let what = format!("{claim} = {value}");
        assert_token_denied(&app, &mint.with(claim, value), &what).await;
    }
    assert_heard(&app, &mint.with("exp", json!(issued + 60))).await;
}

async fn a_token_signed_by_anybody_else_is_denied(kind: Kind) {
    let app = documented(kind).await;
    let mint = Mint::of(&app);
    let other = EncodingKey::from_ed_pem(SigningKey::generate_pem().unwrap().as_bytes()).unwrap();
    assert_token_denied(&app, &mint.signed_by(Algorithm::EdDSA, &other), "another key").await;
    for public in public_key_in(&app.signing_key_file()) {
        for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
            let token = mint.signed_by(algorithm, &EncodingKey::from_secret(&public));
            assert_token_denied(&app, &token, "the public key as a secret").await;
        }
    }
    // {"alg":"none","typ":"JWT"}, {"alg":"None"} and {"alg":"NONE","typ":"JWT"}
    for header in ["eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0", "eyJhbGciOiJOb25lIn0", "eyJhbGciOiJOT05FIiwidHlwIjoiSldUIn0"]
    {
        let (_, signed) = app.token.split_once('.').unwrap();
        let (claims, signature) = signed.split_once('.').unwrap();
        for signature in ["", signature] {
            assert_token_denied(&app, &format!("{header}.{claims}.{signature}"), "alg none").await;
        }
    }
    assert_heard(&app, &mint.signed_by(Algorithm::EdDSA, &crate::tokens::key_in(&app.signing_key_file()))).await;
}

/// RFC 8725, sections 3.1 and 3.10.
async fn what_a_token_says_of_its_key_is_not_believed(kind: Kind) {
    let app = documented(kind).await;
    let mint = Mint::of(&app);
    let own = crate::tokens::key_in(&app.signing_key_file());
    let other = EncodingKey::from_ed_pem(SigningKey::generate_pem().unwrap().as_bytes()).unwrap();
    let jwk = Jwk::from_encoding_key(&other, Algorithm::EdDSA).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = Some(format!("http://{}/keys", listener.local_addr().unwrap()));
    let header = || mint.header.clone();
    let named = |kid: &str| Header { kid: Some(kid.to_owned()), ..header() };
    let bringing = Header { jwk: Some(jwk.clone()), ..header() };
    for header in [
        Header { jwk: Some(jwk), kid: None, ..header() },
        Header { jku: url.clone(), ..header() },
        Header { x5u: url.clone(), ..header() },
        Header { x5c: Some(vec!["MIIB".to_owned()]), ..header() },
        Header { jku: url, ..named("unknown") },
        named(""),
        named("../../../../../../dev/null"),
        named("' OR ''='"),
        named(&"x".repeat(5000)),
        bringing.clone(),
    ] {
        let token = encode(&header, &mint.claims, &other).unwrap();
        assert_token_denied(&app, &token, &format!("{header:?}")).await;
    }
    assert!(listener.accept().is_err(), "the server asked for keys where a token said they are");
    let critical = Header { crit: Some(vec!["exp".to_owned()]), ..header() };
    assert_token_denied(&app, &encode(&critical, &mint.claims, &own).unwrap(), "a critical extension").await;
    assert_heard(&app, &encode(&bringing, &mint.claims, &own).unwrap()).await;
}

async fn a_key_verifies_only_the_tokens_that_name_it(kind: Kind) {
    let setup = Setup::on(kind).await;
    let edwards = SigningKey::generate_pem().unwrap();
    let p256 = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let p256 = pem::encode(&Pem::new("PRIVATE KEY", p256.to_pkcs8v1().unwrap().as_ref()));
    fs::write(setup.database.path().join("signing-key.pem"), format!("{edwards}{p256}")).unwrap();
    let app = setup.start();
    app.create_documented().await;
    let claims = Mint::of(&app).claims;
    let [first, second] = [&edwards, &p256].map(|pem| Some(SigningKey::from_pem(pem).unwrap().id().to_owned()));
    let signed = |kid: &Option<String>, algorithm: Algorithm| {
        let key = match algorithm {
            Algorithm::EdDSA => EncodingKey::from_ed_pem(edwards.as_bytes()),
            _ => EncodingKey::from_ec_pem(p256.as_bytes()),
        };
        encode(&Header { kid: kid.clone(), ..Header::new(algorithm) }, &claims, &key.unwrap()).unwrap()
    };
    for (kid, algorithm) in [
        (&first, Algorithm::ES256),
        (&second, Algorithm::EdDSA),
        (&None, Algorithm::EdDSA),
        (&None, Algorithm::ES256),
        (&Some("third".to_owned()), Algorithm::EdDSA),
    ] {
        assert_token_denied(&app, &signed(kid, algorithm), &format!("{algorithm:?} by {kid:?}")).await;
    }
    assert_heard(&app, &signed(&first, Algorithm::EdDSA)).await;
    assert_heard(&app, &signed(&second, Algorithm::ES256)).await;
}

async fn a_suspended_user_is_no_longer_heard(kind: Kind) {
    stops_after(kind, "UPDATE users SET suspended = (1 = 1) WHERE username_key = 'marla'").await;
}

async fn an_expired_user_is_no_longer_heard(kind: Kind) {
    stops_after(kind, "UPDATE users SET expiry = created WHERE username_key = 'marla'").await;
}

async fn a_deleted_user_is_no_longer_heard(kind: Kind) {
    stops_after(kind, "DELETE FROM users WHERE username_key = 'marla'").await;
}

async fn a_user_with_a_new_security_stamp_is_no_longer_heard(kind: Kind) {
    stops_after(kind, "UPDATE users SET security_stamp = id WHERE username_key = 'marla'").await;
}

/// Makes `marla` an administrator, who is heard before `statement` and not after it.
async fn stops_after(kind: Kind, statement: &str) {
    let app = documented(kind).await;
    app.create_user("marla").await;
    assert_eq!(app.put("/groups/System Administrators/users/marla").await.status, 204);
    let token = app.token_of("marla");
    let check = || app.request_by(&token, Method::GET, "/groups/Everyone");
    assert_eq!(Answer::to(check()).await.status, 200);
    app.setup.database.execute(statement);
    assert_token_denied(&app, &token, statement).await;
    let answer = Answer::to(check()).await;
    assert_eq!((answer.status, answer.body.as_str()), (401, DENIED), "{answer:?}");
    if !statement.starts_with("DELETE") && !statement.contains("stamp") {
        let output = app.setup.run(&["token", "--user", "marla"]);
        assert_eq!(output.status.code(), Some(1), "a token was issued all the same");
    }
}

#[tokio::test]
async fn a_shared_secret_signs_instead_of_a_key_file() {
    const SECRET: &str = "a-secret-of-thirty-two-bytes-or-more";
    let setup = Setup::on(Kind::Sqlite)
        .await
        .without("GUILDHALL_AUTH__SIGNING_KEY_FILE")
        .with("GUILDHALL_AUTH__HS256_SECRET", SECRET);
    let key = fs::read_to_string(setup.database.path().join("signing-key.pem")).unwrap();
    let app = setup.start();
    app.create_documented().await;
    let header = jsonwebtoken::decode_header(&app.token).unwrap();
    assert_eq!(header.alg, Algorithm::HS256);
    let claims = jsonwebtoken::dangerous::insecure_decode::<Value>(&app.token).unwrap().claims;
    let wrong = [
        (Algorithm::HS256, EncodingKey::from_secret(b"another-secret-of-thirty-two-bytes")),
        (Algorithm::HS512, EncodingKey::from_secret(SECRET.as_bytes())),
        (Algorithm::EdDSA, EncodingKey::from_ed_pem(key.as_bytes()).unwrap()),
    ];
    for (algorithm, key) in wrong {
        let header = jsonwebtoken::Header { alg: algorithm, ..header.clone() };
        assert_token_denied(&app, &jsonwebtoken::encode(&header, &claims, &key).unwrap(), &format!("{algorithm:?}"))
            .await;
    }
    let right = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(SECRET.as_bytes())).unwrap();
    assert_heard(&app, &right).await;
}
