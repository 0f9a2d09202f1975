//! Groups (spec sections 5.a to 5.e).

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use guildhall_domain::access::Action;

use crate::Api;
use crate::answer::{created, json};
use crate::caller::Caller;
use crate::group_json::{GroupBody, changes, draft};
use crate::openapi::{GroupChanges, GroupPath, IfMatch, IfNoneMatch, NewGroup, Paging, Searching};
use crate::page::PageBody;
use crate::problem::Problem;
use crate::query::Query;
use crate::search::Asker;
use crate::segment::GroupSegment;
use crate::submission::Submission;
use crate::version::{Conditions, group_tag, tagged};
use crate::work::{Lane, run};

/// Lists groups, by name.
#[utoipa::path(
    get,
    path = "/api/security/groups",
    tag = "Groups",
    operation_id = "listGroups",
    params(Paging, Searching),
    responses((status = 200, description = "A page of groups.", body = PageBody<GroupBody>))
)]
pub(crate) async fn list(api: Data<Api>, caller: Caller, query: Query) -> Result<HttpResponse, Problem> {
    let now = api.clock.now();
    let groups = run(&api, Lane::Long, move |api| {
        let listing = caller.told(api, Action::ReadGroups, Asker::new(api, &caller, now).listing(&query))?;
        Ok::<_, Problem>(api.directory.groups(&caller.0, &listing)?)
    })
    .await?;
    json(StatusCode::OK, &PageBody::new(&groups, GroupBody::from))
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
pub(crate) async fn create(api: Data<Api>, caller: Caller, submission: Submission) -> Result<HttpResponse, Problem> {
    let body = submission.accepted(&api, &caller, Action::ManageGroups, api.limits.body_bytes).await?;
    let group =
        run(&api, Lane::Write, move |api| Ok::<_, Problem>(api.directory.create_group(&caller.0, draft(&body)?)?))
            .await?;
    tagged(created(format_args!("groups/{}", group.id), &GroupBody::from(&group))?, &group_tag(&group))
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
pub(crate) async fn read(
    api: Data<Api>,
    caller: Caller,
    group: Path<GroupSegment>,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    let group = run(&api, Lane::Read, move |api| api.directory.group(&caller.0, &group.0)).await?;
    conditions.read(&group_tag(&group), &GroupBody::from(&group))
}

/// Changes a group. A system group keeps its name, and every group its type.
#[utoipa::path(
    put,
    path = "/api/security/groups/{group}",
    tag = "Groups",
    operation_id = "updateGroup",
    params(GroupPath, IfMatch),
    request_body = GroupChanges,
    responses((status = 200, description = "The group as it is now.", body = GroupBody), (status = 422))
)]
pub(crate) async fn replace(
    api: Data<Api>,
    caller: Caller,
    group: Path<GroupSegment>,
    conditions: Conditions,
    submission: Submission,
) -> Result<HttpResponse, Problem> {
    let body = submission.accepted(&api, &caller, Action::ManageGroups, api.limits.body_bytes).await?;
    let group = run(&api, Lane::Write, move |api| {
        let changes = changes(&body)?;
        Ok::<_, Problem>(api.directory.change_group(&caller.0, &group.0, &changes, &conditions.precondition())?)
    })
    .await?;
    tagged(json(StatusCode::OK, &GroupBody::from(&group))?, &group_tag(&group))
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
pub(crate) async fn delete(
    api: Data<Api>,
    caller: Caller,
    group: Path<GroupSegment>,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    run(&api, Lane::Write, move |api| api.directory.delete_group(&caller.0, &group.0, &conditions.precondition()))
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
