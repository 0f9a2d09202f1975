//! Users: creating them (spec section 4.3).

use actix_web::HttpResponse;
use actix_web::web::Data;
use guildhall_domain::access::Action;
use guildhall_domain::user::UserDraft;

use crate::Api;
use crate::answer::created;
use crate::blocking::blocking;
use crate::caller::Caller;
use crate::problem::Problem;
use crate::query::Query;
use crate::submission::Submission;
use crate::user_json::{UserBody, draft};

/// `POST /users`
pub(crate) async fn create(
    api: Data<Api>,
    caller: Caller,
    query: Query,
    submission: Submission,
) -> Result<HttpResponse, Problem> {
    let body = submission.accepted(&api, &caller, Action::ManageUsers, api.limits.body_bytes).await?;
    let (suspended, force_password_reset) = (query.is_on("suspended")?, query.is_on("forcePasswordReset")?);
    let now = api.clock.now();
    let user = blocking(move || {
        let draft = UserDraft { suspended, force_password_reset, ..draft(&body)? };
        Ok::<_, Problem>(api.directory.create_user(&caller.0, draft)?)
    })
    .await?;
    created(format_args!("users/{}", user.id), &UserBody::new(&user, now))
}
