//! The JSON schema of a sign-in message, as the stock server sends it.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

/// Serialises to the schema, with the fields in a fixed order: the bytes of a 402
/// must not depend on how a JSON library was built.
#[derive(Clone, Copy, Debug)]
pub(super) struct MessageSchema;

/// Name, format, and whether it is required.
const FIELDS: [(&str, Option<&str>, bool); 12] = [
    ("domain", None, true),
    ("address", None, true),
    ("statement", None, false),
    ("uri", Some("uri"), true),
    ("version", None, true),
    ("chainId", None, true),
    ("type", None, true),
    ("nonce", None, true),
    ("issuedAt", Some("date-time"), true),
    ("expirationTime", Some("date-time"), false),
    ("notBefore", Some("date-time"), false),
    ("requestId", None, false),
];
const SIGNATURE: &str = "signature";

impl Serialize for MessageSchema {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let required = FIELDS.iter().filter(|(_, _, required)| *required);
        let required = required.map(|(name, _, _)| *name).chain([SIGNATURE]);
        let mut map = serializer.serialize_map(Some(4))?;
        map.serialize_entry("$schema", "https://json-schema.org/draft/2020-12/schema")?;
        map.serialize_entry("type", "object")?;
        map.serialize_entry("properties", &Properties)?;
        map.serialize_entry("required", &required.collect::<Vec<_>>())?;
        map.end()
    }
}

struct Properties;

impl Serialize for Properties {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(FIELDS.len() + 2))?;
        for (name, format, _) in FIELDS {
            map.serialize_entry(name, &Text::new(format))?;
        }
        let items = Text::new(Some("uri"));
        map.serialize_entry(
            "resources",
            &List {
                r#type: "array",
                items,
            },
        )?;
        map.serialize_entry(SIGNATURE, &Text::new(None))?;
        map.end()
    }
}

#[derive(Serialize)]
struct Text {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<&'static str>,
}

impl Text {
    fn new(format: Option<&'static str>) -> Self {
        Self {
            r#type: "string",
            format,
        }
    }
}

#[derive(Serialize)]
struct List {
    r#type: &'static str,
    items: Text,
}
