//! One path, one decision: whatever the spelling.

use crate::support::*;
use http::Method;
use proptest::prelude::*;
use std::sync::Arc;
use tollgate_gate::{Access, CanonicalPath, GateError, Resolution, RouteError, RouteTable};

/// Paid and free routes that overlap in every way.
fn overlapping() -> RouteTable {
    RouteTable::new(vec![
        route("/*", &[Method::GET], Access::Free),
        route(
            "/v1/*",
            &[Method::GET, Method::POST],
            Access::Paid(Arc::new(offer_of("cheap"))),
        ),
        route("/v1/quote/{symbol}", &[Method::GET], Access::Paid(offer())),
        route("/v1/status", &[Method::GET], Access::Free),
        route("/v1/a%20b", &[Method::GET], Access::Free),
    ])
    .unwrap()
}

/// What a GET costs: the product's slug, or `free`.
fn price(path: &str) -> Result<String, GateError> {
    match overlapping().resolve(&Method::GET, path)? {
        Resolution::Route(matched) => Ok(matched
            .route
            .offer()
            .map_or("free".to_owned(), |offer| offer.slug.to_string())),
        Resolution::Options { .. } => panic!("not asked for"),
    }
}

#[test]
fn the_most_particular_route_decides() {
    for (path, expected) in [
        ("/", "free"),
        ("/docs", "free"),
        ("/v1", "cheap"),
        ("/v1/", "cheap"),
        ("/v1/anything/below", "cheap"),
        ("/v1/quote", "cheap"),
        ("/v1/quote/AAPL", "quotes"),
        ("/v1/quote/AAPL/", "quotes"),
        ("/v1/quote/AAPL/history", "cheap"),
        ("/v1/status", "free"),
        ("/v1/%73tatus", "free"),
        ("/v1/a%20b", "free"),
        ("/v10", "free"),
    ] {
        assert_eq!(price(path).unwrap(), expected, "{path}");
    }
}

#[test]
fn spellings_that_upstreams_may_take_for_a_paid_path_do_not_fall_to_wider_routes() {
    for path in [
        "/V1",
        "/V1/anything",
        "/v1./x",
        "/v1;a=b/x",
        "/v1%20/x",
        "/v1/Quote/AAPL",
        "/v1/QUOTE/AAPL/",
        "/v1/quote;x/AAPL",
        "/v1/quote./AAPL",
    ] {
        assert_eq!(price(path), Err(GateError::PathAmbiguous), "{path}");
    }
    // Differences that lead to no other route are the upstream's business.
    assert_eq!(price("/v1/quote/aapl").unwrap(), "quotes");
    assert_eq!(price("/v1/quote/AAPL;x=1").unwrap(), "quotes");
    assert_eq!(price("/Docs").unwrap(), "free");
    // Free ones included: a wider paid route takes nothing away.
    assert_eq!(price("/v1/Status").unwrap(), "cheap");
}

#[test]
fn a_method_without_a_route_does_not_fall_to_a_wider_one() {
    let table = RouteTable::new(vec![
        route("/*", &[Method::GET, Method::POST], Access::Free),
        route("/v1/order", &[Method::POST], Access::Paid(offer())),
    ])
    .unwrap();
    let get = table.resolve(&Method::GET, "/v1/order");
    assert_eq!(get.unwrap_err(), GateError::MethodNotAllowed);
    assert_eq!(
        table.allow("/v1/order").unwrap().to_string(),
        "POST, OPTIONS"
    );
    for method in [
        Method::TRACE,
        Method::CONNECT,
        Method::DELETE,
        Method::from_bytes(b"get").unwrap(),
    ] {
        assert_eq!(
            table.resolve(&method, "/v1/order").unwrap_err(),
            GateError::MethodNotAllowed
        );
    }
}

#[test]
fn head_is_decided_like_get_and_options_needs_no_upstream() {
    let matched = resolve(&table(), Method::HEAD, "/v1/quote/AAPL");
    assert!(matched.route.offer().is_some());
    match table().resolve(&Method::OPTIONS, "/v1/quote/AAPL").unwrap() {
        Resolution::Options { allow } => assert_eq!(allow.to_string(), "GET, HEAD, OPTIONS"),
        other => panic!("{other:?}"),
    }
    let unknown = table().resolve(&Method::OPTIONS, "/nowhere");
    assert_eq!(unknown.unwrap_err(), GateError::RouteNotFound);
}

#[test]
fn what_no_route_names_is_denied() {
    for path in ["/", "/v1", "/v1/quote", "/v1/quote/AAPL/x", "/doc"] {
        assert_eq!(
            table().resolve(&Method::GET, path).unwrap_err(),
            GateError::RouteNotFound,
            "{path}"
        );
        assert!(table().allow(path).is_none());
    }
    let empty = RouteTable::default().resolve(&Method::GET, "/");
    assert_eq!(empty.unwrap_err(), GateError::RouteNotFound);
}

#[test]
fn tables_hold_one_answer_for_each_request() {
    let table = |first, second| {
        RouteTable::new(vec![
            route(first, &[Method::GET], Access::Free),
            route(second, &[Method::GET, Method::POST], Access::Paid(offer())),
        ])
        .unwrap_err()
    };
    assert_eq!(table("/a", "/a").code(), "route_duplicate");
    assert_eq!(table("/a/{x}", "/a/{y}").code(), "route_duplicate");
    assert_eq!(table("/*", "/*").code(), "route_duplicate");
    assert_eq!(table("/a", "/A").code(), "route_indistinct");
    assert_eq!(table("/a/{x}/b", "/a/{y}/B.").code(), "route_indistinct");
    assert_eq!(table("/a", "/a;b").code(), "route_indistinct");
    let split = RouteTable::new(vec![
        route("/a", &[Method::GET], Access::Free),
        route("/a", &[Method::POST], Access::Paid(offer())),
    ])
    .unwrap();
    assert_eq!(
        split.allow("/a").unwrap().to_string(),
        "GET, HEAD, POST, OPTIONS"
    );
    let methodless = RouteTable::new(vec![route("/a", &[], Access::Free)]);
    assert_eq!(
        methodless.unwrap_err(),
        RouteError::NoMethod {
            pattern: "/a".to_owned()
        }
    );
    let many = (0..1025)
        .map(|index| route(&format!("/{index}"), &[Method::GET], Access::Free))
        .collect();
    assert_eq!(RouteTable::new(many).unwrap_err(), RouteError::TooMany);
}

/// A decoded segment: words of the table, or anything without separators.
fn segment() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => prop::sample::select(vec!["v1", "quote", "AAPL", "status", "a b", "docs"]).prop_map(str::to_owned),
        1 => "[ -.0-\\[\\]-~]{1,6}",
        1 => "[a-z;.%]{1,4}",
        1 => "\\PC{1,3}".prop_filter("separators", |text| !text.contains(['/', '\\'])),
    ]
}

/// One spelling of a segment: each byte as it is, where a path may hold it, or
/// escaped in either case.
fn spelling(segment: &str, choices: &[u8]) -> String {
    let raw = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte);
    segment
        .bytes()
        .zip(choices.iter().cycle())
        .map(|(byte, choice)| match choice % 3 {
            0 if raw(byte) => char::from(byte).to_string(),
            1 => format!("%{byte:02x}"),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

proptest! {
    #[test]
    fn every_spelling_of_the_same_segments_gives_the_same_decision(
        segments in prop::collection::vec(segment(), 0..5),
        choices in prop::collection::vec(any::<u8>(), 1..40),
        slash: bool,
    ) {
        let plain: String = segments.iter().map(|segment| format!("/{}", spelling(segment, &[1]))).collect();
        let spelled: String = segments.iter().map(|segment| format!("/{}", spelling(segment, &choices))).collect();
        let (plain, spelled) = if segments.is_empty() { ("/".to_owned(), "/".to_owned()) } else { (plain, spelled) };
        prop_assert_eq!(price(&plain), price(&spelled), "{} {}", plain, spelled);
        if slash && !segments.is_empty() {
            prop_assert_eq!(price(&plain), price(&format!("{spelled}/")));
        }
    }

    /// The upstream sees the canonical path: deciding on it again changes nothing.
    #[test]
    fn the_forwarded_path_is_the_one_that_was_decided_on(
        raw in prop_oneof!["/\\PC{0,30}", "(/[a-zA-Z0-9.;%~ ]{0,5}(%[0-9a-fA-F]{2})?){0,6}"],
    ) {
        if let Ok(path) = CanonicalPath::parse(&raw) {
            let again = CanonicalPath::parse(path.as_str()).unwrap();
            prop_assert_eq!(again.as_str(), path.as_str());
            prop_assert_eq!(again.segments(), path.segments());
            prop_assert_eq!(price(&raw), price(path.as_str()));
            prop_assert!(path.as_str().is_ascii() && !path.as_str().contains("//"));
            for segment in path.segments() {
                prop_assert!(!segment.is_empty() && segment != "." && segment != "..");
                prop_assert!(!segment.contains(['/', '\\', '\0']));
            }
        }
    }

    /// Whatever an upstream makes of a disguised paid path, it does not come free.
    #[test]
    fn disguises_of_a_paid_path_are_never_free(
        disguises in prop::collection::vec((0_usize..14, any::<prop::sample::Index>()), 1..4),
    ) {
        let mut path = "/v1/quote/AAPL".to_owned();
        for (kind, position) in disguises {
            let mut borders: Vec<_> = path.match_indices('/').map(|(index, _)| index).collect();
            borders.push(path.len());
            let border = borders[position.index(borders.len())];
            let anywhere = position.index(path.len());
            let slash = path.rfind('/').unwrap_or_default();
            match kind {
                0 => path.insert(border, '/'),
                1 => path.insert_str(border, "/."),
                2 => path.insert_str(border, "/x/.."),
                3 => path.insert_str(border, ";x=1"),
                4 => path.insert_str(anywhere, "%00"),
                5 => path.push('/'),
                6 => path = path.to_uppercase(),
                7 => path.replace_range(slash..=slash, "%2f"),
                8 => path.replace_range(slash..=slash, "\\"),
                9 => path = path.replace('%', "%25"),
                10 => path = path.replacen('q', "%71", 1),
                11 => path = path.replacen('q', "%2571", 1),
                12 => path.insert(border, '.'),
                _ => path.insert_str(border, "%20"),
            }
        }
        let outcome = price(&path);
        prop_assert!(outcome != Ok("free".to_owned()), "{path}");
    }

    #[test]
    fn no_path_panics(raw in "\\PC*") {
        let _ = price(&raw);
    }
}
