//! JSON nodes with their path, for error messages.

use std::fmt;

use guildhall_zenql::{Literal, Position, Value};
use serde_json::value::RawValue;

use super::MAX_CHARACTERS;
use super::search_error::Truncated;
use crate::body::object::Properties;
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
        match serde_json::from_str(text) {
            Ok(json) => Ok(Self::property(name, json)),
            Err(error) => Err(Problem::bad_request(format!("The parameter '{name}' is not JSON: {error}"))),
        }
    }

    /// A property of a body.
    pub(super) fn property(name: &str, json: &'a RawValue) -> Self {
        Self { json, path: name.to_owned() }
    }

    /// Its elements, if it is an array.
    pub(super) fn elements(&self) -> Option<Vec<Self>> {
        let elements: Vec<&RawValue> = serde_json::from_str(self.json.get()).ok()?;
        let element = |(index, json)| Self { json, path: format!("{}[{index}]", self.path) };
        Some(elements.into_iter().enumerate().map(element).collect())
    }

    /// Its properties, if it is an object.
    pub(super) fn properties(&self) -> Option<Vec<(String, Self)>> {
        let Properties(properties) = serde_json::from_str(self.json.get()).ok()?;
        let property = |(name, json): (String, _)| {
            let path = format!("{}.{}", self.path, Truncated(&name));
            (name, Self { json, path })
        };
        Some(properties.into_iter().map(property).collect())
    }

    /// Its value, if it is a string.
    pub(super) fn text(&self) -> Option<String> {
        serde_json::from_str(self.json.get()).ok()
    }

    /// Its value, which must be a string.
    pub(super) fn required_text(&self) -> Result<String, Problem> {
        self.text().ok_or_else(|| self.error("a string should stand here"))
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

    /// The digits of a number, which may be quoted; of anything else, its JSON.
    pub(super) fn digits(&self) -> String {
        self.text().unwrap_or_else(|| self.json.get().to_owned())
    }

    /// Its value, which must be a scalar. Numbers and booleans stay as they are written.
    pub(super) fn required_value(&self) -> Result<Value, Problem> {
        let literal = match self.json.get().as_bytes().first() {
            Some(b'{' | b'[') => Err(self.error("a string, a number, true, false or null should stand here")),
            Some(b'n') => Ok(Literal::Null),
            Some(b'"') => self.required_operand().map(Literal::Text),
            _ => Ok(Literal::Text(self.json.get().to_owned())),
        };
        Ok(Value { literal: literal?, position: Position::default() })
    }

    /// 400 with its path and `detail`.
    pub(super) fn error(&self, detail: impl fmt::Display) -> Problem {
        Problem::bad_request(format!("The search is not valid at {}: {detail}", self.path))
    }
}
