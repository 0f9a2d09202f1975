//! Pages of a listing (contract 3.2).

/// Which page of a listing is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    index: u64,
    size: u64,
}

/// A page size below 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a page holds at least one item")]
pub struct EmptyPage;

impl Page {
    /// The default page size.
    pub const DEFAULT_SIZE: u64 = 25;
    /// The largest page size. Larger sizes are reduced to it.
    pub const LARGEST_SIZE: u64 = 1000;

    /// The page number `index`, counted from zero, of pages with `size` items.
    pub fn new(index: u64, size: u64) -> Result<Self, EmptyPage> {
        match size {
            0 => Err(EmptyPage),
            _ => Ok(Self { index, size: size.min(Self::LARGEST_SIZE) }),
        }
    }

    /// Its number, from zero.
    #[must_use]
    pub fn index(self) -> u64 {
        self.index
    }

    /// The page size.
    #[must_use]
    pub fn size(self) -> u64 {
        self.size
    }

    /// How many items precede it.
    #[must_use]
    pub fn offset(self) -> u64 {
        self.index.saturating_mul(self.size)
    }
}

impl Default for Page {
    fn default() -> Self {
        Self { index: 0, size: Self::DEFAULT_SIZE }
    }
}

/// One page of a listing, with what is needed to ask for the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paged<T> {
    /// The page that was asked for.
    pub page: Page,
    /// The number of items on all pages.
    pub total: u64,
    /// The items of this page; none past the end.
    pub items: Vec<T>,
}

impl<T> Paged<T> {
    /// How many pages there are; none when nothing was found.
    #[must_use]
    pub fn page_count(&self) -> u64 {
        self.total.div_ceil(self.page.size)
    }
}
