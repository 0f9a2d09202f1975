//! Dates of memberships and edges in bodies (contract 5.9).

use std::fmt;

use guildhall_domain::time::{Timestamp, TimestampError};
use guildhall_domain::validity::ValidityChange;
use utoipa::ToSchema;

use crate::body::object::{JsonObject, Repeated};
use crate::respond::problem::Problem;

const FROM: &str = "validFrom";
const UNTIL: &str = "validUntil";

/// The names of the dates.
pub(crate) const DATES: [&str; 2] = [FROM, UNTIL];

/// From when until when somebody or something belongs to the group. What is not said stays.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", examples(json!({ "validUntil": "2027-01-01T00:00:00Z" })))]
#[expect(dead_code, reason = "it only describes what `dates_of_body` reads")]
pub(crate) struct Dates {
    /// The first moment at which it counts; `null`: at once.
    #[schema(format = DateTime, required = false)]
    valid_from: Option<String>,
    /// The first moment at which it counts no more; `null`: it has no end.
    #[schema(format = DateTime, required = false)]
    valid_until: Option<String>,
}

/// What is wrong with a date.
pub(crate) struct DateFault {
    name: &'static str,
    fault: &'static str,
}

impl fmt::Display for DateFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "'{}' {}", self.name, self.fault)
    }
}

/// What the body of a request that needs none says of dates. `None`: it names none. Whatever else it is does not matter, but what names a date must be
/// a JSON object: the request must not be taken for one without.
pub(crate) fn dates_of_body(body: &[u8]) -> Result<Option<ValidityChange>, Problem> {
    match JsonObject::read_with_dates(body) {
        Ok(object) => {
            let change = dates_of(&object).map_err(|fault| Problem::bad_request(format!("The property {fault}")))?;
            Ok(Some(change).filter(|change| !change.is_empty()))
        }
        Err(problem) if names_a_date(body) => Err(problem),
        Err(_) => Ok(None),
    }
}

/// Fails if the body of a request that needs none names a date, where dates have no meaning.
pub(crate) fn refuse_dates(body: &[u8]) -> Result<(), Problem> {
    if dates_of_body(body)?.is_none() {
        return Ok(());
    }
    Err(Problem::bad_request("The properties 'validFrom' and 'validUntil' are not supported here"))
}

/// What the properties of `object` say of dates.
pub(crate) fn dates_of(object: &JsonObject<'_>) -> Result<ValidityChange, DateFault> {
    let date = |name| date(object, name).map_err(|fault| DateFault { name, fault });
    Ok(ValidityChange { from: date(FROM)?, until: date(UNTIL)? })
}

/// Whether the name of a date is somewhere in `body`, whatever else it is. Zeros do not matter, so that UTF-16 is searched too.
pub(crate) fn names_a_date(body: &[u8]) -> bool {
    let text: Vec<u8> = body.iter().filter(|byte| **byte != 0).map(u8::to_ascii_lowercase).collect();
    let names = DATES.map(str::to_ascii_lowercase);
    names.iter().any(|name| text.windows(name.len()).any(|part| part == name.as_bytes()))
}

#[expect(clippy::option_option, reason = "they are those of `ValidityChange`")]
fn date(object: &JsonObject<'_>, name: &str) -> Result<Option<Option<Timestamp>>, &'static str> {
    const FORM: &str = "must be null or an ISO 8601 date, such as 2024-09-03 or 2024-09-03T09:51:20Z";

    let Some(json) = object.find(name).map_err(|Repeated| "is given more than once")? else { return Ok(None) };
    let text: Option<String> = serde_json::from_str(json.get()).map_err(|_| FORM)?;
    let moment = text.map(|text| Timestamp::parse(&text)).transpose().map_err(|error| match error {
        TimestampError::Form => FORM,
        TimestampError::NoSuchMoment => "is a date or a time that there is not",
    })?;
    Ok(Some(moment))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: impl AsRef<[u8]>) -> Result<Option<ValidityChange>, String> {
        dates_of_body(body.as_ref()).map_err(|problem| problem.to_string())
    }

    #[test]
    fn dates_are_set_cleared_or_not_said() {
        let end = Timestamp::parse("2027-01-01").unwrap();
        let (none, until) = (ValidityChange::default(), |until| ValidityChange { until: Some(until), from: None });
        for (body, expected) in [
            (r#"{"validUntil":"2027-01-01T00:00:00Z"}"#, until(Some(end))),
            (r#"{"VALIDUNTIL":"2027-01-01","other":[{"validFrom":1}]}"#, until(Some(end))),
            ("\u{feff}{\"validUntil\":null}", until(None)),
            (r#"{"valid\u0055ntil":null}"#, until(None)),
            (
                r#"{"validFrom":null,"validuntil":"2027-01-01T01:00+01:00"}"#,
                ValidityChange { from: Some(None), ..until(Some(end)) },
            ),
            (r#"{"validFrom":"2027-01-01"}"#, ValidityChange { from: Some(Some(end)), ..none }),
        ] {
            assert_eq!(read(body), Ok(Some(expected)), "{body}");
        }
        for body in ["", " ", "{}", "[]", "[1", "{", "null", "true", r#"{"valid":"2030"}"#, r#"{"a":1,"a":2}"#] {
            assert_eq!(read(body), Ok(None), "{body}");
        }
        assert_eq!(read(b"\xff\xfe{\0}\0"), Ok(None));
    }

    #[test]
    fn what_names_a_date_is_never_ignored() {
        let form = "must be null or an ISO 8601 date, such as 2024-09-03 or 2024-09-03T09:51:20Z";
        for (body, fault) in [
            (r#"{"validUntil":""}"#, format!("The property 'validUntil' {form}")),
            (r#"{"validuntil":"tomorrow"}"#, format!("The property 'validUntil' {form}")),
            (r#"{"validUntil":1798761600}"#, format!("The property 'validUntil' {form}")),
            (r#"{"validFrom":false,"validUntil":null}"#, format!("The property 'validFrom' {form}")),
            (r#"{"validFrom":["2027-01-01"]}"#, format!("The property 'validFrom' {form}")),
            (r#"{"validFrom":"\ud800"}"#, format!("The property 'validFrom' {form}")),
            (r#"{"validFrom":"2027-02-30"}"#, "The property 'validFrom' is a date or a time that there is not".into()),
            (r#"{"validFrom":null,"ValidFrom":null}"#, "The property 'validFrom' is given more than once".into()),
            (r#"[{"validUntil":null}]"#, "The body is not a JSON object: it is an array".into()),
            (r#""validUntil""#, "The body is not a JSON object: it is a string".into()),
            (
                r#"{"validUntil":"2027-01-01""#,
                "The body is not a JSON object: it ends too early, at line 1 column 26".into(),
            ),
        ] {
            assert_eq!(read(body), Err(fault), "{body}");
        }
        let utf16: Vec<u8> = "\u{feff}{\"validUntil\":null}".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(read(utf16), Err("The body is UTF-16, and must be UTF-8".into()));
    }
}
