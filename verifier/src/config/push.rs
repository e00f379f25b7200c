//! Where changes are pushed from: keys of `[chain]` that exclude each other.

use std::path::Path;

#[cfg(feature = "yellowstone")]
use super::YellowstoneConfig;
use super::document::Section;
use super::error::ProblemKind;
use super::secret::{Environment, SecretUrl};
use super::yellowstone::yellowstone;

/// Where changes are pushed from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Push {
    /// Nowhere: everything is read.
    Off,
    /// From where Solana's tools look for it, given the JSON-RPC endpoint.
    Derived,
    /// From this `ws` or `wss` URL.
    At(SecretUrl),
    /// From this Yellowstone gRPC server.
    #[cfg(feature = "yellowstone")]
    Yellowstone(YellowstoneConfig),
}

/// Reads `push` and `[chain.yellowstone]` of `[chain]`; `websocket_url` was read.
pub(super) fn push(
    section: &Section<'_, '_>,
    websocket_url: Option<SecretUrl>,
    folder: &Path,
    environment: &Environment<'_>,
) -> Push {
    let mut push = true;
    section.set_boolean("push", &mut push);
    let subscribes = section.has("yellowstone");
    let server = section
        .optional_table("yellowstone")
        .and_then(|section| yellowstone(section, folder, environment));
    let conflict = |message: &str| section.report(ProblemKind::Conflict, "push", message);
    if !push && websocket_url.is_some() {
        conflict("expected no WebSocket URL where push = false");
    }
    if !push && subscribes {
        conflict("expected no [chain.yellowstone] where push = false");
    }
    if websocket_url.is_some() && subscribes {
        section.report(
            ProblemKind::Conflict,
            "yellowstone",
            "expected either a WebSocket URL or [chain.yellowstone]",
        );
    }
    #[cfg(feature = "yellowstone")]
    if let Some(server) = server {
        return Push::Yellowstone(server);
    }
    #[cfg(not(feature = "yellowstone"))]
    if subscribes {
        drop(server);
        section.report(
            ProblemKind::InvalidValue,
            "yellowstone",
            "expected nothing: this program was built without Yellowstone \
             (cargo feature \"yellowstone\")",
        );
    }
    match (push, websocket_url) {
        (true, Some(url)) => Push::At(url),
        (true, None) => Push::Derived,
        (false, _) => Push::Off,
    }
}
