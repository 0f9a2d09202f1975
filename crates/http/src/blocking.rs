//! Where blocking happens, and nowhere else.

use actix_web::web;
use tracing::Span;

use crate::problem::Problem;

/// Runs a whole use case on a thread that may wait, inside the current span. A panic becomes a problem.
pub(crate) async fn blocking<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, Problem>
where
    T: Send + 'static,
    Problem: From<E>,
{
    let span = Span::current();
    match web::block(move || span.in_scope(|| work().map_err(Problem::from))).await {
        Ok(outcome) => outcome,
        Err(error) => Err(Problem::unexpected(error)),
    }
}
