//! Who belongs to a group (spec sections 5.f to 5.j).

use std::collections::BTreeSet;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use guildhall_domain::access::Action;
use guildhall_domain::user::UserId;

use crate::Api;
use crate::answer::json;
use crate::blocking::blocking;
use crate::bulk;
use crate::caller::Caller;
use crate::page::PageBody;
use crate::problem::{NOT_A_MEMBER, Problem};
use crate::query::Query;
use crate::segment::{GroupSegment, UserSegment};
use crate::submission::Submission;
use crate::user_json::UserBody;

/// `GET /groups/{group}/users`
pub(crate) async fn list(
    api: Data<Api>,
    caller: Caller,
    group: Path<GroupSegment>,
    query: Query,
) -> Result<HttpResponse, Problem> {
    let (reach, page) =
        caller.told(&api, Action::ReadGroups, query.reach().and_then(|reach| Ok((reach, query.page()?)))).await?;
    let (excluded, now) = (query.excluded_groups(), api.clock.now());
    let users = blocking(move || api.directory.members(&caller.0, &group.0, reach, &excluded, page)).await?;
    json(StatusCode::OK, &PageBody::new(&users, |user| UserBody::new(user, now)))
}

/// `POST /groups/{group}/users`
pub(crate) async fn add_many(
    api: Data<Api>,
    caller: Caller,
    group: Path<GroupSegment>,
    submission: Submission,
) -> Result<HttpResponse, Problem> {
    let body = submission.accepted(&api, &caller, Action::ManageGroups, api.limits.bulk_bytes).await?;
    blocking(move || {
        let users: BTreeSet<UserId> = bulk::ids(body, api.limits.bulk_ids)?.into_iter().map(UserId).collect();
        Ok::<_, Problem>(api.directory.add_members(&caller.0, &group.0, &users)?)
    })
    .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `PUT /groups/{group}/users/{user}`
pub(crate) async fn add(
    api: Data<Api>,
    caller: Caller,
    path: Path<(GroupSegment, UserSegment)>,
) -> Result<HttpResponse, Problem> {
    let (group, user) = path.into_inner();
    blocking(move || api.directory.add_member(&caller.0, &group.0, &user.0)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `DELETE /groups/{group}/users/{user}`
pub(crate) async fn remove(
    api: Data<Api>,
    caller: Caller,
    path: Path<(GroupSegment, UserSegment)>,
) -> Result<HttpResponse, Problem> {
    let (group, user) = path.into_inner();
    blocking(move || api.directory.remove_member(&caller.0, &group.0, &user.0)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `HEAD /groups/{group}/users/{user}`
pub(crate) async fn check(
    api: Data<Api>,
    caller: Caller,
    path: Path<(GroupSegment, UserSegment)>,
) -> Result<HttpResponse, Problem> {
    let (group, user) = path.into_inner();
    let is_member = blocking(move || api.directory.is_member(&caller.0, &group.0, &user.0)).await?;
    if is_member { Ok(HttpResponse::NoContent().finish()) } else { Err(Problem::not_found(NOT_A_MEMBER)) }
}
