//! What a request wants of a listing (contract 8), in the words of the domain.

mod comparison;
mod conditions;
mod cost;
mod json_node;
mod order;
pub(crate) mod search_body;
mod search_error;
mod zenql;

use guildhall_domain::context::Context;
use std::borrow::Cow;

use guildhall_domain::identifier::UserIdentifier;
use guildhall_domain::search::{Field, Filter, Listing};
use guildhall_domain::time::Timestamp;

use crate::Api;
use crate::extract::query::Query;
use crate::respond::problem::Problem;
use conditions::ConditionReader;
use cost::Costs;
use json_node::JsonNode;

/// How many characters a text may have that something is compared with: as many as a whole query.
const MAX_CHARACTERS: usize = guildhall_zenql::MAX_LENGTH;

/// How many comparisons a search may make. Databases take only so many values at once, and some need several.
const MAX_COMPARISONS: usize = 4_000;

/// Who asks for a listing, and when.
#[derive(Clone, Copy)]
pub(crate) struct ListingRequest<'a> {
    api: &'a Api,
    context: &'a Context,
    now: Timestamp,
}

impl<'a> ListingRequest<'a> {
    pub(crate) fn new(api: &'a Api, context: &'a Context) -> Self {
        Self { api, context, now: context.now() }
    }

    /// The listing that `q`, `zenql` and `order` ask for. It may have to wait, as all of these do.
    pub(crate) fn listing<F: Field>(self, query: &Query) -> Result<Listing<F>, Problem> {
        let listing = Listing { order: order::parameter(query, "order")?, ..Listing::of_all(query.page()?, self.now) };
        self.with_q_and_zenql(listing, query.value("q"), query.value("zenql"), &Costs::default())
    }

    /// The same, with `where` and `orderBy` (contract 4.1 and 8.3).
    pub(crate) fn search<F: Field>(self, query: &Query) -> Result<Listing<F>, Problem> {
        let mut listing =
            Listing { order: order::parameter(query, "order")?, ..Listing::of_all(query.page()?, self.now) };
        let costs = Costs::default();
        if let Some(text) = query.value("where") {
            let reader = ConditionReader { now: self.now, costs: &costs };
            listing.filter = reader.conditions(&JsonNode::parameter("where", &text)?)?;
        }
        let order = order::by_parameter_or_json(query, "orderBy")?;
        if !order.is_empty() {
            listing.order = order;
        }
        self.with_q_and_zenql(listing, query.value("q"), query.value("zenql"), &costs)
    }

    /// `listing` of those only that `q` and `zenql` let pass too. An order within `zenql` counts before any other.
    fn with_q_and_zenql<F: Field>(
        self,
        listing: Listing<F>,
        q: Option<Cow<'_, str>>,
        zenql: Option<Cow<'_, str>>,
        costs: &Costs,
    ) -> Result<Listing<F>, Problem> {
        let Listing { mut filter, mut order, page, now } = listing;
        if let Some(text) = q {
            if text.chars().nth(MAX_CHARACTERS).is_some() {
                let message = format!("The search is not valid at q: a text has at most {MAX_CHARACTERS} characters");
                return Err(Problem::bad_request(message));
            }
            filter = filter.and(Filter::naming(&text));
        }
        if let Some(text) = zenql {
            let (wanted, sorted) = zenql::read(&text, self, costs)?;
            filter = filter.and(wanted);
            if !sorted.is_empty() {
                order = sorted;
            }
        }
        if count_comparisons(&filter) > MAX_COMPARISONS {
            let message = format!("The search makes more than {MAX_COMPARISONS} comparisons");
            return Err(Problem::bad_request(message));
        }
        Ok(Listing { filter, order, page, now })
    }

    /// The username of whoever asks.
    fn username(self) -> Result<String, Problem> {
        let user = self.api.directory.user(self.context, &UserIdentifier::Current)?;
        Ok(user.username.as_str().to_owned())
    }
}

fn count_comparisons<F>(filter: &Filter<F>) -> usize {
    match filter {
        Filter::All(several) | Filter::Any(several) => several.iter().map(count_comparisons).sum(),
        Filter::Not(filter) => count_comparisons(filter),
        Filter::Is(..) => 1,
    }
}
