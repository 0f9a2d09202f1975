//! Who is calling.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderMap};
use actix_web::{FromRequest, HttpRequest, web};
use guildhall_domain::access::{self, Actor, On, Permission};
use guildhall_domain::context::Context;
use guildhall_domain::external::ExternalIdentity;
use guildhall_domain::identifier::UserIdentifier;
use guildhall_domain::ports::Bearer;
use tokio::time::sleep;

use crate::Api;
use crate::middleware::audit;
use crate::respond::problem::{Problem, chain};
use crate::work::{Lane, run};

/// Whoever the bearer token stands for. Whether they may do what they ask is decided by the use cases.
#[derive(Clone, Debug)]
pub(crate) struct Caller(pub(crate) access::Caller);

impl Caller {
    /// Whoever the token in `headers` stands for.
    pub(crate) async fn of(api: &Api, headers: &HeaderMap) -> Result<Self, Problem> {
        let is_anonymous = !headers.contains_key(header::AUTHORIZATION);
        let nobody = |reason: Unidentified| {
            if is_anonymous {
                tracing::debug!(%reason, "the caller is not authenticated");
            } else {
                audit::token_refused(&reason.to_string());
            }
            Problem::unauthenticated()
        };
        match bearer(api, token(headers).map_err(nobody)?).await.map_err(nobody)? {
            Bearer::Caller(caller) => Ok(Self(caller)),
            Bearer::External(identity) => recognise(api, *identity).await.map(Self),
        }
    }

    /// Fails unless the caller has this permission on anything of its kind.
    pub(crate) async fn may(&self, api: &Api, permission: Permission) -> Result<(), Problem> {
        run(api, Lane::Read, self.clone(), move |api, context| api.directory.authorise(context, permission, On::All))
            .await
    }

    /// Fails unless the caller has this permission on this user.
    pub(crate) async fn may_on_user(
        &self,
        api: &Api,
        permission: Permission,
        user: &UserIdentifier,
    ) -> Result<(), Problem> {
        let user = user.clone();
        run(api, Lane::Read, self.clone(), move |api, context| {
            api.directory.authorise(context, permission, On::User(&user))
        })
        .await
    }
}

impl From<Caller> for Actor {
    fn from(caller: Caller) -> Self {
        Self::Caller(caller.0)
    }
}

/// Returns the parse error only if the caller is authorised; otherwise 403 (contract 1.6).
pub(crate) fn told<T>(
    api: &Api,
    context: &Context,
    permission: Permission,
    read: Result<T, Problem>,
) -> Result<T, Problem> {
    if read.is_err() {
        api.directory.authorise(context, permission, On::All)?;
    }
    read
}

/// Returns the parse error only if the caller may read this user; otherwise 403 (contract 1.6).
pub(crate) fn told_about<T>(
    api: &Api,
    context: &Context,
    user: &UserIdentifier,
    read: Result<T, Problem>,
) -> Result<T, Problem> {
    if read.is_err() {
        api.directory.authorise(context, Permission::ReadUsers, On::User(user))?;
    }
    read
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let api = request.app_data::<web::Data<Api>>().cloned();
        let request = request.clone();
        Box::pin(async move {
            let api = api.ok_or_else(Problem::unauthenticated)?;
            Self::of(&api, request.headers()).await
        })
    }
}

/// Whom an identity of an outside issuer stands for here.
async fn recognise(api: &Api, identity: ExternalIdentity) -> Result<access::Caller, Problem> {
    let seen = identity.clone();
    let recognise = move |api: &Api, context: &Context| api.directory.recognise(context, &seen);
    if let Some(caller) = run(api, Lane::Read, Actor::Anonymous, recognise).await? {
        return Ok(caller);
    }
    run(api, Lane::Write, Actor::Anonymous, move |api, context| api.directory.sign_in_external(context, &identity))
        .await
}

/// How often a token is looked at whose issuer's keys are being fetched, and for how long in between.
const LOOKS: u32 = 40;
const PAUSE: Duration = Duration::from_millis(50);

/// Whom the token stands for. Keys that are just being fetched are waited for a little, by this request alone.
async fn bearer(api: &Api, token: &str) -> Result<Bearer, Unidentified> {
    let mut looks = 0;
    loop {
        match api.tokens.verify(token) {
            Ok(bearer) => return Ok(bearer),
            Err(error) if error.is_pending && looks < LOOKS => looks += 1,
            Err(error) => return Err(Unidentified::Token(chain(&error))),
        }
        sleep(PAUSE).await;
    }
}

/// The token in `Authorization`.
fn token(headers: &HeaderMap) -> Result<&str, Unidentified> {
    let header = headers.get(header::AUTHORIZATION).ok_or(Unidentified::Header("there is no token"))?;
    let text = header.to_str().map_err(|_| Unidentified::Header("the header is not ASCII"))?;
    let (scheme, token) = text.trim().split_once(' ').ok_or(Unidentified::Header("the header has one word"))?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Unidentified::Header("the scheme is not Bearer"));
    }
    Ok(token.trim())
}

/// Why nobody is known to call: for the log, never for whoever calls.
enum Unidentified {
    Header(&'static str),
    Token(String),
}

impl fmt::Display for Unidentified {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(reason) => formatter.write_str(reason),
            Self::Token(reason) => formatter.write_str(reason),
        }
    }
}
