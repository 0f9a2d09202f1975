//! Groups as JSON: the bodies of requests, each with its schema and its parser, and of responses (contract 3.4).

use guildhall_domain::email_domain::EmailDomain;
use guildhall_domain::group::{Group, GroupChanges, GroupDraft, GroupKind};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::body::custom::{CustomBody, CustomMode, optional_custom_schema};
use crate::body::moment::Moment;
use crate::body::object::{JsonObject, read_object};
use crate::respond::problem::Problem;

/// The message of a 422, above the invalid fields.
pub(crate) const INVALID: &str = "There are validation errors creating the group";
pub(crate) const INVALID_CHANGE: &str = "There are validation errors updating the group";

/// A group to be created. Other properties are ignored.
#[derive(ToSchema)]
#[expect(dead_code, reason = "its fields only describe what `read` reads")]
#[schema(rename_all = "camelCase", examples(json!({
    "id": "6254736c-70e1-43b0-b769-f8e0f6359862",
    "name": "Paper Street Soap Company",
    "description": "Soap, and nothing but soap",
})))]
pub(crate) struct NewGroup {
    /// Without one, or with all zeros, one is made.
    id: Option<Uuid>,
    /// Unique. Not a GUID.
    #[schema(min_length = 1, max_length = 255, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    name: String,
    /// Up to 32 KiB.
    #[schema(pattern = r"^[^\u0000]*$")]
    description: Option<String>,
    r#type: Option<NewGroupType>,
    #[schema(schema_with = optional_custom_schema)]
    custom: Option<()>,
    /// Users whose email address is in one of these domains join when their account is created.
    auto_membership_email_domains: Option<Vec<Domain>>,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "only its description is used")]
#[schema(rename_all = "camelCase")]
enum NewGroupType {
    Contensis,
    External,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "only its description is used")]
#[schema(min_length = 1, examples("fightclub.com"))]
struct Domain(String);

impl NewGroup {
    pub(crate) fn read(body: &[u8]) -> Result<GroupDraft, Problem> {
        read_object(body, INVALID, |group, errors| GroupDraft {
            id: group.id("id", errors),
            name: group.text("name", errors),
            description: group.text("description", errors),
            kind: group.text("type", errors),
            custom: group.custom("custom", errors),
            auto_membership_email_domains: group.texts("autoMembershipEmailDomains", errors),
        })
    }
}

/// What changes of a group. A property that is absent stays as it is; read-only and other properties are ignored.
#[derive(ToSchema)]
#[expect(dead_code, reason = "its fields only describe what `read` reads")]
#[schema(as = GroupChanges, rename_all = "camelCase", examples(json!({ "description": "Soap, and nothing but soap" })))]
pub(crate) struct GroupUpdate {
    /// Unique. Not a GUID. A system group keeps its name.
    #[schema(value_type = String, required = false, min_length = 1, max_length = 255, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    name: Option<String>,
    /// Up to 32 KiB.
    #[schema(pattern = r"^[^\u0000]*$")]
    description: Option<String>,
    /// They take the place of all that are there.
    #[schema(schema_with = optional_custom_schema)]
    custom: Option<()>,
    /// They take the place of all that are there.
    auto_membership_email_domains: Option<Vec<Domain>>,
}

impl GroupUpdate {
    pub(crate) fn read(body: &[u8]) -> Result<GroupChanges, Problem> {
        read_object(body, INVALID_CHANGE, |group, errors| GroupChanges {
            name: group.if_present("name", errors, JsonObject::text),
            description: group.if_present("description", errors, JsonObject::text),
            custom: CustomMode::Replace.read(group, errors),
            auto_membership_email_domains: group.if_present("autoMembershipEmailDomains", errors, JsonObject::texts),
        })
    }
}

/// A group.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Group)]
pub(crate) struct GroupBody<'a> {
    #[schema(value_type = Uuid, examples("6254736c-70e1-43b0-b769-f8e0f6359862"))]
    id: String,
    #[schema(min_length = 1, max_length = 255, examples("Paper Street Soap Company"))]
    name: &'a str,
    #[schema(required = true, examples("Soap, and nothing but soap"))]
    description: Option<&'a str>,
    r#type: GroupType,
    /// Direct members.
    user_count: u64,
    /// Direct children.
    child_group_count: u64,
    #[schema(inline)]
    custom: CustomBody<'a>,
    /// Users whose email address is in one of these domains join when their account is created.
    #[schema(required = true, value_type = Option<Vec<String>>, min_items = 1)]
    auto_membership_email_domains: Option<Vec<String>>,
    created: Moment,
    modified: Moment,
}

/// Built in, created here, or created by single sign-on.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
enum GroupType {
    Sys,
    Contensis,
    External,
}

impl<'a> From<&'a Group> for GroupBody<'a> {
    fn from(group: &'a Group) -> Self {
        let domains = group.auto_membership_email_domains.iter().map(EmailDomain::to_unicode).collect();
        Self {
            id: group.id.to_string(),
            name: group.name.as_str(),
            description: group.description.as_deref(),
            r#type: match group.kind {
                GroupKind::System => GroupType::Sys,
                GroupKind::Contensis => GroupType::Contensis,
                GroupKind::External => GroupType::External,
            },
            user_count: group.user_count,
            child_group_count: group.child_group_count,
            custom: CustomBody(&group.custom),
            auto_membership_email_domains: Some(domains).filter(|domains: &Vec<String>| !domains.is_empty()),
            created: Moment(group.created),
            modified: Moment(group.modified),
        }
    }
}
