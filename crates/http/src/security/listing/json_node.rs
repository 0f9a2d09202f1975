//! JSON nodes with their path, for error messages.

use std::fmt;

use guildhall_domain::custom::NOT_PORTABLE;
use guildhall_domain::number::{Decimal, IntegerError};
use guildhall_domain::validation::Truncated;
use guildhall_zenql::{Literal, Position, Value};
use serde_json::value::RawValue;

use super::MAX_CHARACTERS;
use crate::body::json_text::{HALF_PAIR, check_nesting, reason};
use crate::body::object::{JsonObject, Properties, Repeated};
use crate::respond::problem::Problem;

/// A JSON node with its path, such as `where[0].or[1].contains`. It is parsed on demand, one level at a time.
#[derive(Clone)]
pub(super) struct JsonNode<'a> {
    json: &'a RawValue,
    path: String,
}

impl<'a> JsonNode<'a> {
    /// The JSON in a query parameter.
    pub(super) fn parameter(name: &str, text: &'a str) -> Result<Self, Problem> {
        check_nesting(&format!("The parameter '{name}'"), text)?;
        match serde_json::from_str(text) {
            Ok(json) => Ok(Self::property(name, json)),
            Err(error) => {
                let reason = reason(text, &error);
                Err(Problem::bad_request(format!("The parameter '{name}' is not JSON: {reason}")))
            }
        }
    }

    /// A property of a body; `None` if absent or `null`.
    pub(super) fn in_body(body: &JsonObject<'a>, name: &str) -> Result<Option<Self>, Problem> {
        match body.find(name) {
            Ok(json) => Ok(json.filter(|json| json.get() != "null").map(|json| Self::property(name, json))),
            Err(Repeated) => Err(invalid(name, Repeated::MESSAGE)),
        }
    }

    fn property(name: &str, json: &'a RawValue) -> Self {
        Self { json, path: name.to_owned() }
    }

    /// Its JSON, as it is written.
    pub(super) fn json(&self) -> &'a str {
        self.json.get()
    }

    /// Its elements, if it is an array.
    pub(super) fn elements(&self) -> Option<Vec<Self>> {
        let elements: Vec<&RawValue> = serde_json::from_str(self.json.get()).ok()?;
        let element = |(index, json)| Self { json, path: format!("{}[{index}]", self.path) };
        Some(elements.into_iter().enumerate().map(element).collect())
    }

    /// Its properties, if it is an object. None may be there twice.
    pub(super) fn properties(&self) -> Result<Option<Vec<(String, Self)>>, Problem> {
        if !self.json.get().starts_with('{') {
            return Ok(None);
        }
        let read: Result<Properties<'a>, _> = serde_json::from_str(self.json.get());
        let mut properties: Vec<(String, Self)> = Vec::new();
        for (name, json) in read.map_err(|_| self.error(HALF_PAIR))?.0 {
            let node = Self { json, path: format!("{}.{}", self.path, Truncated(&name)) };
            if properties.iter().any(|(known, _)| known.eq_ignore_ascii_case(&name)) {
                return Err(node.error(Repeated::MESSAGE));
            }
            properties.push((name, node));
        }
        Ok(Some(properties))
    }

    /// Its value, if it is a string.
    pub(super) fn text(&self) -> Result<Option<String>, Problem> {
        if !self.json.get().starts_with('"') {
            return Ok(None);
        }
        serde_json::from_str(self.json.get()).map(Some).map_err(|_| self.error(HALF_PAIR))
    }

    /// Its value, which must be a string.
    pub(super) fn required_text(&self) -> Result<String, Problem> {
        self.text()?.ok_or_else(|| self.error("a string should stand here"))
    }

    /// Its value, which must be a string within the limit of operands.
    pub(super) fn required_operand(&self) -> Result<String, Problem> {
        let text = self.required_text()?;
        if text.chars().nth(MAX_CHARACTERS).is_some() {
            return Err(self.error(format_args!("a text has at most {MAX_CHARACTERS} characters")));
        }
        Ok(text)
    }

    /// Its value, which must be a boolean.
    pub(super) fn required_boolean(&self) -> Result<bool, Problem> {
        serde_json::from_str(self.json.get()).map_err(|_| self.error("true or false should stand here"))
    }

    /// The digits of a whole number in any notation, which may be quoted; of anything else, its JSON.
    pub(super) fn digits(&self) -> Result<String, Problem> {
        if let Some(text) = self.text()? {
            return Ok(text);
        }
        Ok(match Decimal::parse(self.json.get()).map(|number| number.integer()) {
            Some(Ok(integer)) => integer.to_string(),
            Some(Err(IntegerError::TooLarge)) => i64::MAX.to_string(),
            _ => self.json.get().to_owned(),
        })
    }

    /// Its value, which must be a scalar. Numbers and booleans stay as they are written.
    pub(super) fn required_value(&self) -> Result<Value, Problem> {
        let json = self.json.get();
        let literal = match json.as_bytes().first() {
            Some(b'{' | b'[') => Err(self.error("a string, a number, true, false or null should stand here")),
            Some(b'n') => Ok(Literal::Null),
            Some(b'"') => self.required_operand().map(Literal::Text),
            _ if Decimal::parse(json).is_some_and(|number| !number.is_portable()) => Err(self.error(NOT_PORTABLE)),
            _ => Ok(Literal::Text(json.to_owned())),
        };
        Ok(Value { literal: literal?, position: Position::default() })
    }

    /// 400 with its path and `detail`.
    pub(super) fn error(&self, detail: impl fmt::Display) -> Problem {
        invalid(&self.path, detail)
    }
}

fn invalid(path: &str, detail: impl fmt::Display) -> Problem {
    Problem::bad_request(format!("The search is not valid at {path}: {detail}"))
}
