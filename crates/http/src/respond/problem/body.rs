//! The JSON of errors (contract 3.1).

use std::fmt;

use guildhall_domain::group::{GroupId, GroupName};
use guildhall_domain::validation::{InvalidField, Truncated};
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

// Groups by which something is below a group. (A doc comment would be added to the OpenAPI document.)
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = GroupsBelow)]
pub(crate) struct GroupsBelow<'a> {
    /// By name, the first ten at most.
    #[schema(min_items = 1, max_items = 10)]
    groups: Vec<NamedGroup<'a>>,
    /// Whether there are others of them.
    has_more: bool,
}

impl<'a> GroupsBelow<'a> {
    pub(crate) fn new(groups: &'a [(GroupId, GroupName)], has_more: bool) -> Self {
        let named = |(id, name): &'a (GroupId, GroupName)| NamedGroup { id: id.to_string(), name: name.as_str() };
        Self { groups: groups.iter().map(named).collect(), has_more }
    }
}

/// The names of groups with their ids, for a message.
pub(crate) struct NameList<'a>(pub(crate) &'a [(GroupId, GroupName)]);

impl fmt::Display for NameList<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (id, name)) in self.0.iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            write!(formatter, "{comma}'{}' ({id})", Truncated(name.as_str()))?;
        }
        Ok(())
    }
}

// A group that a refusal names.
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
