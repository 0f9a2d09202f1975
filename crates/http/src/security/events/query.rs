//! Parsing the parameters of the log.

use std::time::Duration;

use actix_web::http::header::HeaderMap;
use guildhall_domain::event::TypePattern;
use guildhall_domain::group::GroupId;
use guildhall_domain::ports::{EventOrder, EventQuery};
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::UserId;
use uuid::Uuid;

use super::watch::can_wait;
use crate::extract::query::Query;
use crate::respond::problem::Problem;

/// The most events of a page.
pub(super) const MOST_EVENTS: u32 = 1000;
/// The events of a page whose request does not say how many.
const DEFAULT_EVENTS: u32 = 100;
/// The most seconds for which a request waits for an event.
const LONGEST_WAIT: u64 = 30;
/// The header by which a reader of a stream tells the last event that it saw.
const LAST_EVENT_ID: &str = "last-event-id";

/// Which events are asked for, and for how long the first of them is waited for.
pub(super) struct EventRequest {
    pub(super) query: EventQuery,
    pub(super) wait: Duration,
}

impl EventRequest {
    /// Parses the parameters. A stream goes on after the event in `Last-Event-ID`, if there is one.
    pub(super) fn read(query: &Query, headers: &HeaderMap, is_stream: bool) -> Result<Self, Problem> {
        let order = query.choice("order", "sequence, or -sequence for the reverse order", order)?.unwrap_or_default();
        let is_sequence = format!("a whole number from 0 to {}", i64::MAX);
        let after = query.choice("after", &is_sequence, sequence)?;
        let limit = query.choice("limit", &format!("a whole number from 1 to {MOST_EVENTS}"), limit)?;
        let wait = query.choice("wait", &format!("a whole number of seconds from 0 to {LONGEST_WAIT}"), wait)?;
        if !can_wait(order) && (is_stream || wait.is_some_and(|wait| !wait.is_zero())) {
            return Err(Problem::bad_request("Events that are not there yet come in the order sequence alone"));
        }
        let resumed = if is_stream { last_event_id(headers)? } else { None };
        let query = EventQuery {
            order,
            after: resumed.or(after),
            limit: limit.unwrap_or(DEFAULT_EVENTS),
            types: query.choice("type", "a type of events, or the beginning of one with '*' after it", |text| {
                TypePattern::parse(text).ok()
            })?,
            group: query.choice("group", "the id of a group", id)?.map(GroupId),
            user: query.choice("user", "the id of a user", id)?.map(UserId),
            actor: query.choice("actor", "the id of a user", id)?.map(UserId),
            from: query.choice("from", "an ISO 8601 date, such as 2024-09-03", moment)?,
            to: query.choice("to", "an ISO 8601 date, such as 2024-09-03", moment)?,
        };
        Ok(Self { query, wait: wait.unwrap_or_default() })
    }
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(value) = headers.get(LAST_EVENT_ID).filter(|value| !value.is_empty()) else { return Ok(None) };
    let sequence = value.to_str().ok().and_then(sequence);
    sequence.map(Some).ok_or_else(|| Problem::bad_request("'Last-Event-ID' must be the sequence of an event"))
}

fn order(text: &str) -> Option<EventOrder> {
    match text {
        "sequence" => Some(EventOrder::Ascending),
        "-sequence" => Some(EventOrder::Descending),
        _ => None,
    }
}

/// A sequence, which databases keep in 63 bits.
fn sequence(text: &str) -> Option<u64> {
    whole(text).filter(|sequence| i64::try_from(*sequence).is_ok())
}

fn limit(text: &str) -> Option<u32> {
    whole(text).and_then(|limit| u32::try_from(limit).ok()).filter(|limit| (1..=MOST_EVENTS).contains(limit))
}

fn wait(text: &str) -> Option<Duration> {
    whole(text).filter(|seconds| *seconds <= LONGEST_WAIT).map(Duration::from_secs)
}

fn whole(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

fn id(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text).ok()
}

fn moment(text: &str) -> Option<Timestamp> {
    Timestamp::parse(text).ok()
}
