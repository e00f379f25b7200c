//! What caches may keep. A stored 402 sells a stale price to somebody else, and a
//! stored paid response gives away what others paid for (reference/protocols.md
//! 1.1 and 10.1; x402 issues #2955 and #2990).

use http::header::{CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue, VARY};

/// Request headers that decide what the answer is.
const DECIDING: &str = "Authorization, Payment-Signature, X-Payment, Sign-In-With-X";

/// Headers by which caches are told other rules than `Cache-Control` (RFC 9213 and
/// what came before it); each would override `private`.
const TARGETED: [&str; 4] = [
    "surrogate-control",
    "edge-control",
    "x-accel-expires",
    "expires",
];
const TARGETED_SUFFIX: &str = "cdn-cache-control";

/// Marks what the gate itself says (402 and refusals): no cache may store it.
pub fn forbid_storing(headers: &mut HeaderMap) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    add_vary(headers);
}

/// Marks the upstream's answer to a paid request: shared caches may not store it.
/// What the upstream says beyond that stays (`no-store`, `max-age` of the caller's
/// own cache); `public`, `s-maxage` and rules for CDNs go.
pub fn keep_private(headers: &mut HeaderMap) {
    headers.insert(CACHE_CONTROL, private(headers));
    let targeted: Vec<HeaderName> = headers
        .keys()
        .filter(|name| {
            TARGETED.contains(&name.as_str()) || name.as_str().ends_with(TARGETED_SUFFIX)
        })
        .cloned()
        .collect();
    for name in targeted {
        headers.remove(name);
    }
    add_vary(headers);
}

/// `Cache-Control` of a paid response.
fn private(headers: &HeaderMap) -> HeaderValue {
    if !headers.contains_key(CACHE_CONTROL) {
        return HeaderValue::from_static("private");
    }
    let kept = kept_directives(headers);
    if kept
        .iter()
        .any(|directive| directive.eq_ignore_ascii_case("no-store"))
    {
        return HeaderValue::from_static("no-store");
    }
    let directives: Vec<_> = std::iter::once("private".to_owned()).chain(kept).collect();
    HeaderValue::from_str(&directives.join(", "))
        .unwrap_or(HeaderValue::from_static("private, no-store"))
}

/// The upstream's directives without those that speak to shared caches. Values in
/// quotes may hold commas; only `private` and `no-cache` take them, and both lose
/// their field list here, which makes them stricter.
fn kept_directives(headers: &HeaderMap) -> Vec<String> {
    let mut kept = Vec::new();
    for value in headers.get_all(CACHE_CONTROL) {
        let Ok(text) = value.to_str() else {
            // Not readable: treat it as the strictest.
            return vec!["no-store".to_owned()];
        };
        for directive in outside_quotes(text) {
            let name = directive
                .split('=')
                .next()
                .unwrap_or_default()
                .trim()
                .to_ascii_lowercase();
            match name.as_str() {
                "" | "private" | "public" | "s-maxage" | "proxy-revalidate" => {}
                "no-cache" => kept.push(name),
                _ => kept.push(directive),
            }
        }
    }
    kept
}

/// Splits at commas that are not inside quotes.
fn outside_quotes(text: &str) -> Vec<String> {
    let mut directives = vec![String::new()];
    let mut quoted = false;
    for character in text.chars() {
        match character {
            '"' => quoted = !quoted,
            ',' if !quoted => {
                directives.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(last) = directives.last_mut() {
            last.push(character);
        }
    }
    directives
        .iter()
        .map(|directive| directive.trim().to_owned())
        .collect()
}

fn add_vary(headers: &mut HeaderMap) {
    if !headers.contains_key(VARY) {
        headers.insert(VARY, HeaderValue::from_static(DECIDING));
        return;
    }
    let present = |name: &str| {
        headers.get_all(VARY).iter().any(|value| {
            value.to_str().is_ok_and(|value| {
                value.split(',').any(|entry| {
                    let entry = entry.trim();
                    entry == "*" || entry.eq_ignore_ascii_case(name)
                })
            })
        })
    };
    let missing: Vec<_> = DECIDING.split(", ").filter(|name| !present(name)).collect();
    if !missing.is_empty()
        && let Ok(value) = HeaderValue::from_str(&missing.join(", "))
    {
        headers.append(VARY, value);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
mod tests {
    use super::*;
    use http::header::{AUTHORIZATION, AsHeaderName};

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        lines
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    fn joined(headers: &HeaderMap, name: impl AsHeaderName) -> String {
        let values: Vec<_> = headers
            .get_all(name)
            .iter()
            .map(|value| value.to_str().unwrap())
            .collect();
        values.join(", ")
    }

    #[test]
    fn own_answers_are_never_stored() {
        let mut map = headers(&[("cache-control", "public, max-age=60")]);
        forbid_storing(&mut map);
        assert_eq!(joined(&map, CACHE_CONTROL), "no-store");
        assert_eq!(joined(&map, VARY), DECIDING);
    }

    #[test]
    fn paid_answers_are_private_whatever_the_upstream_says() {
        for (given, kept) in [
            ("", "private"),
            ("public, max-age=60", "private, max-age=60"),
            ("max-age=60, S-MaxAge=600", "private, max-age=60"),
            ("private=\"set-cookie, x\", max-age=1", "private, max-age=1"),
            ("no-cache=\"set-cookie, public\"", "private, no-cache"),
            ("No-Store, max-age=1", "no-store"),
            ("immutable,,", "private, immutable"),
        ] {
            let mut map = headers(&[("cache-control", given)]);
            keep_private(&mut map);
            assert_eq!(joined(&map, CACHE_CONTROL), kept, "{given:?}");
        }
        let mut map = HeaderMap::new();
        map.insert(
            CACHE_CONTROL,
            HeaderValue::from_bytes(b"public\xff").unwrap(),
        );
        keep_private(&mut map);
        assert_eq!(joined(&map, CACHE_CONTROL), "no-store");
    }

    #[test]
    fn rules_for_particular_caches_are_removed() {
        let mut map = headers(&[
            ("cdn-cache-control", "public, max-age=600"),
            ("cloudflare-cdn-cache-control", "max-age=600"),
            ("surrogate-control", "max-age=600"),
            ("x-accel-expires", "600"),
            ("expires", "Thu, 01 Dec 2050 16:00:00 GMT"),
            ("etag", "\"1\""),
        ]);
        keep_private(&mut map);
        let mut names: Vec<_> = map.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["cache-control", "etag", "vary"]);
    }

    #[test]
    fn vary_keeps_what_is_there_and_is_not_repeated() {
        let mut map = headers(&[("vary", "Accept, AUTHORIZATION")]);
        keep_private(&mut map);
        keep_private(&mut map);
        assert_eq!(
            joined(&map, VARY),
            "Accept, AUTHORIZATION, Payment-Signature, X-Payment, Sign-In-With-X"
        );
        let mut map = headers(&[("vary", "*")]);
        keep_private(&mut map);
        assert_eq!(joined(&map, VARY), "*");
        assert!(
            DECIDING
                .split(", ")
                .any(|name| name.eq_ignore_ascii_case(AUTHORIZATION.as_str()))
        );
    }
}
