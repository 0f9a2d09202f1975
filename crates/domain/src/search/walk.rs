//! Walking a listing by positions, whatever changes meanwhile.

use std::ops::Bound::{Excluded, Included, Unbounded};

use super::field::{Field, Value};
use super::test::{Test, TextTest};
use super::{Filter, Listing, Sort};
use crate::name::TextKey;
use crate::page::Paged;
use crate::position::Position;

/// How many characters of long texts count in the order of a walk, in all its fields together. It bounds the size of a position.
const LONG_TEXT_CHARACTERS: usize = 256;

impl<F: Field> Listing<F> {
    /// By how many characters long texts are sorted ([`Field::is_long`]). `None`: by all, as in pages with a number.
    #[must_use]
    pub fn long_text_characters(&self) -> Option<usize> {
        if !self.page.is_walk() {
            return None;
        }
        let long = self.full_order().iter().filter(|sort| sort.field.is_long()).count();
        Some((LONG_TEXT_CHARACTERS / long.max(1)).max(1))
    }

    /// The position after `item`.
    pub fn position_after(&self, item: &F::Item) -> Position {
        let characters = self.long_text_characters();
        Position::after(self.full_order().iter().map(|sort| self.sorted_value(&sort.field, item, characters)).collect())
    }

    /// The page of `items`, of which there are as many as were to be read or all that are left.
    pub fn paged(&self, total: u64, items: Vec<F::Item>) -> Paged<F::Item> {
        Paged::new(&self.page, total, items, |item| self.position_after(item))
    }

    /// The value by which `item` is sorted.
    pub(super) fn sorted_value(&self, field: &F, item: &F::Item, long_text_characters: Option<usize>) -> Value {
        match (field.value(item, self.now), long_text_characters) {
            (Value::Text(text), Some(most)) if field.is_long() => {
                Value::Text(TextKey::stored(text.as_str().chars().take(most).collect()))
            }
            (value, _) => value,
        }
    }

    /// Filters for the items from the position of the page on, one after the other: those that pass the first filter come before
    /// those that pass the second one, and so on. Each fixes the values of some fields at the beginning of the order, and bounds the
    /// next one: an index over these fields finds its items in their order. `None`: the page has no position.
    #[must_use]
    pub fn filters_from_position(&self) -> Option<Vec<Filter<F>>> {
        let values = self.page.position()?.values();
        let order = self.full_order();
        let bounds = Bounds { characters: self.long_text_characters().unwrap_or(usize::MAX) };
        let mut filters = Vec::new();
        for (number, (sort, value)) in order.iter().zip(values).enumerate().rev() {
            let fixed = order.get(..number).unwrap_or_default();
            // Nobody else has the value of a unique field.
            if fixed.iter().any(|sort| sort.field.is_unique()) {
                continue;
            }
            let equal = fixed.iter().zip(values).map(|(sort, value)| bounds.equal(sort, value));
            let equal = equal.reduce(Filter::and).unwrap_or_else(Filter::all);
            filters.extend(bounds.after(sort, value).into_iter().map(|after| equal.clone().and(after)));
        }
        Some(filters)
    }
}

/// Makes filters of values.
struct Bounds {
    /// By how many characters long texts are sorted.
    characters: usize,
}

impl Bounds {
    fn is_cut<F: Field>(&self, field: &F, text: &TextKey) -> bool {
        field.is_long() && text.as_str().chars().nth(self.characters.saturating_sub(1)).is_some()
    }

    /// The items with this value.
    fn equal<F: Field>(&self, sort: &Sort<F>, value: &Value) -> Filter<F> {
        let test = match value {
            Value::Null => Test::Null,
            Value::Id(id) => Test::Id(*id),
            Value::Text(text) if self.is_cut(&sort.field, text) => Test::Text(TextTest::StartsWith(text.clone())),
            Value::Text(text) => Test::Text(TextTest::Equal(text.clone())),
            Value::Integer(number) => Test::Integer(Included(*number), Included(*number)),
            Value::Boolean(truth) => Test::Boolean(*truth),
            Value::Moment(moment) => Test::Moment(Included(*moment), Included(*moment)),
        };
        Filter::Is(sort.field.clone(), test)
    }

    /// The items that come after this value, in their order.
    fn after<F: Field>(&self, Sort { field, is_descending }: &Sort<F>, value: &Value) -> Vec<Filter<F>> {
        let is = |test| Filter::Is(field.clone(), test);
        let absent = is(Test::Null);
        if !is_descending {
            return match value {
                Value::Null => vec![absent.negated()],
                Value::Id(id) => vec![is(Test::IdRange(Excluded(*id), Unbounded))],
                Value::Text(text) => {
                    let greater = is(Test::Text(TextTest::Between(Excluded(text.clone()), Unbounded)));
                    let same = is(Test::Text(TextTest::StartsWith(text.clone())));
                    vec![if self.is_cut(field, text) { greater.and(same.negated()) } else { greater }]
                }
                Value::Integer(number) => vec![is(Test::Integer(Excluded(*number), Unbounded))],
                Value::Boolean(true) => Vec::new(),
                Value::Boolean(false) => vec![is(Test::Boolean(true))],
                Value::Moment(moment) => vec![is(Test::Moment(Excluded(*moment), Unbounded))],
            };
        }
        match value {
            Value::Null | Value::Boolean(false) => Vec::new(),
            Value::Id(id) => vec![is(Test::IdRange(Unbounded, Excluded(*id)))],
            Value::Text(text) => vec![is(Test::Text(TextTest::Between(Unbounded, Excluded(text.clone())))), absent],
            Value::Integer(number) => vec![is(Test::Integer(Unbounded, Excluded(*number))), absent],
            Value::Boolean(true) => vec![is(Test::Boolean(false))],
            Value::Moment(moment) => vec![is(Test::Moment(Unbounded, Excluded(*moment))), absent],
        }
    }
}
