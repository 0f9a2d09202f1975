//! The switches of a request that changes something: whether it is done once, and whether it is only to be previewed.

use actix_web::HttpRequest;
use aws_lc_rs::digest::{self, SHA256};
use guildhall_domain::idempotency_key::IdempotencyKey;

use crate::body::dates::DATES;
use crate::extract::idempotency_key::{IDEMPOTENCY_KEY, idempotency_key};
use crate::extract::query::Query;
use crate::respond::kept::RequestDigest;
use crate::respond::problem::Problem;

/// The name of the parameter that asks for a preview.
const DRY_RUN: &str = "dryRun";
/// The name of the parameter that says how a change of many is made.
const MODE: &str = "mode";

/// The switches of a request. What is wrong with them is told to who may make it.
pub(super) struct Switches {
    key: Result<Option<IdempotencyKey>, Problem>,
    preview: Result<Option<bool>, Problem>,
    has_mode: bool,
    /// The name of a date, which no request takes as a parameter.
    date: Option<&'static str>,
    method: String,
    path: String,
    query: String,
}

/// How a change is previewed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Preview {
    /// Not at all: a request for it is refused.
    None,
    /// By its effects.
    Effects,
    /// By the work itself.
    Own,
}

/// Whether the change is only to be previewed. `None`: the query says nothing about it.
fn read_preview(query: &Query) -> Result<Option<bool>, Problem> {
    if query.has(DRY_RUN) { query.switch(DRY_RUN).map(Some) } else { Ok(None) }
}

impl Switches {
    /// Those of `request`. `None`: it has none.
    pub(super) fn of(request: &HttpRequest) -> Option<Box<Self>> {
        let has_switches = !request.query_string().is_empty() || request.headers().contains_key(IDEMPOTENCY_KEY);
        has_switches.then(|| {
            let query = Query::of(request);
            Box::new(Self {
                key: idempotency_key(request.headers()),
                preview: read_preview(&query),
                has_mode: query.has(MODE),
                date: DATES.into_iter().find(|name| query.has(name)),
                method: request.method().as_str().to_owned(),
                path: request.path().to_owned(),
                query: request.query_string().to_owned(),
            })
        })
    }

    /// Whether a preview is asked for.
    pub(super) fn asks_for_preview(&self) -> bool {
        matches!(self.preview, Ok(Some(true)))
    }

    /// Whether it has a key.
    pub(super) fn is_keyed(&self) -> bool {
        matches!(self.key, Ok(Some(_)))
    }

    /// The key, and whether the effects of the change are wanted in place of it. What is not supported is refused: to drop it would make another change.
    pub(super) fn read(self, preview: Preview) -> Result<(Option<IdempotencyKey>, bool), Problem> {
        let is_unsupported = match preview {
            Preview::Own => None,
            Preview::Effects => self.has_mode.then_some(MODE),
            Preview::None => self.has_mode.then_some(MODE).or((!matches!(self.preview, Ok(None))).then_some(DRY_RUN)),
        };
        if let Some(name) = self.date.or(is_unsupported) {
            return Err(Problem::bad_request(format!("The parameter '{name}' is not supported here")));
        }
        // `Own`: the work reads it.
        let is_preview = preview == Preview::Effects && self.preview?.unwrap_or_default();
        Ok((self.key?, is_preview))
    }

    /// The digest of the request, which has this body.
    pub(super) fn digest(&self, body: &[u8]) -> RequestDigest {
        let mut context = digest::Context::new(&SHA256);
        for part in [self.method.as_bytes(), self.path.as_bytes(), self.query.as_bytes(), body] {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut digest = RequestDigest::default();
        digest.copy_from_slice(context.finish().as_ref());
        digest
    }
}
