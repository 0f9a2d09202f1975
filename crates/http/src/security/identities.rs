//! The identities of a user at external issuers (contract 2.5).

use actix_web::http::StatusCode;
use actix_web::web::Data;
use guildhall_domain::access::{On, Permission};
use guildhall_domain::directory::IdentitySelection;
use guildhall_domain::external::IdentityLink;
use guildhall_domain::identifier::UserIdentifier;
use serde::Serialize;
use utoipa::ToSchema;

use crate::Api;
use crate::body::moment::Moment;
use crate::extract::caller::Caller;
use crate::extract::path_parameters::PathParameter;
use crate::extract::query::Query;
use crate::openapi::{IdentityParameters, PagingParameters, UserPath};
use crate::respond::json::{PreparedResponse, empty, json};
use crate::respond::page::PageBody;
use crate::respond::problem::Problem;
use crate::routes::Route;
use crate::work::{ChangeRequest, Lane, run};

/// The routes of identities.
pub(crate) fn routes() -> Vec<Route> {
    vec![Route::new(__path_list, list), Route::new(__path_remove, remove)]
}

/// A subject of an external issuer that is a user here.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Identity)]
pub(crate) struct IdentityBody<'a> {
    /// What the issuer's tokens say in `iss`.
    #[schema(examples("https://id.example.com/realms/main"))]
    issuer: &'a str,
    /// What they say in `sub`.
    #[schema(examples("f:7a1c:tdurden"))]
    subject: &'a str,
    linked: Moment,
    /// When the token was issued by which the subject signed in last; `null` if it never could.
    #[schema(required = true)]
    latest_token: Option<Moment>,
}

impl<'a> From<&'a IdentityLink> for IdentityBody<'a> {
    fn from(link: &'a IdentityLink) -> Self {
        Self {
            issuer: &link.issuer,
            subject: &link.subject,
            linked: Moment(link.linked),
            latest_token: link.latest_token.map(Moment),
        }
    }
}

/// Lists the identities of a user at external issuers, by issuer and subject.
#[utoipa::path(
    get,
    path = "/api/security/users/{user}/identities",
    tag = "Users",
    operation_id = "listIdentities",
    params(UserPath, PagingParameters),
    responses((status = 200, description = "A page of identities.", body = PageBody<IdentityBody>))
)]
async fn list(
    api: Data<Api>,
    caller: Caller,
    PathParameter(user): PathParameter<UserIdentifier>,
    query: Query,
) -> Result<PreparedResponse, Problem> {
    run(&api, Lane::Read, caller, move |api, context| {
        let (page, request) = query.page_if_permitted(api, context, Permission::ReadUsers, On::All)?;
        let links = api.directory.identities(context, &user, &page)?;
        json(StatusCode::OK, &request.body(api, context, &links, IdentityBody::from)?)
    })
    .await
}

/// Removes identities of a user: all, or those that the parameters name.
///
/// The next token of such an identity is the first one of somebody unknown.
#[utoipa::path(
    delete,
    path = "/api/security/users/{user}/identities",
    tag = "Users",
    operation_id = "removeIdentities",
    params(UserPath, IdentityParameters),
    responses((status = 204, description = "They are removed."))
)]
async fn remove(
    api: Data<Api>,
    caller: Caller,
    PathParameter(user): PathParameter<UserIdentifier>,
    query: Query,
    change: ChangeRequest,
) -> Result<PreparedResponse, Problem> {
    let change = change.by(caller, Permission::ManageUsers).without_preview();
    change
        .run(&api, Lane::Write, move |call| {
            let read = || Ok(IdentitySelection { issuer: query.value("issuer")?, subject: query.value("subject")? });
            let selection = call.error_unless_permitted(Permission::ManageUsers, On::All, read())?;
            call.directory.remove_identities(call.context, &user, &selection)?;
            Ok(empty(StatusCode::NO_CONTENT))
        })
        .await
}
