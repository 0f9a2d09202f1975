//! Groups as an import tells them.

use super::draft::{GroupChanges, GroupDraft};
use super::{Group, GroupId, GroupKind};
use crate::custom::CustomChange;
use crate::record::GroupRecord;
use crate::time::Timestamp;
use crate::validation::InvalidField;

impl GroupRecord {
    /// Whether it is told to be a system group.
    pub(crate) fn is_system(&self) -> bool {
        self.kind.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("sys"))
    }

    /// A new group as the record tells it, or every invalid column.
    pub(crate) fn new_group(&self, id: GroupId, now: Timestamp) -> Result<Group, Vec<InvalidField>> {
        let record = self.clone();
        let draft = GroupDraft {
            id: record.id.map(|id| id.0),
            name: record.name,
            description: record.description.flatten(),
            kind: record.kind,
            custom: record.custom.unwrap_or_default(),
            auto_membership_email_domains: record.auto_membership_email_domains.unwrap_or_default(),
        };
        let group = draft.check(id, now)?;
        let created = self.created.unwrap_or(group.created);
        Ok(Group { created, modified: self.modified.unwrap_or(group.modified), ..group })
    }

    /// The group that is `before` as the record tells it, or every invalid column.
    pub(crate) fn changed(&self, before: &Group, now: Timestamp) -> Result<Group, Vec<InvalidField>> {
        let changes = GroupChanges {
            name: self.name.clone().map(Some),
            description: self.description.clone(),
            custom: self.custom.clone().map(CustomChange::Replace),
            auto_membership_email_domains: self.auto_membership_email_domains.clone(),
        };
        let mut group = changes.apply(before, now)?;
        if let Some(kind) = self.kind.as_deref()
            && !is_kind(kind, before.kind)
        {
            return Err(vec![InvalidField::new("type", "The type of a group cannot be changed")]);
        }
        group.created = self.created.unwrap_or(group.created);
        let is_changed = group != *before;
        group.modified = self.modified.unwrap_or(if is_changed { now } else { before.modified });
        Ok(group)
    }
}

fn is_kind(text: &str, kind: GroupKind) -> bool {
    let name = match kind {
        GroupKind::System => "sys",
        GroupKind::Contensis => "contensis",
        GroupKind::External => "external",
    };
    text.eq_ignore_ascii_case(name)
}

/// The columns in which two states of a group differ.
pub(crate) fn differing_columns(before: &Group, after: &Group) -> Vec<&'static str> {
    let differs = [
        ("name", before.name != after.name),
        ("description", before.description != after.description),
        ("custom", before.custom != after.custom),
        ("autoMembershipEmailDomains", before.auto_membership_email_domains != after.auto_membership_email_domains),
        ("created", before.created != after.created),
        ("modified", before.modified != after.modified),
    ];
    differs.into_iter().filter(|(_, differs)| *differs).map(|(column, _)| column).collect()
}
