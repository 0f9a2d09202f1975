//! The schemas of errors, which `respond::problem` writes.
#![expect(dead_code, reason = "only their descriptions are used")]

use utoipa::ToSchema;
use uuid::Uuid;

use crate::respond::problem::{GroupsBelow, InvalidFieldBody, QueryMistake};
use crate::security::children::UnknownGroups;
use crate::security::members::UnknownUsers;
use crate::security::patches::report::{ChildrenNotFound, UsersNotFound};

/// Why a request was not answered as it hoped.
#[derive(ToSchema)]
#[schema(as = Error, rename_all = "camelCase")]
pub(crate) struct ErrorSchema {
    /// The id of the request, as in `X-Request-Id` and in the service's log.
    log_id: Uuid,
    /// For people.
    #[schema(examples("Access denied"))]
    message: String,
    /// Ids of a list that nobody has, elements of lists that name nothing, where a ZenQL query is wrong, or the groups by which a membership is inherited, if that is the
    /// reason.
    #[schema(required = true)]
    data: Option<ErrorData>,
    r#type: ErrorType,
}

#[derive(ToSchema)]
enum ErrorType {
    Error,
}

#[derive(ToSchema)]
#[serde(untagged)]
enum ErrorData {
    Users(UnknownUsers),
    Groups(UnknownGroups),
    UsersNotFound(UsersNotFound),
    ChildrenNotFound(ChildrenNotFound),
    Query(QueryMistake<'static>),
    Below(GroupsBelow<'static>),
}

/// Why there is no token (RFC 6749, section 5.2).
#[derive(ToSchema)]
pub(crate) struct OAuthError {
    error: OAuthCode,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum OAuthCode {
    /// A parameter is missing or comes twice, or the body is no form.
    InvalidRequest,
    /// No API key has this id, its secret is another, or it is disabled.
    InvalidClient,
    /// The refresh token has expired or was revoked.
    InvalidGrant,
    UnsupportedGrantType,
    #[schema(rename = "IncorrectUsernameorPassword")]
    Incorrect,
    /// Only told to who knows the password.
    #[schema(rename = "AccountSuspended")]
    Suspended,
    /// After too many wrong passwords, whatever the password is; also for a name that nobody has.
    #[schema(rename = "AccountLocked")]
    Locked,
    SlowDown,
    ServerError,
    TemporarilyUnavailable,
}

/// Why a password cannot be changed at present: failures, or answers that are kept for idempotency keys.
#[derive(ToSchema)]
#[serde(untagged)]
pub(crate) enum TooManyRequests {
    Failures(OAuthError),
    LimitReached(ErrorSchema),
}

/// Which fields are not as they must be.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct ValidationError {
    /// The id of the request, as in `X-Request-Id` and in the service's log.
    log_id: Uuid,
    /// For people.
    #[schema(examples("There are validation errors creating the user"))]
    message: String,
    #[schema(min_items = 1)]
    data: Vec<InvalidFieldBody<'static>>,
    r#type: ValidationErrorType,
}

#[derive(ToSchema)]
enum ValidationErrorType {
    Validation,
}

/// Nobody is known to call. Exactly this, whatever the reason.
#[derive(ToSchema)]
pub(crate) struct Unauthenticated {
    message: UnauthenticatedMessage,
}

#[derive(ToSchema)]
enum UnauthenticatedMessage {
    #[schema(rename = "Authorization has been denied for this request.")]
    Denied,
}
