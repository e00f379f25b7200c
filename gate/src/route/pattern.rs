//! Patterns of paths: exact segments, `{parameter}`, and `/*` at the end.

use super::RouteError;
use super::path::CanonicalPath;
use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

/// One segment of a pattern. The order is that of precedence.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// This decoded segment.
    Exact(String),
    /// Any one segment.
    Parameter,
}

/// A pattern of paths.
///
/// `/v1/quote/{symbol}` matches exactly three segments. `/v1/*` matches `/v1` and
/// everything below it, so that a slash at the end never leads past it.
#[derive(Clone, Debug)]
pub struct RoutePattern {
    text: String,
    parts: Vec<Part>,
    tail: bool,
}

impl RoutePattern {
    /// Reads a pattern from the configuration.
    ///
    /// # Errors
    /// [`RouteError::PatternInvalid`] unless the exact segments form a canonical
    /// path and parameters are named `{a-z_0-9}`.
    pub fn parse(text: &str) -> Result<Self, RouteError> {
        let (body, tail) = match text.strip_suffix("/*") {
            Some(body) => (body, true),
            None => (text, false),
        };
        let mut parts = Vec::new();
        let mut exact = String::new();
        let root = if tail { "" } else { "/" };
        if body != root {
            let rest = body.strip_prefix('/').ok_or(RouteError::PatternInvalid)?;
            for piece in rest.split('/') {
                match piece
                    .strip_prefix('{')
                    .and_then(|rest| rest.strip_suffix('}'))
                {
                    Some(name) if is_parameter_name(name) => parts.push(Part::Parameter),
                    Some(_) => return Err(RouteError::PatternInvalid),
                    None => {
                        let path = CanonicalPath::parse(&format!("/{piece}"))
                            .map_err(|_| RouteError::PatternInvalid)?;
                        let [segment] = path.segments() else {
                            return Err(RouteError::PatternInvalid);
                        };
                        // A pattern is written canonically, so that it reads as it matches.
                        if path.as_str().strip_prefix('/') != Some(piece) || piece.contains('*') {
                            return Err(RouteError::PatternInvalid);
                        }
                        exact.push('/');
                        exact.push_str(piece);
                        parts.push(Part::Exact(segment.clone()));
                    }
                }
            }
        }
        if exact.len() > crate::limits::MAX_PATH_BYTES
            || parts.len() > crate::limits::MAX_PATH_SEGMENTS
        {
            return Err(RouteError::PatternInvalid);
        }
        Ok(Self {
            text: text.to_owned(),
            parts,
            tail,
        })
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether decoded segments match.
    pub(super) fn matches(&self, segments: &[impl AsRef<str>]) -> bool {
        let enough = if self.tail {
            segments.len() >= self.parts.len()
        } else {
            segments.len() == self.parts.len()
        };
        enough
            && self
                .parts
                .iter()
                .zip(segments)
                .all(|(part, segment)| match part {
                    Part::Exact(exact) => exact == segment.as_ref(),
                    Part::Parameter => true,
                })
    }

    /// The same pattern over [folded](fold) segments.
    pub(super) fn folded(&self) -> Self {
        let fold_part = |part: &Part| match part {
            Part::Exact(exact) => Part::Exact(fold(exact).into_owned()),
            Part::Parameter => Part::Parameter,
        };
        Self {
            text: self.text.clone(),
            parts: self.parts.iter().map(fold_part).collect(),
            tail: self.tail,
        }
    }

    /// Precedence: at the first segment where two patterns differ, an exact one
    /// comes before a parameter and a parameter before `/*`.
    pub(super) fn precedence(&self, other: &Self) -> Ordering {
        let common = self.parts.len().min(other.parts.len());
        let ours = self.parts.iter().take(common);
        let theirs = other.parts.iter().take(common);
        ours.cmp(theirs)
            // Equal so far: the longer one is more particular.
            .then_with(|| other.parts.len().cmp(&self.parts.len()))
            .then_with(|| self.tail.cmp(&other.tail))
    }

    /// Whether two patterns match the same paths.
    pub(super) fn same_shape(&self, other: &Self) -> bool {
        self.precedence(other) == Ordering::Equal
    }
}

impl fmt::Display for RoutePattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// What is left of a segment once the differences are removed that many upstreams
/// ignore: letter case, `;parameters`, dots and spaces at the end. Most segments have
/// none of them, and are not copied.
pub(super) fn fold(segment: &str) -> Cow<'_, str> {
    let name = segment.split(';').next().unwrap_or_default();
    let name = name.trim_end_matches(['.', ' ']);
    let lower = |byte: u8| byte.is_ascii() && !byte.is_ascii_uppercase();
    if name.bytes().all(lower) {
        Cow::Borrowed(name)
    } else {
        Cow::Owned(name.to_lowercase())
    }
}

fn is_parameter_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
mod tests {
    use super::*;

    fn matches(pattern: &str, path: &str) -> bool {
        let path = CanonicalPath::parse(path).unwrap();
        RoutePattern::parse(pattern)
            .unwrap()
            .matches(path.segments())
    }

    #[test]
    fn patterns_match_whole_segments() {
        assert!(matches("/", "/"));
        assert!(!matches("/", "/a"));
        assert!(matches("/v1/quote/{symbol}", "/v1/quote/AAPL"));
        assert!(matches("/v1/quote/{symbol}", "/v1/quote/AAPL/"));
        assert!(!matches("/v1/quote/{symbol}", "/v1/quote"));
        assert!(!matches("/v1/quote/{symbol}", "/v1/quote/AAPL/1"));
        assert!(!matches("/v1/quote/{symbol}", "/V1/quote/AAPL"));
        assert!(matches("/v1/*", "/v1") && matches("/v1/*", "/v1/") && matches("/v1/*", "/v1/a/b"));
        assert!(!matches("/v1/*", "/v10"));
        assert!(matches("/*", "/") && matches("/*", "/a/b"));
        assert!(matches("/a%20b", "/a%20b"));
    }

    #[test]
    fn patterns_that_do_not_read_as_they_match_are_refused() {
        for text in [
            "",
            "v1",
            "*",
            "/v1/",
            "/v1//x",
            "/v1/*/x",
            "/v1/a*",
            "/{}",
            "/{A}",
            "/{a}b",
            "/a{b}",
            "/../x",
            "/%41",
            "/a%2fb",
            "/caf\u{e9}",
            "/a b",
            "/a?b",
            "//*",
        ] {
            let error = RoutePattern::parse(text).unwrap_err();
            assert_eq!(error, RouteError::PatternInvalid, "{text:?}");
        }
    }

    #[test]
    fn the_more_particular_pattern_comes_first() {
        let ordered = [
            "/a/b", "/a/b/*", "/a/{x}/c", "/a/{x}", "/a/*", "/{x}", "/", "/*",
        ];
        let mut patterns: Vec<_> = ordered
            .iter()
            .rev()
            .map(|text| RoutePattern::parse(text).unwrap())
            .collect();
        patterns.sort_by(RoutePattern::precedence);
        let texts: Vec<_> = patterns.iter().map(RoutePattern::as_str).collect();
        assert_eq!(texts, ordered);
    }
}
