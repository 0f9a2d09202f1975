//! The invalid fields of a body, and what is said of a value of the wrong kind.

use guildhall_domain::validation::{InvalidField, MOST_FAULTS};

use crate::body::json_text::HALF_PAIR;
use crate::respond::problem::Problem;

/// The invalid fields of a body.
#[derive(Default)]
pub(crate) struct FieldErrors(Vec<InvalidField>);

impl FieldErrors {
    /// `value` if no field is invalid, otherwise 422.
    pub(crate) fn into_result<T>(self, message: &'static str, value: T) -> Result<T, Problem> {
        if self.0.is_empty() { Ok(value) } else { Err(Problem::invalid(message, &self.0)) }
    }

    pub(crate) fn add(&mut self, field: String, message: &str) {
        if self.0.len() < MOST_FAULTS {
            self.0.push(InvalidField { field, message: message.to_owned() });
        }
    }

    /// The value. An error is recorded as the fault of `field`.
    pub(super) fn check<T>(&mut self, field: String, value: Result<T, &str>) -> Option<T> {
        value.map_err(|message| self.add(field, message)).ok()
    }
}

/// The kind of JSON that a property must be.
#[derive(Clone, Copy)]
pub(crate) enum Wanted {
    Text,
    Boolean,
    Integer,
    Texts,
    Object,
    Objects,
}

impl Wanted {
    /// What is wrong with `json`, which is not `null` and could not be read.
    pub(crate) fn fault(self, json: &str) -> &'static str {
        match (self, json.as_bytes().first()) {
            // These are of the right kind, and nothing else in them can be wrong.
            (Self::Text, Some(b'"')) | (Self::Object, Some(b'{')) => HALF_PAIR,
            (Self::Text, _) => "The value must be a string",
            (Self::Boolean, _) => "The value must be true or false",
            (Self::Integer, _) => "The value must be a whole number",
            (Self::Texts, _) => "The value must be an array of strings",
            (Self::Object, _) => "The value must be an object",
            (Self::Objects, _) => "The value must be an array of objects",
        }
    }
}
