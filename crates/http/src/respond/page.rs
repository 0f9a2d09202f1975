//! Pages of listings: parsing page parameters, and the JSON of a page (contract 3.2).

use guildhall_domain::page::{Page, Paged};
use serde::Serialize;
use utoipa::ToSchema;

use crate::respond::problem::Problem;

/// The name of the page number in requests.
pub(crate) const INDEX: &str = "pageIndex";
/// The name of the page size in requests.
pub(crate) const SIZE: &str = "pageSize";

/// The largest page number: a signed 32-bit integer, which every client can represent.
const LAST_PAGE: u64 = i32::MAX as u64;

/// Parses the page number and size of a request. `place` is `parameter` or `property`, for error messages.
pub(crate) fn parse_page(place: &str, index: Option<&str>, size: Option<&str>) -> Result<Page, Problem> {
    let index = index.map_or(Ok(0), |digits| count(place, INDEX, digits, 0))?;
    let size = size.map_or(Ok(Page::DEFAULT_SIZE), |digits| count(place, SIZE, digits, 1))?;
    if index > LAST_PAGE {
        return Err(Problem::bad_request(format!("The {place} '{INDEX}' must be at most {LAST_PAGE}")));
    }
    Page::new(index, size).map_err(|error| Problem::bad_request(format!("The {place} '{SIZE}': {error}")))
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
}

impl<T> PageBody<T> {
    /// The page `paged`, with each item converted by `body`.
    pub(crate) fn new<'a, I>(paged: &'a Paged<I>, body: impl Fn(&'a I) -> T) -> Self {
        Self {
            page_index: paged.page.index(),
            page_size: paged.page.size(),
            total_count: paged.total,
            page_count: paged.page_count(),
            items: paged.items.iter().map(body).collect(),
        }
    }
}
