//! Dates of memberships and edges, which are not supported.

use serde_json::Value;

use crate::respond::problem::Problem;

/// Fails if `body` names a date: the request must not be taken for one without. Any other body of a request that needs none is ignored.
pub(crate) fn refuse_dates(body: &[u8]) -> Result<(), Problem> {
    let Ok(Value::Object(properties)) = serde_json::from_slice(body) else { return Ok(()) };
    let is_date = |name: &&str| properties.keys().any(|key| key.eq_ignore_ascii_case(name));
    match ["validFrom", "validUntil"].iter().find(|name| is_date(name)) {
        Some(name) => Err(Problem::bad_request(format!("The property '{name}' is not supported here"))),
        None => Ok(()),
    }
}
