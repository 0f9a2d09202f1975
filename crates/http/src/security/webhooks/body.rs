//! Webhooks as JSON: the bodies of requests, each with its schema and its parser, and of responses.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use guildhall_domain::directory::{WebhookAction, WebhookView};
use guildhall_domain::webhook::{Delivery, WebhookDraft, WebhookSecret};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Schema, Type};

use crate::body::field_errors::FieldErrors;
use crate::body::moment::Moment;
use crate::body::object::{JsonObject, Repeated, read_object};
use crate::respond::problem::Problem;

/// The message of a 422, above the invalid fields.
pub(super) const INVALID: &str = "There are validation errors in the webhook";
/// The same for an action.
const INVALID_ACTION: &str = "There are validation errors in the action";
/// What secrets begin with (Standard Webhooks).
const SECRET_PREFIX: &str = "whsec_";

/// A webhook to be created. Other properties are ignored.
#[derive(ToSchema)]
#[expect(dead_code, reason = "its fields only describe what `read` reads")]
#[schema(examples(json!({ "name": "Orders", "url": "https://hooks.example.com/guildhall", "types": ["guildhall.group.members.*"] })))]
pub(super) struct NewWebhook {
    #[schema(min_length = 1, max_length = 255, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    name: String,
    /// Where events are sent: of `https`, with a public address, unless the service is set to allow more.
    #[schema(max_length = 2048, pattern = "^https?://")]
    url: String,
    /// Types of events, or beginnings of them with `*` after it. Without any, all.
    #[schema(max_items = 50)]
    types: Option<Vec<String>>,
    /// Ids of the groups (`data.group`) whose events are sent. Without any, events about anything.
    #[schema(max_items = 100)]
    groups: Option<Vec<uuid::Uuid>>,
    #[schema(default = true)]
    enabled: Option<bool>,
}

impl NewWebhook {
    pub(super) fn read(body: &[u8]) -> Result<WebhookDraft, Problem> {
        read_object(body, INVALID, draft)
    }
}

/// What changes of a webhook. A property that is absent stays as it is; read-only and other properties are ignored.
#[derive(ToSchema)]
#[expect(dead_code, reason = "its fields only describe what `read` reads")]
#[schema(as = WebhookChanges, examples(json!({ "enabled": false })))]
pub(super) struct WebhookUpdate {
    #[schema(value_type = String, required = false, min_length = 1, max_length = 255, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    name: Option<String>,
    /// Where events are sent.
    #[schema(value_type = String, required = false, max_length = 2048, pattern = "^https?://")]
    url: Option<String>,
    /// They take the place of all that are there.
    #[schema(max_items = 50)]
    types: Option<Vec<String>>,
    /// They take the place of all that are there.
    #[schema(max_items = 100)]
    groups: Option<Vec<uuid::Uuid>>,
    enabled: Option<bool>,
}

impl WebhookUpdate {
    pub(super) fn read(body: &[u8]) -> Result<WebhookDraft, Problem> {
        read_object(body, INVALID, draft)
    }
}

/// An absent property stays as it is; in a new webhook it has its default.
fn draft(webhook: &JsonObject<'_>, errors: &mut FieldErrors) -> WebhookDraft {
    WebhookDraft {
        name: webhook.if_present("name", errors, JsonObject::text),
        url: webhook.if_present("url", errors, JsonObject::text),
        types: webhook.if_present("types", errors, JsonObject::texts),
        groups: webhook.if_present("groups", errors, JsonObject::texts),
        enabled: webhook.boolean("enabled", errors),
    }
}

/// Something that is done with a webhook.
#[derive(ToSchema)]
#[expect(dead_code, reason = "its fields only describe what `read` reads")]
#[schema(as = WebhookAction, examples(json!({ "type": "test" })))]
pub(super) struct WebhookActionBody {
    /// `test` sends an event of the type `guildhall.webhook.test` once, `enable` goes on with the event that was not delivered, and `replay` sends all events after
    /// `after` again.
    r#type: WebhookActionType,
    /// The sequence after which a replay begins.
    #[schema(required = false, schema_with = sequence)]
    after: String,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "only its description is used")]
#[schema(rename_all = "camelCase")]
enum WebhookActionType {
    Test,
    Enable,
    Replay,
}

impl WebhookActionBody {
    pub(super) fn read(body: &[u8]) -> Result<WebhookAction, Problem> {
        read_object(body, INVALID_ACTION, |action, errors| match action.text("type", errors).as_deref() {
            Some("test") => WebhookAction::Test,
            Some("enable") => WebhookAction::Enable,
            Some("replay") => match place(action) {
                Ok(after) => WebhookAction::Replay { after },
                Err(fault) => faulty(errors, "after", fault),
            },
            // That is said already.
            None if !is_absent(action, "type") => WebhookAction::Test,
            _ => faulty(errors, "type", "The type must be test, enable or replay"),
        })
    }
}

/// Whether a property is not there, or `null`.
fn is_absent(action: &JsonObject<'_>, name: &str) -> bool {
    action.find(name).is_ok_and(|json| json.is_none_or(|json| json.get() == "null"))
}

/// The sequence after which a replay begins, as a number or as the text that events have.
fn place(action: &JsonObject<'_>) -> Result<u64, &'static str> {
    const NO_SEQUENCE: &str = "The sequence of an event is required, or 0";
    let json = action.find("after").map_err(|_| Repeated::MESSAGE)?.ok_or(NO_SEQUENCE)?.get();
    let digits = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(json);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let sequence = is_number.then(|| digits.parse().ok()).flatten();
    sequence.filter(|sequence| i64::try_from(*sequence).is_ok()).ok_or(NO_SEQUENCE)
}

/// Notes a fault. What is returned is never done.
fn faulty(errors: &mut FieldErrors, field: &str, message: &str) -> WebhookAction {
    errors.add(field.to_owned(), message);
    WebhookAction::Test
}

fn sequence() -> Schema {
    let number = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0));
    let text = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[0-9]{1,18}$"));
    OneOfBuilder::new().item(number).item(text).build().into()
}

/// A webhook.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Webhook)]
pub(super) struct WebhookBody<'a> {
    #[schema(value_type = Uuid)]
    id: String,
    #[schema(min_length = 1, max_length = 255, examples("Orders"))]
    name: &'a str,
    url: &'a str,
    types: &'a [String],
    #[schema(value_type = Vec<uuid::Uuid>)]
    groups: Vec<String>,
    /// Whether events are sent to it. The service disables one that fails for four days, or answers 410.
    enabled: bool,
    created: Moment,
    /// A username; nobody's where it was made by a program that embeds the directory.
    #[schema(required = true)]
    created_by: Option<&'a str>,
    /// The last attempt to deliver an event, but for tests.
    #[schema(required = true)]
    last_delivery: Option<LastDeliveryBody>,
    /// How many events of the log come after the last one that was delivered or is not sent to this webhook.
    #[schema(minimum = 0)]
    backlog: u64,
    /// Since when nothing was delivered although it was sent.
    #[schema(required = true)]
    failing_since: Option<Moment>,
    /// When it is sent again, if that failed.
    #[schema(required = true)]
    next_attempt: Option<Moment>,
    /// By which receivers verify what they are sent: only in the answer that it was made for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false, pattern = "^whsec_[A-Za-z0-9+/]{43}=$")]
    secret: Option<String>,
}

/// The last attempt to deliver an event.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = LastDelivery)]
struct LastDeliveryBody {
    /// The sequence of the event.
    #[schema(examples("1042"))]
    sequence: String,
    /// The status of the response; `null` if there was none.
    #[schema(required = true)]
    status: Option<u16>,
    at: Moment,
}

impl<'a> WebhookBody<'a> {
    /// The webhook, with its secret if that was just generated.
    pub(super) fn new(view: &'a WebhookView, secret: Option<&WebhookSecret>) -> Self {
        let (webhook, progress) = (&view.webhook, &view.webhook.progress);
        Self {
            id: webhook.id.to_string(),
            name: webhook.name.as_str(),
            url: webhook.url.as_str(),
            types: webhook.types.patterns(),
            groups: webhook.groups.iter().map(ToString::to_string).collect(),
            enabled: progress.enabled,
            created: Moment(webhook.created),
            created_by: webhook.created_by.as_deref(),
            last_delivery: progress.last_delivery.map(|last| LastDeliveryBody {
                sequence: last.sequence.to_string(),
                status: last.status,
                at: Moment(last.at),
            }),
            backlog: view.backlog,
            failing_since: progress.failing_since.map(Moment),
            next_attempt: progress.next_attempt.map(Moment),
            secret: secret.map(|secret| format!("{SECRET_PREFIX}{}", STANDARD.encode(secret.0))),
        }
    }
}

/// An attempt to deliver an event to a webhook.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WebhookDelivery)]
pub(super) struct DeliveryBody<'a> {
    /// Counted from 1 for each webhook.
    #[schema(minimum = 1)]
    number: u64,
    /// The id of the event.
    #[schema(value_type = Uuid)]
    event: String,
    /// The sequence of the event; `null` for a test.
    #[schema(required = true)]
    sequence: Option<String>,
    at: Moment,
    /// How long it took, in milliseconds.
    #[schema(minimum = 0)]
    duration: u64,
    /// The status of the response; `null` if there was none.
    #[schema(required = true)]
    status: Option<u16>,
    /// Why there was none.
    #[schema(required = true)]
    error: Option<&'a str>,
    delivered: bool,
}

impl<'a> From<&'a Delivery> for DeliveryBody<'a> {
    fn from(delivery: &'a Delivery) -> Self {
        Self {
            number: delivery.number,
            event: delivery.event.to_string(),
            sequence: delivery.sequence.map(|sequence| sequence.to_string()),
            at: Moment(delivery.at),
            duration: u64::try_from(delivery.duration.as_millis()).unwrap_or(u64::MAX),
            status: delivery.status,
            error: delivery.error.as_deref(),
            delivered: delivery.is_delivered(),
        }
    }
}
