//! The OpenAPI 3.1 document, generated from the attributes of handlers and types.
//!
//! The attribute of a handler describes its parameters, its body, its success and the errors that are its own. Everything that
//! follows from rules is added by `rules`.

mod changes;
mod errors;
mod parameters;
mod request_schemas;
mod rules;

use std::sync::LazyLock;

use utoipa::openapi::{OpenApi as Document, Server};
use utoipa::{Modify as _, OpenApi as _};

use crate::respond::preview::PreviewBody;
use crate::routes::path_prefix::PathPrefix;
use crate::routes::routes;
use crate::security::listing::search_body::{Comparison, Condition, UserOrder};

pub(crate) use errors::{ErrorSchema, OAuthError, TooManyRequests, Unauthenticated, ValidationError};
pub(crate) use parameters::{
    ApiKeyPath, AsOfParameter, AssetPath, ChangeConditions, ChildPath, ClassicUserIdParameter, DetailParameter,
    EventParameters, EventPath, ExplanationParameters, GroupOrderParameter, GroupPath, IdentityParameters,
    IncludeSelfParameter, ManagerGroupPath, ManagerUserPath, MemberPath, MembershipListingParameters,
    MembershipParameters, MembershipPath, NewUserParameters, PagingParameters, ParentParameter, PatchParameters,
    PreferenceParameter, ReadConditions, SearchParameters, UserOrderParameter, UserPath, UserSearchParameters,
    WebhookPath,
};
use rules::Rules;

/// The OpenAPI document as pretty-printed JSON.
///
/// # Errors
///
/// Never in practice: strings and numbers can always be serialised.
pub fn openapi() -> Result<String, serde_json::Error> {
    DOCUMENT.to_pretty_json()
}

/// The OpenAPI document of a service whose paths are below `prefix`.
pub(crate) fn document_below(prefix: &PathPrefix) -> Document {
    let mut document = DOCUMENT.clone();
    document.servers = (!prefix.as_str().is_empty()).then(|| vec![Server::new(prefix.as_str())]);
    document
}

static DOCUMENT: LazyLock<Document> = LazyLock::new(|| {
    let mut document = Guildhall::openapi();
    for route in routes() {
        route.describe(&mut document);
    }
    Rules.modify(&mut document);
    document
});

#[derive(utoipa::OpenApi)]
#[openapi(
    info(title = "Guildhall", description = DESCRIPTION),
    components(schemas(ErrorSchema, OAuthError, ValidationError, Unauthenticated, Condition, Comparison, UserOrder, PreviewBody)),
    tags(
        (name = "Tokens", description = "How to sign in, and how to verify that somebody did."),
        (name = "Users", description = "Who there is."),
        (name = "Events", description = "Who did what, when, to whom: the audit log and the feed of changes."),
        (name = "Webhooks", description = "Receivers elsewhere that events are sent to."),
        (name = "Groups", description = "What users belong to; groups hold users and other groups."),
        (name = "API keys", description = "What programs sign in with."),
        (name = "Service", description = "The service itself. Nobody has to say who they are."),
    ),
)]
struct Guildhall;

const DESCRIPTION: &str = "\
Users, groups, and who belongs to which: the Security API of the Contensis Management API.

Every path also answers with a slash at its end, with its words in any case, and with `/api/management/security` in the place \
of `/api/security`; nothing is redirected. A method that a path does not have is answered with 405 and `Allow`. Wherever \
there is GET, HEAD is answered too, with the same status and headers, and is not described again.

A user is named by id (any .NET spelling of a GUID), username or email address, and `@current` is whoever calls; a group by id \
or name. Names of query parameters and of JSON properties are read in any case, and unknown ones are ignored. Of a query \
parameter, no value, `undefined` and `null` mean that it is absent. A property, or a parameter with different values, that is given more \
than once is refused.

Bodies are UTF-8, with at most 128 arrays and objects inside one another. A whole number may be written in any way, as `180` or `180.0`; a \
date is RFC 3339, also without seconds, without a zone (UTC), or a day alone.

Every answer has the id of its request in `X-Request-Id`, and every error has it in its body too, under `logId`.";
