//! Which route a request means.
//!
//! Three rules, each closing a bypass that peers had (reference/service.md,
//! section 5, "Path-normalisation bypass" and "Method confusion"):
//!
//! 1. **Default deny.** What no route names is not forwarded.
//! 2. **One path.** A request path is brought into one canonical form or refused;
//!    routes are matched on its decoded segments, and the canonical form is what
//!    goes upstream. The upstream never sees a path that was not decided on.
//! 3. **No shadows.** A path that differs from a paid route only in a way that
//!    many upstreams ignore (letter case, `;parameters`, trailing dots) is never
//!    let through by a wider route; it is refused.

mod definition;
mod metering;
mod method;
mod path;
mod pattern;
mod settlement;
mod table;

pub use definition::{Access, Route, RouteDefinition, RouteError};
pub use metering::{Charge, Metering, Outcome};
pub use method::MethodSet;
pub use path::CanonicalPath;
pub use pattern::RoutePattern;
pub use settlement::Settlement;
pub use table::{Resolution, RouteMatch, RouteTable};
