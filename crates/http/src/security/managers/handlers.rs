//! Managers of groups.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use guildhall_domain::access::{On, Permission};
use guildhall_domain::identifier::{GroupIdentifier, UserIdentifier};
use guildhall_domain::ports::Member;

use super::body::ManagerBody;
use crate::Api;
use crate::body::dates::{names_a_date, refuse_dates};
use crate::extract::caller::{Caller, error_unless_permitted};
use crate::extract::path_parameters::{PathParameter, PathParameters};
use crate::extract::query::Query;
use crate::extract::request_body::AuthorisedBody;
use crate::openapi::{GroupPath, ManagerGroupPath, ManagerUserPath, PagingParameters, SearchParameters, UserPath};
use crate::respond::json::{PreparedResponse, empty, json};
use crate::respond::page::PageBody;
use crate::respond::problem::Problem;
use crate::routes::Route;
use crate::security::groups::body::GroupBody;
use crate::security::listing::ListingRequest;
use crate::work::{ChangeRequest, Lane, run};

/// The routes of managers.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::new(__path_list_managed, list_managed),
        Route::new(__path_list, list),
        Route::new(__path_appoint_user, appoint_user),
        Route::new(__path_dismiss_user, dismiss_user),
        Route::new(__path_appoint_group, appoint_group),
        Route::new(__path_dismiss_group, dismiss_group),
    ]
}

/// Lists the groups that a user manages, by name.
///
/// Those are the groups that they, or a group that they are in, are appointed for, and every group below one, but for groups that make
/// administrators. Everybody may see their own.
#[utoipa::path(
    get,
    path = "/api/security/users/{user}/managedGroups",
    tag = "Users",
    operation_id = "listManagedGroups",
    params(UserPath, PagingParameters, SearchParameters),
    responses((status = 200, description = "A page of groups.", body = PageBody<GroupBody>))
)]
async fn list_managed(
    api: Data<Api>,
    caller: Caller,
    PathParameter(user): PathParameter<UserIdentifier>,
    query: Query,
) -> Result<PreparedResponse, Problem> {
    run(&api, query.lane(), caller, move |api, context| {
        let read = ListingRequest::new(api, context).listing(&query);
        let on = On::User(&user);
        let (listing, request) =
            error_unless_permitted(&api.directory, context, Permission::ReadManagedGroups, on, read)?;
        let groups = api.directory.managed_groups(context, &user, &listing)?;
        json(StatusCode::OK, &request.body(api, context, &groups, GroupBody::from)?)
    })
    .await
}

/// Lists the managers who are appointed for a group itself: users by username, then groups by name.
#[utoipa::path(
    get,
    path = "/api/security/groups/{group}/managers",
    tag = "Groups",
    operation_id = "listManagers",
    params(GroupPath, PagingParameters),
    responses((status = 200, description = "A page of managers.", body = PageBody<ManagerBody>))
)]
async fn list(
    api: Data<Api>,
    caller: Caller,
    PathParameter(group): PathParameter<GroupIdentifier>,
    query: Query,
) -> Result<PreparedResponse, Problem> {
    run(&api, Lane::Read, caller, move |api, context| {
        let on = On::Group(&group);
        let (page, request) = query.page_if_permitted(api, context, Permission::AppointManagers, on)?;
        let managers = api.directory.managers(context, &group, &page)?;
        json(StatusCode::OK, &request.body(api, context, &managers, ManagerBody::from)?)
    })
    .await
}

/// Makes a user a manager of a group and of every group below it.
#[utoipa::path(
    put,
    path = "/api/security/groups/{group}/managers/users/{user}",
    tag = "Groups",
    operation_id = "addManager",
    params(ManagerUserPath),
    responses((status = 204, description = "The user manages the group."), (status = 422))
)]
async fn appoint_user(
    api: Data<Api>,
    caller: Caller,
    PathParameters(group, user): PathParameters<GroupIdentifier, UserIdentifier>,
    change: ChangeRequest,
    request_body: AuthorisedBody,
) -> Result<PreparedResponse, Problem> {
    let permission = (Permission::AppointManagers, &group);
    let most = api.limits().body_bytes;
    let body = request_body.read_json_if_there(&api, &caller, permission, most, names_a_date).await?;
    let change = change.by_on_group(caller, Permission::AppointManagers, &group).without_preview();
    change
        .run_with(
            &api,
            Lane::Write,
            body,
            |_, body| refuse_dates(&body),
            move |call, ()| {
                call.directory.appoint_manager(call.context, &group, Member::User(&user))?;
                Ok(empty(StatusCode::NO_CONTENT))
            },
        )
        .await
}

/// Ends that a user manages a group, as far as they were appointed for this one.
#[utoipa::path(
    delete,
    path = "/api/security/groups/{group}/managers/users/{user}",
    tag = "Groups",
    operation_id = "removeManager",
    params(ManagerUserPath),
    responses((status = 204, description = "The user is no longer appointed."))
)]
async fn dismiss_user(
    api: Data<Api>,
    caller: Caller,
    PathParameters(group, user): PathParameters<GroupIdentifier, UserIdentifier>,
    change: ChangeRequest,
) -> Result<PreparedResponse, Problem> {
    let change = change.by_on_group(caller, Permission::AppointManagers, &group).without_preview();
    change
        .run(&api, Lane::Write, move |call| {
            call.directory.dismiss_manager(call.context, &group, Member::User(&user))?;
            Ok(empty(StatusCode::NO_CONTENT))
        })
        .await
}

/// Makes everybody who is in a group, in itself or by a group below, a manager of a group and of every group below that.
#[utoipa::path(
    put,
    path = "/api/security/groups/{group}/managers/groups/{manager}",
    tag = "Groups",
    operation_id = "addManagerGroup",
    params(ManagerGroupPath),
    responses((status = 204, description = "The users of the other group manage the group."), (status = 422))
)]
async fn appoint_group(
    api: Data<Api>,
    caller: Caller,
    PathParameters(group, manager): PathParameters<GroupIdentifier, GroupIdentifier>,
    change: ChangeRequest,
    request_body: AuthorisedBody,
) -> Result<PreparedResponse, Problem> {
    let permission = (Permission::AppointManagers, &group);
    let most = api.limits().body_bytes;
    let body = request_body.read_json_if_there(&api, &caller, permission, most, names_a_date).await?;
    let change = change.by_on_group(caller, Permission::AppointManagers, &group).without_preview();
    change
        .run_with(
            &api,
            Lane::Write,
            body,
            |_, body| refuse_dates(&body),
            move |call, ()| {
                call.directory.appoint_manager(call.context, &group, Member::Group(&manager))?;
                Ok(empty(StatusCode::NO_CONTENT))
            },
        )
        .await
}

/// Ends that the users of a group manage a group, as far as it was appointed for this one.
#[utoipa::path(
    delete,
    path = "/api/security/groups/{group}/managers/groups/{manager}",
    tag = "Groups",
    operation_id = "removeManagerGroup",
    params(ManagerGroupPath),
    responses((status = 204, description = "The other group is no longer appointed."))
)]
async fn dismiss_group(
    api: Data<Api>,
    caller: Caller,
    PathParameters(group, manager): PathParameters<GroupIdentifier, GroupIdentifier>,
    change: ChangeRequest,
) -> Result<PreparedResponse, Problem> {
    let change = change.by_on_group(caller, Permission::AppointManagers, &group).without_preview();
    change
        .run(&api, Lane::Write, move |call| {
            call.directory.dismiss_manager(call.context, &group, Member::Group(&manager))?;
            Ok(empty(StatusCode::NO_CONTENT))
        })
        .await
}
