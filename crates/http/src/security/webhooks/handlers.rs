//! Webhooks (contract 5.11).

use actix_web::http::StatusCode;
use actix_web::web::Data;
use guildhall_domain::access::{On, Permission};
use guildhall_domain::webhook::WebhookId;
use uuid::Uuid;

use super::body::{DeliveryBody, NewWebhook, WebhookActionBody, WebhookBody, WebhookUpdate};
use crate::Api;
use crate::extract::caller::Caller;
use crate::extract::path_parameters::PathParameter;
use crate::extract::query::Query;
use crate::extract::request_body::AuthorisedBody;
use crate::openapi::{PagingParameters, WebhookPath};
use crate::respond::json::{PreparedResponse, created, empty, json};
use crate::respond::page::PageBody;
use crate::respond::problem::Problem;
use crate::routes::Route;
use crate::work::{Call, ChangeRequest, Lane, run};

/// The routes of webhooks.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::new(__path_list, list),
        Route::new(__path_create, create),
        Route::new(__path_read, read),
        Route::new(__path_replace, replace),
        Route::new(__path_delete, delete),
        Route::new(__path_rotate, rotate),
        Route::new(__path_list_deliveries, list_deliveries),
        Route::new(__path_act, act),
    ]
}

/// Lists webhooks, first the oldest.
#[utoipa::path(
    get,
    path = "/api/security/webhooks",
    tag = "Webhooks",
    operation_id = "listWebhooks",
    params(PagingParameters),
    responses((status = 200, description = "A page of webhooks.", body = PageBody<WebhookBody>))
)]
async fn list(api: Data<Api>, caller: Caller, query: Query) -> Result<PreparedResponse, Problem> {
    run(&api, Lane::Read, caller, move |api, context| {
        let (page, request) = query.page_if_permitted(api, context, Permission::ManageWebhooks, On::All)?;
        let webhooks = api.directory.webhooks(context, &page)?;
        json(StatusCode::OK, &request.body(api, context, &webhooks, |view| WebhookBody::new(view, None))?)
    })
    .await
}

/// Creates a webhook, which is sent the events that follow.
///
/// Each event is sent in a request of its own, in the order of the sequence, at least once, and signed as Standard Webhooks says. The answer, and no later one, shows
/// the secret by which the receiver verifies that. There are at most 100 webhooks.
#[utoipa::path(
    post,
    path = "/api/security/webhooks",
    tag = "Webhooks",
    operation_id = "createWebhook",
    request_body = NewWebhook,
    responses((status = 201, description = "The webhook with its secret.", body = WebhookBody), (status = 409), (status = 422))
)]
async fn create(
    api: Data<Api>,
    caller: Caller,
    change: ChangeRequest,
    request_body: AuthorisedBody,
) -> Result<PreparedResponse, Problem> {
    let body =
        request_body.read_if_permitted(&api, &caller, Permission::ManageWebhooks, api.limits().body_bytes).await?;
    let read = |_: &Call<'_>, body: Vec<u8>| NewWebhook::read(&body);
    let change = change.by(caller, Permission::ManageWebhooks).without_preview();
    change
        .run_with(&api, Lane::Write, body, read, |call, draft| {
            let issued = call.directory.create_webhook(call.context, draft.clone())?;
            let body = WebhookBody::new(&issued.view, Some(&issued.secret));
            created(call.api, format_args!("webhooks/{}", issued.view.webhook.id), &body)
        })
        .await
}

/// Shows a webhook, without its secret.
#[utoipa::path(
    get,
    path = "/api/security/webhooks/{webhook}",
    tag = "Webhooks",
    operation_id = "readWebhook",
    params(WebhookPath),
    responses((status = 200, description = "The webhook.", body = WebhookBody))
)]
async fn read(
    api: Data<Api>,
    caller: Caller,
    PathParameter(webhook): PathParameter<WebhookKey>,
) -> Result<PreparedResponse, Problem> {
    run(&api, Lane::Read, caller, move |api, context| {
        let view = api.directory.webhook(context, webhook.0)?;
        json(StatusCode::OK, &WebhookBody::new(&view, None))
    })
    .await
}

/// Changes a webhook. How far it is stays: it goes on with the next event.
#[utoipa::path(
    put,
    path = "/api/security/webhooks/{webhook}",
    tag = "Webhooks",
    operation_id = "updateWebhook",
    params(WebhookPath),
    request_body = WebhookUpdate,
    responses((status = 200, description = "The webhook as it is now.", body = WebhookBody), (status = 422))
)]
async fn replace(
    api: Data<Api>,
    caller: Caller,
    PathParameter(webhook): PathParameter<WebhookKey>,
    change: ChangeRequest,
    request_body: AuthorisedBody,
) -> Result<PreparedResponse, Problem> {
    let body =
        request_body.read_if_permitted(&api, &caller, Permission::ManageWebhooks, api.limits().body_bytes).await?;
    let read = |_: &Call<'_>, body: Vec<u8>| WebhookUpdate::read(&body);
    let change = change.by(caller, Permission::ManageWebhooks).without_preview();
    change
        .run_with(&api, Lane::Write, body, read, move |call, changes| {
            let view = call.directory.change_webhook(call.context, webhook.0, changes)?;
            json(StatusCode::OK, &WebhookBody::new(&view, None))
        })
        .await
}

/// Deletes a webhook with its deliveries. What is being sent may still arrive.
#[utoipa::path(
    delete,
    path = "/api/security/webhooks/{webhook}",
    tag = "Webhooks",
    operation_id = "deleteWebhook",
    params(WebhookPath),
    responses((status = 204, description = "The webhook is gone."))
)]
async fn delete(
    api: Data<Api>,
    caller: Caller,
    PathParameter(webhook): PathParameter<WebhookKey>,
    change: ChangeRequest,
) -> Result<PreparedResponse, Problem> {
    let change = change.by(caller, Permission::ManageWebhooks).without_preview();
    change
        .run(&api, Lane::Write, move |call| {
            call.directory.delete_webhook(call.context, webhook.0)?;
            Ok(empty(StatusCode::NO_CONTENT))
        })
        .await
}

/// Gives a webhook another secret, which the answer shows. For 24 hours the one of before signs too.
#[utoipa::path(
    post,
    path = "/api/security/webhooks/{webhook}/secret",
    tag = "Webhooks",
    operation_id = "rotateWebhook",
    params(WebhookPath),
    responses((status = 200, description = "The webhook with its secret.", body = WebhookBody))
)]
async fn rotate(
    api: Data<Api>,
    caller: Caller,
    PathParameter(webhook): PathParameter<WebhookKey>,
    change: ChangeRequest,
) -> Result<PreparedResponse, Problem> {
    let change = change.by(caller, Permission::ManageWebhooks).without_preview();
    change
        .run(&api, Lane::Write, move |call| {
            let issued = call.directory.rotate_webhook(call.context, webhook.0)?;
            json(StatusCode::OK, &WebhookBody::new(&issued.view, Some(&issued.secret)))
        })
        .await
}

/// Lists the latest hundred attempts to deliver events to a webhook, first the last one.
#[utoipa::path(
    get,
    path = "/api/security/webhooks/{webhook}/deliveries",
    tag = "Webhooks",
    operation_id = "listDeliveries",
    params(WebhookPath, PagingParameters),
    responses((status = 200, description = "A page of attempts.", body = PageBody<DeliveryBody>))
)]
async fn list_deliveries(
    api: Data<Api>,
    caller: Caller,
    PathParameter(webhook): PathParameter<WebhookKey>,
    query: Query,
) -> Result<PreparedResponse, Problem> {
    run(&api, Lane::Read, caller, move |api, context| {
        let (page, request) = query.page_if_permitted(api, context, Permission::ManageWebhooks, On::All)?;
        let deliveries = api.directory.webhook_deliveries(context, webhook.0, &page)?;
        json(StatusCode::OK, &request.body(api, context, &deliveries, DeliveryBody::from)?)
    })
    .await
}

/// Sends a webhook a test, enables it, or sends it events again. What is to be sent is sent after the answer.
#[utoipa::path(
    post,
    path = "/api/security/webhooks/{webhook}/actions",
    tag = "Webhooks",
    operation_id = "actOnWebhook",
    params(WebhookPath),
    request_body = WebhookActionBody,
    responses((status = 204, description = "It is going to be done."), (status = 410), (status = 422))
)]
async fn act(
    api: Data<Api>,
    caller: Caller,
    PathParameter(webhook): PathParameter<WebhookKey>,
    change: ChangeRequest,
    request_body: AuthorisedBody,
) -> Result<PreparedResponse, Problem> {
    let body =
        request_body.read_if_permitted(&api, &caller, Permission::ManageWebhooks, api.limits().body_bytes).await?;
    let read = |_: &Call<'_>, body: Vec<u8>| WebhookActionBody::read(&body);
    let change = change.by(caller, Permission::ManageWebhooks).without_preview();
    change
        .run_with(&api, Lane::Write, body, read, move |call, action| {
            call.directory.act_on_webhook(call.context, webhook.0, *action)?;
            Ok(empty(StatusCode::NO_CONTENT))
        })
        .await
}

/// The webhook that a path names. A text that is no id names none.
#[derive(Clone, Copy)]
struct WebhookKey(WebhookId);

impl From<&str> for WebhookKey {
    fn from(text: &str) -> Self {
        Self(WebhookId(Uuid::try_parse(text.trim()).unwrap_or_default()))
    }
}
