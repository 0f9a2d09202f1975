//! Parsing the parameters of a listing of memberships or edges (contract 5.9).

use guildhall_domain::ports::{MembershipListing, MembershipOrder};
use guildhall_domain::search::{Field, Filter};
use guildhall_domain::time::Timestamp;
use guildhall_domain::validity::ValidityState;

use super::{ListingRequest, naming};
use crate::extract::query::Query;
use crate::respond::page::PageRequest;
use crate::respond::problem::Problem;

/// The parameters that decide, with the path, what such a listing holds and in which order.
const DECIDING: [&str; 4] = ["q", "state", "expiringBefore", "order"];

impl ListingRequest<'_> {
    /// Parses `q`, `state`, `expiringBefore` and `order`, where the order of what is named is called `name`.
    pub(crate) fn memberships<F: Field>(
        self,
        query: &Query,
        name: &str,
    ) -> Result<(MembershipListing<F>, PageRequest), Problem> {
        let request = query.page_request_of(&DECIDING)?;
        let wanted = format!("{name}, added, validFrom or validUntil, with '-' before it for the reverse order");
        let (order, is_descending) = query.choice("order", &wanted, |text| order(text, name))?.unwrap_or_default();
        let listing = MembershipListing {
            state: query.choice("state", "active, scheduled or all", state)?.unwrap_or(Some(ValidityState::Active)),
            expiring_before: query.choice("expiringBefore", "an ISO 8601 date, such as 2024-09-03", moment)?,
            filter: query.value("q")?.map_or(Ok(Filter::all()), |text| naming(&text))?,
            order,
            is_descending,
            page: self.page(&request)?,
            now: self.now,
        };
        Ok((listing, request))
    }
}

/// Which memberships `text` asks for.
#[expect(clippy::option_option, reason = "the inner one is that of the listing")]
fn state(text: &str) -> Option<Option<ValidityState>> {
    match text {
        "active" => Some(Some(ValidityState::Active)),
        "scheduled" => Some(Some(ValidityState::Scheduled)),
        "all" => Some(None),
        _ => None,
    }
}

fn moment(text: &str) -> Option<Timestamp> {
    Timestamp::parse(text).ok()
}

/// The order, and whether it is reversed.
fn order(text: &str, name: &str) -> Option<(MembershipOrder, bool)> {
    let text = text.trim();
    let (text, is_descending) = text.strip_prefix('-').map_or((text, false), |rest| (rest, true));
    let order = match text {
        "added" => MembershipOrder::Added,
        "validfrom" => MembershipOrder::From,
        "validuntil" => MembershipOrder::Until,
        _ if text == name => MembershipOrder::Name,
        _ => return None,
    };
    Some((order, is_descending))
}
