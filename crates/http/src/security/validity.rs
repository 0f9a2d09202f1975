//! Dates of memberships and edges that are refused.

use guildhall_domain::directory::Place;
use guildhall_domain::validation::InvalidField;
use guildhall_domain::validity::{ValidityDate, ValidityError};

use crate::respond::problem::Problem;
use crate::security::patches::body::list_name;

pub(crate) const EVERYONE_HAS_NO_DATES: &str = "Memberships of 'Everyone' have no dates";
pub(crate) const LAST_ADMINISTRATOR_STAYS: &str = "The membership of the last System Administrator cannot end";

/// 422 for the dates in a body.
pub(crate) fn invalid_dates(message: &'static str, error: ValidityError) -> Problem {
    invalid(message, date_name(error.date()).to_owned(), error)
}

/// 422 for the dates of an element of a list.
pub(crate) fn invalid_dates_of_element(message: &'static str, place: Place, error: ValidityError) -> Problem {
    let field = format!("{}[{}].{}", list_name(place.list), place.index, date_name(error.date()));
    invalid(message, field, error)
}

fn invalid(message: &'static str, field: String, error: ValidityError) -> Problem {
    let fault = match error {
        ValidityError::EndsBeforeItBegins(ValidityDate::From) => "The beginning must be before the end",
        ValidityError::EndsBeforeItBegins(ValidityDate::Until) => "The end must be after the beginning",
        ValidityError::HasEnded => "The end must be in the future",
    };
    Problem::invalid(message, &[InvalidField::new(field, fault)])
}

fn date_name(date: ValidityDate) -> &'static str {
    match date {
        ValidityDate::From => "validFrom",
        ValidityDate::Until => "validUntil",
    }
}
