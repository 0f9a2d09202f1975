//! Reading JSON objects: property names are case-insensitive, unknown ones are ignored (contract 1.3).

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

/// A body as text, which must be UTF-8.
pub(crate) fn utf8(body: &[u8]) -> Result<&str, Problem> {
    std::str::from_utf8(body)
        .map_err(|error| Problem::bad_request(format!("The body is not UTF-8 after {} bytes", error.valid_up_to())))
}

/// Reads a body that is a JSON object by `read`. Reports all invalid fields together, with `message` above them.
///
/// A derived `Deserialize` would stop at the first invalid field. So the type that describes a body for the OpenAPI document has a
/// function that reads the body, and its fields are never filled.
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

/// The properties of a JSON object in their order. Of several with the same name, the last one counts.
#[derive(Default)]
pub(crate) struct JsonObject<'a> {
    prefix: String,
    properties: Properties<'a>,
}

impl<'a> JsonObject<'a> {
    /// Parses a body.
    pub(crate) fn read(body: &'a [u8]) -> Result<Self, Problem> {
        match serde_json::from_str(utf8(body)?) {
            Ok(properties) => Ok(Self { prefix: String::new(), properties }),
            Err(error) => Err(Problem::bad_request(format!("The body is not a JSON object: {error}"))),
        }
    }

    /// A string; `None` if absent or `null`.
    pub(crate) fn text(&self, name: &str, errors: &mut FieldErrors) -> Option<String> {
        self.value(name, "The value must be a string", errors)
    }

    /// Whether there is such a property, even if `null`.
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.properties.0.iter().any(|(key, _)| key.eq_ignore_ascii_case(name))
    }

    /// Distinguishes an absent property (`None`) from `null` (the `None` of `read`) and a value.
    pub(crate) fn if_present<T>(
        &self,
        name: &str,
        errors: &mut FieldErrors,
        read: impl FnOnce(&Self, &str, &mut FieldErrors) -> T,
    ) -> Option<T> {
        self.contains(name).then(|| read(self, name, errors))
    }

    /// The JSON of a property; `None` if absent or `null`.
    pub(crate) fn raw(&self, name: &str) -> Option<&'a RawValue> {
        self.value(name, "", &mut FieldErrors::default())
    }

    /// A boolean; `None` if absent or `null`.
    pub(crate) fn boolean(&self, name: &str, errors: &mut FieldErrors) -> Option<bool> {
        self.value(name, "The value must be true or false", errors)
    }

    /// An integer; `None` if absent or `null`.
    pub(crate) fn integer(&self, name: &str, errors: &mut FieldErrors) -> Option<i64> {
        self.value(name, "The value must be a whole number", errors)
    }

    /// A UUID; `None` if absent or `null`.
    pub(crate) fn id(&self, name: &str, errors: &mut FieldErrors) -> Option<Uuid> {
        let text = self.text(name, errors)?;
        errors.require(parse_guid(&text), self.path(name), "The value must be a UUID")
    }

    /// A timestamp; `None` if absent or `null`.
    pub(crate) fn moment(&self, name: &str, errors: &mut FieldErrors) -> Option<Timestamp> {
        let text = self.text(name, errors)?;
        errors.require(Timestamp::parse(&text).ok(), self.path(name), "The value must be an ISO 8601 date")
    }

    /// An array of strings; empty if absent or `null`.
    pub(crate) fn texts(&self, name: &str, errors: &mut FieldErrors) -> Vec<String> {
        let elements: Vec<&RawValue> =
            self.value(name, "The value must be an array of strings", errors).unwrap_or_default();
        let text = |(index, element): (usize, &RawValue)| {
            let field = format!("{}[{index}]", self.path(name));
            errors.require(serde_json::from_str(element.get()).ok(), field, "The value must be a string")
        };
        elements.into_iter().enumerate().filter_map(text).collect()
    }

    /// A nested object; without properties if absent or `null`.
    pub(crate) fn object(&self, name: &str, errors: &mut FieldErrors) -> JsonObject<'a> {
        let properties = self.value(name, "The value must be an object", errors).unwrap_or_default();
        JsonObject { prefix: format!("{}.", self.path(name)), properties }
    }

    /// Custom properties, whose names keep their case; none if absent or `null`.
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

    /// A merge patch of custom properties: `null` removes one (RFC 7396).
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
        format!("{}{name}", self.prefix)
    }
}

/// A scalar; a number keeps its digits.
fn scalar(json: &str) -> Option<CustomValue> {
    match json.as_bytes().first()? {
        b'{' | b'[' => None,
        b'"' => serde_json::from_str(json).ok().map(CustomValue::Text),
        b't' | b'f' => serde_json::from_str(json).ok().map(CustomValue::Boolean),
        b'n' => Some(CustomValue::Null),
        _ => Some(CustomValue::Number(json.to_owned())),
    }
}

/// The invalid fields of a body.
#[derive(Default)]
pub(crate) struct FieldErrors(Vec<InvalidField>);

impl FieldErrors {
    /// `value` if no field is invalid, otherwise 422.
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
