//! The properties that an installation adds to its users and groups.

use std::collections::BTreeMap;

use crate::validation::Faults;

/// Custom properties by name; names keep their case (spec section 1.3).
pub type Custom = BTreeMap<String, CustomValue>;

/// A custom property: any JSON scalar, kept as it was given (spec section 3.3).
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

/// The longest name and the longest text of a custom property, in bytes.
const LONGEST: usize = 32 * 1024;

pub(crate) fn check(custom: &Custom, faults: &mut Faults) {
    for (name, value) in custom {
        let text = if let CustomValue::Text(text) = value { text.as_str() } else { "" };
        if name.contains('\0') || text.contains('\0') || name.len() > LONGEST || text.len() > LONGEST {
            faults.add(format!("custom.{name}"), "The custom property is not valid");
        }
    }
}
