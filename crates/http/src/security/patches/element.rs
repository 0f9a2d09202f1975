//! An element of a list: an identifier, or an object that has one.

use std::borrow::Cow;

use guildhall_domain::directory::PatchedList;
use guildhall_domain::validity::ValidityChange;
use serde_json::value::RawValue;

use super::Kind;
use crate::body::dates::dates_of;
use crate::body::object::{JsonObject, Repeated};

const NO_CHARACTER: &str = "has half of a surrogate pair in it, such as \\ud800 alone, which is no character";

/// An element of a list as it was sent.
pub(super) struct Element<'j> {
    /// The identifier.
    pub(super) text: Cow<'j, str>,
    /// What it says of dates.
    pub(super) dates: ValidityChange,
}

/// Reads an element, or tells what is wrong with it.
pub(super) fn element<K: Kind>(json: &str, list: PatchedList) -> Result<Element<'_>, String> {
    let property = K::PROPERTY;
    match (json.as_bytes().first(), list) {
        (Some(b'"'), _) => {
            let text = text(json).ok_or_else(|| NO_CHARACTER.to_owned())?;
            Ok(Element { text, dates: ValidityChange::default() })
        }
        (Some(b'{'), PatchedList::Add | PatchedList::Set) => {
            let properties =
                serde_json::from_str(json).map_err(|_| "has a property whose name has no characters".to_owned())?;
            let object = JsonObject::of(properties);
            let named = object.find(property).map_err(|Repeated| format!("has '{property}' more than once"))?;
            let named = named.map(RawValue::get).filter(|json| json.starts_with('"'));
            let named = named.ok_or_else(|| format!("must have '{property}', a string"))?;
            let text = text(named).ok_or_else(|| NO_CHARACTER.to_owned())?;
            let dates = dates_of(&object).map_err(|fault| format!("has dates that cannot be read: {fault}"))?;
            Ok(Element { text, dates })
        }
        (_, PatchedList::Remove) => Err("must be a string".to_owned()),
        (_, PatchedList::Add | PatchedList::Set) => Err(format!("must be a string or an object with '{property}'")),
    }
}

/// The string that this JSON is.
fn text(json: &str) -> Option<Cow<'_, str>> {
    match json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) if !inner.contains('\\') => Some(inner.into()),
        _ => serde_json::from_str::<String>(json).ok().map(Cow::Owned),
    }
}
