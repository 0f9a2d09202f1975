//! Asking about many memberships at once.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use guildhall_domain::access::Permission;
use guildhall_domain::identifier::UserIdentifier;

use super::body::{CheckedMembershipBody, MembershipChecks, MembershipResults};
use crate::Api;
use crate::extract::caller::Caller;
use crate::extract::query::Query;
use crate::extract::request_body::AuthorisedBody;
use crate::openapi::DetailParameter;
use crate::respond::json::{PreparedResponse, json};
use crate::respond::problem::Problem;
use crate::routes::Route;
use crate::work::{Lane, run};

/// The routes of many checks.
pub(crate) fn routes() -> Vec<Route> {
    vec![Route::new(__path_check_many, check_many)]
}

/// Tells of many users whether each is in a group, in itself or by a group below.
///
/// The results are in the order of the checks. Whoever does not exist is in no group, and a group that does not exist has nobody in it. System
/// Administrators may ask about anybody, managers about anybody in the groups that they manage, everybody else about themselves alone.
#[utoipa::path(
    post,
    path = "/api/security/memberships/check",
    tag = "Groups",
    operation_id = "checkMemberships",
    params(DetailParameter),
    request_body = MembershipChecks,
    responses((status = 200, description = "What is so.", body = MembershipResults), (status = 422))
)]
async fn check_many(
    api: Data<Api>,
    caller: Caller,
    query: Query,
    request_body: AuthorisedBody,
) -> Result<PreparedResponse, Problem> {
    // Of whom they ask, the body tells. The use case decides whether they may.
    caller.authorise_on_user(&api, Permission::CheckManyMemberships, &UserIdentifier::Current).await?;
    let body = request_body.read(&["application/json"], api.limits().bulk_bytes).await?;
    run(&api, Lane::of_checks(body.len()), caller, move |api, context| {
        let is_detailed = query.switch("detail")?;
        let checks = MembershipChecks::read(body)?;
        let results = if is_detailed {
            let answers = api.directory.check_memberships_in_detail(context, &checks)?;
            MembershipResults::Detailed { results: answers.into_iter().map(CheckedMembershipBody::from).collect() }
        } else {
            MembershipResults::Plain { results: api.directory.check_memberships(context, &checks)? }
        };
        json(StatusCode::OK, &results)
    })
    .await
}
