//! The spans that are exported: one for each unit of work and each statement. They have names, and nothing that was sent or read.

use std::any::type_name;

use tracing::{Span, info_span};

use crate::dialect::Dialect;

/// The target of the spans of this crate, which are for export alone.
pub const SPANS: &str = "guildhall_persistence::spans";

/// The span of a unit of work that is run in this way.
pub(crate) fn unit_of_work(dialect: Dialect, mode: &'static str) -> Span {
    info_span!(
        target: SPANS,
        "unit of work",
        otel.kind = "client",
        otel.status_code = tracing::field::Empty,
        db.system.name = system(dialect),
        db.operation.name = mode,
    )
}

/// The span of the statements in the closure `F`. Their name is that of the function in which the closure is written.
pub(crate) fn statement<F>(dialect: Dialect) -> Span {
    info_span!(
        target: SPANS,
        "statement",
        otel.name = name_of::<F>(),
        otel.kind = "client",
        otel.status_code = tracing::field::Empty,
        db.system.name = system(dialect),
        db.statement = name_of::<F>(),
    )
}

/// Says that the work of `span` failed.
pub(crate) fn failed(span: &Span) {
    span.record("otel.status_code", "ERROR");
}

fn system(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Postgres => "postgresql",
        Dialect::Sqlite => "sqlite",
    }
}

/// The name of the function in which the closure `F` is written: `remove_member`.
fn name_of<F>() -> &'static str {
    let path = type_name::<F>();
    let function = path.find("::{{closure}}").and_then(|end| path.get(..end)).unwrap_or(path);
    function.rsplit("::").next().unwrap_or(function)
}

#[cfg(test)]
mod tests {
    use super::name_of;

    trait Port {
        fn remove_member(&mut self) -> &'static str;
    }

    impl Port for Vec<u8> {
        fn remove_member(&mut self) -> &'static str {
            named(|| self.clear())
        }
    }

    fn named<F: FnMut()>(_: F) -> &'static str {
        name_of::<F>()
    }

    #[test]
    fn a_statement_is_named_by_the_function_that_it_is_in() {
        assert_eq!(Vec::new().remove_member(), "remove_member");
        assert_eq!(named(|| ()), "a_statement_is_named_by_the_function_that_it_is_in");
        let nested = || named(|| ());
        assert_eq!(nested(), "a_statement_is_named_by_the_function_that_it_is_in");
    }
}
