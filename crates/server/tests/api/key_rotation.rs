//! The keys that sign access tokens here: how they change, and how others find them.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use guildhall_auth::SigningKey;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, decode, decode_header};
use pem::Pem;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::app::{API, PASSWORD, Setup, TestApp};
use crate::authentication::DENIED;
use crate::database::Kind;
use crate::issuer::rsa_pem;
use crate::server::Server;
use crate::waiting::until;

on_both_databases! {
    a_new_key_signs_and_the_one_before_still_verifies,
    no_request_is_refused_while_keys_change,
    a_key_verifies_until_four_others_have_followed_it,
    a_secret_is_changed_in_the_settings,
    anybody_can_verify_a_token_by_what_is_published,
}

const PUBLISHED: &str = "/authenticate/.well-known/openid-configuration";

/// A server that can be asked for tokens as often as a test likes.
async fn start(kind: Kind) -> TestApp {
    Setup::on(kind)
        .await
        .with("GUILDHALL_LIMITS__TOKEN_REQUESTS_PER_ACCOUNT", "0")
        .with("GUILDHALL_LIMITS__TOKEN_REQUESTS_PER_ADDRESS", "0")
        .start()
}

async fn sign_in(app: &TestApp) -> Value {
    let parameters = [("grant_type", "password"), ("username", "admin"), ("password", PASSWORD)];
    Answer::to(app.request_for_token(&parameters)).await.is(200).json()
}

/// Signs in without the password, and gets a token from the key that signs now.
async fn refresh(app: &TestApp, refresh_token: &str) -> String {
    let parameters = [("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
    text(&Answer::to(app.request_for_token(&parameters)).await.is(200).json(), "access_token")
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_else(|| panic!("{value}")).to_owned()
}

/// What a token's header says.
fn header(token: &str) -> Header {
    decode_header(token).unwrap()
}

fn kid(token: &str) -> String {
    header(token).kid.unwrap()
}

async fn status(app: &TestApp, server: &Server, token: &str) -> u16 {
    let answer = Answer::to(app.client.get(format!("{}{API}/users/@current", server.url)).bearer_auth(token)).await;
    assert!(answer.status == 200 || answer.body == DENIED, "{answer:?}");
    answer.status
}

/// The ids of the keys that a server publishes.
async fn published(app: &TestApp, server: &Server) -> Vec<String> {
    let keys = Answer::to(app.client.get(format!("{}{PUBLISHED}/jwks", server.url))).await.is(200).json();
    keys["keys"].as_array().unwrap().iter().map(|key| text(key, "kid")).collect()
}

/// Rotates the keys, and says the ids of those that are in use now, as the program does.
fn rotate(app: &TestApp) -> Vec<String> {
    let output = app.setup.run(&["keys", "rotate"]);
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{err}");
    let (signing, retired) = out.split_once('\n').unwrap();
    let retired = retired.lines().map(|line| line.strip_suffix(" still verifies"));
    let ids = [signing.strip_suffix(" signs from now on")].into_iter().chain(retired);
    ids.map(|id| id.unwrap_or_else(|| panic!("{out}")).to_owned()).collect()
}

/// The kinds of the blocks in the key file, and what is in them.
fn blocks(app: &TestApp) -> Vec<(String, Vec<u8>)> {
    let blocks = pem::parse_many(fs::read(app.signing_key_file()).unwrap()).unwrap();
    blocks.into_iter().map(|block| (block.tag().to_owned(), block.into_contents())).collect()
}

async fn a_new_key_signs_and_the_one_before_still_verifies(kind: Kind) {
    let app = start(kind).await;
    // With PostgreSQL there may be several.
    let other = (kind == Kind::Postgres).then(|| Server::start(&app.setup));
    let session = sign_in(&app).await;
    let (old, refresh_token) = (text(&session, "access_token"), text(&session, "refresh_token"));
    let private = blocks(&app);
    let files = || {
        fs::read_dir(app.setup.database.path())
            .unwrap()
            .filter(|file| file.as_ref().unwrap().file_name().to_string_lossy().starts_with("signing-key"))
    };
    fs::set_permissions(app.signing_key_file(), Permissions::from_mode(0o600)).unwrap();
    let ids = rotate(&app);
    assert_eq!((ids.len(), &ids[1]), (2, &kid(&old)));
    let tags: Vec<_> = blocks(&app).into_iter().map(|(tag, _)| tag).collect();
    assert_eq!(tags, ["PRIVATE KEY", "PUBLIC KEY"]);
    assert_eq!(private.len(), 1);
    let file = fs::read_to_string(app.signing_key_file()).unwrap();
    let secret = pem::encode(&Pem::new("PRIVATE KEY", private[0].1.as_slice()));
    assert!(!file.contains(secret.lines().nth(1).unwrap()), "the private key of before is still there");
    assert!(!blocks(&app).iter().any(|(_, contents)| *contents == private[0].1));
    assert_eq!(fs::metadata(app.signing_key_file()).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(files().count(), 1, "a draft was left behind");

    let mut new = String::new();
    until("the new key signs", async || {
        new = refresh(&app, &refresh_token).await;
        kid(&new) != kid(&old)
    })
    .await;
    assert_eq!(kid(&new), ids[0]);
    for server in [Some(&app.server), other.as_ref()].into_iter().flatten() {
        assert_eq!((status(&app, server, &new).await, status(&app, server, &old).await), (200, 200));
        until("the new key is published", async || published(&app, server).await == ids).await;
    }
}

async fn no_request_is_refused_while_keys_change(kind: Kind) {
    let app = start(kind).await;
    let refresh_token = text(&sign_in(&app).await, "refresh_token");
    let old = app.token.clone();
    for _ in 0..3 {
        let mut command = app.setup.command(&["keys", "rotate"]);
        let rotating = tokio::task::spawn_blocking(move || command.output().unwrap().status.success());
        let before = kid(&refresh(&app, &refresh_token).await);
        until("the new key signs", async || {
            let is_over = rotating.is_finished();
            let mut fresh = String::new();
            for _ in 0..5 {
                fresh = refresh(&app, &refresh_token).await;
                assert_eq!(status(&app, &app.server, &old).await, 200, "a token from before");
                assert_eq!(status(&app, &app.server, &fresh).await, 200, "a token of this moment");
            }
            is_over && kid(&fresh) != before
        })
        .await;
        assert!(rotating.await.unwrap());
    }
    let ids = published(&app, &app.server).await;
    assert_eq!((ids.len(), ids.last()), (4, Some(&kid(&old))));
}

async fn a_key_verifies_until_four_others_have_followed_it(kind: Kind) {
    let app = start(kind).await;
    let mut tokens = vec![app.token.clone()];
    for round in 1..=5 {
        rotate(&app);
        // The program signs with the new key; the server looks for a key that it does not know.
        tokens.push(app.token_of("admin"));
        assert_eq!(status(&app, &app.server, &tokens[round]).await, 200, "round {round}");
        for (number, token) in tokens.iter().enumerate() {
            let expected = if number + 4 > round { 200 } else { 401 };
            assert_eq!(status(&app, &app.server, token).await, expected, "round {round}, key {number}");
        }
    }
    let last: Vec<_> = tokens.iter().rev().take(4).map(|token| kid(token)).collect();
    assert_eq!(published(&app, &app.server).await, last);
}

async fn a_secret_is_changed_in_the_settings(kind: Kind) {
    const OLD: &str = "the-secret-of-before-has-thirty-two-bytes";
    const NEW: &str = "the-secret-of-today-has-thirty-two-bytes";
    const SECRET: &str = "GUILDHALL_AUTH__HS256_SECRET";
    const PREVIOUS: &str = "GUILDHALL_AUTH__HS256_PREVIOUS_SECRET";
    let setup = Setup::on(kind).await.without("GUILDHALL_AUTH__SIGNING_KEY_FILE").with(SECRET, OLD);
    let app = setup.start();
    let output = app.setup.run(&["keys", "rotate"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(1), b"".as_slice()), "{said}");
    assert!(said.contains("auth.hs256_secret") && said.contains("auth.hs256_previous_secret"), "{said}");
    assert!(!said.contains(OLD), "{said}");
    let old = app.token.clone();

    let app = app.stop().with(SECRET, NEW).with(PREVIOUS, OLD).start();
    assert_ne!(kid(&app.token), kid(&old));
    for token in [&old, &app.token] {
        assert_eq!((header(token).alg, status(&app, &app.server, token).await), (Algorithm::HS256, 200));
    }
    assert_eq!(published(&app, &app.server).await, Vec::<String>::new(), "a secret is not for everybody");

    let new = app.token.clone();
    let app = app.stop().without(PREVIOUS).start();
    assert_eq!((status(&app, &app.server, &new).await, status(&app, &app.server, &old).await), (200, 401));
}

/// What a token says, if somebody believes it who knows nothing but where it was issued.
async fn verified(app: &TestApp, token: &str) -> Option<Value> {
    let read = async |url: &str| Answer::to(app.client.get(url)).await.is(200).json();
    let issuer = read(&format!("{}{PUBLISHED}", app.server.url)).await;
    let document = read(&text(&issuer, "jwks_uri")).await;
    for key in document["keys"].as_array().unwrap() {
        let names: Vec<_> = key.as_object().unwrap().keys().map(String::as_str).collect();
        let public = ["alg", "crv", "e", "kid", "kty", "n", "use", "x", "y"];
        assert!(names.iter().all(|name| public.contains(name)), "{names:?}");
    }
    let keys: JwkSet = serde_json::from_value(document.clone()).unwrap();
    let key = keys.find(&kid(token))?;
    let algorithm = header(token).alg;
    let named = document["keys"].as_array().unwrap().iter().find(|key| key["kid"] == kid(token)).unwrap();
    assert_eq!((&named["alg"], &named["use"]), (&json!(format!("{algorithm:?}")), &json!("sig")));
    assert!(issuer["access_token_signing_alg_values_supported"].as_array().unwrap().contains(&named["alg"]));
    let mut validation = Validation::new(algorithm);
    validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
    validation.validate_nbf = true;
    validation.set_issuer(&[text(&issuer, "issuer")]);
    validation.set_audience(&["guildhall"]);
    decode::<Value>(token, &DecodingKey::from_jwk(key).unwrap(), &validation).ok().map(|token| token.claims)
}

async fn anybody_can_verify_a_token_by_what_is_published(kind: Kind) {
    let app = start(kind).await;
    let p256 = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let p256 = pem::encode(&Pem::new("PRIVATE KEY", p256.to_pkcs8v1().unwrap().as_ref()));
    let id = &app.get("/users/admin").await.is(200).json()["id"];
    for (algorithm, key) in [
        (Algorithm::EdDSA, SigningKey::generate_pem().unwrap()),
        (Algorithm::ES256, p256),
        (Algorithm::RS256, rsa_pem()),
    ] {
        // Whoever wants other keys than the program makes puts them there.
        fs::write(app.signing_key_file(), key).unwrap();
        let before = kid(&app.token_of("admin"));
        let mut token = String::new();
        until("the new key signs", async || {
            token = text(&sign_in(&app).await, "access_token");
            kid(&token) == before
        })
        .await;
        assert_eq!(header(&token).alg, algorithm);
        assert_eq!(verified(&app, &token).await.expect("the token is not verified")["sub"], *id);
        let (rest, signature) = token.rsplit_once('.').unwrap();
        let first = if signature.starts_with('A') { 'B' } else { 'A' };
        assert_eq!(verified(&app, &format!("{rest}.{first}{}", &signature[1..])).await, None);

        rotate(&app);
        let new = app.token_of("admin");
        assert_eq!((status(&app, &app.server, &new).await, header(&new).alg), (200, Algorithm::EdDSA));
        for token in [&token, &new] {
            assert_eq!(verified(&app, token).await.expect("the token is not verified")["sub"], *id);
            assert_eq!(status(&app, &app.server, token).await, 200);
        }
    }
    assert_eq!(verified(&app, &app.token).await, None, "a key is published that is no longer in the file");
}

#[tokio::test]
async fn a_key_that_was_made_at_the_start_is_rotated_too() {
    let app = Setup::on(Kind::Sqlite).await.without("GUILDHALL_AUTH__SIGNING_KEY_FILE").start();
    let ids = rotate(&app);
    assert_eq!((ids.len(), &ids[1]), (2, &kid(&app.token)));
    let file = app.setup.database.path().join("guildhall.key.pem");
    assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    let new = app.token_of("admin");
    assert_eq!(kid(&new), ids[0]);
    for token in [&new, &app.token] {
        assert_eq!(status(&app, &app.server, token).await, 200);
    }
}
