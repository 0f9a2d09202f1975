//! Joining spans to the traces of callers.

use guildhall_http::{TraceContext, TraceLinks};
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// By the layer of OpenTelemetry.
pub(super) struct OpenTelemetryLinks;

impl TraceLinks for OpenTelemetryLinks {
    fn join(&self, span: &Span, parent: Option<TraceContext>) -> Option<TraceContext> {
        if let Some(parent) = parent {
            let flags = if parent.is_sampled { TraceFlags::SAMPLED } else { TraceFlags::default() };
            let (trace, caller) = (TraceId::from(parent.trace_id), SpanId::from(parent.span_id));
            let remote = SpanContext::new(trace, caller, flags, true, TraceState::default());
            // A span that has begun could not be joined any more; this one was just created.
            let _ = span.set_parent(Context::new().with_remote_span_context(remote));
        }
        let context = span.context();
        let joined = context.span().span_context().clone();
        joined.is_valid().then(|| TraceContext {
            trace_id: u128::from_be_bytes(joined.trace_id().to_bytes()),
            span_id: u64::from_be_bytes(joined.span_id().to_bytes()),
            is_sampled: joined.is_sampled(),
        })
    }
}
