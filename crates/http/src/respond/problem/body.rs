//! The JSON of errors (contract 3.1).

use guildhall_domain::validation::InvalidField;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// The body of an error.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ErrorBody<'a> {
    pub(super) log_id: String,
    pub(super) message: &'a str,
    pub(super) data: Option<&'a RawValue>,
    #[serde(rename = "type")]
    pub(super) kind: ProblemType,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(super) enum ProblemType {
    Error,
    Validation,
}

/// The body of an error of the token endpoint (RFC 6749, section 5.2).
#[derive(Serialize)]
pub(super) struct OAuthErrorBody<'a> {
    pub(super) error: &'a str,
}

// The position of an error in a ZenQL query. (A doc comment would be added to the OpenAPI document.)
#[derive(Serialize, ToSchema)]
#[schema(as = QueryMistake)]
pub(crate) struct QueryMistake<'a> {
    /// The number of characters before what is wrong.
    #[schema(minimum = 0, examples(11))]
    pub(super) position: usize,
    /// For people.
    #[schema(examples("there is no field 'surname'"))]
    pub(super) detail: &'a str,
}

// An invalid field.
#[derive(Serialize, ToSchema)]
#[schema(as = InvalidField)]
pub(crate) struct InvalidFieldBody<'a> {
    /// The field's name, with dots and indices.
    #[schema(examples("email"))]
    pub(crate) field: &'a str,
    /// For people.
    #[schema(examples("The email address is required"))]
    pub(crate) message: &'a str,
    /// If a group cannot go below another because it is above it already: from the group over the child down to the group.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_items = 1)]
    pub(crate) path: Option<Vec<NamedGroup<'a>>>,
}

// A group on the path of a cycle.
#[derive(Serialize, ToSchema)]
#[schema(as = NamedGroup)]
pub(crate) struct NamedGroup<'a> {
    #[schema(value_type = Uuid)]
    pub(crate) id: String,
    #[schema(examples("Paper Street Soap Company"))]
    pub(crate) name: &'a str,
}

impl<'a> From<&'a InvalidField> for InvalidFieldBody<'a> {
    fn from(invalid: &'a InvalidField) -> Self {
        Self { field: &invalid.field, message: &invalid.message, path: None }
    }
}
