//! Custom properties as JSON.

use guildhall_domain::custom::{Custom, CustomValue};
use serde_json::{Map, Value};

use super::Failure;
use crate::sql_types::Json;

pub(super) fn write(custom: &Custom) -> Json {
    let value = |value: &CustomValue| match value {
        CustomValue::Null => Value::Null,
        CustomValue::Boolean(truth) => Value::Bool(*truth),
        CustomValue::Number(number) => number.parse().map_or_else(|_| Value::String(number.clone()), Value::Number),
        CustomValue::Text(text) => Value::String(text.clone()),
    };
    let object: Map<String, Value> = custom.iter().map(|(name, given)| (name.clone(), value(given))).collect();
    Json(Value::Object(object).to_string())
}

pub(super) fn read(json: &Json) -> Result<Custom, Failure> {
    let object: Map<String, Value> = serde_json::from_str(&json.0)
        .map_err(|error| Failure::Data(format!("custom properties are not valid: {error}")))?;
    let value = |value: Value| match value {
        Value::Null => Ok(CustomValue::Null),
        Value::Bool(truth) => Ok(CustomValue::Boolean(truth)),
        Value::Number(number) => Ok(CustomValue::Number(number.to_string())),
        Value::String(text) => Ok(CustomValue::Text(text)),
        Value::Array(_) | Value::Object(_) => Err(Failure::Data("a custom property is no scalar".to_owned())),
    };
    object.into_iter().map(|(name, kept)| Ok((name, value(kept)?))).collect()
}
