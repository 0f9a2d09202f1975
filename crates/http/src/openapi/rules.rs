//! Parts of the document that follow from rules: errors, headers and security of every operation.

use std::collections::BTreeSet;

use utoipa::Modify;
use utoipa::openapi::content::{Content, ContentBuilder};
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, ParameterIn, PathItem};
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::{AdditionalProperties, ArrayItems, Components, SchemaFormat, SchemaType, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ObjectBuilder, OpenApi, Ref, RefOr, Required, Response, Schema};

use super::changes::{add_preview, dry_run, has_preview, idempotency_key, is_change};
use super::request_schemas::request_schemas;
use crate::oauth::token::TOKEN_ENDPOINT;

/// Adds these parts to the document.
pub(super) struct Rules;

const TOKEN: &str = "bearer";
const JSON: &str = "application/json";

/// Every error response: its status, name, schema and description.
const ERROR_RESPONSES: [(&str, &str, &str, &str); 14] = [
    ("400", "BadRequest", "Error", "The request cannot be understood."),
    ("401", "Unauthorized", "Unauthenticated", "There is no token, or it is not (or no longer) valid."),
    ("403", "Forbidden", "Error", "The caller may not do this, whether or not what they ask about is there."),
    ("404", "NotFound", "Error", "Something that the request names is not there."),
    ("405", "MethodNotAllowed", "Error", "The path has other methods."),
    ("408", "TooSlow", "Error", "The body came too slowly."),
    ("409", "Conflict", "Error", "This cannot be done in the present state."),
    ("410", "Gone", "Error", "What is asked for was there, and was removed since."),
    ("412", "PreconditionFailed", "Error", "A condition does not hold. Nothing was changed."),
    ("413", "ContentTooLarge", "Error", "The body is larger than the service is set to accept."),
    ("415", "UnsupportedMediaType", "Error", "The body is of another type, or compressed."),
    (
        "422",
        "Invalid",
        "ValidationError",
        "Fields are not as they must be. All of them are named; nothing was changed.",
    ),
    (
        "429",
        "LimitReached",
        "Error",
        "As many answers to requests with an `Idempotency-Key` are kept for the caller as may be. Nothing was done.",
    ),
    (
        "503",
        "Unavailable",
        "Error",
        "The database cannot do its work (it is away, read-only or full, for example), the query takes too long, or too many requests collide. Nothing was done.",
    ),
];
const SERVER_ERROR: (&str, &str, &str, &str) = ("500", "Failed", "Error", "The service failed; its log says more.");

impl Modify for Rules {
    fn modify(&self, document: &mut OpenApi) {
        let request_schemas = request_schemas(document);
        let components = document.components.get_or_insert_default();
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        components.add_security_scheme(TOKEN, SecurityScheme::Http(scheme));
        for error in ERROR_RESPONSES.iter().chain([&SERVER_ERROR]) {
            components.responses.insert(error.1.to_owned(), error_response(error).into());
        }
        forbid_additional_properties(components, &request_schemas);
        reference_page_items(components);
        for (path, item) in &mut document.paths.paths {
            for (method, operation) in operations(item) {
                complete_operation(path, method, operation);
            }
        }
    }
}

/// Response bodies have no properties other than those described. In request bodies, unknown properties are ignored.
fn forbid_additional_properties(components: &mut Components, request_schemas: &BTreeSet<String>) {
    for (name, schema) in &mut components.schemas {
        if let RefOr::T(Schema::Object(object)) = schema
            && !object.properties.is_empty()
            && !request_schemas.contains(name)
        {
            object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
        }
    }
}

/// Makes the items of a page references to their schema, which the derived schema repeats inline.
fn reference_page_items(components: &mut Components) {
    for held in [
        "User",
        "ShownUser",
        "FormerUser",
        "FormerGroup",
        "Group",
        "ApiKey",
        "Identity",
        "Manager",
        "Membership",
        "Edge",
        "Webhook",
        "WebhookDelivery",
    ] {
        if let Some(RefOr::T(Schema::Object(page))) = components.schemas.get_mut(&format!("Page_{held}"))
            && let Some(RefOr::T(Schema::Array(items))) = page.properties.get_mut("items")
        {
            items.items = ArrayItems::RefOrSchema(Box::new(Ref::from_schema_name(held).into()));
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let PathItem { get, put, post, delete, head, patch, .. } = item;
    [("GET", get), ("PUT", put), ("POST", post), ("DELETE", delete), ("HEAD", head), ("PATCH", patch)]
        .into_iter()
        .filter_map(|(method, operation)| operation.as_mut().map(|operation| (method, operation)))
}

fn complete_operation(path: &str, method: &str, operation: &mut Operation) {
    let is_guarded = path.starts_with("/api/security/");
    let has = |place: ParameterIn| {
        let mut parameters = operation.parameters.iter().flatten();
        parameters.any(|parameter| matches!(parameter, RefOr::T(parameter) if parameter.parameter_in == place))
    };
    let names = |name: &str| {
        let mut parameters = operation.parameters.iter().flatten();
        parameters.any(|parameter| matches!(parameter, RefOr::T(parameter) if parameter.name == name))
    };
    // The token endpoint has its own error format, which its handler describes.
    let is_oauth = path == TOKEN_ENDPOINT;
    let has_body = operation.request_body.is_some() && !is_oauth;
    let mut statuses = if is_oauth { Vec::new() } else { vec!["500"] };
    for (holds, status) in [
        (has(ParameterIn::Query) || has(ParameterIn::Header) || has_body, "400"),
        (is_guarded, "401"),
        (is_guarded, "403"),
        (has(ParameterIn::Path) || names("parent"), "404"),
        (has_body, "408"),
        (names("after") || names("asOf"), "410"),
        (names("If-Match"), "412"),
        (has_body, "413"),
        (has_body, "415"),
        (is_guarded || path == "/health/ready", "503"),
    ] {
        if holds {
            statuses.push(status);
        }
    }
    if names("If-None-Match") && !names("If-Match") {
        let unchanged = ResponseBuilder::new().description("The client has it already.");
        operation.responses.responses.insert("304".to_owned(), unchanged.build().into());
    }
    if is_change(path, method) {
        let parameters = operation.parameters.get_or_insert_default();
        parameters.push(idempotency_key().into());
        if has_preview(path, method) {
            parameters.push(dry_run().into());
        }
        statuses.extend(["400", "409", "422", "429"]);
    }
    let responses = &mut operation.responses.responses;
    for status in statuses {
        responses.entry(status.to_owned()).or_insert_with(|| Response::new("").into());
    }
    for (status, response) in responses {
        // Its handler says more.
        let is_described = matches!(response, RefOr::T(response) if status == "429" && !response.content.is_empty());
        let error = ERROR_RESPONSES.iter().chain([&SERVER_ERROR]).find(|error| error.0 == status);
        let error = error.filter(|_| !is_oauth && !is_described);
        if let Some(error) = error {
            *response = if method == "HEAD" {
                // A response to HEAD has no body.
                let mut error_response = error_response(error);
                error_response.content.clear();
                error_response.into()
            } else {
                Ref::from_response_name(error.1).into()
            };
        } else if let RefOr::T(response) = response {
            add_success_headers(status, response);
        }
    }
    if has_preview(path, method) {
        add_preview(operation);
    }
    if let Some(RefOr::T(body)) = &mut operation.request_body {
        let is_optional = body.content.values().any(admits_null);
        body.required = Some(if is_optional { Required::False } else { Required::True });
    }
    if is_guarded {
        operation.security = Some(vec![SecurityRequirement::new(TOKEN, Vec::<String>::new())]);
    }
}

/// Whether the schema of a body is that of an `Option`.
fn admits_null(content: &RefOr<Content>) -> bool {
    let is_null = |schema: &RefOr<Schema>| matches!(schema, RefOr::T(Schema::Object(object)) if object.schema_type == SchemaType::Type(Type::Null));
    matches!(content, RefOr::T(content)
        if matches!(&content.schema, Some(RefOr::T(Schema::OneOf(choices))) if choices.items.iter().any(is_null)))
}

pub(super) fn add_success_headers(status: &str, response: &mut Response) {
    let shows = |name: &str| {
        let reference = Ref::from_schema_name(name).ref_location;
        response.content.values().any(|content| {
            matches!(content, RefOr::T(content)
                if matches!(&content.schema, Some(RefOr::Ref(shown)) if shown.ref_location == reference))
        })
    };
    let has_tag = status == "304" || shows("User") || shows("Group");
    let mut headers = vec![request_id()];
    if has_tag {
        headers.push(("ETag", "What the answer shows, for `If-Match` and `If-None-Match`.", Type::String, None));
    }
    if status == "201" {
        headers.push(("Location", "Where it is from now on.", Type::String, Some("uri-reference")));
    }
    add(headers, response);
}

type HeaderLine = (&'static str, &'static str, Type, Option<&'static str>);

fn request_id() -> HeaderLine {
    ("X-Request-Id", "The id of the request, as in the service's log.", Type::String, Some("uuid"))
}

fn error_response((status, _, schema, meaning): &(&str, &str, &str, &str)) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(*schema))).build();
    let mut response = ResponseBuilder::new().description(*meaning).content(JSON, content).build();
    let mut headers = vec![request_id()];
    match *status {
        "401" => headers.push(("WWW-Authenticate", "`Bearer`.", Type::String, None)),
        "405" => headers.push(("Allow", "The methods that the path has.", Type::String, None)),
        "429" | "503" => headers.push(("Retry-After", "After how many seconds to ask again.", Type::Integer, None)),
        _ => {}
    }
    add(headers, &mut response);
    response
}

fn add(headers: Vec<HeaderLine>, response: &mut Response) {
    for (name, meaning, kind, format) in headers {
        let format = format.map(|format| SchemaFormat::Custom(format.to_owned()));
        let schema = ObjectBuilder::new().schema_type(SchemaType::Type(kind)).format(format);
        let header = HeaderBuilder::new().description(Some(meaning)).schema(Some(schema)).build();
        response.headers.insert(name.to_owned(), header.into());
    }
}
