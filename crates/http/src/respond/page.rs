//! A page of a listing as JSON (contract 3.2).

use guildhall_domain::page::{Page, Paged};
use serde::Serialize;
use utoipa::ToSchema;

use crate::respond::problem::Problem;

/// What requests call the number of a page.
pub(crate) const INDEX: &str = "pageIndex";
/// What they call its size.
pub(crate) const SIZE: &str = "pageSize";

/// The largest page number, so that clients of every kind can hold it.
const LAST_PAGE: u64 = i32::MAX as u64;

/// The page that a request asks for by its number and its size. It has them in what is called a `place`.
pub(crate) fn asked(place: &str, index: Option<&str>, size: Option<&str>) -> Result<Page, Problem> {
    let index = index.map_or(Ok(0), |digits| count(place, INDEX, digits, 0))?;
    let size = size.map_or(Ok(Page::DEFAULT_SIZE), |digits| count(place, SIZE, digits, 1))?;
    if index > LAST_PAGE {
        return Err(Problem::bad_request(format!("The {place} '{INDEX}' must be {LAST_PAGE} or less")));
    }
    Page::new(index, size).map_err(|error| Problem::bad_request(format!("The {place} '{SIZE}': {error}")))
}

fn count(place: &str, name: &str, digits: &str, least: u64) -> Result<u64, Problem> {
    let is_whole = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    // A number too large to hold is still a number, and is cut down or refused as one.
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
    /// `paged`, each item as `body` writes it.
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
