//! `[admin]`: the listener for operators.

use std::net::SocketAddr;

use super::document::Section;
use super::error::ProblemKind;

/// `[admin]`: where metrics and health are served, apart from the callers' way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdminConfig {
    /// The address to listen at; port 0 takes a free one.
    pub listen: SocketAddr,
}

pub(super) fn admin(section: Section<'_, '_>) -> Option<AdminConfig> {
    const LISTEN: &str = "an address and port such as \"127.0.0.1:9402\"";
    let listen: Option<SocketAddr> = section.parsed("listen", LISTEN, |text| {
        text.parse()
            .map_err(|_| format!("expected {LISTEN}, found {text:?}"))
    });
    let mut allow_remote = false;
    section.set_boolean("allow_remote", &mut allow_remote);
    if let Some(address) = listen
        && !address.ip().is_loopback()
        && !allow_remote
    {
        section.report(
            ProblemKind::Conflict,
            "listen",
            "expected a loopback address, or allow_remote = true: \
             whoever reaches this listener learns how the service is doing",
        );
    }
    section.finish();
    listen.map(|listen| AdminConfig { listen })
}
