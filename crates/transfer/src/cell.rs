//! A value in a file.

use std::borrow::Cow;

use guildhall_domain::custom::{Custom, CustomValue};
use guildhall_domain::time::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use crate::formula::neutralised;

/// A value. In CSV, no value is an empty cell.
#[derive(Clone, Debug)]
pub(crate) enum Cell {
    None,
    Text(String),
    Flag(bool),
    Number(u64),
    /// A list or an object; in CSV its JSON.
    Json(Box<RawValue>),
}

impl Cell {
    pub(crate) fn text(text: &(impl ToString + ?Sized)) -> Self {
        Self::Text(text.to_string())
    }

    /// A text that there may be none of.
    pub(crate) fn maybe<T: ToString + ?Sized>(text: Option<&T>) -> Self {
        text.map_or(Self::None, Self::text)
    }

    pub(crate) fn moment(moment: Option<Timestamp>) -> Self {
        Self::maybe(moment.as_ref())
    }

    /// # Errors
    ///
    /// A number that JSON cannot say.
    pub(crate) fn custom(custom: &Custom) -> serde_json::Result<Self> {
        if custom.is_empty() {
            return Ok(Self::None);
        }
        let named = custom.iter().map(|(name, value)| Ok((name, to_raw(value)?)));
        let properties = named.collect::<serde_json::Result<std::collections::BTreeMap<_, _>>>()?;
        Ok(Self::Json(to_raw_value(&properties)?))
    }

    /// A list that is no value if it is empty.
    pub(crate) fn list(texts: &[String]) -> serde_json::Result<Self> {
        if texts.is_empty() { Ok(Self::None) } else { Ok(Self::Json(to_raw_value(texts)?)) }
    }

    /// The cell of a CSV file.
    pub(crate) fn csv(&self) -> Cow<'_, str> {
        match self {
            Self::None => Cow::Borrowed(""),
            Self::Text(text) => neutralised(text),
            Self::Flag(flag) => Cow::Borrowed(if *flag { "true" } else { "false" }),
            Self::Number(number) => Cow::Owned(number.to_string()),
            Self::Json(json) => Cow::Borrowed(json.get()),
        }
    }
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::None => serializer.serialize_none(),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::Number(number) => serializer.serialize_u64(*number),
            Self::Json(json) => json.serialize(serializer),
        }
    }
}

/// A custom property as it was sent: numbers in their own notation.
fn to_raw(value: &CustomValue) -> serde_json::Result<Box<RawValue>> {
    match value {
        CustomValue::Null => to_raw_value(&()),
        CustomValue::Boolean(value) => to_raw_value(value),
        CustomValue::Number(number) => RawValue::from_string(number.clone()),
        CustomValue::Text(text) => to_raw_value(text),
    }
}
