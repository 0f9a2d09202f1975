//! Listings: filter, order and page (contract 8).

mod field;
mod group_field;
mod pattern;
mod test;
mod user_field;
mod walk;

use std::cmp::Ordering;

pub use field::{Field, Kind, Value, custom_text};
pub use group_field::GroupField;
pub use pattern::{Pattern, Piece};
pub use test::{Operand, Operator, Test, TextTest, Unfit};
pub use user_field::{UserField, names};

use crate::name::TextKey;
use crate::page::Page;
use crate::time::Timestamp;

/// A listing of users.
pub type UserListing = Listing<UserField>;
/// A listing of groups.
pub type GroupListing = Listing<GroupField>;

/// A listing: filter, order and page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing<F> {
    /// The filter.
    pub filter: Filter<F>,
    /// The order, by the most significant field first. The default is by name. Ties are broken by id, in the
    /// direction of the last field.
    pub order: Vec<Sort<F>>,
    /// Which page.
    pub page: Page,
    /// The present moment, on which expiry and password age depend.
    pub now: Timestamp,
}

impl<F: Field> Listing<F> {
    /// A page of everything, by name.
    #[must_use]
    pub fn of_all(page: Page, now: Timestamp) -> Self {
        Self { filter: Filter::all(), order: Vec::new(), page, now }
    }

    /// The complete order: with the default, up to the first field that is unique, and then by id.
    #[must_use]
    pub fn full_order(&self) -> Vec<Sort<F>> {
        let mut order = self.order.clone();
        if order.is_empty() {
            order.push(Sort { field: F::default_order(), is_descending: false });
        }
        let end = order.iter().position(|sort| sort.field.is_unique()).map_or(order.len(), |unique| unique + 1);
        order.truncate(end);
        let is_descending = order.last().is_some_and(|sort| sort.is_descending);
        if order.last().is_some_and(|sort| sort.field != F::id()) {
            order.push(Sort { field: F::id(), is_descending });
        }
        order
    }

    /// Compares two items by the order.
    pub fn compare(&self, one: &F::Item, other: &F::Item) -> Ordering {
        let characters = self.long_text_characters();
        let value = |field: &F, item: &F::Item| self.sorted_value(field, item, characters);
        let place = |sort: &Sort<F>| {
            let order = value(&sort.field, one).cmp(&value(&sort.field, other));
            if sort.is_descending { order.reverse() } else { order }
        };
        self.full_order().iter().map(place).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    }
}

/// One field of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sort<F> {
    /// The field. Items without a value in it come before all others.
    pub field: F,
    /// Whether the order is reversed.
    pub is_descending: bool,
}

/// A filter. A test of a field without a value fails, so its negation holds (contract 8.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter<F> {
    /// The items that pass all of these. An empty list passes everything.
    All(Vec<Self>),
    /// The items that pass any of these. An empty list passes nothing.
    Any(Vec<Self>),
    /// The items that do not pass this.
    Not(Box<Self>),
    /// The items whose field passes this test, which must be of the field's kind.
    Is(F, Test),
}

impl<F: Field> Filter<F> {
    /// Everything.
    #[must_use]
    pub fn all() -> Self {
        Self::All(Vec::new())
    }

    /// Nothing.
    #[must_use]
    pub fn none() -> Self {
        Self::Any(Vec::new())
    }

    /// Those that do not pass this one.
    #[must_use]
    pub fn negated(self) -> Self {
        Self::Not(Box::new(self))
    }

    /// Those that pass this and `other`.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::All(none), some) | (some, Self::All(none)) if none.is_empty() => some,
            (Self::All(mut several), other) => {
                several.push(other);
                Self::All(several)
            }
            (one, other) => Self::All(vec![one, other]),
        }
    }

    /// Those that hold `text` in one of the names that people know them by: the parameter `q` (contract 4.1 and 5.a).
    #[must_use]
    pub fn naming(text: &str) -> Self {
        // The names stand one below the other, and nobody has a name over several lines.
        if text.chars().any(char::is_control) {
            return Self::none();
        }
        let names = F::names();
        let pattern = if names.is_name() { Pattern::literal_in_name(text) } else { Pattern::literal(text) };
        Self::Is(names, Test::Text(TextTest::Contains(pattern)))
    }

    /// Those in which every word of `text` stands as a whole word in one text or another.
    #[must_use]
    pub fn with_words(text: &str) -> Self {
        let anywhere = |word: TextKey| {
            let within = |field| Self::Is(field, Test::Text(TextTest::Word(word.clone())));
            Self::Any(F::texts().into_iter().map(within).collect())
        };
        Self::All(TextKey::words(text).into_iter().map(anywhere).collect())
    }

    /// The fields that it tests.
    pub fn fields(&self) -> Vec<&F> {
        match self {
            Self::All(several) | Self::Any(several) => several.iter().flat_map(Self::fields).collect(),
            Self::Not(filter) => filter.fields(),
            Self::Is(field, _) => vec![field],
        }
    }

    /// Whether it is known to let everything pass.
    #[must_use]
    pub fn is_all(&self) -> bool {
        matches!(self, Self::All(none) if none.is_empty())
    }

    /// Whether `item` is wanted at `now`.
    pub fn lets_pass(&self, item: &F::Item, now: Timestamp) -> bool {
        match self {
            Self::All(all) => all.iter().all(|filter| filter.lets_pass(item, now)),
            Self::Any(any) => any.iter().any(|filter| filter.lets_pass(item, now)),
            Self::Not(filter) => !filter.lets_pass(item, now),
            Self::Is(field, test) => test.holds(&field.value(item, now)),
        }
    }
}
