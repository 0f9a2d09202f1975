//! A group as JSON: what is read of one, and how one is written (spec section 3.4).

use std::collections::BTreeSet;

use guildhall_domain::group::{Group, GroupChanges, GroupDraft, GroupKind};
use serde::Serialize;

use crate::custom_json::{CustomBody, CustomMode};
use crate::json::{Faults, Object};
use crate::problem::Problem;

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

/// A group in an answer.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GroupBody<'a> {
    id: String,
    name: &'a str,
    description: Option<&'a str>,
    r#type: &'static str,
    user_count: u64,
    child_group_count: u64,
    custom: CustomBody<'a>,
    auto_membership_email_domains: Option<&'a BTreeSet<String>>,
    created: String,
    modified: String,
}

impl<'a> From<&'a Group> for GroupBody<'a> {
    fn from(group: &'a Group) -> Self {
        Self {
            id: group.id.to_string(),
            name: group.name.as_str(),
            description: group.description.as_deref(),
            r#type: match group.kind {
                GroupKind::System => "sys",
                GroupKind::Contensis => "contensis",
                GroupKind::External => "external",
            },
            user_count: group.user_count,
            child_group_count: group.child_group_count,
            custom: CustomBody(&group.custom),
            auto_membership_email_domains: Some(&group.auto_membership_email_domains)
                .filter(|domains| !domains.is_empty()),
            created: group.created.to_string(),
            modified: group.modified.to_string(),
        }
    }
}
