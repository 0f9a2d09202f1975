//! A JSON object as clients write it: property names in any case, unknown ones ignored (contract 1.3).

use std::collections::BTreeMap;
use std::fmt;

use guildhall_domain::custom::{Custom, CustomValue};
use guildhall_domain::identifier::parse_guid;
use guildhall_domain::time::Timestamp;
use guildhall_domain::validation::{InvalidField, MOST_FAULTS};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::respond::problem::Problem;

/// The text of a body.
pub(crate) fn utf8(body: &[u8]) -> Result<&str, Problem> {
    std::str::from_utf8(body)
        .map_err(|error| Problem::bad_request(format!("The body is not UTF-8 after {} bytes", error.valid_up_to())))
}

/// Reads a whole body, an object, by `read`. Fields that `read` finds invalid are all reported together, under `message`.
///
/// A reader derived by serde would stop at the first one; so the schema of a body, which is derived, is a struct beside its reader.
pub(crate) fn read_object<T>(
    body: &[u8],
    message: &'static str,
    read: impl FnOnce(&Object<'_>, &mut Faults) -> T,
) -> Result<T, Problem> {
    let object = Object::read(body)?;
    let mut faults = Faults::default();
    let value = read(&object, &mut faults);
    faults.none_or(message, value)
}

/// The properties of an object in the order they were given; of several with the same name, the last one counts.
#[derive(Default)]
pub(crate) struct Object<'a> {
    within: String,
    properties: Properties<'a>,
}

impl<'a> Object<'a> {
    /// Reads a whole body.
    pub(crate) fn read(body: &'a [u8]) -> Result<Self, Problem> {
        match serde_json::from_str(utf8(body)?) {
            Ok(properties) => Ok(Self { within: String::new(), properties }),
            Err(error) => Err(Problem::bad_request(format!("The body is not a JSON object: {error}"))),
        }
    }

    /// A text; `null` is none.
    pub(crate) fn text(&self, name: &str, faults: &mut Faults) -> Option<String> {
        self.value(name, "The value must be a string", faults)
    }

    /// Whether there is such a property, whatever its value.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.properties.0.iter().any(|(key, _)| key.eq_ignore_ascii_case(name))
    }

    /// What `read` finds where the property is there: nothing in it is a value too.
    pub(crate) fn given<T>(
        &self,
        name: &str,
        faults: &mut Faults,
        read: impl FnOnce(&Self, &str, &mut Faults) -> T,
    ) -> Option<T> {
        self.has(name).then(|| read(self, name, faults))
    }

    /// What stands there, as it was given; `null` is nothing.
    pub(crate) fn raw(&self, name: &str) -> Option<&'a RawValue> {
        self.value(name, "", &mut Faults::default())
    }

    /// A truth value; `null` is none.
    pub(crate) fn boolean(&self, name: &str, faults: &mut Faults) -> Option<bool> {
        self.value(name, "The value must be true or false", faults)
    }

    /// A whole number; `null` is none.
    pub(crate) fn integer(&self, name: &str, faults: &mut Faults) -> Option<i64> {
        self.value(name, "The value must be a whole number", faults)
    }

    /// An id; `null` is none.
    pub(crate) fn id(&self, name: &str, faults: &mut Faults) -> Option<Uuid> {
        let text = self.text(name, faults)?;
        faults.found(parse_guid(&text), self.path(name), "The value must be a UUID")
    }

    /// A moment; `null` is none.
    pub(crate) fn moment(&self, name: &str, faults: &mut Faults) -> Option<Timestamp> {
        let text = self.text(name, faults)?;
        faults.found(Timestamp::parse(&text).ok(), self.path(name), "The value must be an ISO 8601 date")
    }

    /// Several texts; `null` is none.
    pub(crate) fn texts(&self, name: &str, faults: &mut Faults) -> Vec<String> {
        let elements: Vec<&RawValue> =
            self.value(name, "The value must be an array of strings", faults).unwrap_or_default();
        let text = |(index, element): (usize, &RawValue)| {
            let field = format!("{}[{index}]", self.path(name));
            faults.found(serde_json::from_str(element.get()).ok(), field, "The value must be a string")
        };
        elements.into_iter().enumerate().filter_map(text).collect()
    }

    /// An object within this one; `null` is one without properties.
    pub(crate) fn object(&self, name: &str, faults: &mut Faults) -> Object<'a> {
        let properties = self.value(name, "The value must be an object", faults).unwrap_or_default();
        Object { within: format!("{}.", self.path(name)), properties }
    }

    /// Custom properties, whose names keep their case; `null` is none.
    pub(crate) fn custom(&self, name: &str, faults: &mut Faults) -> Custom {
        let object = self.object(name, faults);
        let mut custom = Custom::new();
        for (name, value) in &object.properties.0 {
            let value =
                faults.found(scalar(value.get()), object.path(name), "The value must not be an object or an array");
            custom.extend(value.map(|value| (name.clone(), value)));
        }
        custom
    }

    /// Changes of custom properties: those that are `null` go (RFC 7396).
    pub(crate) fn custom_merge(&self, name: &str, faults: &mut Faults) -> BTreeMap<String, Option<CustomValue>> {
        let kept = |value| if value == CustomValue::Null { None } else { Some(value) };
        self.custom(name, faults).into_iter().map(|(name, value)| (name, kept(value))).collect()
    }

    fn value<T: Deserialize<'a>>(&self, name: &str, message: &str, faults: &mut Faults) -> Option<T> {
        let named = |(key, _): &&(String, &RawValue)| key.eq_ignore_ascii_case(name);
        let (_, value) = self.properties.0.iter().rev().find(named)?;
        faults.found(serde_json::from_str::<Option<T>>(value.get()).ok(), self.path(name), message).flatten()
    }

    fn path(&self, name: &str) -> String {
        format!("{}{name}", self.within)
    }
}

/// A scalar as it was given: a number keeps its digits.
fn scalar(json: &str) -> Option<CustomValue> {
    match json.as_bytes().first()? {
        b'{' | b'[' => None,
        b'"' => serde_json::from_str(json).ok().map(CustomValue::Text),
        b't' | b'f' => serde_json::from_str(json).ok().map(CustomValue::Boolean),
        b'n' => Some(CustomValue::Null),
        _ => Some(CustomValue::Number(json.to_owned())),
    }
}

/// What is wrong with a body's fields.
#[derive(Default)]
pub(crate) struct Faults(Vec<InvalidField>);

impl Faults {
    /// `value`, unless something was wrong.
    fn none_or<T>(self, message: &'static str, value: T) -> Result<T, Problem> {
        if self.0.is_empty() { Ok(value) } else { Err(Problem::invalid(message, &self.0)) }
    }

    fn found<T>(&mut self, value: Option<T>, field: String, message: &str) -> Option<T> {
        if value.is_none() && self.0.len() < MOST_FAULTS {
            self.0.push(InvalidField { field, message: message.to_owned() });
        }
        value
    }
}

#[derive(Default)]
pub(crate) struct Properties<'a>(pub(crate) Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Properties<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(InOrder)
    }
}

struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = Properties<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut properties = Vec::new();
        while let Some(property) = map.next_entry()? {
            properties.push(property);
        }
        Ok(Properties(properties))
    }
}
