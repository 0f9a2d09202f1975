//! What happens around every request: its id, its log lines, and the headers of its response.

pub(crate) mod audit;
pub(crate) mod cors;
pub(crate) mod request_log;
pub(crate) mod request_span;
pub(crate) mod trace_context;
