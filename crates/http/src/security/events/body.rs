//! Events in responses. Their text is sent as it was hashed.

use guildhall_domain::directory::EventPage;
use guildhall_domain::event::{EventHead, EventType};
use guildhall_domain::ports::EventQuery;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use utoipa::openapi::schema::{AdditionalProperties, Object, ObjectBuilder, SchemaType, Type};

use crate::respond::problem::Problem;

/// An event (CloudEvents 1.0). All of it but `hash` is in the canonical form of RFC 8785, in which it was hashed.
#[derive(ToSchema)]
#[schema(as = Event)]
#[expect(dead_code, reason = "only its description is used")]
pub(super) struct EventBody {
    /// SHA-256, in lower-case hexadecimal digits, of the 32 bytes of the hash of the event before it (zeros before the first) and of its own canonical form without this.
    #[schema(min_length = 64, max_length = 64)]
    hash: String,
    #[schema(value_type = String, schema_with = version)]
    specversion: String,
    #[schema(format = Uuid)]
    id: String,
    /// `guildhall`.
    source: String,
    #[schema(schema_with = types)]
    r#type: String,
    /// What it is about: `groups/` and an id, for example.
    subject: String,
    /// When it happened.
    #[schema(format = DateTime)]
    time: String,
    /// Its place among all events: from 1 on, without gaps.
    #[schema(example = "1042")]
    sequence: String,
    /// `application/json`.
    datacontenttype: String,
    /// Who did it and to whom, by type.
    #[schema(schema_with = anything)]
    data: Object,
}

/// A part of the log.
#[derive(Serialize, ToSchema)]
#[schema(as = EventPage)]
pub(super) struct EventPageBody {
    #[schema(value_type = Vec<EventBody>)]
    items: Vec<Box<RawValue>>,
    /// What to pass as `after` for what follows, also if there are no items.
    #[schema(example = "1042")]
    next: String,
    /// The sequence of the last event of all; `0` if there is none.
    #[schema(example = "1100")]
    last: String,
}

/// The last event.
#[derive(Serialize, ToSchema)]
#[schema(as = EventHead)]
pub(super) struct EventHeadBody {
    /// Its sequence; `0` if there is none.
    #[schema(example = "1042")]
    sequence: String,
    /// Its hash, in which all events before it are. Kept elsewhere, it shows whether any of them was changed.
    #[schema(min_length = 64, max_length = 64)]
    hash: String,
}

impl EventPageBody {
    pub(super) fn of(page: &EventPage, query: &EventQuery) -> Result<Self, Problem> {
        let items = page.events.iter().map(|event| RawValue::from_string(event.json()));
        Ok(Self {
            items: items.collect::<Result<_, _>>().map_err(Problem::unexpected)?,
            next: next(page, query).to_string(),
            last: page.head.sequence.to_string(),
        })
    }
}

/// Where a reader goes on after this page. After the last events, none that comes later is missed.
pub(super) fn next(page: &EventPage, query: &EventQuery) -> u64 {
    let end = || page.head.sequence.max(query.after.unwrap_or_default());
    page.events.last().map_or_else(end, |event| event.sequence)
}

impl From<EventHead> for EventHeadBody {
    fn from(head: EventHead) -> Self {
        Self { sequence: head.sequence.to_string(), hash: head.hash.to_string() }
    }
}

fn version() -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["1.0"])).build()
}

fn types() -> Object {
    let names = EventType::ALL.iter().map(|kind| kind.name());
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names)).build()
}

fn anything() -> Object {
    ObjectBuilder::new()
        .schema_type(SchemaType::new(Type::Object))
        .additional_properties(Some(AdditionalProperties::FreeForm(true)))
        .build()
}
