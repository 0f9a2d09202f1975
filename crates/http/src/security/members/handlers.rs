//! Members of groups (contract 5.f to 5.j).

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use guildhall_domain::access::{On, Permission};
use guildhall_domain::identifier::{GroupIdentifier, UserIdentifier};

use crate::Api;
use crate::body::dates::{Dates, dates_of_body, names_a_date};
use crate::extract::caller::{Caller, error_unless_permitted};
use crate::extract::path_parameters::{PathParameter, PathParameters};
use crate::extract::preferences::Preferences;
use crate::extract::query::Query;
use crate::extract::request_body::AuthorisedBody;
use crate::openapi::{
    AsOfParameter, GroupPath, MemberPath, MembershipParameters, PagingParameters, PatchParameters, PreferenceParameter,
    SearchParameters,
};
use crate::respond::json::{PreparedResponse, empty, json};
use crate::respond::page::PageBody;
use crate::respond::problem::{NOT_A_MEMBER, Problem};
use crate::routes::Route;
use crate::security::as_of::body::FormerUserBody;
use crate::security::as_of::query::{AS_OF, PastListing};
use crate::security::listing::ListingRequest;
use crate::security::members::body::UserIds;
use crate::security::members::errors::{bulk_problem, patch_problem};
use crate::security::patches::Users;
use crate::security::patches::body::{Addition, PatchBody};
use crate::security::patches::report::MembersReport;
use crate::security::patches::schema::MembersPatch;
use crate::security::patches::switches::{self, BulkReport};
use crate::security::users::body::ShownUserBody;
use crate::work::{Call, ChangeRequest, Lane, run, run_check};

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
///
/// Managers of the group see id, username, email, firstName and lastName alone, and neither search nor sort by anything else. With `asOf` the listing is that of a moment in the past:
/// users are shown as they are now, and those who were deleted since by id and name; System Administrators may ask for a group that was deleted by its id.
#[utoipa::path(
    get,
    path = "/api/security/groups/{group}/users",
    tag = "Groups",
    operation_id = "listMembers",
    params(GroupPath, PagingParameters, SearchParameters, MembershipParameters, AsOfParameter),
    responses((status = 200, description = "A page of users.", body = PageBody<FormerUserBody>))
)]
async fn list(
    api: Data<Api>,
    caller: Caller,
    PathParameter(group): PathParameter<GroupIdentifier>,
    query: Query,
) -> Result<PreparedResponse, Problem> {
    if query.has(AS_OF) {
        return list_as_of(api, caller, group, query).await;
    }
    run(&api, query.lane(), caller, move |api, context| {
        let read = ListingRequest::new(api, context)
            .listing(&query)
            .and_then(|listing| Ok((query.reach()?, query.excluded_groups()?, listing)));
        let (reach, excluded, (listing, request)) =
            error_unless_permitted(&api.directory, context, Permission::ReadGroups, On::Group(&group), read)?;
        let users = api.directory.shown_members(context, &group, reach, &excluded, &listing)?;
        json(StatusCode::OK, &request.body(api, context, &users, |user| ShownUserBody::new(user, context.now()))?)
    })
    .await
}

async fn list_as_of(
    api: Data<Api>,
    caller: Caller,
    group: GroupIdentifier,
    query: Query,
) -> Result<PreparedResponse, Problem> {
    run(&api, query.lane(), caller, move |api, context| {
        let (read, on) = (PastListing::read(api, context, &query), On::Group(&group));
        let past = error_unless_permitted(&api.directory, context, Permission::ReadGroups, on, read)?;
        let users = api.directory.members_as_of(context, &group, (past.reach, past.at), &past.page)?;
        let body = past.request.body(api, context, &users, |user| FormerUserBody::new(user, context.now()))?;
        json(StatusCode::OK, &body)
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
    change: ChangeRequest,
    request_body: AuthorisedBody,
) -> Result<PreparedResponse, Problem> {
    let permission = (Permission::ChangeMembers, &group);
    let body = request_body.read_if_permitted_on_group(&api, &caller, permission, api.limits().bulk_bytes).await?;
    let read = move |call: &Call<'_>, body: Vec<u8>| {
        let report = BulkReport::wanted(&query, preferences)?;
        let users = UserIds::read(body, call.api.limits().bulk_ids)?;
        Ok(Addition::<Users>::new(report, users))
    };
    let change = change.by_on_group(caller, Permission::ChangeMembers, &group).with_own_preview();
    change
        .run_with(&api, Lane::Long, body, read, move |call, addition| match addition {
            Addition::Plain(users) => {
                call.directory.add_members(call.context, &group, users)?;
                Ok(empty(StatusCode::NO_CONTENT))
            }
            Addition::Reported(report, body) => {
                let patched = call.previewed(report.options.effect, |directory, context| {
                    directory.patch_members(context, &group, &body.patch, report.options)
                });
                let patched = patched.map_err(|error| bulk_problem(error, body))?;
                let response = json(StatusCode::OK, &MembersReport::new(&patched, report.options, body))?;
                Ok(report.complete(response))
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
    change: ChangeRequest,
    request_body: AuthorisedBody,
) -> Result<PreparedResponse, Problem> {
    caller.authorise_on_group(&api, Permission::ChangeMembers, &group).await?;
    let media = ["application/merge-patch+json", "application/json"];
    let body = request_body.read(&media, api.limits().bulk_bytes).await?;
    let read = move |call: &Call<'_>, body: Vec<u8>| {
        let options = switches::options(&query)?;
        Ok((options, PatchBody::<Users>::read(body, call.api.limits().bulk_ids)?))
    };
    let change = change.by_on_group(caller, Permission::ChangeMembers, &group).with_own_preview();
    change
        .run_with(&api, Lane::Long, body, read, move |call, (options, body)| {
            let patched = call.previewed(options.effect, |directory, context| {
                directory.patch_members(context, &group, &body.patch, *options)
            });
            let patched = patched.map_err(|error| patch_problem(error, body))?;
            json(StatusCode::OK, &MembersReport::new(&patched, *options, body))
        })
        .await
}

/// Adds a user to a group, at once or from a date on, and until a date if it has an end.
///
/// Without a body, who is in already stays in with their end, and who was to come in later comes in at once.
#[utoipa::path(
    put,
    path = "/api/security/groups/{group}/users/{user}",
    tag = "Groups",
    operation_id = "addMember",
    params(MemberPath),
    request_body(content = Option<Dates>),
    responses((status = 204, description = "The user is in the group, or will be."), (status = 409), (status = 422))
)]
async fn add(
    api: Data<Api>,
    caller: Caller,
    PathParameters(group, user): PathParameters<GroupIdentifier, UserIdentifier>,
    change: ChangeRequest,
    request_body: AuthorisedBody,
) -> Result<PreparedResponse, Problem> {
    let permission = (Permission::ChangeMembers, &group);
    let most = api.limits().body_bytes;
    let body = request_body.read_json_if_there(&api, &caller, permission, most, names_a_date).await?;
    let change = change.by_on_group(caller, Permission::ChangeMembers, &group);
    change
        .run_with(
            &api,
            Lane::Write,
            body,
            |_, body| dates_of_body(&body),
            move |call, dates| {
                match dates {
                    None => call.directory.add_member(call.context, &group, &user)?,
                    Some(dates) => call.directory.schedule_member(call.context, &group, &user, *dates)?,
                }
                Ok(empty(StatusCode::NO_CONTENT))
            },
        )
        .await
}

/// Removes a direct member from a group, or cancels a membership that begins later; but for Everyone and the last System Administrator.
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
    change: ChangeRequest,
) -> Result<PreparedResponse, Problem> {
    let change = change.by_on_group(caller, Permission::ChangeMembers, &group);
    change
        .run(&api, Lane::Write, move |call| {
            call.directory.remove_member(call.context, &group, &user)?;
            Ok(empty(StatusCode::NO_CONTENT))
        })
        .await
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
