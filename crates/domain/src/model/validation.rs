//! Validation errors of a request's fields.

use std::fmt;

/// An invalid field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidField {
    /// The field's name as clients write it, such as `credentials.password`.
    pub field: String,
    /// A message for a person.
    pub message: String,
}

impl InvalidField {
    /// What is wrong with `field`.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// The most bytes of a description, of a group or of an API key.
const LONGEST_DESCRIPTION: usize = 32 * 1024;

/// The most faults that one refusal lists.
pub const MOST_FAULTS: usize = 100;

/// What is wrong with a text that not every database can store.
pub(crate) const NUL: &str = "must not contain the character U+0000";

/// A text from a client, cut for an error message.
#[derive(Clone, Copy, Debug)]
pub struct Truncated<'a>(pub &'a str);

impl fmt::Display for Truncated<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// The most characters of the text.
        const MOST: usize = 60;
        match self.0.char_indices().nth(MOST) {
            Some((end, _)) => write!(formatter, "{}…", &self.0[..end]),
            None => formatter.write_str(self.0),
        }
    }
}

/// Collects invalid fields, up to [`MOST_FAULTS`], so that one answer lists all of them.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<InvalidField>);

impl Faults {
    pub(crate) fn add(&mut self, field: impl Into<String>, message: impl Into<String>) {
        if self.0.len() < MOST_FAULTS {
            self.0.push(InvalidField::new(field, message));
        }
    }

    /// The value. An error is recorded as a fault of `field`.
    pub(crate) fn check<T, E: ToString>(&mut self, field: &str, value: Result<T, E>) -> Option<T> {
        value.map_err(|error| self.add(field, error.to_string())).ok()
    }

    /// Records a fault if `description` is too long or cannot be stored.
    pub(crate) fn check_description(&mut self, description: Option<&str>) {
        let Some(text) = description else { return };
        if text.len() > LONGEST_DESCRIPTION {
            self.add("description", format!("The description must have {LONGEST_DESCRIPTION} or fewer bytes"));
        } else if text.contains('\0') {
            self.add("description", format!("The description {NUL}"));
        }
    }

    /// Whether a fault of `field` was recorded.
    pub(crate) fn names(&self, field: &str) -> bool {
        self.0.iter().any(|fault| fault.field == field)
    }

    pub(crate) fn into_result<T>(self, value: Option<T>) -> Result<T, Vec<InvalidField>> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(self.0),
        }
    }
}
