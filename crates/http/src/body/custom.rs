//! Custom properties as JSON, unchanged (contract 3.3).

use guildhall_domain::custom::{Custom, CustomChange, CustomValue};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use utoipa::openapi::schema::SchemaType;
use utoipa::openapi::{self, ObjectBuilder, RefOr, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::body::field_errors::FieldErrors;
use crate::body::object::JsonObject;

/// How custom properties of a request change the existing ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CustomMode {
    /// They replace them (PUT).
    Replace,
    /// They are merged into them (PATCH).
    Merge,
}

impl CustomMode {
    /// The change of custom properties that a body requests, if it has the property `custom`.
    pub(crate) fn read(self, body: &JsonObject<'_>, errors: &mut FieldErrors) -> Option<CustomChange> {
        match self {
            Self::Replace => body.if_present("custom", errors, JsonObject::custom).map(CustomChange::Replace),
            Self::Merge => body.if_present("custom", errors, JsonObject::custom_merge).map(CustomChange::Merge),
        }
    }
}

/// Custom properties in a response.
pub(crate) struct CustomBody<'a>(pub(crate) &'a Custom);

impl Serialize for CustomBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, CustomValueBody(value))))
    }
}

impl PartialSchema for CustomBody<'_> {
    fn schema() -> RefOr<Schema> {
        properties().into()
    }
}

impl ToSchema for CustomBody<'_> {}

/// The schema of custom properties in a request: absent, `null` or an object.
pub(crate) fn optional_custom_schema() -> openapi::Object {
    ObjectBuilder::from(properties()).schema_type(SchemaType::from_iter([Type::Object, Type::Null])).build()
}

fn properties() -> openapi::Object {
    let scalar = SchemaType::from_iter([Type::String, Type::Number, Type::Boolean, Type::Null]);
    ObjectBuilder::new()
        .description(Some(
            "Properties that an installation adds: at most 200, of 64 KiB as JSON in all, each name and text of 32 KiB at most. Names keep \
             their case. Numbers keep their digits; they are integers of 64 bits, or such that a double holds them without loss.",
        ))
        .additional_properties(Some(ObjectBuilder::new().schema_type(scalar)))
        .build()
}

struct CustomValueBody<'a>(&'a CustomValue);

impl Serialize for CustomValueBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            CustomValue::Null => serializer.serialize_unit(),
            CustomValue::Boolean(value) => serializer.serialize_bool(*value),
            CustomValue::Text(text) => serializer.serialize_str(text),
            // Raw JSON keeps every digit, unlike a number type.
            CustomValue::Number(text) => match serde_json::from_str::<&RawValue>(text) {
                Ok(number) => number.serialize(serializer),
                Err(_) => serializer.serialize_str(text),
            },
        }
    }
}
