//! Groups in groups (contract 5.k to 5.n).

use actix_web::http::StatusCode;
use actix_web::web::Data;
use guildhall_domain::access::{On, Permission};
use guildhall_domain::identifier::GroupIdentifier;

use crate::Api;
use crate::body::dates::{Dates, dates_of_body, names_a_date};
use crate::extract::caller::{Caller, error_unless_permitted};
use crate::extract::path_parameters::{PathParameter, PathParameters};
use crate::extract::preferences::Preferences;
use crate::extract::query::Query;
use crate::extract::request_body::AuthorisedBody;
use crate::openapi::{
    ChildPath, GroupPath, IncludeSelfParameter, MembershipParameters, PagingParameters, PatchParameters,
    PreferenceParameter, SearchParameters,
};
use crate::respond::json::{PreparedResponse, empty, json};
use crate::respond::page::PageBody;
use crate::respond::problem::Problem;
use crate::routes::Route;
use crate::security::children::body::GroupIds;
use crate::security::children::errors::{bulk_problem, patch_problem};
use crate::security::groups::body::GroupBody;
use crate::security::listing::ListingRequest;
use crate::security::patches::Groups;
use crate::security::patches::body::{Addition, PatchBody};
use crate::security::patches::report::ChildrenReport;
use crate::security::patches::schema::ChildrenPatch;
use crate::security::patches::switches::{self, BulkReport};
use crate::work::{Call, ChangeRequest, Lane, run};

/// The routes of children.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::new(__path_list, list),
        Route::new(__path_add_many, add_many),
        Route::new(__path_patch, patch),
        Route::new(__path_add, add),
        Route::new(__path_remove, remove),
    ]
}

/// Lists the groups below a group, by name.
#[utoipa::path(
    get,
    path = "/api/security/groups/{group}/groups",
    tag = "Groups",
    operation_id = "listChildren",
    params(GroupPath, PagingParameters, SearchParameters, MembershipParameters, IncludeSelfParameter),
    responses((status = 200, description = "A page of groups.", body = PageBody<GroupBody>))
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
            .and_then(|listing| Ok(((query.reach()?, query.is_on("includeSelf")?), query.excluded_groups()?, listing)));
        let (which, excluded, (listing, request)) =
            error_unless_permitted(&api.directory, context, Permission::ReadGroups, On::Group(&group), read)?;
        let groups = api.directory.children(context, &group, which, &excluded, &listing)?;
        json(StatusCode::OK, &request.body(api, context, &groups, GroupBody::from)?)
    })
    .await
}

/// Puts many groups below a group, all or none.
///
/// If one would close a cycle, the answer has its path.
#[utoipa::path(
    post,
    path = "/api/security/groups/{group}/groups",
    tag = "Groups",
    operation_id = "addChildren",
    params(GroupPath, PatchParameters, PreferenceParameter),
    request_body(content = GroupIds, example = json!(["6254736c-70e1-43b0-b769-f8e0f6359862"])),
    responses(
        (status = 200, description = "What was done, where a switch or `Prefer: return=representation` asks for it.", body = ChildrenReport),
        (status = 204, description = "All of them are below the group."),
        (status = 422)
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
        let children = GroupIds::read(body, call.api.limits().bulk_ids)?;
        Ok(Addition::<Groups>::new(report, children))
    };
    let change = change.by_on_group(caller, Permission::ChangeMembers, &group).with_own_preview();
    change
        .run_with(&api, Lane::Long, body, read, move |call, addition| match addition {
            Addition::Plain(children) => {
                call.directory.add_children(call.context, &group, children)?;
                Ok(empty(StatusCode::NO_CONTENT))
            }
            Addition::Reported(report, body) => {
                let patched = call.previewed(report.options.effect, |directory, context| {
                    directory.patch_children(context, &group, &body.patch, report.options)
                });
                let patched = patched.map_err(|error| bulk_problem(error, body))?;
                let response = json(StatusCode::OK, &ChildrenReport::new(&patched, report.options, body))?;
                Ok(report.complete(response))
            }
        })
        .await
}

/// Changes many groups below a group, and reports what was done.
///
/// Whichever is named is found by id or name. If one would close a cycle, the answer has its path.
#[utoipa::path(
    patch,
    path = "/api/security/groups/{group}/groups",
    tag = "Groups",
    operation_id = "patchChildren",
    params(GroupPath, PatchParameters),
    request_body(content((ChildrenPatch = "application/json"), (ChildrenPatch = "application/merge-patch+json"))),
    responses(
        (status = 200, description = "What was done.", body = ChildrenReport),
        (status = 409), (status = 422)
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
        Ok((options, PatchBody::<Groups>::read(body, call.api.limits().bulk_ids)?))
    };
    let change = change.by_on_group(caller, Permission::ChangeMembers, &group).with_own_preview();
    change
        .run_with(&api, Lane::Long, body, read, move |call, (options, body)| {
            let patched = call.previewed(options.effect, |directory, context| {
                directory.patch_children(context, &group, &body.patch, *options)
            });
            let patched = patched.map_err(|error| patch_problem(error, body))?;
            json(StatusCode::OK, &ChildrenReport::new(&patched, *options, body))
        })
        .await
}

/// Puts a group below a group, so that its members belong to both, at once or from a date on, and until a date if it has an end.
///
/// Without a body, a group that is there already stays with its end, and one that was to come later comes at once. If it would close a cycle, the answer has its path.
#[utoipa::path(
    put,
    path = "/api/security/groups/{group}/groups/{child}",
    tag = "Groups",
    operation_id = "addChild",
    params(ChildPath),
    request_body(content = Option<Dates>),
    responses((status = 204, description = "It is below the group, or will be."), (status = 409), (status = 422))
)]
async fn add(
    api: Data<Api>,
    caller: Caller,
    PathParameters(group, child): PathParameters<GroupIdentifier, GroupIdentifier>,
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
                    None => call.directory.add_child(call.context, &group, &child)?,
                    Some(dates) => call.directory.schedule_child(call.context, &group, &child, *dates)?,
                }
                Ok(empty(StatusCode::NO_CONTENT))
            },
        )
        .await
}

/// Takes a group away from below a group, or cancels that it comes there later.
#[utoipa::path(
    delete,
    path = "/api/security/groups/{group}/groups/{child}",
    tag = "Groups",
    operation_id = "removeChild",
    params(ChildPath),
    responses((status = 204, description = "It is no longer below the group."), (status = 409))
)]
async fn remove(
    api: Data<Api>,
    caller: Caller,
    PathParameters(group, child): PathParameters<GroupIdentifier, GroupIdentifier>,
    change: ChangeRequest,
) -> Result<PreparedResponse, Problem> {
    let change = change.by_on_group(caller, Permission::ChangeMembers, &group);
    change
        .run(&api, Lane::Write, move |call| {
            call.directory.remove_child(call.context, &group, &child)?;
            Ok(empty(StatusCode::NO_CONTENT))
        })
        .await
}
