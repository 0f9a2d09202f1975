//! Fields for filters and orders (contract 8.1).

use crate::custom::{Custom, CustomValue};
use crate::name::TextKey;
use crate::time::Timestamp;

pub use crate::model::value::Value;

/// The type of a field's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An id.
    Id,
    /// A text.
    Text,
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// A moment.
    Moment,
}

/// A field of an item.
pub trait Field: Clone + Eq + Sized {
    /// The items that have the field.
    type Item;

    /// The field of this name, in any case except for the names of custom properties.
    fn named(name: &str) -> Option<Self>;
    /// What it holds.
    fn kind(&self) -> Kind;
    /// The value of `item` at `now`.
    fn value(&self, item: &Self::Item, now: Timestamp) -> Value;
    /// Whether it holds a name, which is compared by its [`NameKey`](crate::name::NameKey).
    fn is_name(&self) -> bool;
    /// Whether it is a custom property. These are not indexed.
    fn is_custom(&self) -> bool;
    /// Whether no two items have the same value: nothing after this field in an order matters.
    fn is_unique(&self) -> bool;
    /// Whether it may hold a longer text than a name can be.
    fn is_long(&self) -> bool;
    /// The id.
    fn id() -> Self;
    /// The default order.
    fn default_order() -> Self;
    /// All names of an item, one per line, for the parameter `q`. Clients cannot name this field.
    fn names() -> Self;
    /// Every field that holds a text and is not a custom property.
    fn texts() -> Vec<Self>;
}

/// The field of this name among `names`, or the custom property.
pub(super) fn named<F: Field>(names: &[(&str, F)], name: &str, custom: fn(String) -> F) -> Option<F> {
    let known = names.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, field)| field.clone());
    known.or_else(|| custom_name(name).map(|name| custom(name.to_owned())))
}

/// Those of `names` that hold a text.
pub(super) fn texts<F: Field>(names: &[(&str, F)]) -> Vec<F> {
    names.iter().map(|(_, field)| field.clone()).filter(|field| field.kind() == Kind::Text).collect()
}

/// The name of the custom property in `custom.name`. No property has a name with U+0000, which not every database could look for.
fn custom_name(name: &str) -> Option<&str> {
    let (custom, name) = name.split_once('.')?;
    (custom.eq_ignore_ascii_case("custom") && !name.is_empty() && !name.contains('\0')).then_some(name)
}

/// What is compared of a custom property: its text, and of other scalars what JSON writes.
pub(super) fn custom_value(custom: &Custom, name: &str) -> Value {
    custom.get(name).and_then(custom_text).map_or(Value::Null, |text| Value::Text(TextKey::of(&text)))
}

/// The text that a custom property is searched by; `null` has none.
#[must_use]
pub fn custom_text(value: &CustomValue) -> Option<String> {
    match value {
        CustomValue::Null => None,
        CustomValue::Boolean(truth) => Some(truth.to_string()),
        CustomValue::Number(digits) => Some(digits.clone()),
        CustomValue::Text(text) => Some(text.clone()),
    }
}

pub(super) fn optional(text: Option<&str>) -> Value {
    text.map_or(Value::Null, |text| Value::Text(TextKey::of(text)))
}

pub(super) fn moment(moment: Option<Timestamp>) -> Value {
    moment.map_or(Value::Null, Value::Moment)
}
