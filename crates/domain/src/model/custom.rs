//! Custom properties of users and groups.

use std::collections::BTreeMap;

use crate::number::Decimal;
use crate::validation::{Faults, NUL, Truncated};

/// Custom properties by name; names keep their case (contract 1.3).
pub type Custom = BTreeMap<String, CustomValue>;

/// A custom property: a JSON scalar, stored as it was sent (contract 3.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CustomValue {
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A number, in its own decimal notation. A new one must be portable ([`Decimal::is_portable`]).
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

/// The message for a number that common readers would change.
pub const NOT_PORTABLE: &str =
    "The number must be a 64-bit integer, or one that a double holds without loss; a string keeps any digits";

/// The longest name and the longest text of a custom property, in bytes.
const LONGEST: usize = 32 * 1024;
/// The most custom properties of a user or a group (contract 4.6).
pub const MOST_PROPERTIES: usize = 200;
/// The most bytes of all custom properties of a user or a group together, written as JSON (contract 4.6).
pub const MOST_BYTES: usize = 64 * 1024;

/// Checks the properties that take the place of those `before`. Values that were there before are not checked again, so that what
/// an older version stored does not stand in the way of other changes.
pub(crate) fn check(custom: &Custom, before: &Custom, faults: &mut Faults) {
    if custom.len() > MOST_PROPERTIES {
        let count = custom.len();
        faults.add("custom", format!("There must be at most {MOST_PROPERTIES} custom properties, not {count}"));
        return;
    }
    let bytes = json_length(custom);
    if bytes > MOST_BYTES {
        let message = format!("The custom properties must have at most {MOST_BYTES} bytes as JSON in all, not {bytes}");
        faults.add("custom", message);
        return;
    }
    for (name, value) in custom.iter().filter(|(name, value)| before.get(*name) != Some(value)) {
        for message in [name_fault(name), value_fault(value)].into_iter().flatten() {
            faults.add(format!("custom.{}", Truncated(name)), message);
        }
    }
}

fn name_fault(name: &str) -> Option<String> {
    text_fault(name).map(|fault| format!("The name of the property {fault}"))
}

fn value_fault(value: &CustomValue) -> Option<String> {
    match value {
        CustomValue::Null | CustomValue::Boolean(_) => None,
        CustomValue::Number(digits) => match Decimal::parse(digits) {
            None => Some("The value must be a number in JSON's notation".to_owned()),
            Some(number) => (!number.is_portable()).then(|| NOT_PORTABLE.to_owned()),
        },
        CustomValue::Text(text) => text_fault(text).map(|fault| format!("The value {fault}")),
    }
}

fn text_fault(text: &str) -> Option<String> {
    if text.len() > LONGEST {
        Some(format!("must have {LONGEST} or fewer bytes"))
    } else if text.contains('\0') {
        Some(NUL.to_owned())
    } else {
        None
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
    use super::{Custom, CustomValue, LONGEST, MOST_BYTES, MOST_PROPERTIES, NOT_PORTABLE, check, json_length};
    use crate::validation::Faults;

    fn faults_after(custom: &Custom, before: &Custom) -> Vec<(String, String)> {
        let mut faults = Faults::default();
        check(custom, before, &mut faults);
        let listed = faults.into_result(Some(())).err().into_iter().flatten();
        listed.map(|fault| (fault.field, fault.message)).collect()
    }

    fn fields(custom: &Custom) -> Vec<String> {
        faults_after(custom, &Custom::new()).into_iter().map(|(field, _)| field).collect()
    }

    fn text(length: usize) -> CustomValue {
        CustomValue::Text("x".repeat(length))
    }

    #[test]
    fn all_properties_together_are_bounded() {
        let many = |count: usize| (0..count).map(|index| (format!("p{index}"), CustomValue::Null)).collect::<Custom>();
        assert_eq!(fields(&many(MOST_PROPERTIES)), Vec::<String>::new());
        assert_eq!(
            faults_after(&many(MOST_PROPERTIES + 1), &Custom::new()),
            [("custom".to_owned(), "There must be at most 200 custom properties, not 201".to_owned())]
        );
        // {"a":"…","b":"…"} has fifteen characters beside the texts.
        let two = |last: usize| Custom::from([("a".to_owned(), text(LONGEST)), ("b".to_owned(), text(last))]);
        assert_eq!(fields(&two(MOST_BYTES - LONGEST - 15)), Vec::<String>::new());
        let message = "The custom properties must have at most 65536 bytes as JSON in all, not 65537".to_owned();
        assert_eq!(faults_after(&two(MOST_BYTES - LONGEST - 14), &Custom::new()), [("custom".to_owned(), message)]);
        let control = CustomValue::Text("\u{1}".repeat(MOST_BYTES / 6));
        assert_eq!(fields(&Custom::from([("a".to_owned(), control)])), ["custom"]);
        let escaped = Custom::from([("\"\n\u{1}é".to_owned(), CustomValue::Boolean(false))]);
        assert_eq!(json_length(&escaped), r#"{"\"\n\u0001é":false}"#.len());
    }

    #[test]
    fn each_fault_says_what_is_wrong() {
        let number = |digits: &str| CustomValue::Number(digits.to_owned());
        for (name, value, message) in [
            ("a", number("1e999"), NOT_PORTABLE),
            ("a", number("0x1"), "The value must be a number in JSON's notation"),
            ("a", CustomValue::Text("\0".to_owned()), "The value must not contain the character U+0000"),
            ("a", text(LONGEST + 1), "The value must have 32768 or fewer bytes"),
            ("\0", CustomValue::Null, "The name of the property must not contain the character U+0000"),
            (&"n".repeat(LONGEST + 1), CustomValue::Null, "The name of the property must have 32768 or fewer bytes"),
        ] {
            let custom = Custom::from([(name.to_owned(), value)]);
            let found = faults_after(&custom, &Custom::new());
            assert_eq!(found.iter().map(|(_, found)| found.as_str()).collect::<Vec<_>>(), [message]);
            assert!(found.iter().all(|(field, _)| field.len() < 100), "{found:?}");
            // It was there before, and something else changes.
            let changed = custom.clone().into_iter().chain([("z".to_owned(), CustomValue::Null)]).collect();
            assert_eq!(faults_after(&changed, &custom), []);
        }
    }
}
