//! The errors of use cases about the log, as responses.

use guildhall_domain::directory::EventError;

use crate::respond::problem::Problem;

impl From<EventError> for Problem {
    fn from(error: EventError) -> Self {
        match error {
            EventError::NotFound => Self::not_found("Event not found"),
            EventError::Refused(refused) => refused.into(),
        }
    }
}
