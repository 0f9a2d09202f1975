//! Reading JSON objects: property names are case-insensitive, unknown ones are ignored (contract 1.3).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use guildhall_domain::custom::{Custom, CustomValue};
use guildhall_domain::identifier::parse_guid;
use guildhall_domain::number::{Decimal, IntegerError};
use guildhall_domain::time::{Timestamp, TimestampError};
use guildhall_domain::validation::Truncated;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::body::dates::DATES;
use crate::body::field_errors::{FieldErrors, Wanted};
use crate::body::json_text::{HALF_PAIR, check_nesting, is_not, utf8};
use crate::respond::problem::Problem;

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

/// The properties of a JSON object in their order.
#[derive(Default)]
pub(crate) struct JsonObject<'a> {
    prefix: String,
    properties: Properties<'a>,
}

/// A property is there more than once, so that readers disagree on its value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Repeated;

impl Repeated {
    /// What is wrong with the property.
    pub(crate) const MESSAGE: &'static str = "The property is given more than once";
}

impl<'a> JsonObject<'a> {
    /// Parses a body in which dates of memberships have no meaning. One that names such a date is refused: it must not be taken for one without.
    pub(crate) fn read(body: &'a [u8]) -> Result<Self, Problem> {
        let object = Self::read_with_dates(body)?;
        match DATES.into_iter().find(|date| object.contains(date)) {
            Some(date) => Err(Problem::bad_request(format!("The property '{date}' is not supported here"))),
            None => Ok(object),
        }
    }

    /// Parses a body in which they have one.
    pub(crate) fn read_with_dates(body: &'a [u8]) -> Result<Self, Problem> {
        let text = utf8(body)?;
        check_nesting("The body", text)?;
        match serde_json::from_str(text) {
            Ok(properties) => Ok(Self::of(properties)),
            Err(error) => Err(is_not("object", text, &error)),
        }
    }

    /// An object with these properties.
    pub(crate) fn of(properties: Properties<'a>) -> Self {
        Self { prefix: String::new(), properties }
    }

    /// A string; `None` if absent or `null`.
    pub(crate) fn text(&self, name: &str, errors: &mut FieldErrors) -> Option<String> {
        self.value(name, Wanted::Text, errors)
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

    /// The JSON of a property; `None` if absent.
    pub(crate) fn find(&self, name: &str) -> Result<Option<&'a RawValue>, Repeated> {
        let mut named = self.properties.0.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        let first = named.next().map(|(_, json)| *json);
        if named.next().is_some() { Err(Repeated) } else { Ok(first) }
    }

    /// A boolean; `None` if absent or `null`.
    pub(crate) fn boolean(&self, name: &str, errors: &mut FieldErrors) -> Option<bool> {
        self.value(name, Wanted::Boolean, errors)
    }

    /// An integer in any notation, such as `180.0`; `None` if absent or `null`. One beyond 64 bits is brought into their range, so that
    /// whoever checks it tells the limit.
    pub(crate) fn integer(&self, name: &str, errors: &mut FieldErrors) -> Option<i64> {
        let json: &RawValue = self.value(name, Wanted::Integer, errors)?;
        let integer = match Decimal::parse(json.get()).map(|number| number.integer()) {
            Some(Ok(integer)) => Ok(integer),
            Some(Err(IntegerError::TooSmall)) => Ok(i64::MIN),
            Some(Err(IntegerError::TooLarge)) => Ok(i64::MAX),
            Some(Err(IntegerError::Fraction)) | None => Err(Wanted::Integer.fault(json.get())),
        };
        errors.check(self.path(name), integer)
    }

    /// A UUID; `None` if absent or `null`.
    pub(crate) fn id(&self, name: &str, errors: &mut FieldErrors) -> Option<Uuid> {
        let text = self.text(name, errors)?;
        errors.check(self.path(name), parse_guid(&text).ok_or("The value must be a UUID"))
    }

    /// A timestamp; `None` if absent or `null`.
    pub(crate) fn moment(&self, name: &str, errors: &mut FieldErrors) -> Option<Timestamp> {
        let text = self.text(name, errors)?;
        let moment = Timestamp::parse(&text).map_err(|error| match error {
            TimestampError::Form => "The value must be an ISO 8601 date, such as 2024-09-03 or 2024-09-03T09:51:20Z",
            TimestampError::NoSuchMoment => "There is no such date or time",
        });
        errors.check(self.path(name), moment)
    }

    /// An array of strings; empty if absent or `null`.
    pub(crate) fn texts(&self, name: &str, errors: &mut FieldErrors) -> Vec<String> {
        let elements: Vec<&RawValue> = self.value(name, Wanted::Texts, errors).unwrap_or_default();
        let text = |(index, element): (usize, &RawValue)| {
            let field = format!("{}[{index}]", self.path(name));
            errors.check(field, serde_json::from_str(element.get()).map_err(|_| Wanted::Text.fault(element.get())))
        };
        elements.into_iter().enumerate().filter_map(text).collect()
    }

    /// A nested object; without properties if absent or `null`.
    pub(crate) fn object(&self, name: &str, errors: &mut FieldErrors) -> JsonObject<'a> {
        let properties = self.value(name, Wanted::Object, errors).unwrap_or_default();
        JsonObject { prefix: format!("{}.", self.path(name)), properties }
    }

    /// Custom properties, whose names keep their case; none if absent or `null`.
    pub(crate) fn custom(&self, name: &str, errors: &mut FieldErrors) -> Custom {
        let object = self.object(name, errors);
        let (mut custom, mut names) = (Custom::new(), BTreeSet::new());
        for (name, json) in &object.properties.0 {
            if !names.insert(name) {
                errors.add(object.path(name), Repeated::MESSAGE);
            } else if let Some(value) = errors.check(object.path(name), scalar(json.get())) {
                custom.insert(name.clone(), value);
            }
        }
        custom
    }

    /// A merge patch of custom properties: `null` removes one (RFC 7396).
    pub(crate) fn custom_merge(&self, name: &str, errors: &mut FieldErrors) -> BTreeMap<String, Option<CustomValue>> {
        let kept = |value| if value == CustomValue::Null { None } else { Some(value) };
        self.custom(name, errors).into_iter().map(|(name, value)| (name, kept(value))).collect()
    }

    fn value<T: Deserialize<'a>>(&self, name: &str, wanted: Wanted, errors: &mut FieldErrors) -> Option<T> {
        let value = match self.find(name) {
            Err(Repeated) => Err(Repeated::MESSAGE),
            Ok(None) => Ok(None),
            Ok(Some(json)) => serde_json::from_str::<Option<T>>(json.get()).map_err(|_| wanted.fault(json.get())),
        };
        errors.check(self.path(name), value).flatten()
    }

    fn path(&self, name: &str) -> String {
        format!("{}{}", self.prefix, Truncated(name))
    }
}

/// A scalar; a number keeps its digits.
fn scalar(json: &str) -> Result<CustomValue, &'static str> {
    match json.as_bytes().first() {
        Some(b'{' | b'[') => Err("The value must not be an object or an array"),
        Some(b'"') => serde_json::from_str(json).map(CustomValue::Text).map_err(|_| HALF_PAIR),
        Some(b't') => Ok(CustomValue::Boolean(true)),
        Some(b'f') => Ok(CustomValue::Boolean(false)),
        Some(b'n') => Ok(CustomValue::Null),
        _ => Ok(CustomValue::Number(json.to_owned())),
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
