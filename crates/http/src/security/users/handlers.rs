//! Users (contract 4.1 and 4.3 to 4.10).

use actix_web::http::StatusCode;
use actix_web::web::Data;
use guildhall_domain::access::{On, Permission};
use guildhall_domain::identifier::UserIdentifier;
use guildhall_domain::name::NameKey;
use guildhall_domain::user::UserDraft;

use crate::Api;
use crate::body::custom::CustomMode;
use crate::extract::caller::{Caller, error_unless_permitted};
use crate::extract::client_address::network;
use crate::extract::conditional::ConditionalHeaders;
use crate::extract::path_parameters::PathParameter;
use crate::extract::query::Query;
use crate::extract::request_body::AuthorisedBody;
use crate::middleware::audit;
use crate::middleware::request_span::RequestSpan;
use crate::openapi::{
    ChangeConditions, ClassicUserIdParameter, NewUserParameters, PagingParameters, ReadConditions, SearchParameters,
    TooManyRequests, UserPath, UserSearchParameters,
};
use crate::respond::etag::{user_etag, with_etag};
use crate::respond::json::{PreparedResponse, created, empty, json};
use crate::respond::page::PageBody;
use crate::respond::problem::Problem;
use crate::routes::Route;
use crate::security::listing::ListingRequest;
use crate::security::users::body::UserBody;
use crate::security::users::requests::{NewUser, PasswordChange, UserActionBody, UserUpdate};
use crate::work::{Call, Change, ChangeRequest, Lane, run, run_at_once};

/// The routes of users.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::new(__path_list, list),
        Route::new(__path_create, create),
        Route::new(__path_read, read),
        Route::new(__path_replace, replace),
        Route::new(__path_merge, merge),
        Route::new(__path_delete, delete),
        Route::new(__path_change_password, change_password),
        Route::new(__path_act, act),
    ]
}

/// Lists users, by username.
#[utoipa::path(
    get,
    path = "/api/security/users",
    tag = "Users",
    operation_id = "listUsers",
    params(PagingParameters, SearchParameters, UserSearchParameters),
    responses((status = 200, description = "A page of users.", body = PageBody<UserBody>))
)]
pub(super) async fn list(api: Data<Api>, caller: Caller, query: Query) -> Result<PreparedResponse, Problem> {
    run(&api, query.lane(), caller, move |api, context| {
        let (listing, request) = error_unless_permitted(
            &api.directory,
            context,
            Permission::ReadUsers,
            On::All,
            ListingRequest::new(api, context).search(&query),
        )?;
        let users = api.directory.users(context, &listing)?;
        json(StatusCode::OK, &request.body(api, context, &users, |user| UserBody::new(user, context.now()))?)
    })
    .await
}

/// Creates a user.
///
/// They belong to `Everyone`, and to every group that takes in the domain of their email address.
#[utoipa::path(
    post,
    path = "/api/security/users",
    tag = "Users",
    operation_id = "createUser",
    params(NewUserParameters),
    request_body = NewUser,
    responses((status = 201, description = "The user.", body = UserBody), (status = 409), (status = 422))
)]
async fn create(
    api: Data<Api>,
    caller: Caller,
    query: Query,
    change: ChangeRequest,
    request_body: AuthorisedBody,
) -> Result<PreparedResponse, Problem> {
    let body = request_body.read_if_permitted(&api, &caller, Permission::CreateUsers, api.limits().body_bytes).await?;
    let (suspended, force_password_reset) = (query.is_on("suspended")?, query.is_on("forcePasswordReset")?);
    let read =
        move |_: &Call<'_>, body: Vec<u8>| Ok(UserDraft { suspended, force_password_reset, ..NewUser::read(&body)? });
    let change = change.by(caller, Permission::CreateUsers);
    change
        .run_with(&api, Lane::Password, body, read, |call, draft| {
            let user = call.directory.create_user(call.context, draft.clone())?;
            let now = call.context.now();
            with_etag(
                created(call.api, format_args!("users/{}", user.id), &UserBody::new(&user, now))?,
                &user_etag(&user, now),
            )
        })
        .await
}

/// Shows a user.
///
/// Everybody may see themselves.
#[utoipa::path(
    get,
    path = "/api/security/users/{user}",
    tag = "Users",
    operation_id = "readUser",
    params(UserPath, ClassicUserIdParameter, ReadConditions),
    responses((status = 200, description = "The user.", body = UserBody))
)]
async fn read(
    api: Data<Api>,
    caller: Caller,
    PathParameter(user): PathParameter<UserIdentifier>,
    query: Query,
    conditions: ConditionalHeaders,
) -> Result<PreparedResponse, Problem> {
    run_at_once(&api, caller, move |directory, context| {
        let by_legacy_id = query.is_on("classicUserId");
        let by_legacy_id =
            error_unless_permitted(directory, context, Permission::ReadUsers, On::User(&user), by_legacy_id)?;
        let conditions =
            error_unless_permitted(directory, context, Permission::ReadUsers, On::User(&user), conditions.parse())?;
        let user = directory.user(context, &unless_legacy(user.clone(), by_legacy_id))?;
        conditions.respond(&user_etag(&user, context.now()), &UserBody::new(&user, context.now()))
    })
    .await
}

/// The same user, or one that does not exist if `is_legacy`: no user has a numeric id here (contract 4.4).
fn unless_legacy(user: UserIdentifier, is_legacy: bool) -> UserIdentifier {
    if is_legacy { UserIdentifier::Name(NameKey::of("")) } else { user }
}

/// Changes a user.
///
/// Everybody may change themselves, but for `expiry` and `passwordChangeFrequency`.
#[utoipa::path(
    put,
    path = "/api/security/users/{user}",
    tag = "Users",
    operation_id = "updateUser",
    params(UserPath, ChangeConditions),
    request_body = UserUpdate,
    responses((status = 200, description = "The user as they are now.", body = UserBody), (status = 422))
)]
async fn replace(
    api: Data<Api>,
    caller: Caller,
    PathParameter(user): PathParameter<UserIdentifier>,
    conditions: ConditionalHeaders,
    change: ChangeRequest,
    request_body: AuthorisedBody,
) -> Result<PreparedResponse, Problem> {
    caller.authorise_on_user(&api, Permission::ChangeUsers, &user).await?;
    let body = request_body.read(&["application/json"], api.limits().body_bytes).await?;
    let change = change.by_on(caller, Permission::ChangeUsers, &user);
    update(api, change, user, conditions, body, CustomMode::Replace).await
}

/// Changes a user by a merge patch.
///
/// Everybody may change themselves, but for `expiry` and `passwordChangeFrequency`.
#[utoipa::path(
    patch,
    path = "/api/security/users/{user}",
    tag = "Users",
    operation_id = "patchUser",
    params(UserPath, ChangeConditions),
    request_body(content((UserUpdate = "application/merge-patch+json"), (UserUpdate = "application/json"))),
    responses((status = 200, description = "The user as they are now.", body = UserBody), (status = 422))
)]
async fn merge(
    api: Data<Api>,
    caller: Caller,
    PathParameter(user): PathParameter<UserIdentifier>,
    conditions: ConditionalHeaders,
    change: ChangeRequest,
    request_body: AuthorisedBody,
) -> Result<PreparedResponse, Problem> {
    caller.authorise_on_user(&api, Permission::ChangeUsers, &user).await?;
    let media = ["application/merge-patch+json", "application/json"];
    let body = request_body.read(&media, api.limits().body_bytes).await?;
    let change = change.by_on(caller, Permission::ChangeUsers, &user);
    update(api, change, user, conditions, body, CustomMode::Merge).await
}

async fn update(
    api: Data<Api>,
    change: Change,
    user: UserIdentifier,
    conditions: ConditionalHeaders,
    body: Vec<u8>,
    custom: CustomMode,
) -> Result<PreparedResponse, Problem> {
    let read =
        move |_: &Call<'_>, body: Vec<u8>| Ok((UserUpdate::read(&body, custom)?, conditions.parse()?.precondition()));
    change
        .run_with(&api, Lane::Write, body, read, move |call, (changes, precondition)| {
            let user = call.directory.change_user(call.context, &user, changes, precondition)?;
            let now = call.context.now();
            with_etag(json(StatusCode::OK, &UserBody::new(&user, now))?, &user_etag(&user, now))
        })
        .await
}

/// Deletes a user.
///
/// Administrators may delete anybody but themselves, others only themselves.
#[utoipa::path(
    delete,
    path = "/api/security/users/{user}",
    tag = "Users",
    operation_id = "deleteUser",
    params(UserPath, ChangeConditions),
    responses((status = 204, description = "The user is gone."))
)]
async fn delete(
    api: Data<Api>,
    caller: Caller,
    PathParameter(user): PathParameter<UserIdentifier>,
    conditions: ConditionalHeaders,
    change: ChangeRequest,
) -> Result<PreparedResponse, Problem> {
    let change = change.by_on(caller, Permission::ChangeUsers, &user);
    change
        .run(&api, Lane::Write, move |call| {
            let conditions = conditions.parse();
            let conditions = call.error_unless_permitted(Permission::ChangeUsers, On::User(&user), conditions)?;
            call.directory.delete_user(call.context, &user, &conditions.precondition())?;
            Ok(empty(StatusCode::NO_CONTENT))
        })
        .await
}

/// Gives a user a new password, and ends their tokens.
///
/// Everybody may change their own, with the existing one.
#[utoipa::path(
    post,
    path = "/api/security/users/{user}/credentials/password",
    tag = "Users",
    operation_id = "changePassword",
    params(UserPath),
    request_body = PasswordChange,
    responses(
        (status = 200, description = "The password is changed. There is no body."),
        (status = 409),
        (status = 422),
        (status = 429, description = "There were too many failures from this address, or of this user from it; or as many answers to requests with an `Idempotency-Key` are kept for the caller as may be.", body = TooManyRequests,
         headers(("Retry-After" = u32, description = "After how many seconds to ask again.")))
    )
)]
async fn change_password(
    api: Data<Api>,
    caller: Caller,
    PathParameter(user): PathParameter<UserIdentifier>,
    change: ChangeRequest,
    request_body: AuthorisedBody,
) -> Result<PreparedResponse, Problem> {
    let address = RequestSpan::current().address().map(network);
    api.lanes.check_room(Lane::Password, address)?;
    caller.authorise_on_user(&api, Permission::ChangePasswords, &user).await?;
    let mut attempt = api.throttle().attempt(address)?;
    api.throttle().count_account(&mut attempt, address, &caller.0.user.0)?;
    let body = request_body.read(&["application/json"], api.limits().body_bytes).await?;
    let change = change.by_on(caller, Permission::ChangePasswords, &user).without_preview();
    let read = |_: &Call<'_>, body: Vec<u8>| PasswordChange::read(&body);
    let changed = change.run_with(&api, Lane::Password, body, read, move |call, PasswordChange { existing, new }| {
        let changed = call.directory.change_password(call.context, &user, existing.clone(), new.clone());
        call.afterwards(audit::password_change(call.context, &user, &changed));
        changed?;
        Ok(empty(StatusCode::OK))
    });
    attempt.settle(changed.await)
}

/// Does something to an account. What is done already is done.
#[utoipa::path(
    post,
    path = "/api/security/users/{user}/actions",
    tag = "Users",
    operation_id = "actOnUser",
    params(UserPath),
    request_body = UserActionBody,
    responses((status = 204, description = "It is done."), (status = 422))
)]
async fn act(
    api: Data<Api>,
    caller: Caller,
    PathParameter(user): PathParameter<UserIdentifier>,
    change: ChangeRequest,
    request_body: AuthorisedBody,
) -> Result<PreparedResponse, Problem> {
    let body = request_body.read_if_permitted(&api, &caller, Permission::ManageUsers, api.limits().body_bytes).await?;
    let read = |_: &Call<'_>, body: Vec<u8>| UserActionBody::read(&body);
    let change = change.by(caller, Permission::ManageUsers);
    change
        .run_with(&api, Lane::Write, body, read, move |call, action| {
            call.directory.act(call.context, &user, action)?;
            Ok(empty(StatusCode::NO_CONTENT))
        })
        .await
}
