//! Which schemas describe request bodies.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;
use utoipa::openapi::OpenApi;

/// The names of the schemas that request bodies refer to, directly or through other schemas.
pub(super) fn request_schemas(document: &OpenApi) -> BTreeSet<String> {
    let paths = serde_json::to_value(&document.paths).unwrap_or_default();
    let operations = paths.as_object().into_iter().flat_map(|paths| paths.values()).filter_map(Value::as_object);
    let bodies = operations.flat_map(|operations| operations.values()).map(|operation| &operation["requestBody"]);
    let mut pending: Vec<String> = bodies.flat_map(references_in).collect();
    let mut names = BTreeSet::new();
    while let Some(name) = pending.pop() {
        let schema = document.components.as_ref().and_then(|components| components.schemas.get(&name));
        pending.extend(schema.filter(|_| !names.contains(&name)).into_iter().flat_map(references));
        names.insert(name);
    }
    names
}

/// The names of the schemas to which a schema refers.
fn references(schema: &impl Serialize) -> Vec<String> {
    references_in(&serde_json::to_value(schema).unwrap_or_default())
}

fn references_in(json: &Value) -> Vec<String> {
    match json {
        Value::Object(properties) => {
            let own = properties.get("$ref").and_then(Value::as_str).and_then(|reference| reference.rsplit('/').next());
            own.map(str::to_owned).into_iter().chain(properties.values().flat_map(references_in)).collect()
        }
        Value::Array(elements) => elements.iter().flat_map(references_in).collect(),
        _ => Vec::new(),
    }
}
