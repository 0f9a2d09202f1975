//! Custom properties as JSON. Numbers are copied as they are written, with all their digits.

use std::collections::BTreeMap;

use guildhall_domain::custom::{Custom, CustomValue};
use serde_json::value::{RawValue, to_raw_value};

use crate::sql_types::Json;
use crate::unit_of_work::Failure;

pub(super) fn write(custom: &Custom) -> Json {
    let value = |value: &CustomValue| match value {
        CustomValue::Null => to_raw_value(&()),
        CustomValue::Boolean(boolean) => to_raw_value(boolean),
        CustomValue::Number(number) => RawValue::from_string(number.clone()).or_else(|_| to_raw_value(number)),
        CustomValue::Text(text) => to_raw_value(text),
    };
    let object: BTreeMap<&str, Option<Box<RawValue>>> =
        custom.iter().map(|(name, property)| (name.as_str(), value(property).ok())).collect();
    Json(serde_json::to_string(&object).unwrap_or_else(|_| "{}".to_owned()))
}

pub(super) fn read(json: &Json) -> Result<Custom, Failure> {
    let invalid = |error: serde_json::Error| Failure::Data(format!("custom properties are not valid: {error}"));
    let object: BTreeMap<String, &RawValue> = serde_json::from_str(&json.0).map_err(invalid)?;
    let value = |stored: &RawValue| match stored.get().as_bytes().first() {
        Some(b'n') => Ok(CustomValue::Null),
        Some(b't' | b'f') => serde_json::from_str(stored.get()).map(CustomValue::Boolean).map_err(invalid),
        Some(b'"') => serde_json::from_str(stored.get()).map(CustomValue::Text).map_err(invalid),
        Some(b'{' | b'[') | None => Err(Failure::Data("a custom property is no scalar".to_owned())),
        Some(_) => Ok(CustomValue::Number(stored.get().to_owned())),
    };
    object.into_iter().map(|(name, stored)| Ok((name, value(stored)?))).collect()
}
