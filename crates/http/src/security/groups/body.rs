//! A group as JSON: what is read of one, and how one is written (contract 3.4).

use std::collections::BTreeSet;

use guildhall_domain::group::{Group, GroupChanges, GroupDraft, GroupKind};
use serde::Serialize;
use utoipa::ToSchema;

use crate::body::custom::{CustomBody, CustomMode};
use crate::body::moment::Moment;
use crate::body::object::{Faults, Object};
use crate::respond::problem::Problem;

/// What an answer says above the fields that are not as they must be.
pub(crate) const INVALID: &str = "There are validation errors creating the group";
pub(crate) const INVALID_CHANGE: &str = "There are validation errors updating the group";

/// Reads what a request says of a group that is to be. Read-only properties are ignored.
pub(crate) fn draft(body: &[u8]) -> Result<GroupDraft, Problem> {
    let group = Object::read(body)?;
    let faults = &mut Faults::default();
    let draft = GroupDraft {
        id: group.id("id", faults),
        name: group.text("name", faults),
        description: group.text("description", faults),
        kind: group.text("type", faults),
        custom: group.custom("custom", faults),
        auto_membership_email_domains: group.texts("autoMembershipEmailDomains", faults),
    };
    std::mem::take(faults).none_or(INVALID, draft)
}

/// Reads what a request changes of a group. A property that is not there stays as it is; its type never changes.
pub(crate) fn changes(body: &[u8]) -> Result<GroupChanges, Problem> {
    let group = Object::read(body)?;
    let faults = &mut Faults::default();
    let changes = GroupChanges {
        name: group.given("name", faults, Object::text),
        description: group.given("description", faults, Object::text),
        custom: CustomMode::Replace.read(&group, faults),
        auto_membership_email_domains: group.given("autoMembershipEmailDomains", faults, Object::texts),
    };
    std::mem::take(faults).none_or(INVALID_CHANGE, changes)
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
    auto_membership_email_domains: Option<&'a BTreeSet<String>>,
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
            auto_membership_email_domains: Some(&group.auto_membership_email_domains)
                .filter(|domains| !domains.is_empty()),
            created: Moment(group.created),
            modified: Moment(group.modified),
        }
    }
}
