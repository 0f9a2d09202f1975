//! Keys of an external issuer: those that change, and those that cannot be fetched.

use std::time::{Duration, Instant};

use jsonwebtoken::{Header, dangerous, encode};
use serde_json::{Value, json};

use super::{assert_denied, assert_stands_for, me, trusting};
use crate::app::Setup;
use crate::database::Kind;
use crate::issuer::{Issuer, strangers_key};
use crate::waiting::until;

on_both_databases! {
    an_algorithm_is_as_good_as_any_other_if_it_is_allowed,
    a_new_key_is_found_when_a_token_names_it,
    a_key_that_is_no_longer_published_ends_its_tokens,
    made_up_keys_do_not_make_the_server_ask_again_and_again,
    known_keys_stay_good_while_the_issuer_is_away,
    an_issuer_that_is_away_at_the_start_is_found_later,
}

/// A request does not wait longer than this, whatever the issuer does: by far.
const AT_ONCE: Duration = Duration::from_secs(20);

async fn an_algorithm_is_as_good_as_any_other_if_it_is_allowed(kind: Kind) {
    let setup = Setup::on(kind).await;
    let mut issuer = Issuer::start(setup.database.path());
    let tables = [
        ("silent", ""),
        ("curves", "algorithms = ['ES256']"),
        ("both", "algorithms = ['ES256', 'RS256']"),
        ("others", "algorithms = ['PS256', 'RS384', 'ES384', 'EdDSA']"),
    ];
    let linking = "name_claim = 'sub'\nlink_existing = true";
    let table = |(name, lines): (&str, &str)| issuer.table_as(name, &format!("{linking}\n{lines}"));
    let app = setup.start_with(&tables.map(table).concat());
    app.create_user("marla").await;
    for (table, algorithm, is_good) in [
        ("silent", "RS256", true),
        ("silent", "ES256", false),
        ("curves", "RS256", false),
        ("curves", "ES256", true),
        ("both", "RS256", true),
        ("both", "ES256", true),
        ("others", "RS256", false),
        ("others", "ES256", false),
    ] {
        let token = issuer.token_as("marla", &json!({ "iss": Issuer::url_as(table) }), &json!({ "alg": algorithm }));
        let what = format!("{table}: {algorithm}");
        if is_good {
            assert_stands_for(&app, &token, "marla", &what).await;
        } else {
            assert_denied(&app, &token, &what).await;
        }
    }
}

async fn a_new_key_is_found_when_a_token_names_it(kind: Kind) {
    let (mut issuer, app) = trusting(kind, &[]).await;
    let old = issuer.token("marla", &json!({}));
    assert_stands_for(&app, &old, "marla", "the first key").await;
    assert_eq!(issuer.visits(), 1);
    issuer.rotate(true);
    let new = issuer.token("marla", &json!({}));
    assert_stands_for(&app, &new, "marla", "the new key").await;
    assert_stands_for(&app, &old, "marla", "the first key").await;
    assert_eq!(issuer.visits(), 2);
}

async fn a_key_that_is_no_longer_published_ends_its_tokens(kind: Kind) {
    let (mut issuer, app) = trusting(kind, &[]).await;
    let [seen, unseen] = ["1", "2"].map(|id| issuer.token("marla", &json!({ "jti": id })));
    assert_stands_for(&app, &seen, "marla", "the first key").await;
    issuer.rotate(false);
    assert_stands_for(&app, &issuer.token("marla", &json!({})), "marla", "the new key").await;
    assert_denied(&app, &seen, "a token that was good").await;
    assert_denied(&app, &unseen, "a token of the same key").await;
}

async fn made_up_keys_do_not_make_the_server_ask_again_and_again(kind: Kind) {
    let (mut issuer, app) = trusting(kind, &[]).await;
    let token = issuer.token("marla", &json!({}));
    assert_stands_for(&app, &token, "marla", "a good token").await;
    let (visits, key) = (issuer.visits(), strangers_key());
    let good = dangerous::insecure_decode::<Value>(&token).unwrap();
    let begun = Instant::now();
    for number in 0..40 {
        let header = Header { kid: Some(format!("made-up-{number}")), ..good.header.clone() };
        assert_denied(&app, &encode(&header, &good.claims, &key).unwrap(), "a made-up key").await;
    }
    // It may ask once a minute.
    let most = 1 + begun.elapsed().as_secs() / 60;
    let asked = issuer.visits() - visits;
    assert!((1..=most).contains(&asked), "the server asked {asked} times");
    assert_stands_for(&app, &token, "marla", "a good token").await;
}

async fn known_keys_stay_good_while_the_issuer_is_away(kind: Kind) {
    let (mut issuer, app) = trusting(kind, &[]).await;
    let [seen, new, newer] = ["1", "2", "3"].map(|id| issuer.token("marla", &json!({ "jti": id })));
    assert_stands_for(&app, &seen, "marla", "while the issuer runs").await;
    let good = dangerous::insecure_decode::<Value>(&seen).unwrap();
    let header = Header { kid: Some("unknown".to_owned()), ..good.header };
    let unknown = encode(&header, &good.claims, &strangers_key()).unwrap();
    issuer.stop();
    for never_seen in [new, newer] {
        assert_stands_for(&app, &seen, "marla", "a token from before").await;
        assert_stands_for(&app, &never_seen, "marla", "a token that is new").await;
        assert_stands_for(&app, &app.token, "admin", "our own token").await;
        // The keys are asked for in vain, and those that are known stay.
        assert_denied(&app, &unknown, "an unknown key").await;
    }
}

async fn an_issuer_that_is_away_at_the_start_is_found_later(kind: Kind) {
    let setup = Setup::on(kind).await;
    let mut issuer = Issuer::start(setup.database.path());
    let token = issuer.token("marla", &json!({}));
    issuer.stop();
    let app = setup.trusting("elsewhere", &issuer, &super::LINKING).start();
    app.create_user("marla").await;
    assert_stands_for(&app, &app.token, "admin", "our own token").await;
    let begun = Instant::now();
    assert_denied(&app, &token, "while the issuer is away").await;
    assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
    issuer.restart().await;
    until("the issuer is found", async || me(&app, &token).await.status == 200).await;
    assert_stands_for(&app, &token, "marla", "once the issuer was found").await;
}
