//! Pages of listings: parsing page parameters, and the JSON of a page (contract 3.2).

use guildhall_domain::context::Context;
use guildhall_domain::page::{Page, Paged};
use serde::Serialize;
use utoipa::ToSchema;

use crate::Api;
use crate::respond::cursor::{self, Binding};
use crate::respond::problem::Problem;

/// The name of the page number in requests.
pub(crate) const INDEX: &str = "pageIndex";
/// The name of the page size in requests.
pub(crate) const SIZE: &str = "pageSize";

/// The largest page number: a signed 32-bit integer, which every client can represent.
const LAST_PAGE: u64 = i32::MAX as u64;

/// The page that a request asks for, not yet parsed.
pub(crate) struct PageRequest {
    /// `parameter` or `property`, for error messages.
    pub(crate) place: &'static str,
    pub(crate) index: Option<String>,
    pub(crate) size: Option<String>,
    /// A cursor, or an empty text for the first page of a walk.
    pub(crate) cursor: Option<String>,
    /// What cursors of the listing are bound to.
    pub(crate) binding: Binding,
}

impl PageRequest {
    /// Parses the request.
    pub(crate) fn page(&self, api: &Api, context: &Context) -> Result<Page, Problem> {
        let place = self.place;
        let (index, size) = self.numbers()?;
        let page = match self.cursor.as_deref() {
            None => Page::new(index, size),
            Some(_) if self.index.is_some() => {
                let message = format!("The {place} '{}' and '{INDEX}' cannot be given together", cursor::CURSOR);
                return Err(Problem::bad_request(message));
            }
            Some("") => Page::first(size),
            Some(cursor) => Page::after(cursor::open(api, context, &self.binding, cursor)?, size),
        };
        page.map_err(|error| Problem::bad_request(format!("The {place} '{SIZE}': {error}")))
    }

    /// The page number and size.
    pub(crate) fn numbers(&self) -> Result<(u64, u64), Problem> {
        let place = self.place;
        let index = self.index.as_deref().map_or(Ok(0), |digits| count(place, INDEX, digits, 0))?;
        let size = self.size.as_deref().map_or(Ok(Page::DEFAULT_SIZE), |digits| count(place, SIZE, digits, 1))?;
        if index > LAST_PAGE {
            return Err(Problem::bad_request(format!("The {place} '{INDEX}' must be at most {LAST_PAGE}")));
        }
        Ok((index, size.min(Page::LARGEST_SIZE)))
    }

    /// The body of the page that was asked for, with each item converted by `body`.
    pub(crate) fn body<'a, I, T>(
        &self,
        api: &Api,
        context: &Context,
        paged: &'a Paged<I>,
        body: impl Fn(&'a I) -> T,
    ) -> Result<PageBody<T>, Problem> {
        let seal = |position| cursor::seal(api, context, &self.binding, position);
        Ok(PageBody {
            page_index: paged.page.index(),
            page_size: paged.page.size(),
            total_count: paged.total,
            page_count: paged.page_count(),
            items: paged.items.iter().map(body).collect(),
            next_cursor: paged.next.as_ref().map(seal).transpose()?,
        })
    }
}

fn count(place: &str, name: &str, digits: &str, least: u64) -> Result<u64, Problem> {
    let is_whole = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    // Digits that overflow are still a number: the size is cut down, the page number is refused.
    let count = is_whole.then(|| digits.parse().unwrap_or(u64::MAX)).filter(|count| *count >= least);
    count.ok_or_else(|| Problem::bad_request(format!("The {place} '{name}' must be a whole number, {least} or more")))
}

/// A page of items.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Page)]
pub(crate) struct PageBody<T> {
    /// Which page it is, from zero.
    #[schema(maximum = 2_147_483_647, examples(0))]
    page_index: u64,
    /// The most items of a page.
    #[schema(minimum = 1, maximum = 1000, examples(25))]
    page_size: u64,
    /// On all pages.
    #[schema(examples(342))]
    total_count: u64,
    #[schema(examples(14))]
    page_count: u64,
    #[schema(max_items = 1000)]
    items: Vec<T>,
    /// In a walk by `cursor`, what to ask with for the next page; not there on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    next_cursor: Option<String>,
}
