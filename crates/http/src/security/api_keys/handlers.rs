//! API keys (contract 11).

use actix_web::http::StatusCode;
use actix_web::web::Data;
use guildhall_domain::access::{On, Permission};
use guildhall_domain::api_key::ApiKeyIdentifier;

use crate::Api;
use crate::extract::caller::Caller;
use crate::extract::path_parameters::PathParameter;
use crate::extract::query::Query;
use crate::extract::request_body::AuthorisedBody;
use crate::openapi::{ApiKeyPath, PagingParameters};
use crate::respond::json::{PreparedResponse, created, empty, json};
use crate::respond::page::PageBody;
use crate::respond::problem::Problem;
use crate::routes::Route;
use crate::security::api_keys::body::{ApiKeyBody, ApiKeyUpdate, NewApiKey};
use crate::work::{Call, ChangeRequest, Lane, run};

/// The routes of API keys.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::new(__path_list, list),
        Route::new(__path_create, create),
        Route::new(__path_read, read),
        Route::new(__path_replace, replace),
        Route::new(__path_delete, delete),
        Route::new(__path_rotate, rotate),
    ]
}

/// Lists API keys, by name.
#[utoipa::path(
    get,
    path = "/api/security/apiKeys",
    tag = "API keys",
    operation_id = "listApiKeys",
    params(PagingParameters),
    responses((status = 200, description = "A page of API keys.", body = PageBody<ApiKeyBody>))
)]
async fn list(api: Data<Api>, caller: Caller, query: Query) -> Result<PreparedResponse, Problem> {
    run(&api, Lane::Long, caller, move |api, context| {
        let (page, request) = query.page_if_permitted(api, context, Permission::ManageApiKeys, On::All)?;
        let keys = api.directory.api_keys(context, &page)?;
        json(StatusCode::OK, &request.body(api, context, &keys, |key| ApiKeyBody::new(key, None))?)
    })
    .await
}

/// Creates an API key, and a user that it acts as.
///
/// The answer, and no later one, shows the secret.
#[utoipa::path(
    post,
    path = "/api/security/apiKeys",
    tag = "API keys",
    operation_id = "createApiKey",
    request_body = NewApiKey,
    responses((status = 201, description = "The API key with its secret.", body = ApiKeyBody), (status = 409), (status = 422))
)]
async fn create(
    api: Data<Api>,
    caller: Caller,
    change: ChangeRequest,
    request_body: AuthorisedBody,
) -> Result<PreparedResponse, Problem> {
    let body =
        request_body.read_if_permitted(&api, &caller, Permission::ManageApiKeys, api.limits().body_bytes).await?;
    let read = |_: &Call<'_>, body: Vec<u8>| NewApiKey::read(&body);
    let change = change.by(caller, Permission::ManageApiKeys);
    change
        .run_with(&api, Lane::Write, body, read, |call, draft| {
            let issued = call.directory.create_api_key(call.context, draft.clone(), &[])?;
            let body = ApiKeyBody::new(&issued.key, Some(&issued.secret));
            created(call.api, format_args!("apiKeys/{}", issued.key.id), &body)
        })
        .await
}

/// Shows an API key, without its secret.
#[utoipa::path(
    get,
    path = "/api/security/apiKeys/{key}",
    tag = "API keys",
    operation_id = "readApiKey",
    params(ApiKeyPath),
    responses((status = 200, description = "The API key.", body = ApiKeyBody))
)]
async fn read(
    api: Data<Api>,
    caller: Caller,
    PathParameter(key): PathParameter<ApiKeyIdentifier>,
) -> Result<PreparedResponse, Problem> {
    run(&api, Lane::Read, caller, move |api, context| {
        let key = api.directory.api_key(context, &key)?;
        json(StatusCode::OK, &ApiKeyBody::new(&key, None))
    })
    .await
}

/// Changes an API key. Disabled, it ends its tokens at once.
///
/// API Key Administrators change no keys that administer users or groups; nor do they give them new secrets or delete them.
#[utoipa::path(
    put,
    path = "/api/security/apiKeys/{key}",
    tag = "API keys",
    operation_id = "updateApiKey",
    params(ApiKeyPath),
    request_body = ApiKeyUpdate,
    responses((status = 200, description = "The API key as it is now.", body = ApiKeyBody), (status = 422))
)]
async fn replace(
    api: Data<Api>,
    caller: Caller,
    PathParameter(key): PathParameter<ApiKeyIdentifier>,
    change: ChangeRequest,
    request_body: AuthorisedBody,
) -> Result<PreparedResponse, Problem> {
    let body =
        request_body.read_if_permitted(&api, &caller, Permission::ManageApiKeys, api.limits().body_bytes).await?;
    let read = |_: &Call<'_>, body: Vec<u8>| ApiKeyUpdate::read(&body);
    let change = change.by(caller, Permission::ManageApiKeys);
    change
        .run_with(&api, Lane::Write, body, read, move |call, changes| {
            let key = call.directory.change_api_key(call.context, &key, changes)?;
            json(StatusCode::OK, &ApiKeyBody::new(&key, None))
        })
        .await
}

/// Deletes an API key and its user, and ends its tokens at once.
#[utoipa::path(
    delete,
    path = "/api/security/apiKeys/{key}",
    tag = "API keys",
    operation_id = "deleteApiKey",
    params(ApiKeyPath),
    responses((status = 204, description = "The API key is gone."))
)]
async fn delete(
    api: Data<Api>,
    caller: Caller,
    PathParameter(key): PathParameter<ApiKeyIdentifier>,
    change: ChangeRequest,
) -> Result<PreparedResponse, Problem> {
    let change = change.by(caller, Permission::ManageApiKeys);
    change
        .run(&api, Lane::Write, move |call| {
            call.directory.delete_api_key(call.context, &key)?;
            Ok(empty(StatusCode::NO_CONTENT))
        })
        .await
}

/// Gives an API key another secret, which the answer shows, and ends the one of before with its tokens.
#[utoipa::path(
    post,
    path = "/api/security/apiKeys/{key}/secret",
    tag = "API keys",
    operation_id = "rotateApiKey",
    params(ApiKeyPath),
    responses((status = 200, description = "The API key with its secret.", body = ApiKeyBody))
)]
async fn rotate(
    api: Data<Api>,
    caller: Caller,
    PathParameter(key): PathParameter<ApiKeyIdentifier>,
    change: ChangeRequest,
) -> Result<PreparedResponse, Problem> {
    let change = change.by(caller, Permission::ManageApiKeys).without_preview();
    change
        .run(&api, Lane::Write, move |call| {
            let issued = call.directory.rotate_api_key(call.context, &key)?;
            json(StatusCode::OK, &ApiKeyBody::new(&issued.key, Some(&issued.secret)))
        })
        .await
}
