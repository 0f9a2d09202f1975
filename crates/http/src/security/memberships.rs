//! The groups of a user (contract 4.11 and 4.12).

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use guildhall_domain::access::{On, Permission};
use guildhall_domain::identifier::UserIdentifier;

use crate::Api;
use crate::extract::caller::{Caller, error_unless_permitted};
use crate::extract::path_parameters::{PathParameter, PathParameters};
use crate::extract::query::Query;
use crate::openapi::{
    AsOfParameter, MembershipParameters, MembershipPath, PagingParameters, SearchParameters, UserPath,
};
use crate::respond::json::{PreparedResponse, json};
use crate::respond::page::PageBody;
use crate::respond::problem::{NOT_A_MEMBER, Problem};
use crate::routes::Route;
use crate::security::as_of::body::FormerGroupBody;
use crate::security::as_of::query::{AS_OF, PastListing};
use crate::security::groups::body::GroupBody;
use crate::security::listing::ListingRequest;
use crate::work::{run, run_at_once};

/// The routes of memberships.
pub(crate) fn routes() -> Vec<Route> {
    vec![Route::new(__path_list, list), Route::new(__path_check, check)]
}

/// Lists the groups of a user, by name.
///
/// Everybody may see their own. With `asOf` the listing is that of a moment in the past: groups are shown as they are now, and those that were deleted since by id and name; System
/// Administrators may ask for a user who was deleted by their id.
#[utoipa::path(
    get,
    path = "/api/security/users/{user}/groups",
    tag = "Users",
    operation_id = "listGroupsOfUser",
    params(UserPath, PagingParameters, SearchParameters, MembershipParameters, AsOfParameter),
    responses((status = 200, description = "A page of groups.", body = PageBody<FormerGroupBody>))
)]
async fn list(
    api: Data<Api>,
    caller: Caller,
    PathParameter(user): PathParameter<UserIdentifier>,
    query: Query,
) -> Result<PreparedResponse, Problem> {
    if query.has(AS_OF) {
        return list_as_of(api, caller, user, query).await;
    }
    run(&api, query.lane(), caller, move |api, context| {
        let read = ListingRequest::new(api, context)
            .listing(&query)
            .and_then(|listing| Ok((query.reach()?, query.excluded_groups()?, listing)));
        let (reach, excluded, (listing, request)) =
            error_unless_permitted(&api.directory, context, Permission::ReadUsers, On::User(&user), read)?;
        let groups = api.directory.groups_of_user(context, &user, reach, &excluded, &listing)?;
        json(StatusCode::OK, &request.body(api, context, &groups, GroupBody::from)?)
    })
    .await
}

async fn list_as_of(
    api: Data<Api>,
    caller: Caller,
    user: UserIdentifier,
    query: Query,
) -> Result<PreparedResponse, Problem> {
    run(&api, query.lane(), caller, move |api, context| {
        let (read, on) = (PastListing::read(api, context, &query), On::User(&user));
        let past = error_unless_permitted(&api.directory, context, Permission::ReadUsers, on, read)?;
        let groups = api.directory.groups_as_of(context, &user, (past.reach, past.at), &past.page)?;
        json(StatusCode::OK, &past.request.body(api, context, &groups, FormerGroupBody::from)?)
    })
    .await
}

/// Tells whether a user is in one of several groups, in itself or by a group below.
///
/// Everybody may ask about themselves.
#[utoipa::path(
    head,
    path = "/api/security/users/{user}/groups/{groups}",
    tag = "Users",
    operation_id = "isUserInGroups",
    params(MembershipPath),
    responses((status = 204, description = "The user is in one of them."))
)]
async fn check(
    api: Data<Api>,
    caller: Caller,
    PathParameters(user, groups): PathParameters<UserIdentifier, String>,
) -> Result<HttpResponse, Problem> {
    let is_member =
        run_at_once(&api, caller, move |directory, context| directory.is_member_of_any(context, &user, &groups))
            .await?;
    if is_member { Ok(HttpResponse::NoContent().finish()) } else { Err(Problem::not_found(NOT_A_MEMBER)) }
}
