//! Why somebody is in a group.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use guildhall_domain::access::{On, Permission};
use guildhall_domain::directory::Explanation;
use guildhall_domain::identifier::{GroupIdentifier, UserIdentifier};

use super::body::ExplanationBody;
use crate::Api;
use crate::extract::caller::{Caller, error_unless_permitted};
use crate::extract::path_parameters::PathParameters;
use crate::extract::query::Query;
use crate::openapi::{AsOfParameter, ExplanationParameters, MemberPath};
use crate::respond::json::{PreparedResponse, json};
use crate::respond::problem::Problem;
use crate::routes::Route;
use crate::security::as_of::query::moment;
use crate::work::{Lane, run};

/// The routes of explanations.
pub(crate) fn routes() -> Vec<Route> {
    vec![Route::new(__path_explain, explain)]
}

/// Tells why a user is in a group: the paths of groups by which they are.
///
/// Whoever is not in the group has no path. Managers of the group may ask about everybody, and everybody about themselves. With `asOf` the answer is that of a moment in the past:
/// memberships tell when they began and, if they have ended since, when.
#[utoipa::path(
    get,
    path = "/api/security/groups/{group}/memberships/{user}",
    tag = "Groups",
    operation_id = "explainMembership",
    params(MemberPath, ExplanationParameters, AsOfParameter),
    responses((status = 200, description = "Why, or that they are not.", body = ExplanationBody))
)]
async fn explain(
    api: Data<Api>,
    caller: Caller,
    PathParameters(group, user): PathParameters<GroupIdentifier, UserIdentifier>,
    query: Query,
) -> Result<PreparedResponse, Problem> {
    run(&api, Lane::Long, caller, move |api, context| {
        let read = query.count("limit", Explanation::MOST_PATHS).and_then(|limit| Ok((limit, moment(&query)?)));
        let on = On::Membership(&group, &user);
        let (limit, at) = error_unless_permitted(&api.directory, context, Permission::ExplainMemberships, on, read)?;
        let most = limit.unwrap_or(Explanation::DEFAULT_PATHS);
        let explanation = match at {
            None => api.directory.explain_membership(context, &group, &user, most)?,
            Some(at) => api.directory.explain_membership_as_of(context, (&group, &user), at, most)?,
        };
        json(StatusCode::OK, &ExplanationBody::from(&explanation))
    })
    .await
}
