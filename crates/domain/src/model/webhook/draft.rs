//! What a request says of a webhook.

use std::collections::BTreeSet;

use super::{Webhook, WebhookId, WebhookName, WebhookProgress, WebhookTypes, WebhookUrl};
use crate::event::TypePattern;
use crate::group::GroupId;
use crate::identifier::parse_guid;
use crate::time::Timestamp;
use crate::validation::{Faults, InvalidField, Truncated};

/// The properties that a request gives a webhook. `None` leaves a property as it is, or at its default in a new one. The values are not yet validated.
#[derive(Clone, Debug, Default)]
pub struct WebhookDraft {
    /// The name.
    pub name: Option<Option<String>>,
    /// Where events are sent.
    pub url: Option<Option<String>>,
    /// Types of events, or beginnings of them with `*`; none: all.
    pub types: Option<Vec<String>>,
    /// The ids of groups; none: events about anything.
    pub groups: Option<Vec<String>>,
    /// Whether events are sent to it.
    pub enabled: Option<bool>,
}

impl WebhookDraft {
    /// The new webhook, which begins somewhere after this place, or every invalid field.
    pub(crate) fn check(self, id: WebhookId, position: u64, now: Timestamp) -> Result<Webhook, Vec<InvalidField>> {
        let mut faults = Faults::default();
        let name = faults.check("name", WebhookName::try_from(self.name.flatten().unwrap_or_default()));
        let url = faults.check("url", WebhookUrl::try_from(self.url.flatten().unwrap_or_default()));
        let types = types(&mut faults, self.types.unwrap_or_default());
        let groups = groups(&mut faults, &self.groups.unwrap_or_default());
        let progress = WebhookProgress::beginning_after(position, self.enabled.unwrap_or(true));
        let webhook = name.zip(url).map(|(name, url)| Webhook {
            id,
            name,
            url,
            types,
            groups,
            created: now,
            created_by: None,
            progress,
        });
        faults.into_result(webhook)
    }

    /// The webhook with the changes applied, or every invalid field. Its position is what it was. Enabled, or sent elsewhere, it goes on at once.
    pub(crate) fn apply(self, webhook: &Webhook) -> Result<Webhook, Vec<InvalidField>> {
        let mut faults = Faults::default();
        let mut changed = webhook.clone();
        if let Some(name) = self.name {
            let name = faults.check("name", WebhookName::try_from(name.unwrap_or_default()));
            changed.name = name.unwrap_or(changed.name);
        }
        if let Some(url) = self.url {
            let url = faults.check("url", WebhookUrl::try_from(url.unwrap_or_default()));
            changed.url = url.unwrap_or(changed.url);
        }
        if let Some(given) = self.types {
            changed.types = types(&mut faults, given);
        }
        if let Some(given) = self.groups {
            changed.groups = groups(&mut faults, &given);
        }
        changed.progress.enabled = self.enabled.unwrap_or(changed.progress.enabled);
        if changed.url != webhook.url || changed.progress.enabled != webhook.progress.enabled {
            changed.progress.forget_failures();
        }
        faults.into_result(Some(changed))
    }
}

fn types(faults: &mut Faults, given: Vec<String>) -> WebhookTypes {
    if given.len() > WebhookTypes::MOST {
        faults.add("types", format!("There must be {} or fewer types", WebhookTypes::MOST));
        return WebhookTypes::default();
    }
    let mut patterns: Vec<String> = Vec::new();
    for (at, pattern) in given.into_iter().enumerate() {
        if TypePattern::parse(&pattern).is_err() {
            faults.add(format!("types[{at}]"), format!("'{}' is no type of events", Truncated(&pattern)));
        } else if !patterns.contains(&pattern) {
            patterns.push(pattern);
        }
    }
    WebhookTypes(patterns)
}

fn groups(faults: &mut Faults, given: &[String]) -> BTreeSet<GroupId> {
    if given.len() > Webhook::MOST_GROUPS {
        faults.add("groups", format!("There must be {} or fewer groups", Webhook::MOST_GROUPS));
        return BTreeSet::new();
    }
    let mut groups = BTreeSet::new();
    for (at, group) in given.iter().enumerate() {
        match parse_guid(group) {
            Some(id) => _ = groups.insert(GroupId(id)),
            None => faults.add(format!("groups[{at}]"), format!("'{}' is no id of a group", Truncated(group))),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{WebhookDraft, WebhookId};
    use crate::time::Timestamp;

    #[test]
    fn every_invalid_field_is_named() {
        let texts = |given: &[&str]| Some(given.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
        let check = |draft: WebhookDraft| draft.check(WebhookId(Uuid::max()), 7, Timestamp::default());
        let draft = WebhookDraft {
            types: texts(&["guildhall.user.*", "guildhall.nothing", "guildhall.user.*"]),
            groups: texts(&["x"]),
            ..WebhookDraft::default()
        };
        let faults = check(draft).map_err(|faults| faults.into_iter().map(|fault| fault.field).collect::<Vec<_>>());
        assert_eq!(faults, Err(["name", "url", "types[1]", "groups[0]"].map(str::to_owned).to_vec()));
        let many = vec!["*".to_owned(); 101];
        let draft = WebhookDraft { types: Some(many.clone()), groups: Some(many), ..WebhookDraft::default() };
        assert_eq!(check(draft).map_err(|faults| faults.len()), Err(4));
        let draft = WebhookDraft {
            name: Some(Some(" Orders ".to_owned())),
            url: Some(Some("https://hooks.example".to_owned())),
            types: texts(&["guildhall.user.*", "guildhall.user.*"]),
            ..WebhookDraft::default()
        };
        let webhook = check(draft).unwrap();
        assert_eq!(
            (webhook.name.as_str(), webhook.types.patterns().len(), webhook.progress.position),
            ("Orders", 1, 7)
        );
    }
}
