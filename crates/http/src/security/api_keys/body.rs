//! API keys as JSON: the bodies of requests, each with its schema and its parser, and of responses (contract 11).

use guildhall_domain::api_key::{ApiKey, ApiKeyDraft};
use guildhall_domain::secret::Secret;
use serde::Serialize;
use utoipa::ToSchema;

use crate::body::field_errors::FieldErrors;
use crate::body::moment::Moment;
use crate::body::object::{JsonObject, read_object};
use crate::respond::problem::Problem;

/// The message of a 422, above the invalid fields.
pub(crate) const INVALID: &str = "There are validation errors in the API key";

/// An API key to be created. Other properties are ignored.
#[derive(ToSchema)]
#[expect(dead_code, reason = "its fields only describe what `read` reads")]
#[schema(rename_all = "camelCase", examples(json!({ "name": "Soap factory", "description": "Puts everybody to work" })))]
pub(crate) struct NewApiKey {
    /// Unique among API keys and users, because it is the username of the key's user.
    #[schema(min_length = 1, max_length = 255, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    name: String,
    /// Up to 32 KiB.
    #[schema(pattern = r"^[^\u0000]*$")]
    description: Option<String>,
    #[schema(default = true)]
    enabled: Option<bool>,
    /// The most that its tokens may be used for. Without any, everything; unknown ones are left out.
    scopes: Option<Vec<String>>,
}

impl NewApiKey {
    pub(crate) fn read(body: &[u8]) -> Result<ApiKeyDraft, Problem> {
        read_object(body, INVALID, draft)
    }
}

/// What changes of an API key. A property that is absent stays as it is; read-only and other properties are ignored.
#[derive(ToSchema)]
#[expect(dead_code, reason = "its fields only describe what `read` reads")]
#[schema(as = ApiKeyChanges, rename_all = "camelCase", examples(json!({ "enabled": false })))]
pub(crate) struct ApiKeyUpdate {
    /// Unique among API keys and users.
    #[schema(value_type = String, required = false, min_length = 1, max_length = 255, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    name: Option<String>,
    /// Up to 32 KiB.
    #[schema(pattern = r"^[^\u0000]*$")]
    description: Option<String>,
    enabled: Option<bool>,
    /// They take the place of all that are there.
    scopes: Option<Vec<String>>,
}

impl ApiKeyUpdate {
    pub(crate) fn read(body: &[u8]) -> Result<ApiKeyDraft, Problem> {
        read_object(body, INVALID, draft)
    }
}

/// An absent property stays as it is; in a new key it has its default.
fn draft(key: &JsonObject<'_>, errors: &mut FieldErrors) -> ApiKeyDraft {
    ApiKeyDraft {
        name: key.if_present("name", errors, JsonObject::text),
        description: key.if_present("description", errors, JsonObject::text),
        enabled: key.boolean("enabled", errors),
        scopes: key.if_present("scopes", errors, JsonObject::texts),
    }
}

/// An API key.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ApiKey)]
pub(crate) struct ApiKeyBody<'a> {
    #[schema(value_type = Uuid)]
    id: String,
    /// It is also the username of the key's user.
    #[schema(min_length = 1, max_length = 255, examples("Soap factory"))]
    name: &'a str,
    #[schema(required = true)]
    description: Option<&'a str>,
    /// Whether programs may sign in with it: whether its user is not suspended.
    enabled: bool,
    /// How programs sign in with it.
    #[schema(min_items = 1, max_items = 1)]
    flows: [FlowBody<'a>; 1],
    /// The most that its tokens may be used for.
    scopes: Vec<&'a str>,
    /// The user it acts as, who can be put in groups.
    #[schema(value_type = Uuid)]
    user_id: String,
    created: Moment,
    /// A username; nobody's where it was made at the command line.
    #[schema(required = true)]
    created_by: Option<&'a str>,
    modified: Moment,
    #[schema(required = true)]
    modified_by: Option<&'a str>,
}

/// How programs sign in with an API key.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ApiKeyFlow)]
struct FlowBody<'a> {
    #[schema(value_type = Uuid)]
    id: String,
    grant_type: FlowGrant,
    #[schema(value_type = Uuid)]
    client_id: String,
    /// Only in the answer that the secret was made for.
    #[schema(required = true)]
    client_secret: Option<&'a str>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
enum FlowGrant {
    ClientCredential,
}

impl<'a> ApiKeyBody<'a> {
    /// `key`, with its secret if that was just generated.
    pub(crate) fn new(key: &'a ApiKey, secret: Option<&'a Secret>) -> Self {
        let id = key.id.to_string();
        let flow = FlowBody {
            id: id.clone(),
            grant_type: FlowGrant::ClientCredential,
            client_id: id.clone(),
            client_secret: secret.map(Secret::reveal),
        };
        Self {
            id,
            name: key.name.as_str(),
            description: key.description.as_deref(),
            enabled: key.enabled,
            flows: [flow],
            scopes: key.scopes.iter().collect(),
            user_id: key.user.to_string(),
            created: Moment(key.created),
            created_by: key.created_by.as_deref(),
            modified: Moment(key.modified),
            modified_by: key.modified_by.as_deref(),
        }
    }
}
