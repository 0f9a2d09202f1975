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

/// A change of custom properties.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CustomChange {
    /// These and no others (spec section 4.5).
    Replace(Custom),
    /// These are set, those without a value are removed, others stay (spec section 4.7).
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

pub(crate) fn check(custom: &Custom, faults: &mut Faults) {
    for (name, value) in custom {
        let text = if let CustomValue::Text(text) = value { text.as_str() } else { "" };
        if name.contains('\0') || text.contains('\0') || name.len() > LONGEST || text.len() > LONGEST {
            faults.add(format!("custom.{name}"), "The custom property is not valid");
        }
    }
}
