//! Pages of a listing (contract 3.2).

use super::position::Position;

/// Which page of a listing is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    start: Start,
    size: u64,
}

/// Where a page begins.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Start {
    /// After so many full pages.
    Index(u64),
    /// At the beginning of a walk.
    First,
    /// At this position of a walk.
    After(Position),
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
        Self::at(Start::Index(index), size)
    }

    /// The first page of a walk: each of its pages tells where the next one begins ([`Paged::next`]).
    pub fn first(size: u64) -> Result<Self, EmptyPage> {
        Self::at(Start::First, size)
    }

    /// The page of a walk that begins at `position`.
    pub fn after(position: Position, size: u64) -> Result<Self, EmptyPage> {
        Self::at(Start::After(position), size)
    }

    fn at(start: Start, size: u64) -> Result<Self, EmptyPage> {
        match size {
            0 => Err(EmptyPage),
            _ => Ok(Self { start, size: size.min(Self::LARGEST_SIZE) }),
        }
    }

    /// Its number, from zero. A page of a walk has none, and says 0.
    #[must_use]
    pub fn index(&self) -> u64 {
        if let Start::Index(index) = self.start { index } else { 0 }
    }

    /// The page size.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// How many items are passed over, counted from the beginning or, in a walk, from the position.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.index().saturating_mul(self.size)
    }

    /// Whether it is a page of a walk.
    #[must_use]
    pub fn is_walk(&self) -> bool {
        !matches!(self.start, Start::Index(_))
    }

    /// The position in a walk at which it begins; `None`: at the beginning of the listing, or after [`offset`](Self::offset) items.
    #[must_use]
    pub fn position(&self) -> Option<&Position> {
        if let Start::After(position) = &self.start { Some(position) } else { None }
    }

    /// How many items to read for it. In a walk it is one more than it shows, which tells whether there is a next page.
    #[must_use]
    pub fn lookahead(&self) -> u64 {
        self.size + u64::from(self.is_walk())
    }
}

impl Default for Page {
    fn default() -> Self {
        Self { start: Start::Index(0), size: Self::DEFAULT_SIZE }
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
    /// In a walk, where the next page begins; `None` if this is the last one.
    pub next: Option<Position>,
}

impl<T> Paged<T> {
    /// The page of `items`, of which there are as many as were to be read ([`Page::lookahead`]) or all that are left. `position` tells
    /// the position after an item.
    pub fn new(page: &Page, total: u64, mut items: Vec<T>, position: impl Fn(&T) -> Position) -> Self {
        let size = usize::try_from(page.size).unwrap_or(usize::MAX);
        let is_last = items.len() <= size;
        items.truncate(size);
        let next = if is_last || !page.is_walk() { None } else { items.last().map(position) };
        Self { page: page.clone(), total, items, next }
    }

    /// The same page with each item as `convert` makes it.
    #[must_use]
    pub fn map<U>(self, convert: impl FnMut(T) -> U) -> Paged<U> {
        let Self { page, total, items, next } = self;
        Paged { page, total, items: items.into_iter().map(convert).collect(), next }
    }

    /// How many pages there are; none when nothing was found.
    #[must_use]
    pub fn page_count(&self) -> u64 {
        self.total.div_ceil(self.page.size)
    }
}
