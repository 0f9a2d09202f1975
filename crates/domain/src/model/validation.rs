//! What is wrong with a request's fields.

/// One field that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidField {
    /// The field's name as clients write it, such as `credentials.password`.
    pub field: String,
    /// What is wrong with it, for a person.
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

/// Collects what is wrong, so that one answer can name all of it, up to [`MOST_FAULTS`].
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<InvalidField>);

impl Faults {
    pub(crate) fn add(&mut self, field: impl Into<String>, message: impl Into<String>) {
        if self.0.len() < MOST_FAULTS {
            self.0.push(InvalidField::new(field, message));
        }
    }

    /// The value, or nothing and one fault more.
    pub(crate) fn check<T, E: ToString>(&mut self, field: &str, value: Result<T, E>) -> Option<T> {
        value.map_err(|error| self.add(field, error.to_string())).ok()
    }

    /// One fault more when `description` is longer than descriptions may be, or cannot be stored.
    pub(crate) fn check_description(&mut self, description: Option<&str>) {
        if description.is_some_and(|text| text.contains('\0') || text.len() > LONGEST_DESCRIPTION) {
            self.add("description", "The description is not valid");
        }
    }

    /// Whether something is wrong with `field`.
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
