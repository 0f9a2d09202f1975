//! Which properties a change gave other values: `{property: {from, to}}`.

use std::collections::BTreeSet;

use serde_json::{Map, Number, Value, json};

use crate::api_key::ApiKey;
use crate::custom::{Custom, CustomValue};
use crate::email_domain::EmailDomain;
use crate::group::Group;
use crate::user::User;
use crate::webhook::Webhook;

/// Properties with the values that they had and have.
#[derive(Default)]
pub(super) struct Changes(pub(super) Map<String, Value>);

impl Changes {
    fn add(&mut self, name: impl Into<String>, from: impl Into<Value>, to: impl Into<Value>) {
        let (from, to) = (from.into(), to.into());
        if from != to {
            self.0.insert(name.into(), json!({ "from": from, "to": to }));
        }
    }

    fn add_custom(&mut self, before: &Custom, after: &Custom) {
        let names: BTreeSet<_> = before.keys().chain(after.keys()).collect();
        for name in names {
            let (from, to) = (before.get(name), after.get(name));
            if from != to {
                let told = json!({ "from": from.map(value), "to": to.map(value) });
                self.0.insert(format!("custom.{name}"), told);
            }
        }
    }

    pub(super) fn of_users(before: &User, after: &User) -> Self {
        let [one, other] = [before, after].map(|user| {
            let text = |text: &Option<String>| Value::from(text.clone());
            [
                ("username", user.username.as_str().into()),
                ("email", user.email.as_ref().map(|email| email.as_str().to_owned()).into()),
                ("firstName", text(&user.first_name)),
                ("lastName", text(&user.last_name)),
                ("timezone", user.timezone.clone().into()),
                ("language", user.language.clone().into()),
                ("passwordChangeFrequency", user.password_change_frequency.into()),
                ("expiry", user.expiry.map(|expiry| expiry.to_string()).into()),
                ("optOutOfNotifications", user.opt_out_of_notifications.into()),
            ]
        });
        let mut changes = Self::default();
        for ((name, from), (_, to)) in one.into_iter().zip(other) {
            changes.add(name, from, to);
        }
        changes.add_custom(&before.custom, &after.custom);
        changes
    }

    pub(super) fn of_groups(before: &Group, after: &Group) -> Self {
        let domains =
            |domains: &BTreeSet<EmailDomain>| -> Value { domains.iter().map(EmailDomain::to_unicode).collect() };
        let mut changes = Self::default();
        changes.add("name", before.name.as_str(), after.name.as_str());
        changes.add("description", before.description.clone(), after.description.clone());
        changes.add(
            "autoMembershipEmailDomains",
            domains(&before.auto_membership_email_domains),
            domains(&after.auto_membership_email_domains),
        );
        changes.add_custom(&before.custom, &after.custom);
        changes
    }

    pub(super) fn of_api_keys(before: &ApiKey, after: &ApiKey) -> Self {
        let scopes = |key: &ApiKey| -> Value { key.scopes.iter().map(str::to_owned).collect() };
        let mut changes = Self::default();
        changes.add("name", before.name.as_str(), after.name.as_str());
        changes.add("description", before.description.clone(), after.description.clone());
        changes.add("enabled", before.enabled, after.enabled);
        changes.add("scopes", scopes(before), scopes(after));
        changes
    }

    pub(super) fn of_webhooks(before: &Webhook, after: &Webhook) -> Self {
        let types = |webhook: &Webhook| -> Value { webhook.types.patterns().iter().cloned().collect() };
        let groups = |webhook: &Webhook| -> Value { webhook.groups.iter().map(ToString::to_string).collect() };
        let position = |webhook: &Webhook| webhook.progress.position.to_string();
        let mut changes = Self::default();
        changes.add("name", before.name.as_str(), after.name.as_str());
        changes.add("url", before.url.as_str(), after.url.as_str());
        changes.add("types", types(before), types(after));
        changes.add("groups", groups(before), groups(after));
        changes.add("enabled", before.progress.enabled, after.progress.enabled);
        changes.add("position", position(before), position(after));
        changes
    }
}

/// A custom property as events show it. A number that readers of JSON could take for another one is a string.
fn value(value: &CustomValue) -> Value {
    match value {
        CustomValue::Null => Value::Null,
        CustomValue::Boolean(boolean) => (*boolean).into(),
        CustomValue::Number(text) => number(text).map_or_else(|| text.clone().into(), Value::Number),
        CustomValue::Text(text) => text.clone().into(),
    }
}

/// The number, if a double prints as these digits.
fn number(text: &str) -> Option<Number> {
    const LARGEST: f64 = 9_007_199_254_740_991.0;
    let double: f64 = text.parse().ok()?;
    let is_same = double.abs() <= LARGEST && double.to_string() == text && text != "-0";
    let integer = || text.parse::<i64>().ok().map(Number::from);
    if is_same { integer().or_else(|| Number::from_f64(double)) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_readers_could_change_are_strings() {
        let shown = |text: &str| value(&CustomValue::Number(text.to_owned())).to_string();
        for (given, told) in [
            ("0", "0"),
            ("-12", "-12"),
            ("1.5", "1.5"),
            ("9007199254740991", "9007199254740991"),
            ("9007199254740993", "\"9007199254740993\""),
            ("1.50", "\"1.50\""),
            ("1e400", "\"1e400\""),
            ("-0", "\"-0\""),
        ] {
            assert_eq!(shown(given), told);
        }
    }
}
