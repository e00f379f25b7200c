//! Spans for an OpenTelemetry collector, by OTLP over HTTP.
//!
//! The exporter has a thread of its own and a bounded queue: a collector that is
//! slow or gone costs spans, never a request.

use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::Layer;
use tracing_subscriber::registry::LookupSpan;

use crate::config::SecretUrl;

/// The name of this service at the collector.
const SERVICE: &str = "tollgate";

/// The way of spans to a collector.
#[derive(Debug)]
pub(super) struct Spans(SdkTracerProvider);

impl Spans {
    /// Prepares the way; connects when there is something to send.
    pub(super) fn connect(endpoint: &SecretUrl) -> Result<Self, String> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(endpoint.expose())
            .build()
            // The exporter's words could quote the endpoint.
            .map_err(|_| format!("log.otlp_endpoint: {endpoint} cannot be used"))?;
        let resource = Resource::builder().with_service_name(SERVICE).build();
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource)
            .build();
        Ok(Self(provider))
    }

    pub(super) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: tracing::Subscriber + for<'span> LookupSpan<'span>,
    {
        tracing_opentelemetry::layer().with_tracer(self.0.tracer(SERVICE))
    }

    pub(super) fn flush(self) {
        // What cannot be sent now cannot be sent later either.
        let _ = self.0.shutdown();
    }
}
