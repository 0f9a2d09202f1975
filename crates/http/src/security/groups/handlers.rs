//! Groups (contract 5.a to 5.e).

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use guildhall_domain::access::Permission;
use guildhall_domain::identifier::GroupIdentifier;

use crate::Api;
use crate::extract::authorised_body::Submission;
use crate::extract::caller::{Caller, told};
use crate::extract::conditional::{Conditions, group_tag, tagged};
use crate::extract::path_parameters::PathParameter;
use crate::extract::query::Query;
use crate::openapi::{GroupPath, IfMatch, IfNoneMatch, Paging, Searching};
use crate::respond::json::{Reply, created, json};
use crate::respond::page::PageBody;
use crate::respond::problem::Problem;
use crate::routes::Route;
use crate::security::groups::body::{GroupBody, GroupUpdate, NewGroup};
use crate::security::listing::Asker;
use crate::work::{Lane, run};

/// The routes of groups.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::new(__path_list, list),
        Route::new(__path_create, create),
        Route::new(__path_read, read),
        Route::new(__path_replace, replace),
        Route::new(__path_delete, delete),
    ]
}

/// Lists groups, by name.
#[utoipa::path(
    get,
    path = "/api/security/groups",
    tag = "Groups",
    operation_id = "listGroups",
    params(Paging, Searching),
    responses((status = 200, description = "A page of groups.", body = PageBody<GroupBody>))
)]
async fn list(api: Data<Api>, caller: Caller, query: Query) -> Result<Reply, Problem> {
    run(&api, query.lane(), caller, move |api, context| {
        let listing = told(api, context, Permission::ReadGroups, Asker::new(api, context).listing(&query))?;
        let groups = api.directory.groups(context, &listing)?;
        json(StatusCode::OK, &PageBody::new(&groups, GroupBody::from))
    })
    .await
}

/// Creates a group.
#[utoipa::path(
    post,
    path = "/api/security/groups",
    tag = "Groups",
    operation_id = "createGroup",
    request_body = NewGroup,
    responses((status = 201, description = "The group.", body = GroupBody), (status = 409), (status = 422))
)]
async fn create(api: Data<Api>, caller: Caller, submission: Submission) -> Result<Reply, Problem> {
    let body = submission.accepted(&api, &caller, Permission::ManageGroups, api.limits.body_bytes).await?;
    run(&api, Lane::Write, caller, move |api, context| {
        let group = api.directory.create_group(context, NewGroup::read(&body)?)?;
        tagged(created(format_args!("groups/{}", group.id), &GroupBody::from(&group))?, &group_tag(&group))
    })
    .await
}

/// Shows a group.
#[utoipa::path(
    get,
    path = "/api/security/groups/{group}",
    tag = "Groups",
    operation_id = "readGroup",
    params(GroupPath, IfNoneMatch),
    responses((status = 200, description = "The group.", body = GroupBody))
)]
async fn read(
    api: Data<Api>,
    caller: Caller,
    PathParameter(group): PathParameter<GroupIdentifier>,
    conditions: Conditions,
) -> Result<Reply, Problem> {
    run(&api, Lane::Read, caller, move |api, context| {
        let group = api.directory.group(context, &group)?;
        conditions.read(&group_tag(&group), &GroupBody::from(&group))
    })
    .await
}

/// Changes a group. A system group keeps its name, and every group its type.
#[utoipa::path(
    put,
    path = "/api/security/groups/{group}",
    tag = "Groups",
    operation_id = "updateGroup",
    params(GroupPath, IfMatch),
    request_body = GroupUpdate,
    responses((status = 200, description = "The group as it is now.", body = GroupBody), (status = 422))
)]
async fn replace(
    api: Data<Api>,
    caller: Caller,
    PathParameter(group): PathParameter<GroupIdentifier>,
    conditions: Conditions,
    submission: Submission,
) -> Result<Reply, Problem> {
    let body = submission.accepted(&api, &caller, Permission::ManageGroups, api.limits.body_bytes).await?;
    run(&api, Lane::Write, caller, move |api, context| {
        let changes = GroupUpdate::read(&body)?;
        let group = api.directory.change_group(context, &group, &changes, &conditions.precondition())?;
        tagged(json(StatusCode::OK, &GroupBody::from(&group))?, &group_tag(&group))
    })
    .await
}

/// Deletes a group, but for system groups. Its users and the groups below it stay.
#[utoipa::path(
    delete,
    path = "/api/security/groups/{group}",
    tag = "Groups",
    operation_id = "deleteGroup",
    params(GroupPath, IfMatch),
    responses((status = 204, description = "The group is gone."))
)]
async fn delete(
    api: Data<Api>,
    caller: Caller,
    PathParameter(group): PathParameter<GroupIdentifier>,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    // Its members may be as many as those of a bulk change.
    run(&api, Lane::Long, caller, move |api, context| {
        api.directory.delete_group(context, &group, &conditions.precondition())
    })
    .await?;
    Ok(HttpResponse::NoContent().finish())
}
