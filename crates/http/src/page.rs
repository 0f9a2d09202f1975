//! A page of a listing as JSON (spec section 3.2).

use guildhall_domain::page::Paged;
use serde::Serialize;

/// A page of items.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PageBody<T> {
    page_index: u64,
    page_size: u64,
    total_count: u64,
    page_count: u64,
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
