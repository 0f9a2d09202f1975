//! The limit of costly comparisons, which the database evaluates for every item.

use std::cell::Cell;

use guildhall_domain::search::{Field, Filter, Piece, Test, TextTest};

use super::search_error::SearchError;

/// The most comparisons of a search that are slow and use no index: with wildcards, or of custom properties.
pub(super) const MAX_COSTLY: usize = 100;

/// Counts the costly comparisons of a search, over JSON conditions and ZenQL together.
#[derive(Debug, Default)]
pub(super) struct Costs(Cell<usize>);

impl Costs {
    /// Adds the costs of `filter`, which tests one field, and fails above the limit.
    pub(super) fn admit<F: Field>(&self, filter: Filter<F>) -> Result<Filter<F>, SearchError> {
        let count = self.0.get() + costly(&filter);
        if count > MAX_COSTLY {
            return Err(SearchError::TooCostly);
        }
        self.0.set(count);
        Ok(filter)
    }
}

/// The number of costly comparisons. Alternative values of one field are looked up together, and count as one.
fn costly<F: Field>(filter: &Filter<F>) -> usize {
    match filter {
        Filter::All(all) => all.iter().map(costly).sum(),
        Filter::Any(any) => {
            let (values, others): (Vec<_>, Vec<_>) = any.iter().partition(|filter| is_value(filter));
            let values = values.into_iter().map(costly).max().unwrap_or_default();
            values + others.into_iter().map(costly).sum::<usize>()
        }
        Filter::Not(inner) => costly(inner),
        Filter::Is(field, test) => usize::from(field.is_custom() || has_wildcards(test)),
    }
}

fn is_value<F>(filter: &Filter<F>) -> bool {
    matches!(filter, Filter::Is(_, Test::Null | Test::Text(TextTest::Equal(_))))
}

fn has_wildcards(test: &Test) -> bool {
    let Test::Text(TextTest::Contains(pattern)) = test else { return false };
    pattern.pieces().iter().any(|piece| !matches!(piece, Piece::Literal(_)))
}
