//! Settings as they are shown, and what differs between two readings. Secrets are masked.

use std::collections::BTreeSet;

use anyhow::Result;
use serde::Serialize;
use serde_json::Value;

use super::{Loaded, Settings};

/// A setting in effect.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Shown {
    pub(crate) key: String,
    /// `null` if it is not set.
    pub(crate) value: Value,
    pub(crate) source: String,
}

impl Loaded {
    /// All settings in effect, in the order of their keys.
    pub(crate) fn shown(&self) -> Result<Vec<Shown>> {
        let shown = |(key, value): (String, Value)| Shown { source: self.source_of(&key), key, value };
        Ok(flat(&self.settings)?.into_iter().map(shown).collect())
    }

    /// The keys that have other values in `next`, or that only one of both has.
    pub(crate) fn differences(&self, next: &Self) -> BTreeSet<String> {
        let keys = self.values.keys().chain(next.values.keys());
        keys.filter(|key| self.values.get(*key) != next.values.get(*key)).cloned().collect()
    }

    /// Takes over from `next` what `is_taken` says, by keys.
    pub(crate) fn take(&mut self, next: &Self, is_taken: impl Fn(&str) -> bool) {
        self.values.retain(|key, _| !is_taken(key));
        let taken = next.values.iter().filter(|(key, _)| is_taken(key));
        self.values.extend(taken.map(|(key, value)| (key.clone(), value.clone())));
    }
}

/// The keys of all settings, those that are not set too.
pub(super) fn keys(settings: &Settings) -> Result<Vec<String>> {
    Ok(flat(settings)?.into_iter().map(|(key, _)| key).collect())
}

fn flat(settings: &Settings) -> Result<Vec<(String, Value)>> {
    let mut values = Vec::new();
    collect(None, serde_json::to_value(settings)?, &mut values);
    Ok(values)
}

fn collect(prefix: Option<&str>, value: Value, values: &mut Vec<(String, Value)>) {
    let key_of = |name: &str| prefix.map_or_else(|| name.to_owned(), |prefix| format!("{prefix}.{name}"));
    match (value, prefix) {
        (Value::Object(fields), _) => {
            fields.into_iter().for_each(|(name, value)| collect(Some(&key_of(&name)), value, values));
        }
        (value, Some(key)) => values.push((key.to_owned(), value)),
        (_, None) => {}
    }
}
