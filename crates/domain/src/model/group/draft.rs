//! New groups and changes of groups, and their validation.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::{Group, GroupId, GroupKind, GroupName};
use crate::custom::{self, Custom, CustomChange};
use crate::email_domain::EmailDomain;
use crate::time::Timestamp;
use crate::validation::{Faults, InvalidField, Truncated};
use crate::version::Version;

/// The properties that a request gives a new group (contract 5.b). The values are not yet validated.
#[derive(Clone, Debug, Default)]
pub struct GroupDraft {
    /// The id chosen by the client. If it is absent or nil, one is generated.
    pub id: Option<Uuid>,
    /// The name.
    pub name: Option<String>,
    /// Its description.
    pub description: Option<String>,
    /// `contensis` (the default) or `external`.
    pub kind: Option<String>,
    /// Custom properties.
    pub custom: Custom,
    /// Email domains whose users join when their account is created.
    pub auto_membership_email_domains: Vec<String>,
}

impl GroupDraft {
    /// Validates all properties, and returns every fault.
    pub(crate) fn check(self, id: GroupId, now: Timestamp) -> Result<Group, Vec<InvalidField>> {
        let mut faults = Faults::default();
        let name = faults.check("name", GroupName::try_from(self.name.unwrap_or_default()));
        let kind = check_kind(&mut faults, self.kind.as_deref());
        faults.check_description(self.description.as_deref());
        custom::check(&self.custom, &Custom::new(), &mut faults);
        let domains = check_domains(&mut faults, &self.auto_membership_email_domains);
        let group = name.zip(kind).map(|(name, kind)| Group {
            id: self.id.filter(|id| !id.is_nil()).map_or(id, GroupId),
            name,
            description: self.description,
            kind,
            user_count: 0,
            child_group_count: 0,
            custom: self.custom,
            auto_membership_email_domains: domains,
            created: now,
            modified: now,
            version: Version::FIRST,
        });
        faults.into_result(group)
    }
}

/// The changes that a request asks for (contract 5.d). `None` leaves a property as it is. The values are not yet validated.
#[derive(Clone, Debug, Default)]
pub struct GroupChanges {
    /// The name.
    pub name: Option<Option<String>>,
    /// Its description.
    pub description: Option<Option<String>>,
    /// Custom properties.
    pub custom: Option<CustomChange>,
    /// Email domains whose users join when their account is created.
    pub auto_membership_email_domains: Option<Vec<String>>,
}

impl GroupChanges {
    /// The group with the changes applied, or every invalid field. A system group keeps its name.
    pub(crate) fn apply(self, group: &Group, now: Timestamp) -> Result<Group, Vec<InvalidField>> {
        let mut faults = Faults::default();
        let mut changed = group.clone();
        // Clients send back what they read; the rules of before may have let a name pass.
        let is_name = |name: &Option<String>| name.as_deref().map(str::trim) == Some(group.name.as_str());
        if let Some(name) = self.name.filter(|name| !is_name(name)) {
            let name = faults.check("name", GroupName::try_from(name.unwrap_or_default()));
            changed.name = name.unwrap_or(changed.name);
            if group.kind == GroupKind::System && changed.name != group.name {
                faults.add("name", "The name of a system group cannot be changed");
            }
        }
        if let Some(description) = self.description {
            faults.check_description(description.as_deref());
            changed.description = description;
        }
        if let Some(custom) = self.custom {
            custom.apply(&mut changed.custom);
            if changed.custom != group.custom {
                custom::check(&changed.custom, &group.custom, &mut faults);
            }
        }
        if let Some(domains) = self.auto_membership_email_domains {
            changed.auto_membership_email_domains = check_domains(&mut faults, &domains);
        }
        if changed != *group {
            changed.modified = now;
        }
        faults.into_result(Some(changed))
    }
}

fn check_kind(faults: &mut Faults, kind: Option<&str>) -> Option<GroupKind> {
    match kind.map(str::to_ascii_lowercase).as_deref() {
        None | Some("contensis") => Some(GroupKind::Contensis),
        Some("external") => Some(GroupKind::External),
        Some(other) => {
            let other = Truncated(other);
            faults.add("type", format!("The group type '{other}' is not valid; it must be 'contensis' or 'external'"));
            None
        }
    }
}

/// Without a leading `@` (contract 5.6).
fn check_domains(faults: &mut Faults, domains: &[String]) -> BTreeSet<EmailDomain> {
    let mut accepted = BTreeSet::new();
    for (index, given) in domains.iter().enumerate() {
        match EmailDomain::try_from(given.trim().trim_start_matches('@')) {
            Ok(domain) => drop(accepted.insert(domain)),
            Err(error) => faults.add(
                format!("autoMembershipEmailDomains[{index}]"),
                format!("The domain '{}' is not valid: {error}", Truncated(given)),
            ),
        }
    }
    accepted
}
