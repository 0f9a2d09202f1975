//! Access tokens: how they are got, and how anybody verifies them (spec section 2).

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, PRAGMA};
use actix_web::web::Data;
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse};
use guildhall_domain::access::Caller;
use guildhall_domain::api_key::ApiKeyId;
use guildhall_domain::name::NameKey;
use guildhall_domain::secret::Secret;
use serde::Serialize;
use utoipa::ToSchema;

use crate::Api;
use crate::answer::json;
use crate::client_address::client_address;
use crate::expect::AddressAdmitted;
use crate::grant::{Grant, LONGEST_FORM, TokenRequest};
use crate::openapi::{OAuthError, TokenForm};
use crate::problem::Problem;
use crate::submission::Submission;
use crate::work::{Lane, run};

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
    path = "/authenticate/connect/token",
    tag = "Tokens",
    operation_id = "getToken",
    request_body(content = TokenForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "The token.", body = TokenBody,
         headers(("Cache-Control" = String, description = "`no-store`."))),
        (status = 400, description = "There is no token for this.", body = OAuthError),
        (status = 408, description = "The form came too slowly.", body = OAuthError),
        (status = 429, description = "There were too many requests from this address or for this account.", body = OAuthError,
         headers(("Retry-After" = u32, description = "After how many seconds to ask again."))),
        (status = 503, description = "The database is away, or too many requests collide.", body = OAuthError,
         headers(("Retry-After" = u32, description = "After how many seconds to ask again.")))
    )
)]
pub(crate) async fn token(
    api: Data<Api>,
    request: HttpRequest,
    submission: Submission,
) -> Result<HttpResponse, Problem> {
    granted(api, request, submission).await.map_err(Problem::into_oauth)
}

/// Somebody to whom a token is to be issued.
struct Granted {
    caller: Caller,
    client: Option<ApiKeyId>,
    refresh_token: Option<Secret>,
}

async fn granted(api: Data<Api>, request: HttpRequest, submission: Submission) -> Result<HttpResponse, Problem> {
    if !request.extensions().contains::<AddressAdmitted>() {
        api.throttle.admit_address(client_address(&request, &api.trusted_proxies))?;
    }
    let form = submission.read(&["application/x-www-form-urlencoded"], LONGEST_FORM).await?;
    let TokenRequest { grant, scopes } = TokenRequest::read(&form, request.headers())?;
    if let Some(account) = account(&grant) {
        api.throttle.admit_account(&account)?;
    }
    let body = run(&api, lane(&grant), move |api| {
        let directory = &api.directory;
        let Granted { caller, client, refresh_token } = match grant {
            Grant::Client { id, secret } => {
                let (client, caller) = directory.sign_in_client(&id, &secret, &scopes)?;
                Granted { caller, client: Some(client), refresh_token: None }
            }
            Grant::Password { username, password } => {
                let session = directory.sign_in(&username, password, &scopes)?;
                Granted { caller: session.caller, client: None, refresh_token: Some(session.refresh_token) }
            }
            Grant::Refresh { token } => {
                let caller = directory.refresh(&token, &scopes)?;
                Granted { caller, client: None, refresh_token: Some(Secret::given(token)) }
            }
        };
        let issued = api.tokens.issue(&caller, client).map_err(Problem::unexpected)?;
        Ok::<_, Problem>(TokenBody {
            access_token: issued.value,
            expires_in: issued.expires_in,
            token_type: TokenType::Bearer,
            refresh_token: refresh_token.map(|token| token.reveal().to_owned()),
            scope: caller.scopes.to_text(),
        })
    })
    .await?;
    let mut response = json(StatusCode::OK, &body)?;
    response.headers_mut().insert(PRAGMA, HeaderValue::from_static("no-cache"));
    Ok(response)
}

fn lane(grant: &Grant) -> Lane {
    match grant {
        Grant::Client { .. } => Lane::Read,
        Grant::Password { .. } => Lane::Password,
        Grant::Refresh { .. } => Lane::Write,
    }
}

/// The account that is tried. All spellings of a name are one; there is none that a whole form could not hold.
fn account(grant: &Grant) -> Option<String> {
    match grant {
        Grant::Client { id, .. } => Some(format!("client {}", id.to_ascii_lowercase())),
        Grant::Password { username, .. } => Some(format!("user {}", NameKey::of(username).as_str())),
        Grant::Refresh { .. } => None,
    }
}
