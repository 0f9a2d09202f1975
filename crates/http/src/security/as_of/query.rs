//! Parsing the parameters of questions about the past.

use guildhall_domain::context::Context;
use guildhall_domain::page::Page;
use guildhall_domain::ports::Reach;
use guildhall_domain::time::Timestamp;

use crate::Api;
use crate::extract::query::Query;
use crate::respond::page::PageRequest;
use crate::respond::problem::Problem;

/// The parameter that names the moment.
pub(crate) const AS_OF: &str = "asOf";

/// Parameters of listings of the present that have no meaning in one of the past: users and groups are known there by id and name alone.
const OF_THE_PRESENT: [&str; 6] = ["q", "zenql", "where", "order", "orderBy", "excludedGroups"];
/// The parameters that decide, with the path, what a listing of the past holds.
const DECIDING: [&str; 2] = [AS_OF, "includeInherited"];

/// A listing of the past.
pub(crate) struct PastListing {
    pub(crate) reach: Reach,
    pub(crate) at: Timestamp,
    pub(crate) page: Page,
    pub(crate) request: PageRequest,
}

impl PastListing {
    /// Parses the parameters of a request that has `asOf`.
    pub(crate) fn read(api: &Api, context: &Context, query: &Query) -> Result<Self, Problem> {
        let at = moment(query)?.ok_or_else(|| Problem::bad_request(format!("The parameter '{AS_OF}' is missing")))?;
        for name in OF_THE_PRESENT {
            if query.value(name)?.is_some() {
                let message = format!("The parameter '{name}' cannot be given together with '{AS_OF}'");
                return Err(Problem::bad_request(message));
            }
        }
        let request = query.page_request_of(&DECIDING)?;
        Ok(Self { reach: query.reach()?, at, page: request.page(api, context)?, request })
    }
}

/// The moment that a request asks about, if it is one of the past.
pub(crate) fn moment(query: &Query) -> Result<Option<Timestamp>, Problem> {
    query.choice(AS_OF, "an ISO 8601 date, such as 2024-09-03", |text| Timestamp::parse(text).ok())
}
