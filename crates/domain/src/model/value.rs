//! Values of fields, as they are compared and sorted.

use uuid::Uuid;

use super::name::TextKey;
use super::time::Timestamp;

/// The value of a field. Values of one type sort naturally, and an absent value sorts first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// Nothing.
    Null,
    /// An id.
    Id(Uuid),
    /// A text, as it is compared.
    Text(TextKey),
    /// A whole number.
    Integer(i64),
    /// `true` or `false`.
    Boolean(bool),
    /// A moment.
    Moment(Timestamp),
}
