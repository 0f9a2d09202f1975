//! Members of groups (contract 5.f to 5.j).

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use guildhall_domain::access::{On, Permission};
use guildhall_domain::identifier::{GroupIdentifier, UserIdentifier};

use crate::Api;
use crate::extract::caller::{Caller, error_unless_permitted};
use crate::extract::path_parameters::{PathParameter, PathParameters};
use crate::extract::preferences::Preferences;
use crate::extract::query::Query;
use crate::extract::request_body::AuthorisedBody;
use crate::openapi::{
    GroupPath, MemberPath, MembershipParameters, PagingParameters, PatchParameters, PreferenceParameter,
    SearchParameters,
};
use crate::respond::json::{PreparedResponse, empty, json};
use crate::respond::page::PageBody;
use crate::respond::problem::{NOT_A_MEMBER, Problem};
use crate::routes::Route;
use crate::security::listing::ListingRequest;
use crate::security::members::body::UserIds;
use crate::security::members::errors::{bulk_problem, patch_problem};
use crate::security::patches::Users;
use crate::security::patches::body::{MembersPatch, PatchBody};
use crate::security::patches::report::MembersReport;
use crate::security::patches::switches::{self, BulkReport};
use crate::security::users::body::UserBody;
use crate::work::{Lane, run, run_check};

/// The routes of members.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::new(__path_list, list),
        Route::new(__path_add_many, add_many),
        Route::new(__path_patch, patch),
        Route::new(__path_add, add),
        Route::new(__path_remove, remove),
        Route::new(__path_check, check),
    ]
}

/// Lists the users of a group, by username.
#[utoipa::path(
    get,
    path = "/api/security/groups/{group}/users",
    tag = "Groups",
    operation_id = "listMembers",
    params(GroupPath, PagingParameters, SearchParameters, MembershipParameters),
    responses((status = 200, description = "A page of users.", body = PageBody<UserBody>))
)]
async fn list(
    api: Data<Api>,
    caller: Caller,
    PathParameter(group): PathParameter<GroupIdentifier>,
    query: Query,
) -> Result<PreparedResponse, Problem> {
    run(&api, query.lane(), caller, move |api, context| {
        let read = ListingRequest::new(api, context)
            .listing(&query)
            .and_then(|listing| Ok((query.reach()?, query.excluded_groups()?, listing)));
        let (reach, excluded, (listing, request)) =
            error_unless_permitted(&api.directory, context, Permission::ReadGroups, On::All, read)?;
        let users = api.directory.members(context, &group, reach, &excluded, &listing)?;
        json(StatusCode::OK, &request.body(api, context, &users, |user| UserBody::new(user, context.now()))?)
    })
    .await
}

/// Adds many users to a group, all or none.
///
/// Who is in already stays in. If an id is unknown, the answer names all that are.
#[utoipa::path(
    post,
    path = "/api/security/groups/{group}/users",
    tag = "Groups",
    operation_id = "addMembers",
    params(GroupPath, PatchParameters, PreferenceParameter),
    request_body(content = UserIds, example = json!([
        "75490b0f-56f7-4690-a20a-6f2a822f1d3f",
        "20b5e923-beb8-44ab-8bb4-34467582230f",
        "13f8cd48-7765-47b7-9fa3-2ad9c935a4be",
        "3c3d98a1-c80a-49d1-b602-f38ad2b01af8",
        "11f5ce76-ca86-45d8-9928-d7fd56863ec7"
    ])),
    responses(
        (status = 200, description = "What was done, where a switch or `Prefer: return=representation` asks for it.", body = MembersReport),
        (status = 204, description = "All of them are in the group.")
    )
)]
async fn add_many(
    api: Data<Api>,
    caller: Caller,
    PathParameter(group): PathParameter<GroupIdentifier>,
    query: Query,
    preferences: Preferences,
    request_body: AuthorisedBody,
) -> Result<PreparedResponse, Problem> {
    let body =
        request_body.read_if_permitted(&api, &caller, Permission::ChangeMembers, api.limits().bulk_bytes).await?;
    run(&api, Lane::Long, caller, move |api, context| {
        let report = BulkReport::wanted(&query, preferences)?;
        let users = UserIds::read(body, api.limits().bulk_ids)?;
        match report {
            None => {
                api.directory.add_members(context, &group, &users.into_iter().collect())?;
                Ok(empty(StatusCode::NO_CONTENT))
            }
            Some(report) => {
                let body = PatchBody::<Users>::adding(users.into_iter().map(UserIdentifier::Id).collect());
                let patched = api.directory.patch_members(context, &group, &body.patch, report.options);
                let patched = patched.map_err(|error| bulk_problem(error, &body))?;
                Ok::<_, Problem>(
                    report.complete(json(StatusCode::OK, &MembersReport::new(&patched, report.options, &body))?),
                )
            }
        }
    })
    .await
}

/// Changes many members of a group, and reports what was done.
///
/// Whoever is named is found by id, username or email address. Who is in already, or out already, is no fault.
#[utoipa::path(
    patch,
    path = "/api/security/groups/{group}/users",
    tag = "Groups",
    operation_id = "patchMembers",
    params(GroupPath, PatchParameters),
    request_body(content((MembersPatch = "application/json"), (MembersPatch = "application/merge-patch+json"))),
    responses(
        (status = 200, description = "What was done.", body = MembersReport),
        (status = 409),
    )
)]
async fn patch(
    api: Data<Api>,
    caller: Caller,
    PathParameter(group): PathParameter<GroupIdentifier>,
    query: Query,
    request_body: AuthorisedBody,
) -> Result<PreparedResponse, Problem> {
    caller.authorise(&api, Permission::ChangeMembers).await?;
    let media = ["application/merge-patch+json", "application/json"];
    let body = request_body.read(&media, api.limits().bulk_bytes).await?;
    run(&api, Lane::Long, caller, move |api, context| {
        let options = switches::options(&query)?;
        let body = PatchBody::<Users>::read(body, api.limits().bulk_ids)?;
        let patched = api.directory.patch_members(context, &group, &body.patch, options);
        let patched = patched.map_err(|error| patch_problem(error, &body))?;
        json(StatusCode::OK, &MembersReport::new(&patched, options, &body))
    })
    .await
}

/// Adds a user to a group.
#[utoipa::path(
    put,
    path = "/api/security/groups/{group}/users/{user}",
    tag = "Groups",
    operation_id = "addMember",
    params(MemberPath),
    responses((status = 204, description = "The user is in the group."))
)]
async fn add(
    api: Data<Api>,
    caller: Caller,
    PathParameters(group, user): PathParameters<GroupIdentifier, UserIdentifier>,
) -> Result<HttpResponse, Problem> {
    run(&api, Lane::Write, caller, move |api, context| api.directory.add_member(context, &group, &user)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Removes a direct member from a group, but for Everyone and the last System Administrator.
#[utoipa::path(
    delete,
    path = "/api/security/groups/{group}/users/{user}",
    tag = "Groups",
    operation_id = "removeMember",
    params(MemberPath),
    responses((status = 204, description = "The user is no longer in the group."), (status = 409))
)]
async fn remove(
    api: Data<Api>,
    caller: Caller,
    PathParameters(group, user): PathParameters<GroupIdentifier, UserIdentifier>,
) -> Result<HttpResponse, Problem> {
    run(&api, Lane::Write, caller, move |api, context| api.directory.remove_member(context, &group, &user)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Tells whether a user is in a group, in itself or by a group below.
///
/// Everybody may ask about themselves.
#[utoipa::path(
    head,
    path = "/api/security/groups/{group}/users/{user}",
    tag = "Groups",
    operation_id = "isMember",
    params(MemberPath),
    responses((status = 204, description = "The user is in the group."))
)]
async fn check(
    api: Data<Api>,
    caller: Caller,
    PathParameters(group, user): PathParameters<GroupIdentifier, UserIdentifier>,
) -> Result<HttpResponse, Problem> {
    let is_member = run_check(&api, caller, group, user).await?;
    if is_member { Ok(HttpResponse::NoContent().finish()) } else { Err(Problem::not_found(NOT_A_MEMBER)) }
}
