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
    read: impl FnOnce(&JsonObject<'_>, &mut FieldErrors) -> T,
) -> Result<T, Problem> {
    let object = JsonObject::read(body)?;
    let mut errors = FieldErrors::default();
    let value = read(&object, &mut errors);
    errors.into_result(message, value)
}

/// The properties of an object in the order they were given; of several with the same name, the last one counts.
#[derive(Default)]
pub(crate) struct JsonObject<'a> {
    within: String,
    properties: Properties<'a>,
}

impl<'a> JsonObject<'a> {
    /// Reads a whole body.
    pub(crate) fn read(body: &'a [u8]) -> Result<Self, Problem> {
        match serde_json::from_str(utf8(body)?) {
            Ok(properties) => Ok(Self { within: String::new(), properties }),
            Err(error) => Err(Problem::bad_request(format!("The body is not a JSON object: {error}"))),
        }
    }

    /// A text; `null` is none.
    pub(crate) fn text(&self, name: &str, errors: &mut FieldErrors) -> Option<String> {
        self.value(name, "The value must be a string", errors)
    }

    /// Whether there is such a property, whatever its value.
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.properties.0.iter().any(|(key, _)| key.eq_ignore_ascii_case(name))
    }

    /// What `read` finds where the property is there: nothing in it is a value too.
    pub(crate) fn if_present<T>(
        &self,
        name: &str,
        errors: &mut FieldErrors,
        read: impl FnOnce(&Self, &str, &mut FieldErrors) -> T,
    ) -> Option<T> {
        self.contains(name).then(|| read(self, name, errors))
    }

    /// What stands there, as it was given; `null` is nothing.
    pub(crate) fn raw(&self, name: &str) -> Option<&'a RawValue> {
        self.value(name, "", &mut FieldErrors::default())
    }

    /// A truth value; `null` is none.
    pub(crate) fn boolean(&self, name: &str, errors: &mut FieldErrors) -> Option<bool> {
        self.value(name, "The value must be true or false", errors)
    }

    /// A whole number; `null` is none.
    pub(crate) fn integer(&self, name: &str, errors: &mut FieldErrors) -> Option<i64> {
        self.value(name, "The value must be a whole number", errors)
    }

    /// An id; `null` is none.
    pub(crate) fn id(&self, name: &str, errors: &mut FieldErrors) -> Option<Uuid> {
        let text = self.text(name, errors)?;
        errors.require(parse_guid(&text), self.path(name), "The value must be a UUID")
    }

    /// A moment; `null` is none.
    pub(crate) fn moment(&self, name: &str, errors: &mut FieldErrors) -> Option<Timestamp> {
        let text = self.text(name, errors)?;
        errors.require(Timestamp::parse(&text).ok(), self.path(name), "The value must be an ISO 8601 date")
    }

    /// Several texts; `null` is none.
    pub(crate) fn texts(&self, name: &str, errors: &mut FieldErrors) -> Vec<String> {
        let elements: Vec<&RawValue> =
            self.value(name, "The value must be an array of strings", errors).unwrap_or_default();
        let text = |(index, element): (usize, &RawValue)| {
            let field = format!("{}[{index}]", self.path(name));
            errors.require(serde_json::from_str(element.get()).ok(), field, "The value must be a string")
        };
        elements.into_iter().enumerate().filter_map(text).collect()
    }

    /// An object within this one; `null` is one without properties.
    pub(crate) fn object(&self, name: &str, errors: &mut FieldErrors) -> JsonObject<'a> {
        let properties = self.value(name, "The value must be an object", errors).unwrap_or_default();
        JsonObject { within: format!("{}.", self.path(name)), properties }
    }

    /// Custom properties, whose names keep their case; `null` is none.
    pub(crate) fn custom(&self, name: &str, errors: &mut FieldErrors) -> Custom {
        let object = self.object(name, errors);
        let mut custom = Custom::new();
        for (name, value) in &object.properties.0 {
            let value =
                errors.require(scalar(value.get()), object.path(name), "The value must not be an object or an array");
            custom.extend(value.map(|value| (name.clone(), value)));
        }
        custom
    }

    /// Changes of custom properties: those that are `null` go (RFC 7396).
    pub(crate) fn custom_merge(&self, name: &str, errors: &mut FieldErrors) -> BTreeMap<String, Option<CustomValue>> {
        let kept = |value| if value == CustomValue::Null { None } else { Some(value) };
        self.custom(name, errors).into_iter().map(|(name, value)| (name, kept(value))).collect()
    }

    fn value<T: Deserialize<'a>>(&self, name: &str, message: &str, errors: &mut FieldErrors) -> Option<T> {
        let named = |(key, _): &&(String, &RawValue)| key.eq_ignore_ascii_case(name);
        let (_, value) = self.properties.0.iter().rev().find(named)?;
        errors.require(serde_json::from_str::<Option<T>>(value.get()).ok(), self.path(name), message).flatten()
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
pub(crate) struct FieldErrors(Vec<InvalidField>);

impl FieldErrors {
    /// `value`, unless something was wrong.
    fn into_result<T>(self, message: &'static str, value: T) -> Result<T, Problem> {
        if self.0.is_empty() { Ok(value) } else { Err(Problem::invalid(message, &self.0)) }
    }

    fn require<T>(&mut self, value: Option<T>, field: String, message: &str) -> Option<T> {
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
        deserializer.deserialize_map(PropertiesVisitor)
    }
}

struct PropertiesVisitor;

impl<'de> Visitor<'de> for PropertiesVisitor {
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
