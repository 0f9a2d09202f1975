//! Who is calling.

use std::fmt;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};
use guildhall_domain::access::{self, Action};
use guildhall_domain::directory::ReadUserError;
use guildhall_domain::identifier::UserIdentifier;

use crate::Api;
use crate::blocking::blocking;
use crate::problem::{Problem, chain};

/// Whoever the bearer token stands for. Whether they may do what they ask is decided by the use cases.
#[derive(Clone, Debug)]
pub(crate) struct Caller(pub(crate) access::Caller);

impl Caller {
    /// Fails unless the caller may do this to anybody.
    pub(crate) async fn may(&self, api: &Api, action: Action) -> Result<(), Problem> {
        let (directory, caller) = (api.directory.clone(), self.0.clone());
        blocking(move || Ok::<(), Problem>(directory.authorise(&caller, action)??)).await
    }

    /// Fails unless the caller may change this user, who may be themselves.
    pub(crate) async fn may_change(&self, api: &Api, user: &UserIdentifier) -> Result<(), Problem> {
        let (directory, caller, user) = (api.directory.clone(), self.0.clone(), user.clone());
        blocking(move || Ok::<(), Problem>(directory.authorise_change(&caller, &user)??)).await
    }

    /// Fails unless the caller may give this user, who may be themselves, a new password.
    pub(crate) async fn may_change_password(&self, api: &Api, user: &UserIdentifier) -> Result<(), Problem> {
        let (directory, caller, user) = (api.directory.clone(), self.0.clone(), user.clone());
        blocking(move || Ok::<(), Problem>(directory.authorise_password(&caller, &user)??)).await
    }

    /// What was read from the query. What is wrong with it, only those are told who may ask (spec section 1.6).
    pub(crate) async fn told<T>(&self, api: &Api, action: Action, read: Result<T, Problem>) -> Result<T, Problem> {
        if read.is_err() {
            self.may(api, action).await?;
        }
        read
    }

    /// The same about a user, whom those may ask about who may read them.
    pub(crate) async fn told_about<T>(
        &self,
        api: &Api,
        user: &UserIdentifier,
        read: Result<T, Problem>,
    ) -> Result<T, Problem> {
        if read.is_err() {
            let (directory, caller, user) = (api.directory.clone(), self.0.clone(), user.clone());
            blocking(move || match directory.user(&caller, &user) {
                Err(ReadUserError::Denied(denied)) => Err(denied),
                Ok(_) | Err(ReadUserError::UserNotFound | ReadUserError::Store(_)) => Ok(()),
            })
            .await?;
        }
        read
    }
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(caller(request).map_err(|reason| {
            tracing::debug!(%reason, "the caller is not authenticated");
            Problem::unauthenticated()
        }))
    }
}

fn caller(request: &HttpRequest) -> Result<Caller, Unidentified> {
    let api = request.app_data::<web::Data<Api>>().ok_or(Unidentified::Header("there is nobody to ask"))?;
    let header = request.headers().get(header::AUTHORIZATION).ok_or(Unidentified::Header("there is no token"))?;
    let text = header.to_str().map_err(|_| Unidentified::Header("the header is not ASCII"))?;
    let (scheme, token) = text.trim().split_once(' ').ok_or(Unidentified::Header("the header has one word"))?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Unidentified::Header("the scheme is not Bearer"));
    }
    api.tokens.verify(token.trim()).map(Caller).map_err(|error| Unidentified::Token(chain(&error)))
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
