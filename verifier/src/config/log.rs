//! `[log]`: how the command writes its log.

use tracing_subscriber::EnvFilter;

use super::document::Section;
use super::secret::SecretUrl;

/// `[log]`. Read once, at the start; an embedding program has its own log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// One line of text or one JSON object for each event.
    pub format: LogFormat,
    /// Which events, in the syntax of `RUST_LOG`, which takes precedence.
    pub filter: String,
    /// Where spans go besides the log: the traces URL of an OpenTelemetry
    /// collector (OTLP over HTTP). Needs the cargo feature `otel`.
    pub otlp_endpoint: Option<SecretUrl>,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            format: LogFormat::Text,
            filter: "info".to_owned(),
            otlp_endpoint: None,
        }
    }
}

/// How an event is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

pub(super) fn log(section: Section<'_, '_>) -> LogConfig {
    const FORMAT: &str = "\"text\" or \"json\"";
    let format = section.optional("format", FORMAT, |text| match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err(format!("expected {FORMAT}, found {text:?}")),
    });
    let filter =
        section.optional(
            "filter",
            "a filter such as \"info\"",
            |text| match EnvFilter::try_new(text) {
                Ok(_) => Ok(text.to_owned()),
                Err(_) => Err(format!(
                    "expected a filter such as \"info\", found {text:?}"
                )),
            },
        );
    let otlp_endpoint = section.optional("otlp_endpoint", "a URL", endpoint);
    section.finish();
    let defaults = LogConfig::default();
    LogConfig {
        format: format.unwrap_or(defaults.format),
        filter: filter.unwrap_or(defaults.filter),
        otlp_endpoint,
    }
}

fn endpoint(text: &str) -> Result<SecretUrl, String> {
    if cfg!(not(feature = "otel")) {
        return Err(
            "expected nothing: this program was built without OpenTelemetry \
                    (cargo feature \"otel\")"
                .to_owned(),
        );
    }
    // The exporter has no TLS: a collector stands beside the service.
    if !text.starts_with("http://") {
        return Err("expected an http:// URL with a host".to_owned());
    }
    SecretUrl::parse(text)
}
