//! Direct memberships and edges with their dates (contract 5.9).

use actix_web::http::StatusCode;
use actix_web::web::Data;
use guildhall_domain::access::{On, Permission};
use guildhall_domain::identifier::{GroupIdentifier, UserIdentifier};

use super::body::{EdgeBody, MembershipBody};
use crate::Api;
use crate::extract::caller::{Caller, error_unless_permitted};
use crate::extract::path_parameters::PathParameter;
use crate::extract::query::Query;
use crate::openapi::{
    GroupOrderParameter, GroupPath, MembershipListingParameters, PagingParameters, UserOrderParameter, UserPath,
};
use crate::respond::json::{PreparedResponse, json};
use crate::respond::page::PageBody;
use crate::respond::problem::Problem;
use crate::routes::Route;
use crate::security::listing::ListingRequest;
use crate::work::run;

/// The routes of memberships and edges with their dates.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::new(__path_list_of_group, list_of_group),
        Route::new(__path_list_of_user, list_of_user),
        Route::new(__path_list_edges, list_edges),
    ]
}

/// Lists the direct memberships of a group with their dates, by username.
///
/// Managers of the group may see them too. Memberships that have ended are not there.
#[utoipa::path(
    get,
    path = "/api/security/groups/{group}/memberships",
    tag = "Groups",
    operation_id = "listMemberships",
    params(GroupPath, PagingParameters, MembershipListingParameters, UserOrderParameter),
    responses((status = 200, description = "A page of memberships.", body = PageBody<MembershipBody>))
)]
async fn list_of_group(
    api: Data<Api>,
    caller: Caller,
    PathParameter(group): PathParameter<GroupIdentifier>,
    query: Query,
) -> Result<PreparedResponse, Problem> {
    run(&api, query.lane(), caller, move |api, context| {
        let read = ListingRequest::new(api, context).memberships(&query, "username");
        let on = On::Group(&group);
        let (listing, request) = error_unless_permitted(&api.directory, context, Permission::ReadGroups, on, read)?;
        let memberships = api.directory.memberships_of_group(context, &group, &listing)?;
        json(StatusCode::OK, &request.body(api, context, &memberships, MembershipBody::from)?)
    })
    .await
}

/// Lists the direct memberships of a user with their dates, by the name of the group.
///
/// Everybody may see their own. Memberships that have ended are not there.
#[utoipa::path(
    get,
    path = "/api/security/users/{user}/memberships",
    tag = "Users",
    operation_id = "listMembershipsOfUser",
    params(UserPath, PagingParameters, MembershipListingParameters, GroupOrderParameter),
    responses((status = 200, description = "A page of memberships.", body = PageBody<MembershipBody>))
)]
async fn list_of_user(
    api: Data<Api>,
    caller: Caller,
    PathParameter(user): PathParameter<UserIdentifier>,
    query: Query,
) -> Result<PreparedResponse, Problem> {
    run(&api, query.lane(), caller, move |api, context| {
        let read = ListingRequest::new(api, context).memberships(&query, "name");
        let on = On::User(&user);
        let (listing, request) = error_unless_permitted(&api.directory, context, Permission::ReadUsers, on, read)?;
        let memberships = api.directory.memberships_of_user(context, &user, &listing)?;
        json(StatusCode::OK, &request.body(api, context, &memberships, MembershipBody::from)?)
    })
    .await
}

/// Lists the groups directly below a group with the dates from when until when they are there, by name.
///
/// Managers of the group may see them too, but for groups that make administrators.
#[utoipa::path(
    get,
    path = "/api/security/groups/{group}/children",
    tag = "Groups",
    operation_id = "listEdges",
    params(GroupPath, PagingParameters, MembershipListingParameters, GroupOrderParameter),
    responses((status = 200, description = "A page of edges.", body = PageBody<EdgeBody>))
)]
async fn list_edges(
    api: Data<Api>,
    caller: Caller,
    PathParameter(group): PathParameter<GroupIdentifier>,
    query: Query,
) -> Result<PreparedResponse, Problem> {
    run(&api, query.lane(), caller, move |api, context| {
        let read = ListingRequest::new(api, context).memberships(&query, "name");
        let on = On::Group(&group);
        let (listing, request) = error_unless_permitted(&api.directory, context, Permission::ReadGroups, on, read)?;
        let edges = api.directory.edges_of_group(context, &group, &listing)?;
        json(StatusCode::OK, &request.body(api, context, &edges, EdgeBody::from)?)
    })
    .await
}
