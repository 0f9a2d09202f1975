//! Tokens of a trusted external issuer: an `OpenID` provider of another make, in a process of its own.

mod forgery;
mod groups;
mod keys;
mod links;
mod mistakes;
mod users;

use reqwest::Method;

use crate::answer::Answer;
use crate::app::{Setup, TestApp};
use crate::authentication::DENIED;
use crate::database::Kind;
use crate::issuer::Issuer;
use crate::tokens::Mint;

/// Users who are here are found by the subject, the first time.
const LINKING: [(&str, &str); 3] = [("name_claim", "sub"), ("link_existing", "true"), ("link_administrators", "true")];

/// An issuer, and a server with a user `marla` that trusts it as `elsewhere`, and links its subjects to users by their names.
async fn trusting(kind: Kind, settings: &[(&str, &str)]) -> (Issuer, TestApp) {
    let setup = Setup::on(kind).await;
    let issuer = Issuer::start(setup.database.path());
    let settings = [&LINKING, settings].concat();
    let app = setup.trusting("elsewhere", &issuer, &settings).start();
    app.create_user("marla").await;
    (issuer, app)
}

/// Who the owner of the token is.
async fn me(app: &TestApp, token: &str) -> Answer {
    Answer::to(app.request_by(token, Method::GET, "/users/@current")).await
}

async fn assert_stands_for(app: &TestApp, token: &str, username: &str, what: &str) {
    let answer = me(app, token).await;
    assert_eq!(answer.status, 200, "{what}: {answer:?}");
    assert_eq!(answer.json()["username"], username, "{what}");
}

async fn assert_denied(app: &TestApp, token: &str, what: &str) {
    let answer = me(app, token).await;
    assert_eq!((answer.status, answer.body.as_str()), (401, DENIED), "{what}: {answer:?}");
    assert_eq!(answer.headers["www-authenticate"], "Bearer", "{what}");
}

/// In seconds since 1970.
fn now(app: &TestApp) -> i64 {
    Mint::of(app).moment("iat")
}
