//! What a token of an outside issuer says.

use std::fmt;

use guildhall_domain::time::Timestamp;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::jwt::error::Refusal;
use crate::jwt::validity::Validity;

/// The claims of a token (RFC 7519, section 4), each name at most once: of two values, another reader may take the other one.
#[derive(Debug)]
pub(crate) struct ForeignClaims(Map<String, Value>);

impl ForeignClaims {
    /// A claim, if the token has it and it is not null.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.given(name).filter(|value| !value.is_null())
    }

    /// A claim as the token has it.
    pub(crate) fn given(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// A claim by its name, or by the path to it through others. A name may have dots in it, as those that are URLs have.
    pub(crate) fn at(&self, path: &str) -> Option<&Value> {
        self.get(path).or_else(|| {
            let mut names = path.split('.');
            let first = self.get(names.next()?)?;
            names.try_fold(first, |value, name| value.as_object()?.get(name)).filter(|value| !value.is_null())
        })
    }

    /// A claim that must be a text, and not an empty one.
    pub(crate) fn text(&self, name: &str) -> Result<&str, Refusal> {
        self.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).ok_or(Refusal::Malformed)
    }

    /// Whom the token is for (RFC 7519, section 4.1.3).
    pub(crate) fn audiences(&self) -> Result<Vec<&str>, Refusal> {
        texts(self.get("aud").ok_or(Refusal::Malformed)?).ok_or(Refusal::Malformed)
    }

    /// When the token is good: from when it was issued, or later if it says so, until it expires.
    pub(crate) fn validity(&self) -> Result<Validity, Refusal> {
        let issued = self.seconds("iat")?.ok_or(Refusal::Malformed)?.ceil();
        let expires = self.seconds("exp")?.ok_or(Refusal::Malformed)?.floor();
        let not_before = self.seconds("nbf")?.map_or(issued, |not_before| not_before.ceil().max(issued));
        Ok(Validity { not_before: whole(not_before), expires: whole(expires) })
    }

    /// When the token was issued.
    pub(crate) fn issued(&self) -> Result<Timestamp, Refusal> {
        let issued = self.seconds("iat")?.ok_or(Refusal::Malformed)?;
        Ok(Timestamp::from_milliseconds(whole(issued * 1000.0)))
    }

    /// Seconds since 1970, which may have a fraction (RFC 7519, section 2: `NumericDate`).
    fn seconds(&self, name: &str) -> Result<Option<f64>, Refusal> {
        let seconds = |value: &Value| value.as_f64().filter(|seconds| *seconds >= 0.0).ok_or(Refusal::Malformed);
        self.given(name).map(seconds).transpose()
    }
}

/// A text, or texts in an array, and nothing else.
pub(crate) fn texts(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::String(text) => Some(vec![text]),
        Value::Array(values) => values.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "what is beyond all time is brought to its end")]
fn whole(number: f64) -> i64 {
    number as i64
}

impl<'de> Deserialize<'de> for ForeignClaims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Once).map(Self)
    }
}

/// Reads an object, each name of which must be there once.
struct Once;

impl<'de> Visitor<'de> for Once {
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
