//! Positions in a listing.

use uuid::Uuid;

use super::name::TextKey;
use super::time::Timestamp;
use super::value::Value;

/// A position in a listing: the values of the last item before it, in the fields of the listing's order. It does not depend on that
/// item any more: the item may move or go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position(Vec<Value>);

impl Position {
    /// The position after an item that has these values in the fields of the order.
    #[must_use]
    pub fn after(values: Vec<Value>) -> Self {
        Self(values)
    }

    /// The values of the item before it.
    #[must_use]
    pub fn values(&self) -> &[Value] {
        &self.0
    }

    /// The texts of the item before it, if its values are all texts.
    #[must_use]
    pub fn texts(&self) -> Option<Vec<&str>> {
        self.0.iter().map(|value| if let Value::Text(text) = value { Some(text.as_str()) } else { None }).collect()
    }

    /// Whether it comes before `other`, in an order that is ascending in all fields.
    #[must_use]
    pub fn precedes(&self, other: &Self) -> bool {
        self.0 < other.0
    }

    /// Its bytes, from which [`decode`](Self::decode) makes it again.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for value in &self.0 {
            match value {
                Value::Null => bytes.push(NULL),
                Value::Id(id) => {
                    bytes.push(ID);
                    bytes.extend(id.as_bytes());
                }
                Value::Text(text) => {
                    bytes.push(TEXT);
                    bytes.extend((text.as_str().len() as u64).to_be_bytes());
                    bytes.extend(text.as_str().as_bytes());
                }
                Value::Integer(number) => {
                    bytes.push(INTEGER);
                    bytes.extend(number.to_be_bytes());
                }
                Value::Boolean(truth) => bytes.extend([BOOLEAN, u8::from(*truth)]),
                Value::Moment(moment) => {
                    bytes.push(MOMENT);
                    bytes.extend(moment.milliseconds().to_be_bytes());
                }
            }
        }
        bytes
    }

    /// The position that these bytes were made from; `None` if they were not.
    #[must_use]
    pub fn decode(mut bytes: &[u8]) -> Option<Self> {
        let mut values = Vec::new();
        while let Some((kind, rest)) = bytes.split_first() {
            bytes = rest;
            values.push(match *kind {
                NULL => Value::Null,
                ID => Value::Id(Uuid::from_bytes(taken(&mut bytes)?)),
                TEXT => {
                    let length = usize::try_from(u64::from_be_bytes(taken(&mut bytes)?)).ok()?;
                    let (text, rest) = bytes.split_at_checked(length)?;
                    bytes = rest;
                    Value::Text(TextKey::stored(std::str::from_utf8(text).ok()?.to_owned()))
                }
                INTEGER => Value::Integer(i64::from_be_bytes(taken(&mut bytes)?)),
                BOOLEAN => Value::Boolean(taken::<1>(&mut bytes)? != [0]),
                MOMENT => Value::Moment(Timestamp::from_milliseconds(i64::from_be_bytes(taken(&mut bytes)?))),
                _ => return None,
            });
        }
        Some(Self(values))
    }
}

const NULL: u8 = 0;
const ID: u8 = 1;
const TEXT: u8 = 2;
const INTEGER: u8 = 3;
const BOOLEAN: u8 = 4;
const MOMENT: u8 = 5;

/// The first bytes, which are taken away.
fn taken<const COUNT: usize>(bytes: &mut &[u8]) -> Option<[u8; COUNT]> {
    let (first, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*first)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::{Position, Value};
    use crate::name::TextKey;
    use crate::time::Timestamp;

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<u128>().prop_map(|id| Value::Id(Uuid::from_u128(id))),
            any::<String>().prop_map(|text| Value::Text(TextKey::stored(text))),
            any::<i64>().prop_map(Value::Integer),
            any::<bool>().prop_map(Value::Boolean),
            any::<i64>().prop_map(|moment| Value::Moment(Timestamp::from_milliseconds(moment))),
        ]
    }

    proptest! {
        #[test]
        fn a_position_comes_back_from_its_bytes(values in prop::collection::vec(value(), 0..6)) {
            let position = Position::after(values);
            prop_assert_eq!(Position::decode(&position.encode()), Some(position));
        }

        #[test]
        fn any_bytes_are_a_position_or_none(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = Position::decode(&bytes);
        }
    }
}
