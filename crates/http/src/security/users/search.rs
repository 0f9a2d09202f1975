//! Searching users (contract 4.2).

use actix_web::http::StatusCode;
use actix_web::web::Data;
use guildhall_domain::access::Permission;

use super::handlers as users;
use crate::Api;
use crate::extract::caller::Caller;
use crate::extract::query::Query;
use crate::extract::request_body::AuthorisedBody;
use crate::openapi::{PagingParameters, SearchParameters, UserSearchParameters};
use crate::respond::json::{PreparedResponse, json};
use crate::respond::page::PageBody;
use crate::respond::problem::Problem;
use crate::routes::Route;
use crate::security::listing::ListingRequest;
use crate::security::listing::search_body::UserSearch;
use crate::security::users::body::UserBody;
use crate::work::{Lane, run};

/// The routes of the search for users.
pub(crate) fn routes() -> Vec<Route> {
    vec![Route::new(__path_by_query, by_query), Route::new(__path_by_body, by_body)]
}

/// Searches users.
///
/// It is the same as listing them.
#[utoipa::path(
    get,
    path = "/api/security/users/search",
    tag = "Users",
    operation_id = "searchUsers",
    params(PagingParameters, SearchParameters, UserSearchParameters),
    responses((status = 200, description = "A page of users.", body = PageBody<UserBody>))
)]
async fn by_query(api: Data<Api>, caller: Caller, query: Query) -> Result<PreparedResponse, Problem> {
    users::list(api, caller, query).await
}

/// Searches users by conditions that may be too long for an address.
#[utoipa::path(
    post,
    path = "/api/security/users/search",
    tag = "Users",
    operation_id = "searchUsersByBody",
    request_body = UserSearch,
    responses((status = 200, description = "A page of users.", body = PageBody<UserBody>))
)]
async fn by_body(
    api: Data<Api>,
    caller: Caller,
    query: Query,
    request_body: AuthorisedBody,
) -> Result<PreparedResponse, Problem> {
    let body = request_body.read_if_permitted(&api, &caller, Permission::ReadUsers, api.limits().body_bytes).await?;
    run(&api, Lane::of_search(body.len()), caller, move |api, context| {
        let (listing, request) = ListingRequest::new(api, context).search_by_body(query.path_binding(), &body)?;
        let users = api.directory.users(context, &listing)?;
        json(StatusCode::OK, &request.body(api, context, &users, |user| UserBody::new(user, context.now()))?)
    })
    .await
}
