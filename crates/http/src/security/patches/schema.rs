//! The schemas of patches, which `PatchBody::read` reads.
#![expect(dead_code, reason = "only their descriptions are used")]

use utoipa::ToSchema;

/// Who joins and who leaves, or who belongs to the group afterwards: `add`, `remove` or both, or `set` alone.
#[derive(ToSchema)]
#[schema(examples(json!({
    "add": ["tdurden", "msinger@example.com", { "user": "13f8cd48-7765-47b7-9fa3-2ad9c935a4be", "validUntil": "2027-01-01T00:00:00Z" }],
    "remove": ["20b5e923-beb8-44ab-8bb4-34467582230f"],
})))]
pub(crate) struct MembersPatch {
    /// Who joins.
    #[schema(required = false)]
    add: Option<Vec<JoiningUser>>,
    /// Who leaves: ids, usernames or email addresses.
    #[schema(required = false)]
    remove: Option<Vec<String>>,
    /// Who alone belongs to the group afterwards.
    #[schema(required = false)]
    set: Option<Vec<JoiningUser>>,
}

/// An id, a username or an email address, alone or with dates.
#[derive(ToSchema)]
#[serde(untagged)]
enum JoiningUser {
    Identifier(String),
    #[schema(rename_all = "camelCase")]
    Object {
        user: String,
        /// The first moment at which it counts; `null`: at once.
        #[schema(format = DateTime, required = false)]
        valid_from: Option<String>,
        /// The first moment at which it counts no more; `null`: it has no end.
        #[schema(format = DateTime, required = false)]
        valid_until: Option<String>,
    },
}

/// Which groups are put below the group and which are taken from there, or which are below it afterwards: `add`, `remove` or both, or `set`
/// alone.
#[derive(ToSchema)]
#[schema(examples(json!({ "add": ["Liposuction Technicians"], "remove": ["6254736c-70e1-43b0-b769-f8e0f6359862"] })))]
pub(crate) struct ChildrenPatch {
    /// Which are put below it.
    #[schema(required = false)]
    add: Option<Vec<JoiningGroup>>,
    /// Which are taken from there: ids or names.
    #[schema(required = false)]
    remove: Option<Vec<String>>,
    /// Which alone are its children afterwards.
    #[schema(required = false)]
    set: Option<Vec<JoiningGroup>>,
}

/// An id or a name, alone or with dates.
#[derive(ToSchema)]
#[serde(untagged)]
enum JoiningGroup {
    Identifier(String),
    #[schema(rename_all = "camelCase")]
    Object {
        group: String,
        /// The first moment at which it counts; `null`: at once.
        #[schema(format = DateTime, required = false)]
        valid_from: Option<String>,
        /// The first moment at which it counts no more; `null`: it has no end.
        #[schema(format = DateTime, required = false)]
        valid_until: Option<String>,
    },
}
