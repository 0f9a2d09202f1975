//! Groups: creating and reading them (spec sections 5.b and 5.c).

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use guildhall_domain::access::Action;

use crate::Api;
use crate::answer::{created, json};
use crate::blocking::blocking;
use crate::caller::Caller;
use crate::group_json::{GroupBody, draft};
use crate::problem::Problem;
use crate::segment::GroupSegment;
use crate::submission::Submission;

/// `POST /groups`
pub(crate) async fn create(api: Data<Api>, caller: Caller, submission: Submission) -> Result<HttpResponse, Problem> {
    let body = submission.accepted(&api, &caller, Action::ManageGroups, api.limits.body_bytes).await?;
    let group = blocking(move || Ok::<_, Problem>(api.directory.create_group(&caller.0, draft(&body)?)?)).await?;
    created(format_args!("groups/{}", group.id), &GroupBody::from(&group))
}

/// `GET /groups/{group}`
pub(crate) async fn read(api: Data<Api>, caller: Caller, group: Path<GroupSegment>) -> Result<HttpResponse, Problem> {
    let group = blocking(move || api.directory.group(&caller.0, &group.0)).await?;
    json(StatusCode::OK, &GroupBody::from(&group))
}
