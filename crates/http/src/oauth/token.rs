//! The token endpoint (contract 2.1).

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, PRAGMA};
use actix_web::web::Data;
use guildhall_domain::access::{Actor, Caller, Scopes};
use guildhall_domain::api_key::ApiKeyId;
use guildhall_domain::context::Context;
use guildhall_domain::directory::Directory;
use guildhall_domain::identifier::parse_guid;
use guildhall_domain::name::NameKey;
use guildhall_domain::secret::Secret;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Api;
use crate::extract::client_address::network;
use crate::extract::request_body::AuthorisedBody;
use crate::metrics::sign_ins::{SignIn, SignInKind};
use crate::middleware::audit;
use crate::middleware::request_span::RequestSpan;
use crate::oauth::grant::{Grant, LONGEST_FORM, TokenForm, TokenRequest};
use crate::oauth::throttle::Attempt;
use crate::openapi::OAuthError;
use crate::respond::json::{PreparedResponse, json};
use crate::respond::problem::Problem;
use crate::routes::Route;
use crate::work::{Lane, run};

/// The path of the token endpoint.
pub(crate) const TOKEN_ENDPOINT: &str = "/authenticate/connect/token";

/// The routes of the token endpoint.
pub(crate) fn routes() -> Vec<Route> {
    vec![Route::new(__path_token, token)]
}

/// An access token.
#[derive(Serialize, ToSchema)]
#[schema(as = AccessToken)]
pub(crate) struct TokenBody {
    access_token: String,
    /// In seconds.
    #[schema(minimum = 61, examples(3600))]
    expires_in: u64,
    token_type: TokenType,
    /// Gets further access tokens until it has not been used for 15 days. It stays the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    /// What the token may be used for; scopes that nobody knows are left out.
    scope: String,
}

#[derive(Serialize, ToSchema)]
enum TokenType {
    Bearer,
}

/// Gets an access token.
///
/// For a person by username or email address and password, or by a refresh token; for a program by the id and the secret of an
/// API key, in the form or by HTTP Basic. The grants have the names of the platform and those of RFC 6749.
#[utoipa::path(
    post,
    path = TOKEN_ENDPOINT,
    tag = "Tokens",
    operation_id = "getToken",
    request_body(content = TokenForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "The token.", body = TokenBody,
         headers(("Cache-Control" = String, description = "`no-store`."))),
        (status = 400, description = "There is no token for this.", body = OAuthError),
        (status = 408, description = "The form came too slowly.", body = OAuthError),
        (status = 429, description = "There were too many failures from this address, or for this account from it.", body = OAuthError,
         headers(("Retry-After" = u32, description = "After how many seconds to ask again."))),
        (status = 503, description = "The database cannot do its work, or too many requests collide.", body = OAuthError,
         headers(("Retry-After" = u32, description = "After how many seconds to ask again.")))
    )
)]
async fn token(
    api: Data<Api>,
    request: HttpRequest,
    request_body: AuthorisedBody,
) -> Result<PreparedResponse, Problem> {
    issue_token(api, request, request_body).await.map_err(Problem::into_oauth)
}

/// An authenticated user or client, to whom a token is issued.
struct SignedIn {
    caller: Caller,
    client: Option<ApiKeyId>,
    refresh_token: Option<Secret>,
}

/// A request for a token that was read and is within the limits.
struct AdmittedRequest {
    attempt: Attempt,
    grant: Grant,
    scopes: Scopes,
}

async fn issue_token(
    api: Data<Api>,
    request: HttpRequest,
    request_body: AuthorisedBody,
) -> Result<PreparedResponse, Problem> {
    let mut counted = api.metrics.sign_ins.begin(SignInKind::Unreadable);
    let admitted = admit(&api, &request, request_body, &mut counted).await;
    let AdmittedRequest { attempt, grant, scopes } = admitted.inspect_err(|problem| counted.refused(problem))?;
    let (lane, name, span) = (lane(&grant), grant.name().map(str::to_owned), RequestSpan::current());
    let body = run(&api, lane, Actor::Anonymous, move |api, context| {
        let signed_in = sign_in(&api.directory, context, grant, &scopes);
        let signed_in = signed_in.inspect_err(|problem| audit::report_if_sign_in_refused(name.as_deref(), problem));
        let SignedIn { caller, client, refresh_token } = counted.settle(signed_in)?;
        span.identify_by_sign_in(caller.user, client);
        let issued = api.tokens.issue(&caller, client).map_err(Problem::unexpected)?;
        Ok::<_, Problem>(TokenBody {
            access_token: issued.value,
            expires_in: issued.expires_in,
            token_type: TokenType::Bearer,
            refresh_token: refresh_token.map(|token| token.reveal().to_owned()),
            scope: caller.scopes.to_text(),
        })
    })
    .await;
    let body = attempt.settle(body)?;
    let response = json(StatusCode::OK, &body)?;
    Ok(response.with_header(PRAGMA, HeaderValue::from_static("no-cache")))
}

/// Reads the request, and begins an attempt that the limits allow.
async fn admit(
    api: &Api,
    request: &HttpRequest,
    request_body: AuthorisedBody,
    counted: &mut SignIn,
) -> Result<AdmittedRequest, Problem> {
    let address = RequestSpan::current().address().map(network);
    let refused = |problem: &Problem| audit::report_if_sign_in_refused(None, problem);
    let mut attempt = api.throttle().attempt(address).inspect_err(refused)?;
    let form = request_body.read(&["application/x-www-form-urlencoded"], LONGEST_FORM).await?;
    let TokenRequest { grant, scopes } = TokenRequest::read(&form, request.headers())?;
    counted.is_by(kind(&grant));
    if let Some(account) = AttemptedAccount::of(&grant) {
        let refused = |problem: &Problem| audit::report_if_sign_in_refused(grant.name(), problem);
        api.throttle().count_account(&mut attempt, address, &account).inspect_err(refused)?;
    }
    Ok(AdmittedRequest { attempt, grant, scopes })
}

fn sign_in(directory: &Directory, context: &Context, grant: Grant, scopes: &Scopes) -> Result<SignedIn, Problem> {
    Ok(match grant {
        Grant::Client { id, secret } => {
            // Either reading of the secret may be the right one.
            let secrets: Vec<&str> = secret.readings().collect();
            let (client, caller) = directory.sign_in_client(context, &id, &secrets, scopes)?;
            SignedIn { caller, client: Some(client), refresh_token: None }
        }
        Grant::Password { username, password } => {
            let session = directory.sign_in(context, &username, password, scopes)?;
            SignedIn { caller: session.caller, client: None, refresh_token: Some(session.refresh_token) }
        }
        Grant::Refresh { token } => {
            let caller = directory.refresh(context, &token, scopes)?;
            SignedIn { caller, client: None, refresh_token: Some(Secret::given(token)) }
        }
    })
}

fn lane(grant: &Grant) -> Lane {
    match grant {
        Grant::Password { .. } => Lane::Password,
        Grant::Client { .. } | Grant::Refresh { .. } => Lane::Write,
    }
}

fn kind(grant: &Grant) -> SignInKind {
    match grant {
        Grant::Client { .. } => SignInKind::Client,
        Grant::Password { .. } => SignInKind::Password,
        Grant::Refresh { .. } => SignInKind::Refresh,
    }
}

/// The account of an attempt. All spellings of a name or a client id are the same account.
#[derive(Hash)]
enum AttemptedAccount {
    Client(Uuid),
    User(String),
}

impl AttemptedAccount {
    fn of(grant: &Grant) -> Option<Self> {
        match grant {
            Grant::Client { id, .. } => parse_guid(id).map(Self::Client),
            Grant::Password { username, .. } => Some(Self::User(NameKey::of(username).as_str().to_owned())),
            Grant::Refresh { .. } => None,
        }
    }
}
