//! Groups (contract 5.a to 5.e).

use actix_web::http::StatusCode;
use actix_web::web::Data;
use guildhall_domain::access::{On, Permission};
use guildhall_domain::identifier::GroupIdentifier;

use crate::Api;
use crate::extract::caller::{Caller, error_unless_permitted};
use crate::extract::conditional::ConditionalHeaders;
use crate::extract::path_parameters::PathParameter;
use crate::extract::query::Query;
use crate::extract::request_body::AuthorisedBody;
use crate::openapi::{
    ChangeConditions, GroupPath, PagingParameters, ParentParameter, ReadConditions, SearchParameters,
};
use crate::respond::etag::{group_etag, with_etag};
use crate::respond::json::{PreparedResponse, created, empty, json};
use crate::respond::page::PageBody;
use crate::respond::problem::Problem;
use crate::routes::Route;
use crate::security::groups::body::{GroupBody, GroupUpdate, NewGroup};
use crate::security::listing::ListingRequest;
use crate::work::{Call, ChangeRequest, Lane, run, run_at_once};

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
    params(PagingParameters, SearchParameters),
    responses((status = 200, description = "A page of groups.", body = PageBody<GroupBody>))
)]
async fn list(api: Data<Api>, caller: Caller, query: Query) -> Result<PreparedResponse, Problem> {
    run(&api, query.lane(), caller, move |api, context| {
        let (listing, request) = error_unless_permitted(
            &api.directory,
            context,
            Permission::ReadGroups,
            On::All,
            ListingRequest::new(api, context).listing(&query),
        )?;
        let groups = api.directory.groups(context, &listing)?;
        json(StatusCode::OK, &request.body(api, context, &groups, GroupBody::from)?)
    })
    .await
}

/// Creates a group, below another if `parent` names one.
///
/// Managers of groups create ordinary ones below those, without email domains.
#[utoipa::path(
    post,
    path = "/api/security/groups",
    tag = "Groups",
    operation_id = "createGroup",
    params(ParentParameter),
    request_body = NewGroup,
    responses((status = 201, description = "The group.", body = GroupBody), (status = 409), (status = 422))
)]
async fn create(
    api: Data<Api>,
    caller: Caller,
    query: Query,
    change: ChangeRequest,
    request_body: AuthorisedBody,
) -> Result<PreparedResponse, Problem> {
    let most = api.limits().body_bytes;
    let parent = match query.group("parent") {
        Ok(parent) => parent,
        Err(problem) => {
            caller.authorise(&api, Permission::CreateGroups).await?;
            return Err(problem);
        }
    };
    let (body, change) = if let Some(parent) = &parent {
        let permission = (Permission::ChangeMembers, parent);
        let body = request_body.read_if_permitted_on_group(&api, &caller, permission, most).await?;
        (body, change.by_on_group(caller, Permission::ChangeMembers, parent))
    } else {
        let body = request_body.read_if_permitted(&api, &caller, Permission::CreateGroups, most).await?;
        (body, change.by(caller, Permission::CreateGroups))
    };
    let read = |_: &Call<'_>, body: Vec<u8>| NewGroup::read(&body);
    change
        .run_with(&api, Lane::Write, body, read, move |call, draft| {
            let group = match &parent {
                Some(parent) => call.directory.create_group_below(call.context, parent, draft.clone())?,
                None => call.directory.create_group(call.context, draft.clone())?,
            };
            let response = created(call.api, format_args!("groups/{}", group.id), &GroupBody::from(&group))?;
            with_etag(response, &group_etag(&group))
        })
        .await
}

/// Shows a group.
#[utoipa::path(
    get,
    path = "/api/security/groups/{group}",
    tag = "Groups",
    operation_id = "readGroup",
    params(GroupPath, ReadConditions),
    responses((status = 200, description = "The group.", body = GroupBody))
)]
async fn read(
    api: Data<Api>,
    caller: Caller,
    PathParameter(group): PathParameter<GroupIdentifier>,
    conditions: ConditionalHeaders,
) -> Result<PreparedResponse, Problem> {
    run_at_once(&api, caller, move |directory, context| {
        let conditions =
            error_unless_permitted(directory, context, Permission::ReadGroups, On::Group(&group), conditions.parse())?;
        let group = directory.group(context, &group)?;
        conditions.respond(&group_etag(&group), &GroupBody::from(&group))
    })
    .await
}

/// Changes a group. A system group keeps its name, and every group its type.
///
/// Managers change name, description and custom properties of the groups below those that they are appointed for.
#[utoipa::path(
    put,
    path = "/api/security/groups/{group}",
    tag = "Groups",
    operation_id = "updateGroup",
    params(GroupPath, ChangeConditions),
    request_body = GroupUpdate,
    responses((status = 200, description = "The group as it is now.", body = GroupBody), (status = 422))
)]
async fn replace(
    api: Data<Api>,
    caller: Caller,
    PathParameter(group): PathParameter<GroupIdentifier>,
    conditions: ConditionalHeaders,
    change: ChangeRequest,
    request_body: AuthorisedBody,
) -> Result<PreparedResponse, Problem> {
    let permission = (Permission::ManageGroups, &group);
    let body = request_body.read_if_permitted_on_group(&api, &caller, permission, api.limits().body_bytes).await?;
    let read = move |_: &Call<'_>, body: Vec<u8>| Ok((GroupUpdate::read(&body)?, conditions.parse()?.precondition()));
    let change = change.by_on_group(caller, Permission::ManageGroups, &group);
    change
        .run_with(&api, Lane::Write, body, read, move |call, (changes, precondition)| {
            let group = call.directory.change_group(call.context, &group, changes, precondition)?;
            with_etag(json(StatusCode::OK, &GroupBody::from(&group))?, &group_etag(&group))
        })
        .await
}

/// Deletes a group, but for system groups. Its users and the groups below it stay.
#[utoipa::path(
    delete,
    path = "/api/security/groups/{group}",
    tag = "Groups",
    operation_id = "deleteGroup",
    params(GroupPath, ChangeConditions),
    responses((status = 204, description = "The group is gone."))
)]
async fn delete(
    api: Data<Api>,
    caller: Caller,
    PathParameter(group): PathParameter<GroupIdentifier>,
    conditions: ConditionalHeaders,
    change: ChangeRequest,
) -> Result<PreparedResponse, Problem> {
    let change = change.by(caller, Permission::DeleteGroups);
    // It removes all members, which may be as many as in a bulk change.
    change
        .run(&api, Lane::Long, move |call| {
            let conditions = call.error_unless_permitted(Permission::DeleteGroups, On::All, conditions.parse())?;
            call.directory.delete_group(call.context, &group, &conditions.precondition())?;
            Ok(empty(StatusCode::NO_CONTENT))
        })
        .await
}
