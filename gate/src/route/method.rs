//! Sets of HTTP methods that a route may name.

use http::Method;
use std::fmt;

/// Methods that can be forwarded. `CONNECT` and `TRACE` never are; `OPTIONS` is
/// answered without the upstream.
const FORWARDABLE: [Method; 6] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
];

/// A set of methods; holds `HEAD` exactly when it holds `GET`, so that a `HEAD`
/// request is decided like the `GET` that it stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MethodSet(u8);

impl MethodSet {
    /// The set of one method (and `HEAD` with `GET`); `None` for methods that are
    /// never forwarded.
    pub fn of(method: &Method) -> Option<Self> {
        match *method {
            Method::GET | Method::HEAD => Some(Self(0b11)),
            _ => Self::bit(method).map(Self),
        }
    }

    /// Every method that can be forwarded.
    pub const fn all() -> Self {
        Self(0b11_1111)
    }

    /// Both sets together.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether some method is in both.
    pub const fn overlaps(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether it holds no method.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether it holds `method`.
    pub fn contains(self, method: &Method) -> bool {
        Self::bit(method).is_some_and(|bit| self.0 & bit != 0)
    }

    fn bit(method: &Method) -> Option<u8> {
        FORWARDABLE
            .iter()
            .position(|known| known == method)
            .map(|index| 1 << index)
    }
}

/// The value of an `Allow` header; `OPTIONS` is always answered.
impl fmt::Display for MethodSet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for method in FORWARDABLE.iter().filter(|method| self.contains(method)) {
            write!(formatter, "{method}, ")?;
        }
        formatter.write_str("OPTIONS")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn head_goes_with_get() {
        for method in [Method::GET, Method::HEAD] {
            let set = MethodSet::of(&method).unwrap();
            assert!(set.contains(&Method::GET) && set.contains(&Method::HEAD));
            assert!(!set.contains(&Method::POST));
        }
    }

    #[test]
    fn tunnels_and_echoes_are_never_forwarded() {
        let extension = Method::from_bytes(b"PROPFIND").unwrap();
        for method in [Method::CONNECT, Method::TRACE, Method::OPTIONS, extension] {
            assert_eq!(MethodSet::of(&method), None);
            assert!(!MethodSet::all().contains(&method));
        }
        let lower = Method::from_bytes(b"get").unwrap();
        assert!(
            !MethodSet::all().contains(&lower),
            "methods are case-sensitive"
        );
    }

    #[test]
    fn the_allow_header_names_them_in_a_fixed_order() {
        let set = MethodSet::of(&Method::POST)
            .unwrap()
            .union(MethodSet::of(&Method::GET).unwrap());
        assert_eq!(set.to_string(), "GET, HEAD, POST, OPTIONS");
        assert_eq!(
            MethodSet::all().to_string(),
            "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
        );
    }
}
