//! An API key as JSON: what is read of one, and how one is written (contract 11).

use guildhall_domain::api_key::{ApiKey, ApiKeyDraft};
use guildhall_domain::secret::Secret;
use serde::Serialize;
use utoipa::ToSchema;

use crate::body::moment::Moment;
use crate::body::object::{Faults, Object};
use crate::respond::problem::Problem;

/// What an answer says above the fields that are not as they must be.
pub(crate) const INVALID: &str = "There are validation errors in the API key";

/// Reads what a request says of an API key. A property that is not there stays as it is; read-only ones are ignored.
pub(crate) fn draft(body: &[u8]) -> Result<ApiKeyDraft, Problem> {
    let key = Object::read(body)?;
    let faults = &mut Faults::default();
    let draft = ApiKeyDraft {
        name: key.given("name", faults, Object::text),
        description: key.given("description", faults, Object::text),
        enabled: key.boolean("enabled", faults),
        scopes: key.given("scopes", faults, Object::texts),
    };
    std::mem::take(faults).none_or(INVALID, draft)
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
    /// `key`, with its secret where that was just made.
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
