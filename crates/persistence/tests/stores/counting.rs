//! Counts the statements that a thread sends.

use std::cell::Cell;
use std::sync::Once;

use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};

thread_local! {
    static SENT: Cell<usize> = const { Cell::new(0) };
    static PREPARED: Cell<usize> = const { Cell::new(0) };
}

struct Counter;

impl Instrumentation for Counter {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartQuery { .. } => SENT.set(SENT.get() + 1),
            InstrumentationEvent::CacheQuery { .. } => PREPARED.set(PREPARED.get() + 1),
            _ => {}
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the form that Diesel asks for")]
fn counted() -> Option<Box<dyn Instrumentation>> {
    Some(Box::new(Counter))
}

/// Counts on all connections that are opened after this.
pub(crate) fn count_from_now_on() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| set_default_instrumentation(counted).expect("nobody instruments twice"));
}

/// How many statements this thread sends while it does `work`, with those that begin and end transactions.
pub(crate) fn statements<T>(work: impl FnOnce() -> T) -> usize {
    let before = SENT.get();
    work();
    SENT.get() - before
}

/// How many statements this thread prepares for good while it does `work`.
pub(crate) fn prepared<T>(work: impl FnOnce() -> T) -> usize {
    let before = PREPARED.get();
    work();
    PREPARED.get() - before
}
