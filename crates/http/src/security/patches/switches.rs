//! The switches of a change of many: `mode`, `dryRun` and `Prefer`.

use actix_web::http::header::{HeaderName, HeaderValue};
use guildhall_domain::directory::{PatchEffect, PatchMode, PatchOptions};

use crate::extract::preferences::{Preferences, Returned};
use crate::extract::query::Query;
use crate::respond::json::PreparedResponse;
use crate::respond::problem::Problem;

/// Reads `mode` and `dryRun`.
pub(crate) fn options(query: &Query) -> Result<PatchOptions, Problem> {
    let (mode, effect) = (mode(query)?, effect(query)?);
    Ok(PatchOptions { mode: mode.unwrap_or_default(), effect: effect.unwrap_or_default() })
}

/// How a bulk request of the platform is to be reported on. `None`: in no way, as the platform's clients expect.
pub(crate) struct BulkReport {
    pub(crate) options: PatchOptions,
    is_preferred: bool,
}

impl BulkReport {
    /// Reads the switches of such a request.
    pub(crate) fn wanted(query: &Query, preferences: Preferences) -> Result<Option<Self>, Problem> {
        let (mode, effect) = (mode(query)?, effect(query)?);
        let is_preferred = preferences.returned == Some(Returned::Representation);
        let is_wanted = is_preferred || mode.is_some() || effect.is_some();
        let options = PatchOptions { mode: mode.unwrap_or_default(), effect: effect.unwrap_or_default() };
        Ok(is_wanted.then_some(Self { options, is_preferred }))
    }

    /// Says by a header that the preference was heeded, if there was one.
    pub(crate) fn complete(&self, response: PreparedResponse) -> PreparedResponse {
        if !self.is_preferred {
            return response;
        }
        let name = HeaderName::from_static("preference-applied");
        response.with_header(name, HeaderValue::from_static("return=representation"))
    }
}

fn mode(query: &Query) -> Result<Option<PatchMode>, Problem> {
    query.choice("mode", "atomic or partial", |value| match value {
        "atomic" => Some(PatchMode::Atomic),
        "partial" => Some(PatchMode::Partial),
        _ => None,
    })
}

fn effect(query: &Query) -> Result<Option<PatchEffect>, Problem> {
    query.choice("dryRun", "true or false", |value| match value {
        "true" | "1" => Some(PatchEffect::DryRun),
        "false" | "0" => Some(PatchEffect::Lasting),
        _ => None,
    })
}
