//! Custom properties as JSON. Numbers keep every digit, which no number type would.

use std::collections::BTreeMap;

use guildhall_domain::custom::{Custom, CustomValue};
use serde_json::value::{RawValue, to_raw_value};

use super::Failure;
use crate::sql_types::Json;

pub(super) fn write(custom: &Custom) -> Json {
    let value = |value: &CustomValue| match value {
        CustomValue::Null => to_raw_value(&()),
        CustomValue::Boolean(truth) => to_raw_value(truth),
        CustomValue::Number(number) => RawValue::from_string(number.clone()).or_else(|_| to_raw_value(number)),
        CustomValue::Text(text) => to_raw_value(text),
    };
    let object: BTreeMap<&str, Option<Box<RawValue>>> =
        custom.iter().map(|(name, given)| (name.as_str(), value(given).ok())).collect();
    Json(serde_json::to_string(&object).unwrap_or_else(|_| "{}".to_owned()))
}

pub(super) fn read(json: &Json) -> Result<Custom, Failure> {
    let broken = |error: serde_json::Error| Failure::Data(format!("custom properties are not valid: {error}"));
    let object: BTreeMap<String, &RawValue> = serde_json::from_str(&json.0).map_err(broken)?;
    let value = |kept: &RawValue| match kept.get().as_bytes().first() {
        Some(b'n') => Ok(CustomValue::Null),
        Some(b't' | b'f') => serde_json::from_str(kept.get()).map(CustomValue::Boolean).map_err(broken),
        Some(b'"') => serde_json::from_str(kept.get()).map(CustomValue::Text).map_err(broken),
        Some(b'{' | b'[') | None => Err(Failure::Data("a custom property is no scalar".to_owned())),
        Some(_) => Ok(CustomValue::Number(kept.get().to_owned())),
    };
    object.into_iter().map(|(name, kept)| Ok((name, value(kept)?))).collect()
}
