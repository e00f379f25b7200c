//! Where two answers differ, and which differences are known.

use std::{collections::BTreeMap, fmt};

use serde_json::Value;

/// A difference that is known.
#[derive(Debug)]
pub struct Admitted {
    /// The question, or all of them.
    question: Option<&'static str>,
    /// How the path of the difference ends.
    path: &'static str,
    /// Why it does no harm.
    #[expect(dead_code, reason = "for the reader, and for the report through Debug")]
    why: &'static str,
}

impl Admitted {
    /// Whether this is the difference at `path` in the answer to `question`.
    pub fn covers(&self, question: &str, path: &str) -> bool {
        self.question.is_none_or(|known| known == question) && path.ends_with(self.path)
    }
}

const PARSER: &str = "another library reads the parameters; the code is the same";
const COST: &str = "the virtual machine does not count this, and clients may not rely on it";
const EPOCHS: &str = "epochs warm up, as on devnet; a test validator skips that";
const SYSVAR: &str = "the virtual machine gives sysvars one lamport";
const PROGRAM: &str = "another build of the token program takes a few units more";

/// What the embedded chain is known to answer differently.
pub const ADMITTED: &[Admitted] = &[
    everywhere("/costUnits", COST),
    everywhere("/loadedAccountsDataSize", COST),
    everywhere("/slotsInEpoch", EPOCHS),
    everywhere("/firstNormalEpoch", EPOCHS),
    everywhere("/firstNormalSlot", EPOCHS),
    everywhere("/warmup", EPOCHS),
    at("rent sysvar", "/value/lamports", SYSVAR),
    at("epoch schedule sysvar", "/value/lamports", SYSVAR),
    at("account creation in json", "/computeUnitsConsumed", PROGRAM),
    at("account creation parsed", "/computeUnitsConsumed", PROGRAM),
    at("airdrop without amount", "/message", PARSER),
    at("balance without address", "/message", PARSER),
    at("rent of a negative size", "/message", PARSER),
    at("rent without size", "/message", PARSER),
    at("send without a transaction", "/message", PARSER),
    at("slot with a text", "/message", PARSER),
    at("tokens without filter", "/message", PARSER),
    at("wallet in nothing", "/message", PARSER),
];

/// A difference in any answer.
const fn everywhere(path: &'static str, why: &'static str) -> Admitted {
    Admitted {
        question: None,
        path,
        why,
    }
}

/// A difference in one answer.
const fn at(question: &'static str, path: &'static str, why: &'static str) -> Admitted {
    Admitted {
        question: Some(question),
        path,
        why,
    }
}

/// One place where two answers differ.
pub struct Difference {
    /// The JSON pointer of the place.
    pub path: String,
    cluster: Option<Value>,
    embedded: Option<Value>,
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |value: &Option<Value>| {
            value
                .as_ref()
                .map_or_else(|| "nothing".to_owned(), Value::to_string)
        };
        write!(
            formatter,
            "at {}: the cluster has {}, the embedded chain {}",
            self.path,
            show(&self.cluster),
            show(&self.embedded)
        )
    }
}

/// Every place where the answers differ.
pub fn differences(cluster: &Value, embedded: &Value) -> Vec<Difference> {
    let mut places: BTreeMap<String, (Option<Value>, Option<Value>)> = BTreeMap::new();
    for (path, value) in leaves(cluster) {
        places.entry(path).or_default().0 = Some(value);
    }
    for (path, value) in leaves(embedded) {
        places.entry(path).or_default().1 = Some(value);
    }
    places
        .into_iter()
        .filter(|(_, (cluster, embedded))| cluster != embedded)
        .map(|(path, (cluster, embedded))| Difference {
            path,
            cluster,
            embedded,
        })
        .collect()
}

/// The values that hold no others, with their paths. Empty lists and objects count.
fn leaves(value: &Value) -> Vec<(String, Value)> {
    let inside = |name: &str, inner: &Value| {
        leaves(inner)
            .into_iter()
            .map(|(path, leaf)| (format!("/{name}{path}"), leaf))
            .collect::<Vec<_>>()
    };
    match value {
        Value::Object(members) if !members.is_empty() => members
            .iter()
            .flat_map(|(name, member)| inside(name, member))
            .collect(),
        Value::Array(items) if !items.is_empty() => items
            .iter()
            .enumerate()
            .flat_map(|(index, item)| inside(&index.to_string(), item))
            .collect(),
        leaf => vec![(String::new(), leaf.clone())],
    }
}
