//! An element of a list: an identifier, or an object that has one.

use std::borrow::Cow;

use guildhall_domain::directory::PatchedList;

use super::Kind;
use crate::body::object::Properties;

const NO_CHARACTER: &str = "has half of a surrogate pair in it, such as \\ud800 alone, which is no character";

/// The identifier in an element, or what is wrong with the element.
pub(super) fn text_of<K: Kind>(json: &str, list: PatchedList) -> Result<Cow<'_, str>, String> {
    let property = K::PROPERTY;
    match (json.as_bytes().first(), list) {
        (Some(b'"'), _) => text(json).ok_or_else(|| NO_CHARACTER.to_owned()),
        (Some(b'{'), PatchedList::Add | PatchedList::Set) => {
            let Properties(properties) =
                serde_json::from_str(json).map_err(|_| "has a property whose name has no characters".to_owned())?;
            let named = |name: &str| -> Vec<&str> {
                let of_name = properties.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
                of_name.map(|(_, json)| json.get()).collect()
            };
            // A date that is not heeded would make a membership that lasts for ever of one that was to end.
            if let Some(date) = ["validFrom", "validUntil"].into_iter().find(|date| !named(date).is_empty()) {
                return Err(format!("has '{date}', which is not supported"));
            }
            match *named(property) {
                [json] if json.starts_with('"') => text(json).ok_or_else(|| NO_CHARACTER.to_owned()),
                [_, _, ..] => Err(format!("has '{property}' more than once")),
                [] | [_] => Err(format!("must have '{property}', a string")),
            }
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
