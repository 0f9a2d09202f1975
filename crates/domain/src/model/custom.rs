//! Custom properties of users and groups.

use std::collections::BTreeMap;

use crate::validation::Faults;

/// Custom properties by name; names keep their case (contract 1.3).
pub type Custom = BTreeMap<String, CustomValue>;

/// A custom property: a JSON scalar, stored as it was sent (contract 3.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CustomValue {
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A number, in its own decimal notation.
    Number(String),
    /// Text.
    Text(String),
}

/// A change of custom properties.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CustomChange {
    /// Replaces all custom properties (contract 4.5).
    Replace(Custom),
    /// Sets these properties, removes those without a value, and keeps all others (contract 4.7).
    Merge(BTreeMap<String, Option<CustomValue>>),
}

impl CustomChange {
    pub(crate) fn apply(self, custom: &mut Custom) {
        match self {
            Self::Replace(all) => *custom = all,
            Self::Merge(changes) => {
                for (name, value) in changes {
                    match value {
                        Some(value) => drop(custom.insert(name, value)),
                        None => drop(custom.remove(&name)),
                    }
                }
            }
        }
    }
}

/// The longest name and the longest text of a custom property, in bytes.
const LONGEST: usize = 32 * 1024;
/// The most custom properties of a user or a group (contract 4.6).
pub const MOST_PROPERTIES: usize = 200;
/// The most bytes of all custom properties of a user or a group together, written as JSON (contract 4.6).
pub const MOST_BYTES: usize = 64 * 1024;

pub(crate) fn check(custom: &Custom, faults: &mut Faults) {
    if custom.len() > MOST_PROPERTIES || json_length(custom) > MOST_BYTES {
        let message =
            format!("There must be at most {MOST_PROPERTIES} custom properties, of {MOST_BYTES} bytes as JSON in all");
        faults.add("custom", message);
        return;
    }
    for (name, value) in custom {
        let text = if let CustomValue::Text(text) = value { text.as_str() } else { "" };
        if name.contains('\0') || text.contains('\0') || name.len() > LONGEST || text.len() > LONGEST {
            faults.add(format!("custom.{name}"), "The custom property is not valid");
        }
    }
}

/// How many bytes the properties have as the shortest JSON object.
fn json_length(custom: &Custom) -> usize {
    let value = |value: &CustomValue| match value {
        CustomValue::Null | CustomValue::Boolean(true) => 4,
        CustomValue::Boolean(false) => 5,
        CustomValue::Number(digits) => digits.len(),
        CustomValue::Text(text) => text_length(text),
    };
    let properties: usize = custom.iter().map(|(name, kept)| text_length(name) + 1 + value(kept)).sum();
    properties + custom.len().saturating_sub(1) + 2
}

fn text_length(text: &str) -> usize {
    let escaped = |byte: u8| match byte {
        b'"' | b'\\' | b'\x08' | b'\t' | b'\n' | b'\x0c' | b'\r' => 2,
        0..0x20 => 6,
        _ => 1,
    };
    text.bytes().map(escaped).sum::<usize>() + 2
}

#[cfg(test)]
mod tests {
    use super::{Custom, CustomValue, MOST_BYTES, MOST_PROPERTIES, check, json_length};
    use crate::validation::Faults;

    fn faults(custom: &Custom) -> Vec<String> {
        let mut faults = Faults::default();
        check(custom, &mut faults);
        faults.into_result(Some(())).err().into_iter().flatten().map(|fault| fault.field).collect()
    }

    #[test]
    fn all_properties_together_are_bounded() {
        let text = |length: usize| CustomValue::Text("x".repeat(length));
        let many = |count: usize| (0..count).map(|index| (format!("p{index}"), CustomValue::Null)).collect::<Custom>();
        assert_eq!(faults(&many(MOST_PROPERTIES)), Vec::<String>::new());
        assert_eq!(faults(&many(MOST_PROPERTIES + 1)), ["custom"]);
        // {"a":"…","b":"…"} has fifteen characters beside the texts.
        let two = |last: usize| Custom::from([("a".to_owned(), text(32 * 1024)), ("b".to_owned(), text(last))]);
        assert_eq!(faults(&two(MOST_BYTES - 32 * 1024 - 15)), Vec::<String>::new());
        assert_eq!(faults(&two(MOST_BYTES - 32 * 1024 - 14)), ["custom"]);
        let control = CustomValue::Text("\u{1}".repeat(MOST_BYTES / 6));
        assert_eq!(faults(&Custom::from([("a".to_owned(), control)])), ["custom"]);
        let escaped = Custom::from([("\"\n\u{1}é".to_owned(), CustomValue::Boolean(false))]);
        assert_eq!(json_length(&escaped), r#"{"\"\n\u0001é":false}"#.len());
    }
}
