//! Errors as the document shows them; `problem` writes them.
#![expect(dead_code, reason = "only their descriptions are used")]

use utoipa::ToSchema;
use uuid::Uuid;

/// Why a request was not answered as it hoped.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct Error {
    /// The id of the request, as in `X-Request-Id` and in the service's log.
    log_id: Uuid,
    /// For people.
    #[schema(examples("Access denied"))]
    message: String,
    /// Ids of a list that nobody has, or where a ZenQL query is wrong, if that is the reason.
    #[schema(required = true)]
    data: Option<ErrorData>,
    r#type: ErrorType,
}

#[derive(ToSchema)]
enum ErrorType {
    Error,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct UnknownUsers {
    /// In their order.
    #[schema(min_items = 1)]
    user_ids: Vec<Uuid>,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct UnknownGroups {
    /// In their order.
    #[schema(min_items = 1)]
    group_ids: Vec<Uuid>,
}

#[derive(ToSchema)]
struct QueryMistake {
    /// The number of characters before what is wrong.
    #[schema(minimum = 0, examples(11))]
    position: usize,
    /// For people.
    #[schema(examples("there is no field 'surname'"))]
    detail: String,
}

#[derive(ToSchema)]
#[serde(untagged)]
enum ErrorData {
    Users(UnknownUsers),
    Groups(UnknownGroups),
    Query(QueryMistake),
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
    data: Vec<InvalidField>,
    r#type: ValidationErrorType,
}

#[derive(ToSchema)]
enum ValidationErrorType {
    Validation,
}

#[derive(ToSchema)]
struct InvalidField {
    /// The field's name, with dots and indices.
    #[schema(examples("email"))]
    field: String,
    /// For people.
    #[schema(examples("The email address is not valid"))]
    message: String,
    /// If a group cannot go below another because it is above it already: from the group over the child down to the group.
    #[schema(min_items = 1)]
    path: Option<Vec<NamedGroup>>,
}

#[derive(ToSchema)]
struct NamedGroup {
    id: Uuid,
    #[schema(examples("Paper Street Soap Company"))]
    name: String,
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
