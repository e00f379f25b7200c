//! Request paths: a decision on one spelling is a decision on what an upstream reads.

use super::material::{PAID, table};
use super::{Tally, search};
use crate::bytes::mutate;
use http::{Method, Uri};
use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use tollgate_gate::{Access, CanonicalPath, GateError, Resolution, RouteTable};
use url::Url;

/// What paths are made of, and what they are spoiled with.
const PIECES: [&str; 30] = [
    "/",
    "//",
    "v1",
    "quote",
    "SOL",
    "free",
    ".",
    "..",
    "%2e",
    "%2E%2e",
    "%2f",
    "%2F",
    "%5c",
    "\\",
    "%00",
    "%",
    "%4",
    "%zz",
    "%25",
    "%252e",
    ";",
    ";x=y",
    "?",
    "#",
    "%c0%ae",
    "%ed%a0%80",
    "é",
    " ",
    "%20",
    "~",
];

/// Tries `inputs` paths.
///
/// # Panics
/// When two spellings of one path are decided differently; with the path and the seed.
pub fn run(seed: u64, inputs: u64) -> Tally {
    let table = table();
    search(seed, inputs, path, |bytes| {
        let Ok(raw) = std::str::from_utf8(bytes) else {
            return Ok(false);
        };
        judge(&table, raw)
    })
}

fn path(random: &mut StdRng) -> Vec<u8> {
    let mut bytes = PAID.as_bytes().to_vec();
    if random.random_ratio(3, 4) {
        bytes = b"/".to_vec();
        for _ in 0..random.random_range(0..8) {
            let piece = PIECES.choose(random).expect("there are pieces");
            bytes.extend_from_slice(piece.as_bytes());
        }
    }
    if random.random_ratio(1, 2) {
        mutate(random, &mut bytes, &[PAID.as_bytes().to_vec()]);
    }
    bytes
}

/// Free, paid or refused.
fn decision(table: &RouteTable, path: &str) -> Result<bool, GateError> {
    match table.resolve(&Method::GET, path)? {
        Resolution::Route(matched) => Ok(matches!(matched.route.access(), Access::Free)),
        Resolution::Options { .. } => Err(GateError::MethodNotAllowed),
    }
}

fn judge(table: &RouteTable, raw: &str) -> Result<bool, String> {
    let Ok(canonical) = CanonicalPath::parse(raw) else {
        return Ok(false);
    };
    let text = canonical.as_str();
    if CanonicalPath::parse(text).as_ref() != Ok(&canonical) {
        return Err(format!("{text} is not canonical itself"));
    }
    let decided = decision(table, raw);
    if decision(table, text) != decided {
        return Err(format!("{text} is decided otherwise"));
    }
    // What hyper takes for the path of this request line.
    let uri: Uri = text.parse().map_err(|error| format!("{text}: {error}"))?;
    if uri.path() != text || uri.query().is_some() {
        return Err(format!("{text} is {uri:?} to hyper"));
    }
    // What a server that resolves dots, backslashes and the like makes of both.
    for spelling in [raw, text] {
        let url = Url::parse(&format!("http://a{spelling}"))
            .map_err(|error| format!("{spelling}: {error}"))?;
        if decision(table, url.path()) != decided {
            return Err(format!("{spelling} is {} to an upstream", url.path()));
        }
    }
    Ok(true)
}
