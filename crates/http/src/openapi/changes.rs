//! Parts of the document that all operations have that change something.

use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::{OneOfBuilder, Type};
use utoipa::openapi::{ObjectBuilder, Ref, RefOr, Required, Schema};

use super::rules::add_success_headers;

/// Requests that change nothing although their method may.
const READING: [&str; 2] = ["/api/security/users/search", "/api/security/memberships/check"];

const MANAGER: &str = "/api/security/groups/{group}/managers/users/{user}";
const MANAGER_GROUP: &str = "/api/security/groups/{group}/managers/groups/{manager}";
const MEMBERS: &str = "/api/security/groups/{group}/users";
const WEBHOOK: &str = "/api/security/webhooks/{webhook}";
const CHILDREN: &str = "/api/security/groups/{group}/groups";

/// Changes of no membership, of which there are no previews, and those that describe their own.
const WITHOUT_PREVIEW: [(&str, &str); 16] = [
    ("PUT", MANAGER),
    ("DELETE", MANAGER),
    ("PUT", MANAGER_GROUP),
    ("DELETE", MANAGER_GROUP),
    ("POST", MEMBERS),
    ("PATCH", MEMBERS),
    ("POST", CHILDREN),
    ("PATCH", CHILDREN),
    ("POST", "/api/security/users/{user}/credentials/password"),
    ("DELETE", "/api/security/users/{user}/identities"),
    ("POST", "/api/security/apiKeys/{key}/secret"),
    ("POST", "/api/security/webhooks"),
    ("PUT", WEBHOOK),
    ("DELETE", WEBHOOK),
    ("POST", "/api/security/webhooks/{webhook}/secret"),
    ("POST", "/api/security/webhooks/{webhook}/actions"),
];

/// Whether the operation changes something, so that it is done once for each idempotency key.
pub(super) fn is_change(path: &str, method: &str) -> bool {
    path.starts_with("/api/security/") && !matches!(method, "GET" | "HEAD") && !READING.contains(&path)
}

/// Whether the operation can be previewed, by an answer that all such operations have.
pub(super) fn has_preview(path: &str, method: &str) -> bool {
    is_change(path, method) && !WITHOUT_PREVIEW.contains(&(method, path))
}

pub(super) fn idempotency_key() -> Parameter {
    let schema = ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(r#"^([!#-~][!-~]{0,254}|"([!#-\[\]-~]|\\["\\]){1,255}")$"#))
        .examples(["8e03978e-40d5-43e8-bc93-6894a57f9324"]);
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(IDEMPOTENCY_KEY))
        .schema(Some(schema))
        .build()
}

const IDEMPOTENCY_KEY: &str = "\
Lets the request be sent again: with the same key, method, path, query and body it is not done again, and what was answered is answered again, with \
`Idempotency-Replayed: true`. While it is being processed, 409; the same key with another request, 422; while as many answers are kept for the caller as may be, 429. 1 to 255 visible ASCII characters, in double \
quotes or not.";

pub(super) fn dry_run() -> Parameter {
    let schema = ObjectBuilder::new().schema_type(Type::Boolean).default(Some(false.into()));
    ParameterBuilder::new()
        .name("dryRun")
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some("Whether nothing is to be changed: the answer tells what would be, or refuses as the change would be refused."))
        .schema(Some(schema))
        .build()
}

/// Adds the answer to a preview, beside what the operation answers with 200.
pub(super) fn add_preview(operation: &mut Operation) {
    const JSON: &str = "application/json";
    let preview = || Ref::from_schema_name("Preview");
    let answered = operation.responses.responses.get_mut("200");
    if let Some(RefOr::T(response)) = answered {
        if let Some(RefOr::T(content)) = response.content.get_mut(JSON)
            && let Some(schema) = content.schema.take()
        {
            content.schema = Some(RefOr::T(Schema::OneOf(OneOfBuilder::new().item(schema).item(preview()).build())));
        }
        return;
    }
    let content = ContentBuilder::new().schema(Some(preview())).build();
    let mut response =
        ResponseBuilder::new().description("With `dryRun`: what would be changed.").content(JSON, content).build();
    add_success_headers("200", &mut response);
    operation.responses.responses.insert("200".to_owned(), response.into());
}
