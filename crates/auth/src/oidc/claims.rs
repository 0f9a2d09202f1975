//! The claims of an external issuer's token.

use std::fmt;

use guildhall_domain::time::Timestamp;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::jwt::error::VerificationError;
use crate::jwt::validity::Validity;

/// The claims of a token (RFC 7519, section 4). A token with two claims of one name is refused, because another parser may
/// take the other value.
#[derive(Debug)]
pub(crate) struct ExternalClaims(Map<String, Value>);

impl ExternalClaims {
    /// A claim by its name. A null claim counts as missing.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.get_nullable(name).filter(|value| !value.is_null())
    }

    /// A claim by its name, which may be null.
    pub(crate) fn get_nullable(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// A claim by its name, or else by a path with dots through nested objects. The name itself may contain dots, as a URL
    /// does.
    pub(crate) fn at(&self, path: &str) -> Option<&Value> {
        self.get(path).or_else(|| {
            let mut names = path.split('.');
            let first = self.get(names.next()?)?;
            names.try_fold(first, |value, name| value.as_object()?.get(name)).filter(|value| !value.is_null())
        })
    }

    /// A required claim that is a string and not empty.
    pub(crate) fn text(&self, name: &str) -> Result<&str, VerificationError> {
        self.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).ok_or(VerificationError::Malformed)
    }

    /// The audiences (`aud`; RFC 7519, section 4.1.3). Elements of another type than the string are no audience of ours.
    pub(crate) fn audiences(&self) -> Result<Vec<&str>, VerificationError> {
        self.get("aud").and_then(texts).ok_or(VerificationError::Malformed)
    }

    /// Valid from `iat`, or from `nbf` if that is later, until `exp`.
    pub(crate) fn validity(&self) -> Result<Validity, VerificationError> {
        let issued = self.seconds("iat")?.ok_or(VerificationError::Malformed)?.ceil();
        let expires = self.seconds("exp")?.ok_or(VerificationError::Malformed)?.floor();
        let not_before = self.seconds("nbf")?.map_or(issued, |not_before| not_before.ceil().max(issued));
        Ok(Validity { not_before: whole(not_before), expires: whole(expires) })
    }

    /// When the token was issued (`iat`).
    pub(crate) fn issued(&self) -> Result<Timestamp, VerificationError> {
        let issued = self.seconds("iat")?.ok_or(VerificationError::Malformed)?;
        Ok(Timestamp::from_milliseconds(whole(issued * 1000.0)))
    }

    /// A claim in seconds since 1970, possibly with a fraction (`NumericDate`; RFC 7519, section 2).
    fn seconds(&self, name: &str) -> Result<Option<f64>, VerificationError> {
        let seconds =
            |value: &Value| value.as_f64().filter(|seconds| *seconds >= 0.0).ok_or(VerificationError::Malformed);
        self.get_nullable(name).map(seconds).transpose()
    }
}

/// The string, or the strings of the array, whose other elements are ignored; `None` for any other value.
pub(crate) fn texts(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::String(text) => Some(vec![text]),
        Value::Array(values) => Some(values.iter().filter_map(Value::as_str).collect()),
        _ => None,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the conversion saturates, which is wanted for dates that are too far"
)]
fn whole(number: f64) -> i64 {
    number as i64
}

impl<'de> Deserialize<'de> for ExternalClaims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(UniqueNames).map(Self)
    }
}

/// Deserializes an object, and refuses a name that occurs twice.
struct UniqueNames;

impl<'de> Visitor<'de> for UniqueNames {
    type Value = Map<String, Value>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut given: A) -> Result<Self::Value, A::Error> {
        let mut claims = Map::new();
        while let Some((name, value)) = given.next_entry::<String, Value>()? {
            if claims.insert(name, value).is_some() {
                return Err(A::Error::custom("a claim is there twice"));
            }
        }
        Ok(claims)
    }
}
