//! Parsing the filter, the order and the page of a listing into types of the domain (contract 8).

mod comparison;
mod conditions;
mod cost;
mod json_node;
mod memberships;
mod order;
pub(crate) mod search_body;
mod search_error;
mod zenql;

use guildhall_domain::context::Context;
use guildhall_domain::identifier::UserIdentifier;
use guildhall_domain::page::Page;
use guildhall_domain::search::{Field, Filter, Listing};
use guildhall_domain::time::Timestamp;

use crate::Api;
use crate::extract::query::Query;
use crate::respond::page::PageRequest;
use crate::respond::problem::Problem;
use conditions::ConditionReader;
use cost::Costs;
use json_node::JsonNode;

/// The most characters of an operand, the same as of a whole query.
const MAX_CHARACTERS: usize = guildhall_zenql::MAX_LENGTH;

/// The most comparisons of a search, because databases limit the bound values of a statement.
const MAX_COMPARISONS: usize = 4_000;

/// A request for a listing: the caller and the time, against which its parameters are parsed.
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

    /// Parses `q`, `zenql` and `order`. Like the other functions here it may read the caller's name, which blocks.
    pub(crate) fn listing<F: Field>(self, query: &Query) -> Result<(Listing<F>, PageRequest), Problem> {
        let request = query.page_request()?;
        let listing =
            Listing { order: order::parameter(query, "order")?, ..Listing::of_all(self.page(&request)?, self.now) };
        let (q, zenql) = (query.value("q")?, query.value("zenql")?);
        Ok((self.with_q_and_zenql(listing, q, zenql, &Costs::default())?, request))
    }

    /// Parses `where` and `orderBy` too (contract 4.1 and 8.3).
    pub(crate) fn search<F: Field>(self, query: &Query) -> Result<(Listing<F>, PageRequest), Problem> {
        let request = query.page_request()?;
        let mut listing =
            Listing { order: order::parameter(query, "order")?, ..Listing::of_all(self.page(&request)?, self.now) };
        let costs = Costs::default();
        if let Some(text) = query.value("where")? {
            let reader = ConditionReader { now: self.now, costs: &costs };
            listing.filter = reader.conditions(&JsonNode::parameter("where", &text)?)?;
        }
        let order = order::by_parameter_or_json(query, "orderBy")?;
        if !order.is_empty() {
            listing.order = order;
        }
        let (q, zenql) = (query.value("q")?, query.value("zenql")?);
        Ok((self.with_q_and_zenql(listing, q, zenql, &costs)?, request))
    }

    fn page(self, request: &PageRequest) -> Result<Page, Problem> {
        request.page(self.api, self.context)
    }

    /// Adds the filters of `q` and `zenql`. The order of `zenql` has precedence over any other.
    fn with_q_and_zenql<F: Field>(
        self,
        listing: Listing<F>,
        q: Option<String>,
        zenql: Option<String>,
        costs: &Costs,
    ) -> Result<Listing<F>, Problem> {
        let Listing { mut filter, mut order, page, now } = listing;
        if let Some(text) = q {
            filter = filter.and(naming(&text)?);
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

    /// The username of the caller.
    fn username(self) -> Result<String, Problem> {
        let user = self.api.directory.user(self.context, &UserIdentifier::Current)?;
        Ok(user.username.as_str().to_owned())
    }
}

/// The filter of `q`.
fn naming<F: Field>(text: &str) -> Result<Filter<F>, Problem> {
    if text.chars().nth(MAX_CHARACTERS).is_some() {
        let message = format!("The search is not valid at q: a text has at most {MAX_CHARACTERS} characters");
        return Err(Problem::bad_request(message));
    }
    Ok(Filter::naming(text))
}

fn count_comparisons<F>(filter: &Filter<F>) -> usize {
    match filter {
        Filter::All(several) | Filter::Any(several) => several.iter().map(count_comparisons).sum(),
        Filter::Not(filter) => count_comparisons(filter),
        Filter::Is(..) => 1,
    }
}
