//! Logs, for programs that embed nothing else that logs.
//!
//! Nothing secret may get into an event or a span: no header, no query, no URL of an
//! endpoint. What carries a secret (`config::Secret`, `config::SecretUrl`) has no
//! other text than one that can be shown.

#[cfg(feature = "otel")]
mod otel;

use std::io::IsTerminal;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry};

use crate::config::{LogConfig, LogFormat};

/// What has to be told when the program ends.
#[derive(Debug, Default)]
#[must_use = "spans that were not sent yet are lost when nobody flushes them"]
pub struct Logging {
    #[cfg(feature = "otel")]
    spans: Option<otel::Spans>,
}

impl Logging {
    /// Sends what was not sent yet. Blocks for some seconds at most.
    pub fn flush(self) {
        #[cfg(feature = "otel")]
        if let Some(spans) = self.spans {
            spans.flush();
        }
    }
}

/// Writes logs as text to standard error, filtered by `RUST_LOG`, else by `default`
/// (such as `"info"`).
///
/// Returns whether it took effect; it does not when the program already has a
/// logger.
pub fn init(default: &str) -> bool {
    tracing_subscriber::registry()
        .with(lines(LogFormat::Text).with_filter(filter(default)))
        .try_init()
        .is_ok()
}

/// Writes logs as the configuration says: one line for each event on standard
/// error (coloured for a terminal), and spans to a collector when one is named.
///
/// # Errors
/// Why the collector's settings cannot be used. A logger that the program already
/// has stays; that is no error.
pub fn start(config: &LogConfig) -> Result<Logging, String> {
    let lines = lines(config.format).with_filter(filter(&config.filter));
    let registry = tracing_subscriber::registry().with(lines);
    #[cfg(feature = "otel")]
    if let Some(endpoint) = &config.otlp_endpoint {
        let spans = otel::Spans::connect(endpoint)?;
        let layer = spans.layer().with_filter(filter(&config.filter));
        let _ = registry.with(layer).try_init();
        return Ok(Logging { spans: Some(spans) });
    }
    let _ = registry.try_init();
    Ok(Logging::default())
}

fn filter(default: &str) -> EnvFilter {
    EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default))
}

fn lines(format: LogFormat) -> Box<dyn Layer<Registry> + Send + Sync> {
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    match format {
        LogFormat::Text => layer.with_ansi(std::io::stderr().is_terminal()).boxed(),
        LogFormat::Json => layer
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .boxed(),
    }
}
