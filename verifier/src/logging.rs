//! Logs, for programs that embed nothing else that logs.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Writes logs to standard error: coloured for a terminal, plain otherwise. The
/// filter comes from `RUST_LOG`, else it is `default` (such as `"info"`).
///
/// Returns whether it took effect; it does not when the program already has a
/// logger.
pub fn init(default: &str) -> bool {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .try_init()
        .is_ok()
}
