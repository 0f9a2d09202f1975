//! The caller of a request.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderMap};
use actix_web::{FromRequest, HttpRequest, web};
use guildhall_domain::access::{self, Actor, On, Permission};
use guildhall_domain::context::Context;
use guildhall_domain::directory::Directory;
use guildhall_domain::external::ExternalIdentity;
use guildhall_domain::identifier::{GroupIdentifier, UserIdentifier};
use guildhall_domain::ports::{Bearer, InvalidToken};
use tokio::time::sleep;

use crate::Api;
use crate::metrics::sign_ins::SignInKind;
use crate::middleware::audit;
use crate::respond::problem::{Problem, error_chain};
use crate::work::{Lane, run, run_at_once};

/// The caller that the bearer token identifies. Use cases decide what the caller may do.
#[derive(Clone, Debug)]
pub(crate) struct Caller(pub(crate) access::Caller);

impl Caller {
    /// Authenticates the caller by the token in `headers`.
    pub(crate) async fn authenticate(api: &Api, headers: &HeaderMap) -> Result<Self, Problem> {
        let is_anonymous = !headers.contains_key(header::AUTHORIZATION);
        let unauthenticated = |reason: AuthenticationError| {
            if is_anonymous {
                tracing::debug!(%reason, "the caller is not authenticated");
            } else {
                audit::token_refused(&reason.to_string());
            }
            Problem::unauthenticated()
        };
        match verify(api, token(headers).map_err(unauthenticated)?).await.map_err(unauthenticated)? {
            Bearer::Caller(caller) => Ok(Self(caller)),
            Bearer::External(identity) => recognise(api, *identity).await.map(Self),
        }
    }

    /// Fails with 401 or 403 unless the caller has this permission on all things of its kind.
    pub(crate) async fn authorise(&self, api: &Api, permission: Permission) -> Result<(), Problem> {
        run_at_once(api, self.clone(), move |directory, context| directory.authorise(context, permission, On::All))
            .await
    }

    /// Fails with 401 or 403 unless the caller has this permission on this group.
    pub(crate) async fn authorise_on_group(
        &self,
        api: &Api,
        permission: Permission,
        group: &GroupIdentifier,
    ) -> Result<(), Problem> {
        let group = group.clone();
        run_at_once(api, self.clone(), move |directory, context| {
            directory.authorise(context, permission, On::Group(&group))
        })
        .await
    }

    /// Fails with 401 or 403 unless the caller has this permission on this user.
    pub(crate) async fn authorise_on_user(
        &self,
        api: &Api,
        permission: Permission,
        user: &UserIdentifier,
    ) -> Result<(), Problem> {
        let user = user.clone();
        run_at_once(api, self.clone(), move |directory, context| {
            directory.authorise(context, permission, On::User(&user))
        })
        .await
    }
}

impl From<Caller> for Actor {
    fn from(caller: Caller) -> Self {
        Self::Caller(caller.0)
    }
}

/// Returns the parse error only if the caller has this permission; otherwise 403 (contract 1.6).
pub(crate) fn error_unless_permitted<T>(
    directory: &Directory,
    context: &Context,
    permission: Permission,
    on: On<'_>,
    parsed: Result<T, Problem>,
) -> Result<T, Problem> {
    if parsed.is_err() {
        directory.authorise(context, permission, on)?;
    }
    parsed
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let api = request.app_data::<web::Data<Api>>().cloned();
        let request = request.clone();
        Box::pin(async move {
            let api = api.ok_or_else(Problem::unauthenticated)?;
            Self::authenticate(&api, request.headers()).await
        })
    }
}

/// The user linked with an identity of an external issuer; a first sign-in may create the link.
async fn recognise(api: &Api, identity: ExternalIdentity) -> Result<access::Caller, Problem> {
    let seen = identity.clone();
    let recognise = move |api: &Api, context: &Context| api.directory.recognise(context, &seen);
    if let Some(caller) = run(api, Lane::Read, Actor::Anonymous, recognise).await? {
        return Ok(caller);
    }
    let counted = api.metrics.sign_ins.begin(SignInKind::External);
    run(api, Lane::Write, Actor::Anonymous, move |api, context| {
        counted.settle(api.directory.sign_in_external(context, &identity).map_err(Problem::from))
    })
    .await
}

/// For how long a token is verified again and again while the keys of its issuer are being fetched.
const MAX_KEY_WAIT: Duration = Duration::from_secs(2);
/// The first pause between two verifications. Each is twice as long as the one before, up to the longest.
const FIRST_KEY_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_KEY_PAUSE: Duration = Duration::from_millis(50);

/// Verifies the token. If the keys of its issuer are being fetched, this request waits for them for a short time.
async fn verify(api: &Api, token: &str) -> Result<Bearer, AuthenticationError> {
    let (mut pause, mut waited) = (FIRST_KEY_PAUSE, Duration::ZERO);
    let mut verified = api.tokens.verify(token);
    while let Err(InvalidToken { pending: Some(pending), .. }) = verified
        && waited < MAX_KEY_WAIT
    {
        sleep(pause).await;
        waited += pause;
        pause = (pause * 2).min(LONGEST_KEY_PAUSE);
        verified = api.tokens.verify_again(token, pending);
    }
    verified.map_err(|error| AuthenticationError::Token(error_chain(&error)))
}

/// The bearer token in `Authorization`.
fn token(headers: &HeaderMap) -> Result<&str, AuthenticationError> {
    let header = headers.get(header::AUTHORIZATION).ok_or(AuthenticationError::Header("there is no token"))?;
    let text = header.to_str().map_err(|_| AuthenticationError::Header("the header is not ASCII"))?;
    let (scheme, token) = text.trim().split_once(' ').ok_or(AuthenticationError::Header("the header has one word"))?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(AuthenticationError::Header("the scheme is not Bearer"));
    }
    Ok(token.trim())
}

/// Why the caller is not authenticated. It is logged, and never sent to the client.
enum AuthenticationError {
    Header(&'static str),
    Token(String),
}

impl fmt::Display for AuthenticationError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(reason) => formatter.write_str(reason),
            Self::Token(reason) => formatter.write_str(reason),
        }
    }
}
