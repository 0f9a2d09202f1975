//! A page of a listing as JSON (spec section 3.2).

use guildhall_domain::page::Paged;
use serde::Serialize;
use utoipa::ToSchema;

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
