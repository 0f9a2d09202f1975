//! Counting of spans, and the lines of the log about a collector that does not take them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_otlp::SpanExporter as OtlpExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{BatchSpanProcessor, Span, SpanData, SpanExporter, SpanProcessor};
use prometheus::IntCounter;

use super::SpanMetrics;

/// Counts the spans that are to be exported.
#[derive(Debug)]
pub(super) struct CountingProcessor {
    next: BatchSpanProcessor,
    ended: IntCounter,
}

impl CountingProcessor {
    pub(super) fn new(next: BatchSpanProcessor, ended: IntCounter) -> Self {
        Self { next, ended }
    }
}

impl SpanProcessor for CountingProcessor {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.next.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        if span.span_context.is_sampled() {
            self.ended.inc();
            self.next.on_end(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.next.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.next.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.next.set_resource(resource);
    }
}

/// Counts the spans that were exported. Logs when the collector ceases and begins again to take them, once each.
#[derive(Debug)]
pub(super) struct CountingExporter {
    next: OtlpExporter,
    metrics: SpanMetrics,
    is_failing: AtomicBool,
}

impl CountingExporter {
    pub(super) fn new(next: OtlpExporter, metrics: SpanMetrics) -> Self {
        Self { next, metrics, is_failing: AtomicBool::new(false) }
    }
}

impl SpanExporter for CountingExporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len() as u64;
        let outcome = self.next.export(batch).await;
        match &outcome {
            Ok(()) => {
                self.metrics.exported.inc_by(spans);
                if self.is_failing.swap(false, Ordering::Relaxed) {
                    tracing::info!("traces are exported again");
                }
            }
            Err(error) => {
                self.metrics.failed.inc_by(spans);
                if !self.is_failing.swap(true, Ordering::Relaxed) {
                    let error = error.to_string();
                    tracing::warn!(
                        error,
                        "traces are lost: the collector at telemetry.otlp_endpoint does not take them"
                    );
                }
            }
        }
        outcome
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.next.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.next.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.next.set_resource(resource);
    }
}
