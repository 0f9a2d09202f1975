//! Export of traces by OTLP over HTTP. Spans wait in a bounded queue before a thread of its own: what does not fit is lost, and requests never wait.

mod client;
mod export;
mod links;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use guildhall_http::TraceLinks;
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider};
use prometheus::{IntCounter, Registry};
use tracing::{Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

use crate::settings::Telemetry;
use client::CollectorClient;
use export::{CountingExporter, CountingProcessor};
use links::OpenTelemetryLinks;

/// The targets of the spans that are exported. The log has none of them.
pub(super) const TARGETS: [&str; 2] = [guildhall_http::SPANS, guildhall_persistence::SPANS];

/// The most spans that wait, and the most that are sent at once.
const MOST_QUEUED: usize = 8192;
const MOST_SENT: usize = 512;
/// The longest time that a span waits, if the collector takes it.
const DELAY: Duration = Duration::from_secs(1);
/// How long the end of the program waits for spans to be sent.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(1);

/// The export of traces. When it is dropped, queued spans are sent, for at most a second.
pub(crate) struct TraceExport {
    provider: SdkTracerProvider,
    links: Arc<dyn TraceLinks>,
    metrics: SpanMetrics,
}

/// How many spans there were, and what became of them.
#[derive(Clone, Debug)]
struct SpanMetrics {
    ended: IntCounter,
    exported: IntCounter,
    failed: IntCounter,
}

impl SpanMetrics {
    fn new() -> prometheus::Result<Self> {
        Ok(Self {
            ended: IntCounter::new(
                "guildhall_trace_spans_total",
                "Spans that were to be exported. Those that were neither exported nor failed wait, or did not fit into the queue",
            )?,
            exported: IntCounter::new("guildhall_trace_spans_exported_total", "Spans that the collector took")?,
            failed: IntCounter::new("guildhall_trace_spans_failed_total", "Spans that the collector did not take")?,
        })
    }
}

impl TraceExport {
    /// Starts the export, if the settings ask for it.
    ///
    /// # Errors
    ///
    /// When the thread cannot be started, or the endpoint is no URL.
    pub(super) fn start(settings: &Telemetry) -> Result<Option<Self>> {
        let Some(endpoint) = &settings.otlp_endpoint else { return Ok(None) };
        let client = CollectorClient::for_endpoint(endpoint);
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{endpoint}/v1/traces"))
            .build()
            .context("telemetry.otlp_endpoint")?;
        let metrics = SpanMetrics::new()?;
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(MOST_QUEUED)
            .with_max_export_batch_size(MOST_SENT)
            .with_scheduled_delay(DELAY)
            .build();
        let exporter = CountingExporter::new(exporter, metrics.clone());
        let processor = BatchSpanProcessor::builder(exporter).with_batch_config(batches).build();
        let resource = Resource::builder()
            .with_service_name("guildhall")
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(settings.sampling_ratio)));
        let provider = SdkTracerProvider::builder()
            .with_sampler(sampler)
            .with_resource(resource)
            .with_span_processor(CountingProcessor::new(processor, metrics.ended.clone()))
            .build();
        Ok(Some(Self { provider, links: Arc::new(OpenTelemetryLinks), metrics }))
    }

    /// The layer that makes spans of OpenTelemetry from those that are for export.
    pub(super) fn layer<S>(&self) -> impl Layer<S> + Send + Sync
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer("guildhall"))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_level(false)
            .with_target(false)
            .with_context_activation(false)
            .with_filter(filter_fn(is_exported))
    }

    /// Joins spans of requests to the traces of their callers.
    pub(crate) fn links(&self) -> Arc<dyn TraceLinks> {
        Arc::clone(&self.links)
    }

    /// Lets `registry` read how many spans were exported and lost.
    pub(crate) fn register_metrics(&self, registry: &Registry) -> prometheus::Result<()> {
        registry.register(Box::new(self.metrics.ended.clone()))?;
        registry.register(Box::new(self.metrics.exported.clone()))?;
        registry.register(Box::new(self.metrics.failed.clone()))
    }
}

impl Drop for TraceExport {
    fn drop(&mut self) {
        // Nothing can be done about a collector that does not take them.
        let _ = self.provider.shutdown_with_timeout(SHUTDOWN_TIMEOUT);
    }
}

fn is_exported(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && TARGETS.contains(&metadata.target())
}
